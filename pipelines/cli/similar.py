"""`newsriver similar`: articles like one."""

from __future__ import annotations

import click

from pipelines.cli.console import out, print_json
from pipelines.cli.context import Context
from pipelines.cli.queries import answered, as_json, describe


@click.command()
@click.argument("name", metavar="URL|ID")
@click.option("--limit", type=click.IntRange(0, 100), default=10, show_default=True, help="Most articles.")
@as_json
@click.pass_obj
def similar(context: Context, name: str, limit: int, *, as_json: bool) -> None:
    """Find articles that share the telling words of one, in its language."""
    found = answered(context, lambda ask: ask.similar(name, limit))
    if as_json:
        print_json(found.to_json())
        return
    for number, hit in enumerate(found.hits, start=1):
        out.print(describe(number, hit), "")
