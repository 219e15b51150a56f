"""What the commands of `newsriver feeds` print: rows for people, dictionaries for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from pipelines.cli.console import err, line, out, print_whole, styled
from pipelines.printable import span

if TYPE_CHECKING:
    from pipelines.discovery.candidates import FoundFeed
    from pipelines.discovery.check import Checked
    from pipelines.discovery.site_survey import Survey
    from pipelines.feeds.duplicates import Duplicate, Sameness
    from pipelines.feeds.feed_status import FeedStatus

_SHOWN = 10
_WHY = {
    "spelling": "the same address, spelled differently",
    "moved": "one moved to where the other is, or both to one place",
    "entries": "they bring the same entries",
}


def show_standings(rows: Sequence[FeedStatus], now: datetime) -> None:
    """Print the list with what is known of each feed; long addresses are never cut, so that they can be copied."""
    table = Table("feed", "last poll", "next poll", "a day", "state", "title", box=None, pad_edge=False)
    for row in rows:
        last = f"{span(now - row.polled_at)} ago" if row.polled_at else "never"
        table.add_row(
            _whole(row.feed.url),
            last,
            _next(row, now),
            "" if row.per_day is None else f"{row.per_day:.1f}",
            Text(_state(row), style="red" if row.failing else "dim" if row.feed.paused else "", no_wrap=True),
            Text(line(row.feed.title), no_wrap=True),
        )
    print_whole(table)


def _next(row: FeedStatus, now: datetime) -> str:
    if row.feed.paused:
        return ""
    if row.next_poll_at is None or row.next_poll_at <= now:
        return "due"
    return f"in {span(row.next_poll_at - now)}"


def _state(row: FeedStatus) -> str:
    states = ["paused"] if row.feed.paused else []
    if row.state is not None and row.failing:
        states.append(line(f"failed {row.state.failures} times: {row.state.last_failure}"))
    if row.state is not None and row.state.moved_to:
        states.append(line(f"moved to {row.state.moved_to}"))
    return ", ".join(states) or ("ok" if row.polled_at else "new")


def _whole(url: str) -> Text:
    return Text(line(url), no_wrap=True, overflow="ignore")


def tell_duplicates(groups: Sequence[Duplicate]) -> None:
    """Say on stderr which feeds are the same; of many, the first."""
    for group in groups[:_SHOWN]:
        err.print(f"same feed: {'  '.join(map(line, group.urls))}  ({'; '.join(reasons(group.why))})")
    if len(groups) > _SHOWN:
        err.print(f"and {len(groups) - _SHOWN} more: `newsriver feeds duplicates`")


def reasons(why: Sequence[Sameness]) -> list[str]:
    """Give what gave the feeds away, for people."""
    return [_WHY[reason.value] for reason in why]


def show_survey(survey: Survey, now: datetime) -> None:
    """Print the feeds of a site, the best first."""
    table = Table("address", "kind", "entries", "newest", "found", "title", box=None, pad_edge=False)
    for feed in survey.feeds:
        newest = f"{span(now - feed.newest)} old" if feed.newest else ""
        count = f"{len(feed.children)} sitemaps" if feed.children else f"{len(feed.keys)}"
        table.add_row(_whole(feed.url), feed.kind, count, newest, feed.how.value, Text(line(feed.title)))
        for other in feed.others:
            table.add_row(Text.assemble("  also ", _whole(other), style="dim", no_wrap=True))
    print_whole(table)


def survey_as_json(survey: Survey) -> dict[str, Any]:
    """Give a survey for programs."""
    return {
        "site": survey.site,
        "feeds": [_found_as_json(feed) for feed in survey.feeds],
        "tried": survey.tried,
        "requests": survey.requests,
        "stopped": survey.stopped,
    }


def _found_as_json(feed: FoundFeed) -> dict[str, Any]:
    return {
        "url": feed.url,
        "kind": feed.kind,
        "title": feed.title,
        "entries": len(feed.keys),
        "newest": feed.newest.isoformat() if feed.newest else None,
        "found": feed.how.value,
        "children": list(feed.children),
        "others": list(feed.others),
    }


def nothing_found(survey: Survey) -> str:
    """Say in one line what was tried in vain."""
    counts = Counter(survey.tried.values()).most_common()
    why = ", ".join(f"{count} {reason}" for reason, count in counts)
    what = "looked at the page's links, robots.txt and the usual paths"
    return f"no feed at {survey.site}: {what} ({survey.requests} requests: {why})"


def checked_as_json(found: Checked) -> dict[str, Any]:
    """Give a checked feed for programs."""
    parsed, state = found.parsed, found.announcement.state
    return {
        "url": found.answer.url,
        "format": parsed.format,
        "title": parsed.title,
        "language": parsed.language,
        "notes": list(parsed.notes),
        "status": found.answer.status,
        "bytes": len(found.answer.body),
        "elapsed_ms": found.answer.elapsed_ms,
        "redirects": list(found.answer.redirects),
        "next_poll_seconds": round(found.next_poll_after.total_seconds()),
        "per_day": round(sum(state.rates), 2),
        "robots": {
            "feed": found.access.feed,
            "delay_seconds": found.access.delay_seconds,
            "looked_at": found.access.looked_at,
            "forbidden": list(found.access.forbidden),
            "fault": found.access.fault,
        },
        "warnings": [{"name": remark.name, "text": remark.text} for remark in found.remarks],
        "children": [child.url for child in parsed.children],
        "children_left": found.left,
        "entries": [entry.model_dump(mode="json", exclude_none=True) for entry in found.announcement.entries],
        "refused": [{"title": each.title, "reason": each.reason, "link": each.identity} for each in parsed.refused],
    }


def show_checked(found: Checked) -> None:
    """Print what the river would do with a feed."""
    parsed, answer = found.parsed, found.answer
    entries = found.announcement.entries
    out.print(f"{line(parsed.title) or '(no title)'}  {parsed.format}  {parsed.language or ''}".rstrip())
    out.print(f"{line(answer.url)}: HTTP {answer.status}, {len(answer.body):,} bytes in {answer.elapsed_ms} ms")
    out.print(f"{len(entries)} entries, {len(parsed.refused)} lead nowhere")
    for entry in reversed(entries[-_SHOWN:]):
        when = f"{entry.published_at:%Y-%m-%d %H:%M}" if entry.published_at else "no date         "
        out.print(f"  {when}  {line(entry.title) or '(no title)'}\n                    {line(entry.link)}")
    if len(entries) > _SHOWN:
        out.print(f"  and {len(entries) - _SHOWN} more")
    for each in parsed.refused[:_SHOWN]:
        out.print(f"  {each.reason}: {line(each.title or each.identity)}")
    if parsed.children:
        out.print(f"{len(parsed.children)} sitemaps are named; {found.left} more of them wait for the next poll")
        for child in parsed.children[:_SHOWN]:
            out.print(f"  {line(child.url)}")
    _show_plan(found)


def _show_plan(found: Checked) -> None:
    access, state = found.access, found.announcement.state
    allowed = f"{access.looked_at - len(access.forbidden)} of {access.looked_at} articles"
    delay = f", {access.delay_seconds:g} s between two" if access.delay_seconds else ""
    if access.looked_at:
        out.print(f"robots.txt allows {allowed}{delay}")
    at = datetime.now(UTC).astimezone() + found.next_poll_after
    out.print(f"next poll after {span(found.next_poll_after)}, at {at:%H:%M}; {sum(state.rates):.1f} new entries a day")
    for remark in found.remarks:
        out.print(styled("[yellow]warning:[/] {}", remark.text))
