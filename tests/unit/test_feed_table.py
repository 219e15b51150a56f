"""The feed table: which feed is due, once, and with the state that belongs to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipelines.poll.feed_table import FeedTable
from schemas.records import Feed, FeedState

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
A, B = "https://a.example/feed", "https://b.example/feed"


def state(url: str, minutes: int, polls: int = 1) -> FeedState:
    return FeedState(url=url, next_poll_at=NOON + timedelta(minutes=minutes), polls=polls)


def due(table: FeedTable, minutes: int = 0) -> list[str]:
    return [feed.url for feed, _ in table.due(NOON + timedelta(minutes=minutes))]


def test_a_feed_is_handed_out_when_due_and_not_again_before_it_is_done() -> None:
    table = FeedTable()
    table.put(Feed(url=A), 0, NOON)
    assert due(table) == [A]
    table.put(Feed(url=A, title="changed"), 0, NOON)
    assert due(table, 99) == []
    table.put_state(state(A, 30), 0)
    table.done(A)
    assert due(table, 29) == []
    assert due(table, 30) == [A]


def test_the_longest_waiting_comes_first() -> None:
    table = FeedTable()
    for url, minutes in ((A, 20), (B, 10)):
        table.put(Feed(url=url), 0, NOON)
        table.put_state(state(url, minutes), 0)
    assert due(table, 5) == []
    assert due(table, 60) == [B, A]


def test_states_may_come_before_their_feeds_and_outlast_them() -> None:
    table = FeedTable()
    table.put_state(state(A, 30, polls=7), 0)
    assert due(table, 99) == []
    table.put(Feed(url=A), 0, NOON)
    assert due(table, 29) == []
    table.remove(A)
    assert A not in table
    assert due(table, 99) == []
    table.put(Feed(url=A), 0, NOON)
    [(_, found)] = table.due(NOON + timedelta(minutes=99))
    assert found.polls == 7


def test_an_older_state_changes_nothing() -> None:
    table = FeedTable()
    table.put(Feed(url=A), 0, NOON)
    table.put_state(state(A, 30, polls=5), 0)
    table.put_state(state(A, 1, polls=4), 0)
    assert due(table, 29) == []


def test_paused_feeds_wait_for_their_owner() -> None:
    table = FeedTable()
    table.put(Feed(url=A, paused=True), 0, NOON)
    assert due(table, 99) == []
    assert list(table.all(NOON)) == []
    table.put(Feed(url=A), 0, NOON)
    assert due(table) == [A]


def test_a_poll_that_came_to_nothing_is_due_again() -> None:
    table = FeedTable()
    table.put(Feed(url=A), 0, NOON)
    assert due(table) == [A]
    table.done(A)
    assert due(table) == [A]


def test_partitions_that_leave_take_their_feeds_along() -> None:
    table = FeedTable()
    for url, partition in ((A, 0), (B, 1)):
        table.put(Feed(url=url), partition, NOON)
        table.put_state(state(url, 0, polls=3), partition)
    table.remove_partitions({0})
    assert len(table) == 1
    assert due(table) == [B]
    table.put(Feed(url=A), 0, NOON)
    [(_, found)] = table.due(NOON)
    assert found.polls == 0  # it is read back before it is asked


def test_all_hands_out_each_once() -> None:
    table = FeedTable()
    for url in (A, B):
        table.put(Feed(url=url), 0, NOON)
    table.put_state(state(A, 600), 0)
    assert [feed.url for feed, _ in table.all(NOON)] == [A, B]
    assert list(table.all(NOON)) == []


def test_a_feed_is_where_its_definition_came_from() -> None:
    table = FeedTable()
    table.put_state(state(A, 0), 3)
    assert table.partition_of(A) is None
    table.put(Feed(url=A), 5, NOON)
    assert table.partition_of(A) == 5
    table.remove(A)
    assert table.partition_of(A) is None
