"""What one bundle of the source reads: how much, for how long, and nothing more once the breaker has tripped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pipelines.kafka import Message
from pipelines.process import source
from pipelines.process.source import Generation, ReadPages
from pipelines.process.worker import ProcessConfig, ProcessWorker, WorkerHandle
from pipelines.settings import load_settings
from schemas.records import BreakerState

TRIPPED = BreakerState(role="process", tripped=True, at=datetime(2026, 11, 20, tzinfo=UTC), by="process-0@here")


class Clock:
    """The source's clock, which moves only when a page is worked on or a reader waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Log:
    """A partition with so many pages; waiting for them may take time."""

    def __init__(self, clock: Clock, pages: int, first_wait: float = 0.0) -> None:
        self._clock, self._pages, self._first_wait = clock, pages, first_wait

    def read(self, offset: int, seconds: float, limit: int) -> list[Message]:
        self._clock.now += self._first_wait if seconds else 0.0
        last = min(self._pages, offset + limit)
        return [Message("news.pages", 0, number, "", b"") for number in range(offset, last)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(source, "time", made)
    return made


@pytest.fixture
def worker() -> ProcessWorker:
    servers = ["kafka.bootstrap_servers=nowhere:9092", "elasticsearch.url=http://nowhere:9200"]
    return ProcessWorker(ProcessConfig.of(load_settings(assignments=servers, environment={})))


def source_of(worker: ProcessWorker, generation: Generation | None = None) -> ReadPages:
    made = ReadPages(WorkerHandle(worker.config), 1, generation)
    made.worker = worker
    return made


def trip(worker: ProcessWorker) -> None:
    worker.breaker._own = TRIPPED


def bundle(worker: ProcessWorker, clock: Clock, log: Log, seconds_a_page: float, share: float = 1.0) -> Iterator[int]:
    for message in source_of(worker)._messages(log, 0, share):  # type: ignore[arg-type] - a stand-in
        clock.now += seconds_a_page
        yield message.offset


@pytest.mark.parametrize(
    ("seconds_a_page", "pages"),
    [(0.0, 200), (0.03, 48), (0.2, 16), (0.5, 11), (4.0, 2), (60.0, 1)],
    ids=["most pages", "whole batches", "one batch", "slow pages", "very slow ones", "one that is killed in the end"],
)
def test_a_bundle_ends_with_its_time_and_slow_pages_end_it_sooner(
    worker: ProcessWorker, clock: Clock, seconds_a_page: float, pages: int
) -> None:
    assert list(bundle(worker, clock, Log(clock, 1000), seconds_a_page)) == list(range(pages))


def test_a_bundle_takes_at_least_one_page_however_slow_the_broker_is(worker: ProcessWorker, clock: Clock) -> None:
    assert next(bundle(worker, clock, Log(clock, 1000, first_wait=30.0), 0.1)) == 0


def test_a_bundle_ends_when_there_is_nothing_to_read(worker: ProcessWorker, clock: Clock) -> None:
    assert list(bundle(worker, clock, Log(clock, 3), 0.01)) == [0, 1, 2]


def test_no_page_is_read_once_the_breaker_has_tripped(worker: ProcessWorker, clock: Clock) -> None:
    read = []
    for offset in bundle(worker, clock, Log(clock, 1000), 0.0):
        read.append(offset)
        if offset == 19:
            trip(worker)
    assert read == list(range(20))
    assert list(bundle(worker, clock, Log(clock, 1000), 0.0)) == []


def test_no_page_is_read_once_the_role_is_asked_to_end(worker: ProcessWorker, clock: Clock) -> None:
    read = []
    for offset in bundle(worker, clock, Log(clock, 1000), 0.0):
        read.append(offset)
        if offset == 19:
            worker.stop.set()
    assert read == list(range(20))


def test_a_generation_ends_when_the_breaker_trips_and_a_runner_without_one_is_held(worker: ProcessWorker) -> None:
    trip(worker)
    assert source_of(worker, Generation(ends_at=1e12))._over()
    assert not source_of(worker)._over()


def test_a_lane_s_share_is_the_part_of_a_bundle_that_it_may_take(worker: ProcessWorker, clock: Clock) -> None:
    assert len(list(bundle(worker, clock, Log(clock, 1000), 0.0, share=0.25))) == 50
    assert len(list(bundle(worker, clock, Log(clock, 1000), 0.0, share=0.001))) == 1
