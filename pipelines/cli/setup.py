"""`newsriver setup`: topics and index templates."""

from __future__ import annotations

import click

from pipelines.cli.console import err, out, plain, print_json
from pipelines.cli.context import Context


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would change and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def setup(context: Context, dry_run: bool, as_json: bool) -> None:
    """Create the river's topics and index templates, or bring them up to date; running it again changes nothing."""
    from pipelines.index.provision import provision

    changes = provision(context.settings, dry_run=dry_run)
    if as_json:
        rows = [{"what": one.what, "name": one.name, "state": one.state, "details": one.details} for one in changes]
        print_json({"dry_run": dry_run, "changes": rows})
        return
    width = max(len(one.name) for one in changes)
    for one in changes:
        out.print(f"{one.what:<9} {one.name:<{width}}  {one.state}", style=None if one.state == "unchanged" else "bold")
        for each in one.details:
            out.print(f"{'':<{width + 12}}{plain(each)}", style="dim")
    if dry_run:
        err.print("dry run: nothing was written")
