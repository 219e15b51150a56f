"""`newsriver top`: the most frequent values of a field."""

from __future__ import annotations

import click
from rich.table import Table

from pipelines.cli.console import line, out, print_json
from pipelines.cli.context import Context
from pipelines.cli.queries import QueryCommand, answered, as_json, query_of, say_understood, takes_query


@click.command(cls=QueryCommand)
@click.argument("field")
@takes_query(required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Most values.")
@as_json
@click.pass_obj
def top(context: Context, /, field: str, query: str, limit: int, *, as_json: bool, **asked: str | None) -> None:
    """Count the articles that fit QUERY by FIELD: source, site, lang, topic, author, rights, license, feed or story."""
    asked_for = query_of(query, asked)
    found = answered(context, lambda ask: ask.top(asked_for, field, limit))
    say_understood(found.understood)
    if as_json:
        print_json(found.to_json())
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for bucket in found.buckets:
        table.add_row(line(bucket.value), f"{bucket.count:,}", line(bucket.filter))
    if found.other:
        table.add_row("others", f"{found.other:,}")
    out.print(table)
