"""What is worth knowing of a feed before it is added."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipelines.discovery.lint import RobotsAccess, remarks
from pipelines.feed_formats import Child, ParsedEntry, ParsedFeed, RefusedEntry
from pipelines.http.answer import Response

URL = "https://ferry.example/feed"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ENTRY = ParsedEntry(
    id="0" * 32,
    url="https://ferry.example/1",
    link="https://ferry.example/1",
    title="Ferry sails",
    summary="",
    authors=(),
    categories=(),
    published_at=NOW - timedelta(hours=2),
)
ANSWER = Response(url=URL, status=200, headers={"etag": '"1"', "content-type": "application/rss+xml"}, elapsed_ms=80)


def feed(*changes: dict[str, object], **fields: object) -> ParsedFeed:
    entries = tuple(_changed(change) for change in changes) or (ENTRY,)
    return ParsedFeed(entries=entries, **fields)  # type: ignore[arg-type]  # a test's shorthand


def _changed(change: dict[str, object]) -> ParsedEntry:
    values = {name: getattr(ENTRY, name) for name in ParsedEntry.__dataclass_fields__}
    return ParsedEntry(**values | change)


def answer(**fields: object) -> Response:
    values = {name: getattr(ANSWER, name) for name in Response.__dataclass_fields__}
    return Response(**values | fields)


CASES = [
    (ANSWER, feed(), RobotsAccess(looked_at=1), {}),
    (ANSWER, feed(), RobotsAccess(fault="http-503"), {"robots-unreachable": "articles wait: http-503"}),
    (
        ANSWER,
        feed(),
        RobotsAccess(looked_at=3, forbidden=("https://ferry.example/1",)),
        {"articles-forbidden": "out of 1 of 3 articles: https://ferry.example/1"},
    ),
    (ANSWER, feed(), RobotsAccess(feed=False), {"feed-forbidden": "read all the same"}),
    (ANSWER, feed(), RobotsAccess(delay_seconds=120.0), {"long-crawl-delay": "120 s"}),
    (ANSWER, feed(), RobotsAccess(delay_seconds=5.0), {}),
    (ANSWER, ParsedFeed(entries=()), RobotsAccess(), {"no-entries": "no entry"}),
    (
        ANSWER,
        feed(refused=(RefusedEntry(identity="x", title="", reason="no-link"),)),
        RobotsAccess(),
        {"entries-refused": "1 entries lead to no page: no-link"},
    ),
    (ANSWER, feed(notes=("truncated",)), RobotsAccess(), {"truncated": "ends early"}),
    (ANSWER, feed(notes=("malformed",)), RobotsAccess(), {"malformed": "markup"}),
    (ANSWER, feed({"published_at": NOW - timedelta(days=1200)}), RobotsAccess(), {"quiet": "1,200 days old"}),
    (ANSWER, feed({"published_at": NOW + timedelta(days=1)}), RobotsAccess(), {"future-dates": "2026-03-03 12:00"}),
    (ANSWER, feed({}, {"published_at": None}), RobotsAccess(), {"no-dates": "1 of 2 entries"}),
    (ANSWER, feed({}, {"title": ""}), RobotsAccess(), {"no-titles": "1 of 2 entries"}),
    (answer(redirects=("http://ferry.example/f",)), feed(), RobotsAccess(), {"redirected": f"leads to {URL}"}),
    (
        answer(redirects=("http://ferry.example/f",), moved=True),
        feed(),
        RobotsAccess(),
        {"moved": f"for good: list {URL}"},
    ),
    (ANSWER, feed({"title": ""}, format="sitemap", notes=("old: 40",)), RobotsAccess(), {"old": "old: 40"}),
    (ANSWER, ParsedFeed(entries=(), children=(Child(url=URL),)), RobotsAccess(), {}),
    (answer(headers={}), feed(), RobotsAccess(), {"no-validators": "ETag"}),
    (
        answer(headers={"last-modified": "x", "content-type": "Text/HTML"}),
        feed(),
        RobotsAccess(),
        {"html-type": "Text/HTML"},
    ),
    (answer(elapsed_ms=12_400), feed(), RobotsAccess(), {"slow": "12 s"}),
]


@pytest.mark.parametrize(("got", "parsed", "access", "expected"), CASES)
def test_each_remark(got: Response, parsed: ParsedFeed, access: RobotsAccess, expected: dict[str, str]) -> None:
    found = {remark.name: remark.text for remark in remarks(URL, got, parsed, access, NOW)}
    assert set(found) == set(expected)
    for name, part in expected.items():
        assert part in found[name]
        assert "\n" not in found[name]
