"""Pushes on their way through `poll`: handed out when their feed is free, done with when all is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from pipelines.http.site_parser import Parser
from pipelines.kafka import GroupReader, Message
from pipelines.poll.feed_table import FeedTable
from pipelines.poll.poll_result import AnnouncedEntries
from pipelines.poll.push_intake import PushIntake
from pipelines.settings import PollSettings, SandboxSettings
from schemas.records import Feed, FeedState, PushFacts
from tests.integration.pulling import rss

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEED = Feed(url="https://ferry.example/feed")
PUSHES = "news.pushes"


class Reader:
    """What of a group's reader the lane uses, written down."""

    def __init__(self) -> None:
        self.finished: list[int] = []
        self.paused: set[tuple[str, int]] = set()

    def done(self, message: Message) -> None:
        self.finished.append(message.offset)

    def commit(self) -> None:
        """The broker's part is tested with a broker."""

    def assigned(self) -> list[tuple[str, int]]:
        return [("news.feeds", 0), (PUSHES, 0), (PUSHES, 1)]

    def hold_back(self, places: list[tuple[str, int]]) -> None:
        self.paused = set(places)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def table() -> FeedTable:
    found = FeedTable()
    found.put(FEED, 0, NOW)
    found.put_state(FeedState(url=FEED.url, next_poll_at=NOW + timedelta(hours=1), succeeded_at=NOW), 0)
    return found


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    made = Parser(SandboxSettings())
    yield made
    made.close()


@pytest.fixture
def lane(reader: Reader, table: FeedTable, parser: Parser) -> PushIntake:
    return PushIntake(PUSHES, cast("GroupReader", reader), table, AnnouncedEntries(), PollSettings(), parser)


def push(offset: int, body: bytes = rss("https://ferry.example/1"), **changes: Any) -> Message:
    facts = PushFacts(received_at=changes.get("at", NOW), content_type="application/rss+xml")
    headers = changes.get("headers", {"push": facts.to_json()})
    return Message(PUSHES, 0, offset, changes.get("key", FEED.url), body, headers)


def test_a_push_is_done_with_when_its_announcement_is_settled(
    lane: PushIntake, reader: Reader, table: FeedTable
) -> None:
    lane.add(push(1))
    lane.add(push(2))
    [first] = lane.due(NOW)
    assert list(table.due(NOW + timedelta(days=1))) == []  # not polled meanwhile
    found = asyncio.run(lane.read(first))
    assert [entry.link for entry in found.entries] == ["https://ferry.example/1"]
    assert (reader.finished, lane.due(NOW)) == ([], [])
    lane.settled(FEED.url)
    table.done(FEED.url)
    assert reader.finished == [1]
    assert [push.message.offset for push in lane.due(NOW)] == [2]


@pytest.mark.parametrize(
    "useless",
    [push(7, at=NOW - timedelta(hours=1)), push(7, headers={}), push(7, key="https://gone.example/feed")],
    ids=["superseded", "no push", "of no feed here"],
)
def test_what_brings_nothing_is_done_with_and_holds_up_nothing(
    lane: PushIntake, reader: Reader, table: FeedTable, useless: Message
) -> None:
    lane.add(useless)
    assert lane.due(NOW) == []
    assert reader.finished == [7]
    assert not table.busy(FEED.url)


def test_a_push_that_is_no_feed_changes_nothing(lane: PushIntake, table: FeedTable) -> None:
    lane.add(push(1, b"<!doctype html><html><body>gone"))
    [found] = lane.due(NOW)
    announcement = asyncio.run(lane.read(found))
    assert (announcement.entries, announcement.outcomes) == ((), ())
    assert announcement.state == table.state(FEED.url, NOW)


def test_no_more_is_read_while_too_much_waits(lane: PushIntake, reader: Reader) -> None:
    for offset in range(3):
        lane.add(push(offset, b"x" * 16_000_000, key="https://gone.example/"))
    lane.turn()
    assert reader.paused == {(PUSHES, 0), (PUSHES, 1)}
    lane.due(NOW)
    lane.turn()
    assert reader.paused == set()
