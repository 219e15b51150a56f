"""`newsriver suggest`: what a text that is being typed may become."""

from __future__ import annotations

import click
from rich.table import Table

from pipelines.cli.console import line, out, print_json
from pipelines.cli.context import Context
from pipelines.cli.queries import QueryCommand, answered, as_json


@click.command(cls=QueryCommand)
@click.argument("text")
@as_json
@click.pass_obj
def suggest(context: Context, text: str, *, as_json: bool) -> None:
    """Complete TEXT: sources, sites, authors, topics and titles that begin so, and words spelled right."""
    found = answered(context, lambda ask: ask.suggest(text))
    if as_json:
        print_json(found.to_json())
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for one in found.suggestions:
        table.add_row(one.kind, line(one.text), line(one.query))
    out.print(table)
