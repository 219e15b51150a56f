"""`newsriver sources`: the sources of the articles."""

from __future__ import annotations

import click
from rich.table import Table

from pipelines.cli.console import line, out, print_json
from pipelines.cli.context import Context
from pipelines.cli.queries import QueryCommand, answered, as_json, query_of, say_understood, takes_query


@click.command(cls=QueryCommand)
@takes_query(required=False)
@as_json
@click.pass_obj
def sources(context: Context, /, query: str, *, as_json: bool, **asked: str | None) -> None:
    """List the sources of the articles that fit QUERY, the largest first."""
    asked_for = query_of(query, asked)
    found = answered(context, lambda ask: ask.sources(asked_for))
    say_understood(found.understood)
    if as_json:
        print_json(found.to_json())
        return
    table = Table("source", "articles", "latest", "languages", box=None, pad_edge=False)
    for row in found.sources:
        table.add_row(line(row.source), f"{row.count:,}", f"{row.latest:%Y-%m-%d %H:%M}", ", ".join(row.languages))
    out.print(table)
