"""`newsriver export`: all articles that fit a query."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipelines.cli.console import err, write
from pipelines.cli.context import Context
from pipelines.cli.queries import QueryCommand, answered, query_of, say_understood, takes_query
from pipelines.errors import ServiceError
from pipelines.printable import json_escaped

if TYPE_CHECKING:
    from pipelines.search.operations import Search


@click.command(cls=QueryCommand)
@takes_query()
@click.option("--cursor", help="Go on behind an article: its `cursor`, with the same query.")
@click.pass_obj
def export(context: Context, /, query: str, cursor: str | None, **asked: str | None) -> None:
    """Write all articles that fit QUERY as lines of JSON, oldest first, without a limit.

    Each line has a `cursor`: when the export is cut off, call it again with the last one.
    """
    asked_for = query_of(query, asked)
    say_understood(asked_for.understood)

    async def written(search: Search) -> None:
        last = cursor
        try:
            async for item in search.export(asked_for, cursor):
                write(json_escaped(json.dumps(item.to_json(), ensure_ascii=False)) + "\n")
                last = item.cursor
        except ServiceError:
            if last:
                err.print(f"cut off; go on with --cursor {last}")
            raise

    answered(context, written)
