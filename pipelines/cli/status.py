"""`newsriver status`: what the river holds and what is waiting where."""

from __future__ import annotations

import click
from rich.table import Table

from pipelines.cli.console import out, print_json, safe
from pipelines.cli.context import Context


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def status(context: Context, as_json: bool) -> None:
    """Show topics with what waits in them, articles, and the ledger by kind and reason."""
    from pipelines.status import status as ask

    found = ask(context.settings)
    if as_json:
        print_json(found.as_json())
        return
    table = Table("topic", "partitions", "records", "waiting", box=None, pad_edge=False)
    for topic in found.topics:
        waiting = ", ".join(f"{count:,} for {role}" for role, count in topic.waiting.items())
        table.add_row(topic.topic, f"{topic.partitions or 'missing'}", f"{topic.records:,}", waiting)
    out.print(table)
    out.print(f"\n[bold]{found.articles:,}[/] articles")
    for title, counts in (
        ("by language", found.languages),
        ("by topic", found.subjects),
        ("outcomes", found.outcomes),
        ("reasons", found.reasons),
    ):
        if counts:
            out.print(f"{title}: " + safe(", ".join(f"{name} {count:,}" for name, count in counts.items())))
