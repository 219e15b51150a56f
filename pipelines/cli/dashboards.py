"""`newsriver dashboards`: the dashboards for Kibana, as files or in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.console import err, out, plain, print_json
from pipelines.cli.context import Context

if TYPE_CHECKING:
    from pipelines.index.provision import ProvisionChange


@click.group()
def dashboards() -> None:
    """The dashboards for Kibana 8.8 and newer; `newsriver serve` has the same at /dashboards, without Kibana."""


@dashboards.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def export(context: Context, folder: Path) -> None:
    """Write the dashboards into DIR.

    `dashboards.ndjson` is for Kibana's import (Stack Management, Saved Objects); each `NAME.api.json` is the body of
    PUT /api/dashboards/ID of Kibana 9.5 and newer.
    """
    import json

    from pipelines.dashboards.kibana_files import kibana_files
    from pipelines.errors import NewsriverError

    found = kibana_files(context.settings.river.name)
    texts = {"dashboards.ndjson": found.text}
    texts |= {f"{name}.api.json": json.dumps(body, indent=2) + "\n" for name, body in found.bodies.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
            out.print(plain(str(folder / name)))
    except OSError as error:
        raise NewsriverError(f"{folder} cannot be written: {error.strerror}", resource=str(folder)) from None


@dashboards.command()
@click.option("--force", is_flag=True, help="Also write over what was edited in Kibana.")
@click.option("--dry-run", is_flag=True, help="Show what would change and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def push(context: Context, force: bool, dry_run: bool, as_json: bool) -> None:
    """Write the dashboards into the Kibana of `kibana.url`; what was edited there stays, and the exit code is 1."""
    import asyncio

    from pipelines.dashboards.push import push as push_all

    changes = asyncio.run(push_all(context.settings, force=force, dry_run=dry_run))
    _show(changes, as_json=as_json)
    if dry_run:
        err.print("dry run: nothing was written")
    if edited := [one for one in changes if one.state == "differs"]:
        err.print(f"{len(edited)} edited in Kibana and left as they are; --force writes over them")
        raise click.exceptions.Exit(1)


@dashboards.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def check(context: Context, as_json: bool) -> None:
    """Compare the Kibana of `kibana.url` with ours; the exit code is 1 where anything is missing or differs."""
    import asyncio

    from pipelines.dashboards.push import push as push_all

    changes = asyncio.run(push_all(context.settings, dry_run=True))
    _show(changes, as_json=as_json)
    if any(one.state != "unchanged" for one in changes):
        err.print("`newsriver dashboards push` brings it up to date")
        raise click.exceptions.Exit(1)


def _show(changes: list[ProvisionChange], *, as_json: bool) -> None:
    if as_json:
        rows = [{"what": one.what, "name": one.name, "state": one.state, "details": one.details} for one in changes]
        print_json({"changes": rows})
        return
    for one in changes:
        style = None if one.state == "unchanged" else "bold"
        out.print(f"{one.what:<13} {plain(one.name)}  {one.state}", style=style)
        for each in one.details:
            out.print(f"{'':<14}{plain(each)}", style="dim")
