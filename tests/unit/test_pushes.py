"""A push is taken like a poll that brought the same body, and the polls go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feed_formats import parse_feed
from pipelines.kafka import Message
from pipelines.poll.feed_table import FeedTable
from pipelines.poll.poll_result import AnnouncedEntries, PollResult, after_feed, entry_key
from pipelines.poll.pushes import Push, PushQueue, after_push, answer_of, joined, next_poll, superseded
from pipelines.settings import PollSettings
from pipelines.urls import article_id
from schemas.records import Feed, FeedState, OutcomeKind, PushFacts
from tests.integration.pulling import rss

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEED = Feed(url="https://ferry.example/feed", source="ferry")
SETTINGS = PollSettings()


def link(number: int) -> str:
    return f"https://ferry.example/{number}"


def known_state(**fields: Any) -> FeedState:
    """Give the state after a poll, an hour ago, that brought entries 0 to 99."""
    found: dict[str, Any] = {
        "url": FEED.url,
        "next_poll_at": NOW + timedelta(minutes=10),
        "polled_at": NOW - timedelta(hours=1),
        "succeeded_at": NOW - timedelta(hours=1),
        "etag": '"one"',
        "last_modified": "yesterday",
        "content_digest": "0" * 32,
        "polls": 7,
        "rates": [1.0] * 24,
        "known": [key(number) for number in range(100)],
        "hub": "https://hub.example/",
    }
    return FeedState(**{**found, **fields})


def key(number: int) -> str:
    return entry_key(article_id(link(number)))


def push(*numbers: int, state: FeedState | None = None, **facts: Any) -> Push:
    message = Message("news.pushes", 0, 5, FEED.url, rss(*map(link, numbers)))
    facts = {"received_at": NOW, "content_type": "application/rss+xml", "lease_until": NOW + timedelta(days=3)} | facts
    return Push(message, PushFacts(**facts), FEED, state or known_state())


def taken(found: Push, announced: AnnouncedEntries | None = None) -> PollResult:
    parsed = parse_feed(found.message.value or b"", url=FEED.url, content_type=found.facts.content_type)
    return after_push(found, parsed, announced or AnnouncedEntries(), SETTINGS)


def test_new_entries_are_announced_as_a_poll_would() -> None:
    found = push(101, 100, 99)
    parsed = parse_feed(found.message.value or b"", url=FEED.url, content_type="")
    polled = after_feed(
        FEED, found.state, answer_of(found), parsed, AnnouncedEntries(), NOW, SETTINGS, conditional=False
    )
    pushed = taken(found)
    assert [entry.url for entry in pushed.entries] == [link(100), link(101)]
    assert (pushed.entries, pushed.outcomes) == (polled.entries, polled.outcomes)
    assert {outcome.kind for outcome in pushed.outcomes} == {OutcomeKind.DISCOVERED}
    assert {entry.first_seen for entry in pushed.entries} == {NOW}


def test_a_push_of_one_entry_forgets_none_of_the_window() -> None:
    state = taken(push(100)).state
    assert set(state.known) == {key(number) for number in range(101)}
    again = rss(*[link(number) for number in range(101)])
    parsed = parse_feed(again, url=FEED.url, content_type="")
    polled = after_feed(FEED, state, answer_of(push(1)), parsed, AnnouncedEntries(), NOW, SETTINGS, conditional=False)
    assert polled.entries == ()


def test_what_the_server_is_asked_with_stays() -> None:
    before, after = known_state(), taken(push(100)).state
    assert (after.etag, after.last_modified, after.content_digest) == ('"one"', "yesterday", "0" * 32)
    assert (after.polls, after.polled_at, after.failures, after.hub) == (7, before.polled_at, 0, before.hub)


def test_pushed_entries_teach_the_rate() -> None:
    few, many = taken(push(99)).state, taken(push(*range(100, 120))).state
    assert sum(many.rates) > sum(few.rates)


def test_the_same_push_twice_announces_once() -> None:
    first = taken(push(100))
    second = taken(push(100, state=first.state))
    assert (second.entries, second.outcomes) == ((), ())
    assert second.state.known == first.state.known
    # Taken again by a copy that never stored the state, it says the same, to the id and the time.
    assert taken(push(100)).outcomes == first.outcomes


def test_the_first_push_may_come_before_any_poll_succeeded() -> None:
    state = FeedState(url=FEED.url, next_poll_at=NOW)
    found = taken(push(1, 2, state=state))
    assert len(found.entries) == 2
    assert found.state.succeeded_at == NOW


@pytest.mark.parametrize(
    ("received", "old"),
    [(timedelta(), False), (timedelta(minutes=-9), False), (timedelta(minutes=-11), True), (timedelta(days=-1), True)],
)
def test_a_push_from_long_before_the_last_success_is_passed_over(received: timedelta, old: bool) -> None:
    facts = PushFacts(received_at=NOW + received)
    assert superseded(facts, known_state(succeeded_at=NOW)) is old
    assert not superseded(facts, FeedState(url=FEED.url, next_poll_at=NOW))


def test_time_never_goes_back() -> None:
    late = taken(push(100, received_at=NOW - timedelta(minutes=5), state=known_state(succeeded_at=NOW)))
    assert late.state.succeeded_at == NOW
    assert late.state.rates == [1.0] * 24


@pytest.mark.parametrize(
    ("facts", "feed", "expected"),
    [
        ({}, {}, NOW + timedelta(hours=5)),  # six hours after the last poll, which was an hour ago
        ({"lease_until": NOW + timedelta(hours=2)}, {}, NOW + timedelta(hours=2)),
        ({"lease_until": NOW - timedelta(hours=2)}, {}, NOW + timedelta(minutes=10)),
        ({"lease_until": None}, {}, NOW + timedelta(minutes=10)),
        ({}, {"interval_seconds": 60}, NOW + timedelta(minutes=10)),
    ],
)
def test_polls_of_a_pushed_feed_are_put_off_for_a_while(
    facts: dict[str, Any], feed: dict[str, Any], expected: datetime
) -> None:
    found = push(100, **facts)._replace(feed=FEED.model_copy(update=feed))
    assert next_poll(found, 6 * 3600) == expected


@given(st.lists(st.floats(0, 600), min_size=1, max_size=50))
def test_pushes_never_put_a_poll_off_further_than_the_setting(pauses: list[float]) -> None:
    state, now = known_state(polled_at=NOW), NOW
    for pause in pauses:
        now += timedelta(seconds=pause)
        found = push(100, state=state, received_at=now)
        state = state.model_copy(update={"next_poll_at": next_poll(found, 3600)})
    assert state.next_poll_at <= NOW + timedelta(seconds=3600)


@given(st.lists(st.integers(0, 50), unique=True), st.lists(st.integers(0, 50), unique=True), st.integers(1, 30))
def test_known_keys_only_grow_up_to_the_bound(known: list[int], after: list[int], limit: int) -> None:
    before, following = [str(number) for number in known], [str(number) for number in after]
    found = joined(before, following, limit)
    assert len(found) == len(set(found)) <= max(2 * limit, len(before))
    assert found == list(dict.fromkeys([*before, *following]))[-max(2 * limit, len(before)) :]


def test_pushes_wait_until_their_feed_is_free_and_keep_their_order() -> None:
    other = Feed(url="https://other.example/feed")
    table, queue = FeedTable(), PushQueue()
    for feed in (FEED, other):
        table.put(feed, 0, NOW)
    urls = [FEED.url, other.url, FEED.url, "https://gone.example/"]
    messages = [Message("news.pushes", 0, offset, url, b"abc") for offset, url in enumerate(urls)]
    for message in messages:
        queue.add(message)
    assert queue.size == 12
    first = list(queue.ready(table, NOW))
    assert [(message.offset, row is None) for message, row in first] == [(0, False), (1, False), (3, True)]
    assert list(queue.ready(table, NOW)) == []
    assert queue.size == 3
    table.done(FEED.url)
    [(message, row)] = queue.ready(table, NOW)
    assert (message.offset, row is not None, queue.size) == (2, True, 0)


def test_a_paused_feeds_pushes_are_let_go() -> None:
    table, queue = FeedTable(), PushQueue()
    table.put(FEED.model_copy(update={"paused": True}), 0, NOW)
    queue.add(Message("news.pushes", 0, 0, FEED.url, b""))
    assert [row for _, row in queue.ready(table, NOW)] == [None]
