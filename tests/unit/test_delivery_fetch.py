"""`fetch` in any order of events: copies that come, go and are killed, visits that end late, memories that overflow.

On the broker in memory, with a visitor whose visits end when the test says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError, NotEnoughReplicasError, TopicAuthorizationFailedError

from pipelines.errors import ServiceError
from pipelines.fetch import fetcher as fetch
from pipelines.fetch.fetch_result import FetchResult
from pipelines.kafka import partition_of
from pipelines.ledger.outcomes import outcome
from pipelines.runtime.heartbeat import Waits
from pipelines.settings import Settings
from pipelines.urls import article_id, host_of
from schemas.records import Entry, Outcome, OutcomeKind, Stage
from schemas.topics import DEAD_LETTERS, ENTRIES, LATER, OUTCOMES, PAGES
from tests.memory_kafka.broker import Broker
from tests.memory_kafka.install import NOWHERE, memory_kafka

PARTITIONS = 2
LONG_AGO = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOSTS = [f"host{number}.example" for number in range(4)]
COPIES = st.integers(0, 2)
SETTINGS = Settings(
    kafka=Settings().kafka.model_copy(update={"bootstrap_servers": NOWHERE}),
    fetch=Settings().fetch.model_copy(update={"known_articles": 10}),  # so that the memories overflow
)
GROUP = "news-fetch"


def full(topic: Any) -> str:
    return str(topic.full_name(SETTINGS.river.name))


class Visitor:
    """Visits that end when they are told to."""

    def __init__(self, *_: object) -> None:
        self.waiting: dict[str, tuple[Entry, asyncio.Future[FetchResult]]] = {}

    def put_off(self, entry: Entry, patience: float) -> FetchResult | None:  # noqa: ARG002 - the visitor's signature
        return None

    async def visit(self, entry: Entry, origin: str) -> FetchResult:
        future: asyncio.Future[FetchResult] = asyncio.get_running_loop().create_future()
        self.waiting[origin] = entry, future
        return await future

    def close(self) -> None:
        """Nothing is open."""

    def end(self, which: int, end: Callable[[Entry, str], FetchResult]) -> None:
        if self.waiting:
            origin = list(self.waiting)[which % len(self.waiting)]  # from the oldest, or with -1 from the newest
            entry, future = self.waiting.pop(origin)
            if not future.done():
                future.set_result(end(entry, origin))


def ended(entry: Entry, origin: str) -> FetchResult:
    line = outcome(entry, Stage.FETCH, OutcomeKind.SKIPPED, reason="robots", origin=origin)
    return FetchResult(entry=entry, outcome=line)


def put_off(entry: Entry, origin: str) -> FetchResult:  # noqa: ARG001 - as `ended`
    later = entry.model_copy(update={"attempt": entry.attempt + 1, "due_at": LONG_AGO})
    return FetchResult(entry=entry, later=(LATER[0], later))


class Copies(RuleBasedStateMachine):
    """Up to three copies of `fetch`."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.broker: Broker = self.stack.enter_context(memory_kafka())
        self.stack.enter_context(patch.object(fetch, "PageFetcher", Visitor))
        for topic in (ENTRIES, *LATER, OUTCOMES, PAGES, DEAD_LETTERS):
            self.broker.create(full(topic), PARTITIONS)
        self.loop = asyncio.new_event_loop()
        self.copies: dict[int, fetch.Fetcher] = {}
        self.announced: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        try:
            self._drain()
        finally:
            for copy in self.copies.values():
                self._cancel(copy)
            self.loop.close()
            self.stack.close()

    @initialize(copies=st.integers(1, 2))
    def begin(self, copies: int) -> None:
        """Copies are at work on some hosts."""
        for number in range(copies):
            self.come(number)
        for host in HOSTS:
            self.announce(host, 2)

    @rule(host=st.sampled_from(HOSTS), number=st.integers(1, 6))
    def announce(self, host: str, number: int) -> None:
        for _ in range(number):
            self.count += 1
            self._announce(f"https://{host}/{self.count}", "https://one.example/feed")
        self.turns()

    @rule(which=st.integers(0, 99), feed=st.sampled_from(["one", "two"]))
    def announce_again(self, which: int, feed: str) -> None:
        if self.announced:
            self._announce(sorted(self.announced)[which % len(self.announced)], f"https://{feed}.example/feed")

    @rule(host=st.sampled_from(HOSTS))
    def put_nonsense(self, host: str) -> None:
        self.broker.append(self._place(host), host.encode(), b"no entry")

    @rule(number=COPIES)
    def come(self, number: int) -> None:
        """A copy comes, and those that are there learn of it."""
        if number in self.copies:
            return
        self.copies[number] = fetch.Fetcher(SETTINGS, None, Waits())  # type: ignore[arg-type]  # the visitor is ours
        self.turns()

    @rule(number=COPIES)
    def turn(self, number: int) -> None:
        """A turn of a role that Kafka refuses something ends the process."""
        if number in self.copies:
            try:
                self._turn(self.copies[number])
            except ServiceError:
                self.killed(number)

    @rule()
    def turns(self) -> None:
        for _ in range(3):
            for number in list(self.copies):
                self.turn(number)

    @rule(
        number=COPIES,
        which=st.integers(-3, 3),
        end=st.sampled_from([ended, ended, put_off]),
        refused=st.booleans(),
    )
    def visit_ends(self, number: int, which: int, end: Callable[[Entry, str], FetchResult], refused: bool) -> None:
        """One ends, the oldest or the newest perhaps, and goes on Kafka, where it may be refused for good."""
        if not self.copies:
            return
        number = sorted(self.copies)[number % len(self.copies)]
        self._visitor(self.copies[number]).end(which, end)
        self._run()
        if refused:
            self.refuse_for_good("produce")
        self.turn(number)

    @rule(number=COPIES)
    def leave(self, number: int) -> None:
        """As `drive` drains: the work is given up, one more turn, and goodbye."""
        if number in self.copies:
            copy = self.copies.pop(number)
            self._cancel(copy)
            with suppress(ServiceError):
                copy.turn()
                copy.close()

    @rule(number=COPIES)
    def killed(self, number: int) -> None:
        if number in self.copies:
            self._cancel(self.copies.pop(number))

    @rule(which=st.integers(0, 9))
    def session_ends(self, which: int) -> None:
        members = sorted(self.broker.groups[GROUP].members)
        if members:
            self.broker.leave(GROUP, members[which % len(members)])

    @rule(what=st.sampled_from(["commit", "poll", "produce", "append"]))
    def refuse(self, what: str) -> None:
        error = KafkaTimeoutError() if what in ("commit", "poll") else NotEnoughReplicasError()
        self.broker.refusals[what].append(error)

    @rule(what=st.sampled_from(["commit", "poll", "produce"]))
    def refuse_for_good(self, what: str) -> None:
        self.broker.refusals[what].append(TopicAuthorizationFailedError({full(OUTCOMES)}))

    @invariant()
    def nothing_is_committed_whose_effect_is_not_on_kafka(self) -> None:
        done = self._effects()
        for place, at in self.broker.groups[GROUP].committed.items():
            if place.topic == full(ENTRIES):
                for record in self.broker.logs[place][:at]:
                    with suppress(ValueError):
                        assert Entry.from_json(record.value or b"").id in done, (place, record.offset, at)

    def _announce(self, url: str, feed_url: str) -> None:
        self.announced.add(url)
        entry = Entry(id=article_id(url), url=url, link=url, feed_url=feed_url, source="s", first_seen=LONG_AGO)
        self.broker.append(self._place(host_of(url)), host_of(url).encode(), entry.to_json())

    def _place(self, host: str) -> TopicPartition:
        return TopicPartition(full(ENTRIES), partition_of(host, PARTITIONS))

    def _effects(self) -> set[str]:
        """Articles with a line that ends their visit, or that come again from a later-tier."""
        found = set()
        for place, log in self.broker.logs.items():
            if place.topic == full(OUTCOMES):
                lines = [Outcome.from_json(record.value or b"") for record in log]
                found |= {line.article_id for line in lines if line.terminal}
            elif place.topic == full(LATER[0]):
                found |= {Entry.from_json(record.value or b"").id for record in log}
        return found

    def _turn(self, copy: fetch.Fetcher) -> None:
        copy.turn()

        async def start() -> None:
            copy.start()

        self.loop.run_until_complete(start())
        self._run()

    def _run(self) -> None:
        """Let what is ready on the loop run."""
        for _ in range(3):
            self.loop.run_until_complete(asyncio.sleep(0))

    def _visitor(self, copy: fetch.Fetcher) -> Visitor:
        found = copy._visitor
        assert isinstance(found, Visitor)
        return found

    def _cancel(self, copy: fetch.Fetcher) -> None:
        for task in list(copy.under_way()):
            task.cancel()
        self._run()

    def _drain(self) -> None:
        """One more copy, alone, does what is left; every article has ended, and everything is committed."""
        self.broker.refusals.clear()
        for number in list(self.copies):
            self.killed(number)
        for member_id in list(self.broker.groups[GROUP].members):
            self.broker.leave(GROUP, member_id)
        last = self.copies[9] = fetch.Fetcher(SETTINGS, None, Waits())  # type: ignore[arg-type]  # the visitor is ours
        for _ in range(400):
            self._turn(last)
            visitor = self._visitor(last)
            if not visitor.waiting and self._all_committed():
                break
            while visitor.waiting:
                visitor.end(0, ended)
            self._run()
        assert self._all_committed()
        self.nothing_is_committed_whose_effect_is_not_on_kafka()
        lines = {
            line.article_id
            for place, log in self.broker.logs.items()
            if place.topic == full(OUTCOMES)
            for line in (Outcome.from_json(record.value or b"") for record in log)
            if line.terminal
        }
        assert {article_id(url) for url in self.announced} <= lines

    def _all_committed(self) -> bool:
        committed = self.broker.groups[GROUP].committed
        names = {full(topic) for topic in (ENTRIES, *LATER)}
        return all(
            committed.get(place, 0) == len(log) for place, log in self.broker.logs.items() if place.topic in names
        )


Copies.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
TestCopies = Copies.TestCase


def test_a_later_tier_that_stays_through_a_rebalance_is_read_on(monkeypatch: Any) -> None:
    """It was held back while its first record waited; kept so for ever, no revisit would come any more."""
    monkeypatch.setattr(fetch, "PageFetcher", Visitor)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with memory_kafka() as broker:
        for topic in (ENTRIES, *LATER, OUTCOMES, PAGES, DEAD_LETTERS):
            broker.create(full(topic), PARTITIONS)
        tier = TopicPartition(full(LATER[0]), 0)
        waiting = Entry(
            id=article_id("https://a.example/1"),
            url="https://a.example/1",
            link="https://a.example/1",
            feed_url="https://a.example/feed",
            source="s",
            first_seen=LONG_AGO,
            attempt=1,
            due_at=tomorrow,
        )
        broker.append(tier, b"a.example", waiting.to_json())
        one, two = (fetch.Fetcher(SETTINGS, None, Waits()) for _ in range(2))  # type: ignore[arg-type]
        for copy in (one, one, two, one, two, one):
            copy.turn()
        assert tuple(tier) in one._reader.assigned()
        assert tier in one._reader._consumer.paused()  # its record still waits
        list(one._lanes.ready(tomorrow, 9))  # its time has come
        broker.append(tier, b"a.example", waiting.to_json())
        one.turn()
        assert tier not in one._reader._consumer.paused()
        assert one._reader._consumer.position(tier) == 2
