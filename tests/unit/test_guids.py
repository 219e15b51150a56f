"""An entry that comes again under a new link: told by its guid where the rest agrees, and never two articles as one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feed_formats import ParsedEntry, ParsedFeed, parse_feed
from pipelines.http.answer import Response
from pipelines.poll.guids import known_key, mark_of, repeated
from pipelines.poll.poll_result import AnnouncedEntries, PollResult, after_feed
from pipelines.poll.schedule import entry_key, first_state
from pipelines.settings import PollSettings
from pipelines.urls import article_id, canonical_url
from schemas.records import KEY_DIGITS, Feed, FeedState, OutcomeKind

NOON = datetime(2026, 11, 24, 12, 5, tzinfo=UTC)
SITE = "https://ferry.example"
FEED = Feed(url=f"{SITE}/feed")


def item(
    link: str = "/a", guid: str = "tag:ferry.example,2026:7", title: str = "Ferry runs", **fields: Any
) -> ParsedEntry:
    url = canonical_url(SITE + link)
    known: dict[str, Any] = {
        "id": article_id(url),
        "url": url,
        "link": url,
        "title": title,
        "summary": "",
        "authors": (),
        "categories": (),
        "published_at": NOON,
        "guid": guid,
    }
    return ParsedEntry(**{**known, **fields})


def again(first: ParsedEntry, *then: ParsedEntry) -> int:
    """Count the entries of a second window that repeat the one of the first."""
    found = repeated([known_key(first)], then)
    assert set(found.values()) <= {entry_key(first.id)}
    return len(found)


SAME = [
    {},
    {"title": "FERRY runs!"},
    {"title": "Ferry runs again"},  # a headline that was changed
    {"summary": "more of it"},
]


@pytest.mark.parametrize("changes", SAME)
def test_another_link_is_the_same_article_while_the_rest_agrees(changes: dict[str, Any]) -> None:
    assert again(item("/a?session=1"), item("/a?session=2", **changes)) == 1


@pytest.mark.parametrize("when", [{"published_at": None, "summary": "It is back."}, {"published_at": None}])
def test_an_undated_one_is_told_by_its_summary_or_its_title_alone(when: dict[str, Any]) -> None:
    assert again(item(**when), item("/b", **when)) == 1
    assert again(item(**when), item("/b", title="Rain ahead", **when)) == 0
    assert again(item(**when), item("/b", **(when | {"summary": "It is late."}))) == 0


APART = [
    {"guid": "tag:ferry.example,2026:8"},
    {"guid": ""},
    {"title": "Rain ahead", "published_at": NOON + timedelta(minutes=1)},
    {"published_at": NOON + timedelta(days=1)},  # "Weather", each day
    {"title": ""},
]


@pytest.mark.parametrize("changes", APART)
def test_what_does_not_agree_is_another_article(changes: dict[str, Any]) -> None:
    assert again(item("/a"), item("/b", **changes)) == 0


def test_of_a_bare_day_a_changed_headline_is_another_article() -> None:
    day = datetime(2026, 11, 24, tzinfo=UTC)
    assert again(item(published_at=day), item("/b", published_at=day)) == 1
    assert again(item(published_at=day), item("/b", published_at=day, title="Rain ahead")) == 0


def test_a_guid_that_a_feed_gives_to_all_its_entries_merges_none() -> None:
    window = [item(f"/{number}", guid="news", title=f"Story {number}") for number in range(20)]
    assert repeated([], window) == {}
    later = [item(f"/{number}", guid="news", title=f"Story {number}") for number in range(10, 30)]
    assert repeated([known_key(one) for one in window], later) == {}
    undated = [item(f"/{number}", guid="news", published_at=None) for number in range(3)]
    assert repeated([], undated) == {}


def test_within_one_window_the_first_counts() -> None:
    assert repeated([], [item("/a"), item("/b")]) == {entry_key(item("/b").id): entry_key(item("/a").id)}


@pytest.mark.parametrize("guid", ["", f"{SITE}/a", "http://ferry.example/a#top", f" {SITE}/a?utm_source=rss"])
def test_a_guid_that_is_the_link_says_nothing_and_costs_nothing(guid: str) -> None:
    assert mark_of(item("/a", guid=guid)) is None
    assert known_key(item("/a", guid=guid)) == entry_key(item("/a").id)
    assert len(known_key(item())) == KEY_DIGITS + 20


def polled(state: FeedState, body: str, at: datetime) -> PollResult:
    parsed: ParsedFeed = parse_feed(body.encode(), url=FEED.url, content_type="application/rss+xml", max_bytes=10**6)
    answer = Response(url=FEED.url, status=200, headers={}, body=body.encode())
    return after_feed(FEED, state, answer, parsed, AnnouncedEntries(), at, PollSettings(), conditional=False)


def rss(*items: tuple[str, str, str, str]) -> str:
    """Make a feed of link, guid, title and date."""
    inner = "".join(
        f"<item><link>{link}</link><guid isPermaLink='false'>{guid}</guid><title>{title}</title>"
        f"<pubDate>{date}</pubDate></item>"
        for link, guid, title, date in items
    )
    return f"<rss version='2.0'><channel><title>Ferry</title>{inner}</channel></rss>"


DATES = [f"Tue, 24 Nov 2026 10:{minute:02}:00 GMT" for minute in range(10)]


def test_a_feed_whose_links_change_at_each_poll_announces_each_article_once() -> None:
    kinds: list[tuple[OutcomeKind, str]] = []
    steady = changing = first_state(FEED.url, NOON)
    for poll in range(12):
        at = NOON + timedelta(hours=poll)
        body = rss(*((f"{SITE}/{n}?session={poll}-{n}", f"g{n}", f"Story {n}", DATES[n]) for n in range(10)))
        found = polled(changing, body, at)
        assert len(found.entries) == (0 if poll else 10)
        kinds += [(line.kind, line.reason) for line in found.outcomes]
        changing = found.state
        steady = polled(steady, rss(*((f"{SITE}/{n}", f"g{n}", f"Story {n}", DATES[n]) for n in range(10))), at).state
    assert kinds.count((OutcomeKind.DISCOVERED, "")) == 10
    assert kinds.count((OutcomeKind.DUPLICATE_URL, "same-guid")) == 110
    # It is not taken for a busy feed.
    assert (changing.rates, changing.next_poll_at) == (steady.rates, steady.next_poll_at)


def test_the_line_names_the_article_that_came_first() -> None:
    first = polled(first_state(FEED.url, NOON), rss((f"{SITE}/a", "g", "Story", DATES[0])), NOON)
    second = polled(first.state, rss((f"{SITE}/b", "g", "Story", DATES[0])), NOON + timedelta(hours=1))
    [line] = second.outcomes
    assert (line.url, line.reason) == (f"{SITE}/b", "same-guid")
    assert article_id(f"{SITE}/a")[:KEY_DIGITS] in line.detail
    assert second.entries == ()
    third = polled(second.state, rss((f"{SITE}/b", "g", "Story", DATES[0])), NOON + timedelta(hours=2))
    assert (third.entries, third.outcomes) == ((), ())


def test_a_state_of_before_still_counts() -> None:
    old = FeedState(url=FEED.url, next_poll_at=NOON, known=[entry_key(article_id(f"{SITE}/a"))])
    found = polled(old, rss((f"{SITE}/a", "g", "Story", DATES[0])), NOON)
    assert (found.entries, len(found.state.known[0])) == ((), KEY_DIGITS + 20)


windows = st.lists(
    st.builds(
        lambda link, guid, title, date: item(f"/{link}", guid=guid, title=title, published_at=date),
        st.integers(0, 5),
        st.sampled_from(["", "g1", "g2", "all"]),
        st.sampled_from(["Ferry runs", "Rain ahead", "Vote on Sunday"]),
        st.none() | st.sampled_from([NOON, NOON + timedelta(minutes=1)]),
    ),
    max_size=8,
    unique_by=lambda entry: entry.id,
)


@given(windows, windows)
def test_only_entries_with_the_same_guid_and_the_same_title_or_time_are_one(
    before: list[ParsedEntry], now: list[ParsedEntry]
) -> None:
    entries = {entry_key(entry.id): entry for entry in (*before, *now)}
    known = [known_key(entry) for entry in before]
    for key, first in repeated(known, now).items():
        its, others = entries[key], [one for one in (*before, *now) if entry_key(one.id) == first]
        assert key not in {item[:KEY_DIGITS] for item in known}
        assert any(
            its.guid == one.guid != ""
            and its.published_at == one.published_at
            and (its.title == one.title or its.published_at is not None)
            for one in others
        )
