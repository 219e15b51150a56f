"""`newsriver count`: how many articles hold the words."""

from __future__ import annotations

import click

from pipelines.cli.console import out, print_json
from pipelines.cli.context import Context
from pipelines.cli.search import QueryCommand, filters, question_of, words


@click.command(cls=QueryCommand)
@words
@filters
@click.pass_obj
def count(context: Context, /, query: str, as_json: bool, **asked: str | None) -> None:
    """Count the articles that `newsriver search` finds for QUERY; * counts all."""
    from pipelines.index.elastic import connect
    from pipelines.search import execute as searching

    question = question_of(query, asked, show_gone=context.settings.search.show_gone)
    client = connect(context.settings)
    try:
        total = searching.count(client, context.settings.river.name, question)
    finally:
        client.close()
    if as_json:
        print_json({"query": query, "total": total})
    else:
        out.print(total)
