"""What is worth knowing of a feed before it is added."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipelines.feeds.remarks import Access, remarks
from pipelines.http.answer import Answer
from pipelines.parse import Child, ParsedEntry, ParsedFeed, RefusedEntry

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
ANSWER = Answer(url=URL, status=200, headers={"etag": '"1"', "content-type": "application/rss+xml"}, elapsed_ms=80)


def feed(*changes: dict[str, object], **fields: object) -> ParsedFeed:
    entries = tuple(_changed(change) for change in changes) or (ENTRY,)
    return ParsedFeed(entries=entries, **fields)  # type: ignore[arg-type]  # a test's shorthand


def _changed(change: dict[str, object]) -> ParsedEntry:
    values = {name: getattr(ENTRY, name) for name in ParsedEntry.__dataclass_fields__}
    return ParsedEntry(**values | change)


def answer(**fields: object) -> Answer:
    values = {name: getattr(ANSWER, name) for name in Answer.__dataclass_fields__}
    return Answer(**values | fields)


CASES = [
    (ANSWER, feed(), Access(looked_at=1), {}),
    (ANSWER, feed(), Access(fault="http-503"), {"robots-unreachable": "articles wait: http-503"}),
    (
        ANSWER,
        feed(),
        Access(looked_at=3, forbidden=("https://ferry.example/1",)),
        {"articles-forbidden": "out of 1 of 3 articles: https://ferry.example/1"},
    ),
    (ANSWER, feed(), Access(feed=False), {"feed-forbidden": "read all the same"}),
    (ANSWER, feed(), Access(delay_seconds=120.0), {"long-crawl-delay": "120 s"}),
    (ANSWER, feed(), Access(delay_seconds=5.0), {}),
    (ANSWER, ParsedFeed(entries=()), Access(), {"no-entries": "no entry"}),
    (
        ANSWER,
        feed(refused=(RefusedEntry(identity="x", title="", reason="no-link"),)),
        Access(),
        {"entries-refused": "1 entries lead to no page: no-link"},
    ),
    (ANSWER, feed(notes=("truncated",)), Access(), {"truncated": "ends early"}),
    (ANSWER, feed(notes=("malformed",)), Access(), {"malformed": "markup"}),
    (ANSWER, feed({"published_at": NOW - timedelta(days=1200)}), Access(), {"quiet": "1,200 days old"}),
    (ANSWER, feed({"published_at": NOW + timedelta(days=1)}), Access(), {"future-dates": "2026-03-03 12:00"}),
    (ANSWER, feed({}, {"published_at": None}), Access(), {"no-dates": "1 of 2 entries"}),
    (ANSWER, feed({}, {"title": ""}), Access(), {"no-titles": "1 of 2 entries"}),
    (answer(redirects=("http://ferry.example/f",)), feed(), Access(), {"redirected": f"leads to {URL}"}),
    (answer(redirects=("http://ferry.example/f",), moved=True), feed(), Access(), {"moved": f"for good: list {URL}"}),
    (ANSWER, feed({"title": ""}, format="sitemap", notes=("old: 40",)), Access(), {"old": "old: 40"}),
    (ANSWER, ParsedFeed(entries=(), children=(Child(url=URL),)), Access(), {}),
    (answer(headers={}), feed(), Access(), {"no-validators": "ETag"}),
    (answer(headers={"last-modified": "x", "content-type": "Text/HTML"}), feed(), Access(), {"html-type": "Text/HTML"}),
    (answer(elapsed_ms=12_400), feed(), Access(), {"slow": "12 s"}),
]


@pytest.mark.parametrize(("got", "parsed", "access", "expected"), CASES)
def test_each_remark(got: Answer, parsed: ParsedFeed, access: Access, expected: dict[str, str]) -> None:
    found = {remark.name: remark.text for remark in remarks(URL, got, parsed, access, NOW)}
    assert set(found) == set(expected)
    for name, part in expected.items():
        assert part in found[name]
        assert "\n" not in found[name]
