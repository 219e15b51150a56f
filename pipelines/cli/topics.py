"""`newsriver topics`: the topics and how many articles have each."""

from __future__ import annotations

import click
from rich.table import Table

from pipelines.cli.console import line, out, print_json
from pipelines.cli.context import Context
from pipelines.cli.queries import answered, as_json


@click.command()
@as_json
@click.pass_obj
def topics(context: Context, *, as_json: bool) -> None:
    """List the topics, the most frequent first."""
    found = answered(context, lambda ask: ask.topics())
    if as_json:
        print_json(found.to_json())
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for topic in found.topics:
        table.add_row(line(topic.label), f"{topic.count:,}", topic.id)
    out.print(table)
