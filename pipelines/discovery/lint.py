"""What its owner, or ours, should know of a feed before it is added. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.feed_formats import ParsedFeed
from pipelines.http.answer import Response

_QUIET = timedelta(days=60)
_SLOW_MS = 10_000
_NOTES = {
    "truncated": "it ends early: entries behind the break are lost",
    "malformed": "its markup is broken: what could be read was",
}
_HTML_TYPES = ("text/html", "application/xhtml")


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsAccess:
    """What robots.txt says of a feed and its articles.

    Attributes:
        feed: whether it lets us read the feed; the river reads it all the same, since the user chose it.
        delay_seconds: the crawl-delay its host asks for, or None.
        looked_at: articles whose host's robots.txt was read.
        forbidden: those of them that it keeps us out of.
        fault: why a robots.txt could not be had, when that means to keep out for now; empty otherwise.
    """

    feed: bool = True
    delay_seconds: float | None = None
    looked_at: int = 0
    forbidden: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing worth knowing.

    Attributes:
        name: a short kebab-case name for programs.
        text: the same for people, one line.
    """

    name: str
    text: str


def remarks(url: str, answer: Response, parsed: ParsedFeed, access: RobotsAccess, now: datetime) -> list[Remark]:
    """Give what is odd about a feed, the gravest first.

    Args:
        url: the address that was asked.
        answer: what the server sent.
        parsed: what it says.
        access: what robots.txt says.
        now: the present, to tell how old its news are.
    """
    return [*_of_access(access), *_of_entries(parsed, now), *_of_answer(url, answer)]


def _of_access(access: RobotsAccess) -> list[Remark]:
    found = []
    if access.fault:
        found.append(Remark("robots-unreachable", f"robots.txt cannot be had, so articles wait: {access.fault}"))
    if access.forbidden:
        count = f"{len(access.forbidden)} of {access.looked_at} articles"
        found.append(Remark("articles-forbidden", f"robots.txt keeps the river out of {count}: {access.forbidden[0]}"))
    if not access.feed:
        text = "robots.txt forbids the feed; it is read all the same, since you name it"
        found.append(Remark("feed-forbidden", text))
    if access.delay_seconds and access.delay_seconds >= 60:
        found.append(Remark("long-crawl-delay", f"its host asks for {access.delay_seconds:.0f} s between two articles"))
    return found


def _of_entries(parsed: ParsedFeed, now: datetime) -> list[Remark]:
    entries, found = parsed.entries, []
    dates = [entry.published_at for entry in entries if entry.published_at is not None]
    if not entries and not parsed.children:
        found.append(Remark("no-entries", "it holds no entry that leads to an article"))
    if parsed.refused:
        reasons = ", ".join(sorted({entry.reason for entry in parsed.refused}))
        found.append(Remark("entries-refused", f"{len(parsed.refused)} entries lead to no page: {reasons}"))
    found += [Remark(note.partition(":")[0].partition(" ")[0], _NOTES.get(note, note)) for note in parsed.notes]
    if dates and now - max(dates) > _QUIET:
        found.append(Remark("quiet", f"its newest entry is {(now - max(dates)).days:,} days old"))
    if dates and max(dates) - now > timedelta(hours=1):
        found.append(Remark("future-dates", f"its newest entry is dated {max(dates):%Y-%m-%d %H:%M}, in the future"))
    if entries and len(dates) < len(entries):
        found.append(Remark("no-dates", f"{len(entries) - len(dates)} of {len(entries)} entries have no date"))
    untitled = sum(not entry.title for entry in entries)
    if untitled and not parsed.format.startswith("sitemap"):  # there the page has to say it
        found.append(Remark("no-titles", f"{untitled} of {len(entries)} entries have no title"))
    return found


def _of_answer(url: str, answer: Response) -> list[Remark]:
    found = []
    if answer.moved:
        found.append(Remark("moved", f"it has moved for good: list {answer.url}"))
    elif answer.redirects:
        found.append(Remark("redirected", f"{url} leads to {answer.url}"))
    if not answer.headers.get("etag") and not answer.headers.get("last-modified"):
        found.append(Remark("no-validators", "no ETag or Last-Modified: the whole feed is sent at every poll"))
    if answer.content_type.lower().startswith(_HTML_TYPES):
        found.append(Remark("html-type", f"it is sent as {answer.content_type}"))
    if answer.elapsed_ms > _SLOW_MS:
        found.append(Remark("slow", f"it took {answer.elapsed_ms / 1000:.0f} s"))
    return found
