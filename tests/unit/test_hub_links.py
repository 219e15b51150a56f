"""The hub of a feed: from Link headers in all their spellings, or from the feed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feed_formats import ParsedFeed
from pipelines.http.answer import Response
from pipelines.poll.hub_links import links, with_hub
from pipelines.poll.schedule import first_state

URL = "https://a.example/feed"
STATE = first_state(URL, datetime(2026, 1, 5, 12, tzinfo=UTC))
KNOWN = STATE.model_copy(update={"hub": "https://known.example/", "hub_topic": URL})
SILENT = ParsedFeed(entries=())
NAMED = ParsedFeed(entries=(), hub="https://said.example/", self_url="https://a.example/self")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (
            '<https://h.example/>; rel="hub", <https://a.example/f>; rel="self"',
            [("https://h.example/", {"hub"}), ("https://a.example/f", {"self"})],
        ),
        ("<https://h.example/>;rel=hub,<x>;rel=self", [("https://h.example/", {"hub"}), ("x", {"self"})]),
        (
            '<https://h.example/?a,b;c>; title="a, \\"b\\"; <c>"; REL="Hub  Self"',
            [("https://h.example/?a,b;c", {"hub", "self"})],
        ),
        ("<a>; rel=hub; rel=self", [("a", {"hub"})]),
        ('<a>; rel="hub"; anchor="/other", <b>; rel=self', [("b", {"self"})]),
        ("<a>, , <b> ; rel = hub ,", [("a", set()), ("b", {"hub"})]),
        ("<a>; rel", [("a", set())]),
        ("<a", []),
        ("no link", []),
        ("", []),
        ("<a>;; rel=hub, <b>; rel=hub", [("a", set()), ("b", {"hub"})]),
    ],
)
def test_link_headers(header: str, found: list[tuple[str, set[str]]]) -> None:
    assert list(links(header)) == found


@given(st.text(alphabet="<>;,=\"\\ ab/rel:'h\t", max_size=60))
def test_any_header_is_read_to_an_end(header: str) -> None:
    for target, rels in links(header * 3):
        assert target in header * 3
        assert all(rel == rel.lower() for rel in rels)


@pytest.mark.parametrize(
    ("header", "parsed", "hub", "topic"),
    [
        ("", NAMED, "https://said.example/", "https://a.example/self"),
        ("", SILENT, None, None),
        ("", ParsedFeed(entries=(), self_url=URL), None, None),
        ("", ParsedFeed(entries=(), hub="https://said.example/"), "https://said.example/", URL),
        ("<https://h.example/>; rel=hub", NAMED, "https://h.example/", "https://a.example/self"),
        ("</other>; rel=self, <hub>; rel=hub", SILENT, "https://a.example/hub", "https://a.example/other"),
        ("<javascript:1>; rel=hub, <https://h.example/>; rel=hub", SILENT, "https://h.example/", URL),
        ("", None, "https://known.example/", URL),
        ("<https://h.example/>; rel=hub", None, "https://h.example/", URL),
    ],
)
def test_headers_go_before_the_feed_and_an_unchanged_feed_keeps_its_hub(
    header: str, parsed: ParsedFeed | None, hub: str | None, topic: str | None
) -> None:
    state = with_hub(KNOWN, Response(url=URL, status=200, headers={"link": header}), parsed)
    assert (state.hub, state.hub_topic) == (hub, topic)
