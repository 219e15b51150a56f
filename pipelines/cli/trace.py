"""`newsriver trace`: every step of one article."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich.text import Text

from pipelines.cli.console import line, out, print_json, styled
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
        out.print(styled("[bold]{}[/]", title))
    out.print(line(found.url or "URL unknown"))
    out.print(styled("[dim]{}[/]\n", found.id))
    for hop in found.hops():
        _show_hop(hop)
    _show_documents(found)
    for place, letter in found.letters:
        out.print(styled("\n[bold]dead letter[/] {}, {}: {}", place, _time(letter.at), letter.reason))
        out.print("  " + line(f"{letter.error}: {letter.message}"))
    for berth in found.waiting:
        due = f", due {_time(berth.due_at)}" if berth.due_at else ""
        out.print(styled("\n[bold]waits[/] {}{}", berth.origin, due))
    out.print(styled("\n[red]{}[/]" if found.problems else "\n[green]{}[/]", found.state()))


def _show_hop(hop: Hop) -> None:
    further = "" if hop.recorded else " (not recorded yet)"
    further += f"  from {line(hop.origin)}" if hop.origin else ""
    when = f"{_time(hop.at)}  visit {hop.visit}  {hop.stage:5}  "
    out.print(Text.assemble(when, (line(hop.what), "bold"), further))
    if hop.why:
        out.print(styled("[dim]                              {}[/]", hop.why))


def _show_documents(found: Trace) -> None:
    for document in found.documents:
        source = document.source
        topics = "; ".join(str(topic["label"]) for topic in source.get("topics", []))
        facts = [source.get("source"), source.get("language"), f"{source.get('words', 0):,} words", topics]
        which = "" if document.article_id == found.id else f" {document.article_id}, {source.get('url')},"
        out.print(styled("\n[bold]document[/]{} {}, version {}", which, document.index_name, document.version))
        out.print("  " + line(" · ".join(str(fact) for fact in facts if fact)))
        times = ", ".join(
            f"{name.replace('_', ' ')} {source[name]}"
            for name in ("published_at", "first_seen", "fetched_at", "gone_at")
            if source.get(name)
        )
        out.print(f"  {line(times)}")


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
