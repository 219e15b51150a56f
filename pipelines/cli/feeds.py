"""`newsriver feeds`: the feed list on Kafka, and a look at one feed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.console import err, out, print_json, safe
from pipelines.cli.context import Context

if TYPE_CHECKING:
    from pipelines.feeds.check import Checked

_SHOWN = 10


@click.group()
def feeds() -> None:
    """The feed list: check, list, add, remove, import, export."""


@feeds.command()
@click.argument("url")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def check(context: Context, url: str, as_json: bool) -> None:
    """Ask one feed and show what the river would do with it; needs no server."""
    from pipelines.feeds.check import check_feed

    found = check_feed(context.settings, url)
    if as_json:
        print_json(_as_json(found))
    else:
        _show(found)


@feeds.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """Show the feeds in the list on Kafka."""
    from pipelines.feeds.store import stored_feeds

    found = stored_feeds(context.settings)
    if as_json:
        print_json([feed.model_dump(exclude_none=True) for feed in found])
        return
    for feed in found:
        out.print(safe(f"{feed.url}  {feed.title}{'  (paused)' if feed.paused else ''}".rstrip()))
    err.print(f"{len(found)} feeds")


@feeds.command()
@click.argument("url")
@click.option("--title", default="", help="Name for people.")
@click.option("--source", default="", help="Short name of the outlet; default: the feed's host.")
@click.option("--language", help="Language the outlet writes in, ISO 639.")
@click.pass_obj
def add(context: Context, url: str, title: str, source: str, language: str | None) -> None:
    """Add a feed to the list on Kafka, or change its entry."""
    from pipelines.feeds.lists import feed_of
    from pipelines.feeds.store import store_feeds

    values = {"url": url, "title": title, "source": source, "language": language}
    store_feeds(context.settings, [feed_of({key: value for key, value in values.items() if value})])
    err.print(f"added {safe(url)}")


@feeds.command()
@click.argument("urls", nargs=-1, required=True)
@click.pass_obj
def remove(context: Context, urls: tuple[str, ...]) -> None:
    """Take feeds out of the list on Kafka."""
    from pipelines.errors import FeedListError
    from pipelines.feeds.store import remove_feeds, stored_feeds

    known = {feed.url for feed in stored_feeds(context.settings)}
    for url in urls:
        if url not in known:
            raise FeedListError(f"{url} is not in the list", resource=url, hint="`newsriver feeds list` shows it")
    remove_feeds(context.settings, urls)
    err.print(f"removed {len(urls)} feeds")


@feeds.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def import_(context: Context, files: tuple[Path, ...]) -> None:
    """Add the feeds of TOML or OPML files to the list on Kafka."""
    from pipelines.feeds.lists import read_lists
    from pipelines.feeds.store import store_feeds

    found = read_lists(files)
    store_feeds(context.settings, found)
    err.print(f"imported {len(found)} feeds")


@feeds.command()
@click.option("--opml", "form", flag_value="opml", help="As OPML, for feed readers.")
@click.option("--toml", "form", flag_value="toml", default=True, help="As TOML (default).")
@click.pass_obj
def export(context: Context, form: str) -> None:
    """Write the list on Kafka to stdout."""
    from pipelines.feeds.lists import to_opml, to_toml
    from pipelines.feeds.store import stored_feeds

    found = stored_feeds(context.settings)
    sys.stdout.write(to_opml(found) if form == "opml" else to_toml(found))


def _as_json(found: Checked) -> dict[str, object]:
    parsed = found.parsed
    return {
        "url": found.answer.url,
        "format": parsed.format,
        "title": parsed.title,
        "language": parsed.language,
        "notes": list(parsed.notes),
        "next_poll_seconds": round(found.next_poll_after.total_seconds()),
        "entries": [entry.model_dump(mode="json", exclude_none=True) for entry in found.announcement.entries],
        "refused": [{"title": each.title, "reason": each.reason, "link": each.identity} for each in parsed.refused],
    }


def _show(found: Checked) -> None:
    parsed = found.parsed
    entries = found.announcement.entries
    notes = f" ({', '.join(parsed.notes)})" if parsed.notes else ""
    out.print(safe(f"{parsed.title or '(no title)'}  {parsed.format}{notes}  {parsed.language or ''}".rstrip()))
    out.print(safe(f"{found.answer.url}: {len(entries)} entries, {len(parsed.refused)} lead nowhere"))
    for entry in reversed(entries[-_SHOWN:]):
        when = f"{entry.published_at:%Y-%m-%d %H:%M}" if entry.published_at else "no date         "
        out.print(safe(f"  {when}  {entry.title or '(no title)'}\n                    {entry.link}"))
    for each in parsed.refused[:_SHOWN]:
        out.print(safe(f"  {each.reason}: {each.title or each.identity}"))
    out.print(f"next poll after {found.next_poll_after.total_seconds() / 60:.0f} minutes")
