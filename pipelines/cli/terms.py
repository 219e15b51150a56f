"""`newsriver terms`: what is significant in an answer."""

from __future__ import annotations

import click
from rich.table import Table

from pipelines.cli.console import line, out, print_json
from pipelines.cli.context import Context
from pipelines.cli.queries import QueryCommand, answered, as_json, query_of, say_understood, takes_query


@click.command(cls=QueryCommand)
@takes_query()
@click.option("--field", default="words", show_default=True, help="words, or a field as `newsriver top` takes it.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="Most terms.")
@as_json
@click.pass_obj
def terms(context: Context, /, query: str, field: str, limit: int, *, as_json: bool, **asked: str | None) -> None:
    """Show what stands out in the articles that fit QUERY against all others."""
    asked_for = query_of(query, asked)
    found = answered(context, lambda ask: ask.terms(asked_for, field, limit))
    say_understood(found.understood)
    if as_json:
        print_json(found.to_json())
        return
    table = Table("term", "here", "of all", "score", box=None, pad_edge=False)
    for bucket in found.buckets:
        table.add_row(line(bucket.value), f"{bucket.count:,}", f"{bucket.all:,}", f"{bucket.score:.2f}")
    out.print(table)
