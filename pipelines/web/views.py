"""Answers of search -> what the templates show: texts, shares and links. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from markupsafe import Markup

from pipelines.feeds.feed_status import FeedStatus
from pipelines.printable import span
from pipelines.redaction import redacted
from pipelines.search.bodies import SortOrder
from pipelines.search.formats import Format
from pipelines.search.history import ArticleVersion, ChangeKind, HistoryResult, TextChange
from pipelines.search.query import Query
from pipelines.search.results import Bucket, Hit, SearchResult, TimelineResult, TopResult, as_html
from pipelines.web.links import narrowed, search_link, step_end, within
from schemas.records import Article

FACETS = {"topic": "Topic", "source": "Source", "lang": "Language"}
"""Facets of the search page by their names in the query language."""

_TITLES = {Format.RSS: "RSS", Format.ATOM: "Atom", Format.JSONFEED: "JSON Feed"}
_EXPORTS = {Format.CSV: "CSV", Format.NDJSON: "NDJSON", Format.JSON: "JSON"}
_AROUND = 120
"""Characters that are shown before and after a change."""
_STEP_NAMES = {
    "minute": "%H:%M",
    "hour": "%d %b %H:%M",
    "day": "%d %b %Y",
    "week": "week of %d %b %Y",
    "month": "%b %Y",
}


@dataclass(frozen=True, slots=True)
class Link:
    """Something to follow: what it says and where it leads; without an address it is where one is."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """One part of a query as it was understood, and the search without it."""

    kind: str
    text: str
    note: str
    without: str


@dataclass(frozen=True, slots=True)
class CountRow:
    """One value of a facet, or one step of a timeline.

    Attributes:
        text: the value.
        count: articles that have it.
        share: its count against the largest one, in per cent.
        href: the search with it.
    """

    text: str
    count: int
    share: float
    href: str


@dataclass(frozen=True, slots=True)
class HitView:
    """One article of the answer."""

    article: Article
    title: Markup
    snippets: tuple[Markup, ...]


@dataclass(frozen=True, slots=True)
class FeedView:
    """One feed of the list and how it does."""

    url: str
    title: str
    health: str
    failing: bool
    last: str
    next: str
    per_day: str


@dataclass(frozen=True, slots=True)
class SearchView:
    """The search page."""

    text: str
    sort: str
    chips: tuple[Chip, ...]
    total: str
    hits: tuple[HitView, ...]
    facets: tuple[tuple[str, tuple[CountRow, ...]], ...]
    steps: tuple[CountRow, ...]
    interval: str
    sorts: tuple[Link, ...]
    feeds: tuple[Link, ...]
    exports: tuple[Link, ...]
    next: str


def search_view(
    text: str, query: Query, sort: str, found: SearchResult, steps: TimelineResult, facets: Sequence[TopResult]
) -> SearchView:
    """Make the search page.

    Args:
        text: the query as it was typed.
        query: as it was understood.
        sort: the order asked for.
        found: one page of articles.
        steps: the same articles over time.
        facets: counts by field.
    """
    chips = (Chip(part.kind, part.text, part.note, search_link(part.without, sort)) for part in query.understood)
    return SearchView(
        text=text,
        sort=sort,
        chips=tuple(chips),
        total=f"{found.total:,}" + ("" if found.exact else " or more"),
        hits=tuple(map(hit_view, found.hits)),
        facets=tuple((FACETS[top.field], _values(text, sort, top.buckets)) for top in facets if top.buckets),
        steps=_steps(query, sort, steps),
        interval=steps.interval,
        sorts=tuple(Link(each, "" if each == sort else search_link(text, each)) for each in SortOrder),
        feeds=tuple(Link(title, _api(query, SortOrder.NEWEST, form)) for form, title in _TITLES.items()),
        exports=tuple(Link(title, _api(query, sort, form)) for form, title in _EXPORTS.items()),
        next=search_link(text, sort, found.next) if found.next else "",
    )


def hit_view(hit: Hit) -> HitView:
    """Make one article of an answer; matched words are marked, all else is escaped."""
    return HitView(hit.article, marked(hit.title or hit.article.title), tuple(map(marked, hit.snippets)))


def marked(snippet: str) -> Markup:
    """Give a snippet as HTML with matched words in `<mark>`."""
    html = as_html(snippet).replace("<em>", "<mark>").replace("</em>", "</mark>")
    return Markup(html)  # noqa: S704 - escaped by as_html


def paragraphs(body: str, words: Iterable[str]) -> list[list[tuple[str, bool]]]:
    """Give a text's paragraphs as runs of text, each with whether it is one of the words.

    Args:
        body: one paragraph a line.
        words: words or phrases to be marked; their case does not matter.
    """
    wanted = sorted({word.strip() for word in words if word.strip()}, key=len, reverse=True)
    lines = [line for line in body.splitlines() if line.strip()]
    if not wanted:
        return [[(line, False)] for line in lines]
    pattern = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, wanted))})(?!\w)", re.IGNORECASE)
    # A pattern with one group splits into text, word, text, word, text.
    return [[(run, bool(at % 2)) for at, run in enumerate(pattern.split(line)) if run] for line in lines]


def edits(history: HistoryResult) -> tuple[ArticleVersion, ...]:
    """Give the texts that replaced an earlier one, newest first, long stretches that stayed the same cut short."""
    return tuple(replace(each, changes=tuple(map(_short, each.changes))) for each in reversed(history.versions[1:]))


def _short(change: TextChange) -> TextChange:
    if change.kind is not ChangeKind.SAME or len(change.text) <= 2 * _AROUND:
        return change
    return TextChange(change.kind, f"{change.text[:_AROUND]} … {change.text[-_AROUND:]}")


def feed_view(status: FeedStatus, now: datetime) -> FeedView:
    """Make one feed of the list, its address without credentials."""
    state = status.state
    if status.feed.paused:
        health = "paused"
    elif state is not None and status.failing:
        health = f"failed {state.failures} times: {state.last_failure}"
    else:
        health = "good" if status.polled_at else "not asked yet"
    last = f"{span(now - status.polled_at)} ago" if status.polled_at else "never"
    due = status.next_poll_at
    following = "" if due is None else "now" if due <= now else f"in {span(due - now)}"
    per_day = "" if status.per_day is None else f"{status.per_day:.1f}"
    return FeedView(redacted(status.feed.url), status.feed.title, health, status.failing, last, following, per_day)


def freshness(total: int, newest: datetime | None, now: datetime) -> str:
    """Say in one line what the river holds."""
    if newest is None:
        return "no articles yet"
    return f"{total:,} articles, the newest {span(now - newest)} old"


def moment(when: datetime) -> str:
    """Give a time as people read it, in UTC."""
    return f"{when.astimezone(UTC):%d %b %Y, %H:%M} UTC"


def _values(text: str, sort: str, buckets: Sequence[Bucket]) -> tuple[CountRow, ...]:
    most = max(bucket.count for bucket in buckets)
    return tuple(
        CountRow(each.value, each.count, 100 * each.count / most, search_link(narrowed(text, each.filter), sort))
        for each in buckets
    )


def _steps(query: Query, sort: str, found: TimelineResult) -> tuple[CountRow, ...]:
    most = max((step.count for step in found.buckets), default=0) or 1
    name = _STEP_NAMES.get(found.interval, "%Y")
    return tuple(
        CountRow(
            f"{step.start.astimezone(UTC):{name}}",
            step.count,
            100 * step.count / most,
            search_link(within(query, step.start, step_end(step.start, found.interval)), sort),
        )
        for step in found.buckets
    )


def _api(query: Query, sort: str, form: Format) -> str:
    link = search_link(str(query), sort)
    return f"/v1{link}&limit=100" + ("" if form is Format.JSON else f"&format={form}")
