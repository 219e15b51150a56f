"""`newsriver timeline`: articles over time."""

from __future__ import annotations

import click
from rich.table import Table

from pipelines.cli.console import out, print_json
from pipelines.cli.context import Context
from pipelines.cli.queries import QueryCommand, answered, as_json, query_of, say_understood, takes_query

INTERVALS = ("auto", "minute", "hour", "day", "week", "month", "year")
_BAR = 40


@click.command(cls=QueryCommand)
@takes_query(required=False)
@click.option("--interval", type=click.Choice(INTERVALS), default="auto", show_default=True, help="Length of a step.")
@as_json
@click.pass_obj
def timeline(context: Context, /, query: str, interval: str, *, as_json: bool, **asked: str | None) -> None:
    """Count the articles that fit QUERY over time (UTC), and their share of all articles of each step."""
    asked_for = query_of(query, asked)
    found = answered(context, lambda ask: ask.timeline(asked_for, interval))
    say_understood(found.understood)
    if as_json:
        print_json(found.to_json())
        return
    table = Table("from", "articles", "share", "", box=None, pad_edge=False)
    most = max((bucket.count for bucket in found.buckets), default=1) or 1
    form = "%Y-%m-%d %H:%M" if found.interval in ("minute", "hour") else "%Y-%m-%d"
    for bucket in found.buckets:
        bar = "█" * round(_BAR * bucket.count / most)
        table.add_row(bucket.start.strftime(form), f"{bucket.count:,}", f"{bucket.share:.1%}", bar)
    out.print(table)
