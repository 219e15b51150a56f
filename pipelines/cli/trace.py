"""`newsriver trace`: every step of one article."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from pipelines.cli.console import out, print_json, safe
from pipelines.cli.context import Context

if TYPE_CHECKING:
    from pipelines.ledger.trace import Hop, Trace


@click.command()
@click.argument("article", metavar="URL|ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def trace(context: Context, article: str, as_json: bool) -> None:
    """Show every step of one article: its lines in the ledger, where it waits, its document, its dead letters.

    The URL may be spelled as the feed does: trackers and fragments do not matter.
    """
    from pipelines.ledger.trace import trace as gather

    found = gather(context.settings, article)
    if as_json:
        print_json(found.as_json())
    else:
        _show(found)


def _show(found: Trace) -> None:
    title = next((str(document.source.get("title", "")) for document in found.documents), "")
    if title:
        out.print(f"[bold]{safe(title)}[/]")
    out.print(safe(found.url or "URL unknown"))
    out.print(f"[dim]{found.id}[/]\n")
    for hop in found.hops():
        _show_hop(hop)
    _show_documents(found)
    for place, letter in found.letters:
        out.print(f"\n[bold]dead letter[/] {safe(place)}, {_time(letter.at)}: {safe(letter.reason)}")
        out.print(f"  {safe(letter.error)}: {safe(letter.message)}")
    for berth in found.waiting:
        out.print(f"\n[bold]waits[/] {safe(berth.origin)}" + (f", due {_time(berth.due_at)}" if berth.due_at else ""))
    colour = "red" if found.problems else "green"
    out.print(f"\n[{colour}]{safe(found.state())}[/]")


def _show_hop(hop: Hop) -> None:
    waits = "" if hop.recorded else " (not recorded yet)"
    made_from = f"  from {hop.origin}" if hop.origin else ""
    out.print(
        safe(f"{_time(hop.at)}  visit {hop.visit}  {hop.stage:5}  ")
        + f"[bold]{safe(hop.what)}[/]"
        + safe(waits + made_from)
    )
    if hop.why:
        out.print(f"[dim]                              {safe(hop.why)}[/]")


def _show_documents(found: Trace) -> None:
    for document in found.documents:
        source = document.source
        topics = "; ".join(str(topic["label"]) for topic in source.get("topics", []))
        facts = [source.get("source"), source.get("language"), f"{source.get('words', 0):,} words", topics]
        out.print(f"\n[bold]document[/] {safe(document.index_name)}, version {document.version}")
        out.print("  " + safe(" · ".join(str(fact) for fact in facts if fact)))
        times = ", ".join(
            f"{name.replace('_', ' ')} {source[name]}"
            for name in ("published_at", "first_seen", "fetched_at")
            if source.get(name)
        )
        out.print(f"  {safe(times)}")


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
