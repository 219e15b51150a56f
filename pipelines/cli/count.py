"""`newsriver count`: how many articles fit a query."""

from __future__ import annotations

import click

from pipelines.cli.console import out, print_json
from pipelines.cli.context import Context
from pipelines.cli.queries import QueryCommand, answered, as_json, query_of, say_understood, takes_query


@click.command(cls=QueryCommand)
@takes_query()
@as_json
@click.pass_obj
def count(context: Context, /, query: str, *, as_json: bool, **asked: str | None) -> None:
    """Count the articles that `newsriver search` finds for QUERY; * counts all."""
    asked_for = query_of(query, asked)
    found = answered(context, lambda ask: ask.count(asked_for))
    say_understood(found.understood)
    if as_json:
        print_json(found.to_json())
    else:
        out.print(found.total)
