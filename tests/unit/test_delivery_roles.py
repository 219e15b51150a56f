"""`record` and `poll` in any order of events, on the broker in memory.

What `record` has committed is in the index; a feed of `poll` is one copy's at a time, and no state on Kafka knows of an
entry that is not there.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError, NotEnoughReplicasError, TopicAuthorizationFailedError

from pipelines.errors import ServiceError
from pipelines.feeds.partitions import feed_partition
from pipelines.kafka import GroupReader, Sender
from pipelines.ledger import recorder as record
from pipelines.ledger.outcomes import outcome
from pipelines.poll import poller as poll
from pipelines.poll.poll_result import PollResult
from pipelines.runtime.heartbeat import Waits
from pipelines.settings import Settings
from pipelines.urls import article_id
from schemas.records import Entry, Feed, FeedState, OutcomeKind, Stage
from schemas.topics import DEAD_LETTERS, ENTRIES, FEED_STATE, FEEDS, OUTCOMES, PUSHES, Role
from tests.memory_kafka.broker import Broker
from tests.memory_kafka.install import NOWHERE, memory_kafka

PARTITIONS = 2
LONG_AGO = datetime(2026, 1, 5, 12, tzinfo=UTC)
SETTINGS = Settings(kafka=Settings().kafka.model_copy(update={"bootstrap_servers": NOWHERE}))
COPIES = st.integers(0, 2)
WHAT = st.sampled_from(["commit", "poll", "produce", "append"])


def full(topic: Any) -> str:
    return str(topic.full_name(SETTINGS.river.name))


def article(number: int) -> Entry:
    url = f"https://host{number % 5}.example/{number}"
    return Entry(id=article_id(url), url=url, link=url, feed_url="f", source="s", first_seen=LONG_AGO)


class _Roles(RuleBasedStateMachine):
    """What both roles go through."""

    group = ""
    topics: tuple[Any, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.broker: Broker = self.stack.enter_context(memory_kafka())
        for topic in self.topics:
            self.broker.create(full(topic), PARTITIONS)
        self.copies: dict[int, Any] = {}
        self.count = 0

    def teardown(self) -> None:
        try:
            self.broker.refusals.clear()
            self.copies.clear()
            for member_id in list(self.broker.groups[self.group].members):
                self.broker.leave(self.group, member_id)
            self.come(9)
            self.drain()
        finally:
            self.stack.close()

    def drain(self) -> None:
        """Let one copy alone do what is left, and look at it."""

    def come(self, number: int) -> None:
        """Start a copy."""

    def turn(self, number: int) -> None:
        """Have a copy do one turn."""

    @rule(number=COPIES)
    def killed(self, number: int) -> None:
        self.copies.pop(number, None)

    @rule(which=st.integers(0, 9))
    def session_ends(self, which: int) -> None:
        members = sorted(self.broker.groups[self.group].members)
        if members:
            self.broker.leave(self.group, members[which % len(members)])

    @rule(what=WHAT)
    def refuse(self, what: str) -> None:
        error = KafkaTimeoutError() if what in ("commit", "poll") else NotEnoughReplicasError()
        self.broker.refusals[what].append(error)

    @rule()
    def refuse_for_good(self) -> None:
        self.broker.refusals["produce"].append(TopicAuthorizationFailedError({"some"}))

    @rule()
    def turns(self) -> None:
        for _ in range(3):
            for number in list(self.copies):
                self.turn(number)


class Recording(_Roles):
    """Copies of `record`, whose sink hangs up at times."""

    group = Role.RECORD.group(SETTINGS.river.name)
    topics = (OUTCOMES, DEAD_LETTERS)

    def __init__(self) -> None:
        super().__init__()
        self.index: set[bytes] = set()
        self.sink_fails = 0

    @initialize()
    def begin(self) -> None:
        self.come(0)
        self.announce(3)

    @rule(number=COPIES)
    def one_comes(self, number: int) -> None:
        if number not in self.copies:
            self.come(number)

    @rule(number=st.integers(1, 4))
    def announce(self, number: int) -> None:
        for _ in range(number):
            self.count += 1
            line = outcome(article(self.count), Stage.FETCH, OutcomeKind.SKIPPED, reason="robots")
            place = TopicPartition(full(OUTCOMES), self.count % PARTITIONS)
            self.broker.append(place, line.article_id.encode(), line.to_json())

    @rule()
    def put_nonsense(self) -> None:
        self.broker.append(TopicPartition(full(OUTCOMES), 0), b"", b"no outcome")

    @rule()
    def sink_breaks(self) -> None:
        self.sink_fails += 1

    @invariant()
    def what_is_committed_is_in_the_index(self) -> None:
        for place, at in self.broker.groups[self.group].committed.items():
            for line in self.broker.logs[place][:at]:
                assert line.value in self.index or self._is_set_aside(line.value)

    def come(self, number: int) -> None:
        reader = GroupReader(NOWHERE, self.group, [full(OUTCOMES)], client_id="record")
        self.copies[number] = reader, Sender(NOWHERE, client_id="record")

    def turn(self, number: int) -> None:
        if number in self.copies:
            reader, sender = self.copies[number]
            sink: Any = SimpleNamespace(write=self._write)
            try:
                record._turn(reader, sink, sender, SETTINGS)
            except (ServiceError, RuntimeError):  # the process ends
                self.killed(number)

    def drain(self) -> None:
        self.sink_fails = 0
        for _ in range(10):
            self.turn(9)
        self.what_is_committed_is_in_the_index()
        committed = self.broker.groups[self.group].committed
        assert all(
            committed.get(place, 0) == len(log)
            for place, log in self.broker.logs.items()
            if place.topic == full(OUTCOMES)
        )

    def _write(self, documents: list[Any]) -> list[Any]:
        if self.sink_fails:
            self.sink_fails -= 1
            raise RuntimeError("killed in the middle")
        self.index |= {document.source for document in documents}
        return [SimpleNamespace(kind=OutcomeKind.INDEXED) for _ in documents]

    def _is_set_aside(self, value: bytes | None) -> bool:
        letters = [
            line.value for place, log in self.broker.logs.items() if place.topic == full(DEAD_LETTERS) for line in log
        ]
        return value in letters


Recording.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestRecording = Recording.TestCase


class Asker:
    """Asks feeds that bring one new entry at each poll, when the test says so."""

    waiting: dict[str, tuple[FeedState, asyncio.Future[PollResult]]]

    def __init__(self, *_: object) -> None:
        self.waiting = {}

    async def ask(self, feed: Feed, state: FeedState) -> PollResult:
        future: asyncio.Future[PollResult] = asyncio.get_running_loop().create_future()
        self.waiting[feed.url] = state, future
        return await future


class Polling(_Roles):
    """Copies of `poll` on feeds that are always due."""

    group = "news-poll"
    topics = (FEEDS, FEED_STATE, PUSHES, ENTRIES, OUTCOMES)
    feeds = tuple(f"https://feed{number}.example/rss" for number in range(4))

    def __init__(self) -> None:
        super().__init__()
        self.stack.enter_context(patch.object(poll, "FeedFetcher", Asker))
        self.stack.enter_context(patch.object(poll, "Parser"))
        self.loop = asyncio.new_event_loop()
        self.stack.callback(self.loop.close)
        for url in self.feeds:
            place = TopicPartition(full(FEEDS), feed_partition(url, PARTITIONS))
            self.broker.append(place, url.encode(), Feed(url=url).to_json())

    @initialize(copies=st.integers(1, 2))
    def begin(self, copies: int) -> None:
        for number in range(copies):
            self.come(number)
        self.turns()

    @rule(number=COPIES)
    def one_comes(self, number: int) -> None:
        if number not in self.copies:
            self.come(number)
            self.turns()

    @rule(number=COPIES)
    def killed(self, number: int) -> None:
        copy = self.copies.pop(number, None)
        if copy is not None:
            self._cancel(copy)

    @rule(number=COPIES)
    def leave(self, number: int) -> None:
        copy = self.copies.pop(number, None)
        if copy is not None:
            self._cancel(copy)
            with suppress(ServiceError):
                copy.turn()
                copy.close()

    @rule(number=COPIES, which=st.integers(-3, 3), refused=st.booleans())
    def poll_ends(self, number: int, which: int, refused: bool) -> None:
        if not self.copies:
            return
        number = sorted(self.copies)[number % len(self.copies)]
        self._end(self.copies[number], which)
        if refused:
            self.refuse_for_good()
        self.turn(number)

    @invariant()
    def no_state_knows_of_an_entry_that_is_not_there(self) -> None:
        there = {
            Entry.from_json(line.value or b"").id
            for place, log in self.broker.logs.items()
            if place.topic == full(ENTRIES)
            for line in log
        }
        for place, log in self.broker.logs.items():
            if place.topic == full(FEED_STATE):
                for line in log:
                    assert set(FeedState.from_json(line.value or b"").known) <= there

    def come(self, number: int) -> None:
        self.copies[number] = poll.Poller(SETTINGS, None, None, Waits())  # type: ignore[arg-type]  # the asker is ours

    def turn(self, number: int) -> None:
        if number not in self.copies:
            return
        copy = self.copies[number]

        async def start() -> None:
            copy.start()

        try:
            copy.turn()
        except ServiceError:
            self.killed(number)
            return
        self.loop.run_until_complete(start())
        self._run()

    def teardown(self) -> None:
        for number in list(self.copies):
            self.killed(number)
        super().teardown()

    def drain(self) -> None:
        """Whoever is left holds all feeds, each with the newest state that is on Kafka, and asks each of them."""
        for _ in range(4):
            self.turn(9)
        last = self.copies[9]
        assert sorted(last._asker.waiting) == sorted(self.feeds)
        newest: dict[str, int] = {}
        for place, log in self.broker.logs.items():
            if place.topic == full(FEED_STATE):
                for line in log:
                    state = FeedState.from_json(line.value or b"")
                    newest[state.url] = state.polls
        for url in self.feeds:
            assert last._table.state(url, LONG_AGO).polls == newest.get(url, 0)
        self.no_state_knows_of_an_entry_that_is_not_there()
        self.killed(9)

    def _end(self, copy: poll.Poller, which: int) -> None:
        asker: Any = copy._asker
        if not asker.waiting:
            return
        url = list(asker.waiting)[which % len(asker.waiting)]
        state, future = asker.waiting.pop(url)
        self.count += 1
        entry = article(self.count)
        after = state.model_copy(
            update={
                "polls": state.polls + 1,
                "known": [*state.known, entry.id],
                "next_poll_at": datetime.now(UTC) - timedelta(hours=1),
            }
        )
        line = outcome(entry, Stage.POLL, OutcomeKind.DISCOVERED)
        future.set_result(PollResult(entries=(entry,), outcomes=(line,), state=after))
        self._run()

    def _run(self) -> None:
        for _ in range(3):
            self.loop.run_until_complete(asyncio.sleep(0))

    def _cancel(self, copy: poll.Poller) -> None:
        for task in list(copy.under_way()):
            task.cancel()
        self._run()


Polling.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestPolling = Polling.TestCase
