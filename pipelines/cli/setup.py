"""`newsriver setup`: topics, index templates, and dashboards where a Kibana is set."""

from __future__ import annotations

import asyncio

import click

from pipelines.cli.console import err, out, plain, print_json, write
from pipelines.cli.context import Context
from pipelines.settings import Settings


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would change and write nothing.")
@click.option("--print-acls", is_flag=True, help="Print the rights that each role needs, and ask no server.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def setup(context: Context, dry_run: bool, print_acls: bool, as_json: bool) -> None:
    """Create the river's topics and index templates, or bring them up to date; running it again changes nothing.

    Where `kibana.url` is set, its dashboards too; what was edited there is left alone.

    `--print-acls` prints the ACLs of Kafka and the roles of Elasticsearch that give each role what it needs and no
    more, as commands and requests that their owner can send as they are; with `--json` as one document.
    """
    if print_acls:
        _print_acls(context.settings, as_json=as_json)
        return
    from pipelines.index.provision import provision

    changes = provision(context.settings, dry_run=dry_run)
    if context.settings.kibana.url:
        from pipelines.dashboards.push import push

        changes += asyncio.run(push(context.settings, dry_run=dry_run))
    if as_json:
        rows = [{"what": one.what, "name": one.name, "state": one.state, "details": one.details} for one in changes]
        print_json({"dry_run": dry_run, "changes": rows})
        return
    width = max(len(one.name) for one in changes)
    for one in changes:
        out.print(
            f"{one.what:<12} {one.name:<{width}}  {one.state}", style=None if one.state == "unchanged" else "bold"
        )
        for each in one.details:
            out.print(f"{'':<{width + 15}}{plain(each)}", style="dim")
    if dry_run:
        err.print("dry run: nothing was written")


def _print_acls(settings: Settings, *, as_json: bool) -> None:
    from pipelines.permissions import rights_document, rights_text

    river = settings.river.name
    if as_json:
        print_json(rights_document(river))
    else:
        write(rights_text(river, settings.kafka.bootstrap_servers or "BOOTSTRAP") + "\n")
