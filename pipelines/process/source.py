"""Beam's source: one Kafka partition as a splittable DoFn, its offset committed when the bundle is final.

The element is a partition, the restriction its offset range (https://beam.apache.org/documentation/programming-guide/
section 12). A partition is one ordered log: it is checkpointed, never split. A generation, where one is given, ends
the restriction by itself, so that a runner that leaks a little with every bundle can be started afresh.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from apache_beam import DoFn
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from pipelines.breaker.state import BreakerWatch
from pipelines.kafka import Message, PartitionReader
from pipelines.process.books import breaker
from pipelines.process.refusals import refusals

FOREVER = 2**62
"""End of a range that has none; larger than any offset."""

_BATCH = 16
_BUNDLE_SECONDS = 1.0
_SLOW_SECONDS = 5.0
_STATE_SECONDS = 10.0

stop = threading.Event()
"""Set to drain: the bundle under way is finished, then the source ends."""


class Partition(NamedTuple):
    """One partition to be read, and for whom."""

    bootstrap: str
    topic: str
    number: int
    group: str


class Generation(NamedTuple):
    """How long a run of the graph lasts on a runner that is started again and again.

    Attributes:
        ends_at: on the clock of `time.monotonic`.
        bundles: most bundles of one partition.
    """

    ends_at: float
    bundles: int = 400


class _Tracker(OffsetRestrictionTracker):
    def try_split(self, fraction_of_remainder: float) -> Any:  # noqa: ANN401 - Beam's signature
        return super().try_split(0) if fraction_of_remainder == 0 else None

    def is_bounded(self) -> bool:
        return False


class _Ranges(RestrictionProvider):
    def initial_restriction(self, element: Partition) -> OffsetRange:
        with refusals.noted(), _readers.borrow(element) as reader:
            return OffsetRange(reader.committed(), FOREVER)

    def create_tracker(self, restriction: OffsetRange) -> _Tracker:
        return _Tracker(restriction)

    def restriction_size(self, element: Partition, restriction: OffsetRange) -> int:  # noqa: ARG002 - Beam's signature
        return 1

    def truncate(self, element: Partition, restriction: OffsetRange) -> None:  # noqa: ARG002 - Beam's signature
        return None


class _Readers:
    """One reader for each partition in this process, kept between bundles; whoever borrows it has it alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._committing = threading.Lock()
        self._idle: dict[Partition, PartitionReader] = {}
        self._committed: dict[Partition, int] = {}

    @contextmanager
    def borrow(self, partition: Partition) -> Iterator[PartitionReader]:
        with self._lock:
            reader = self._idle.pop(partition, None)
        if reader is None:
            place = (partition.bootstrap, partition.group, partition.topic, partition.number)
            reader = PartitionReader(*place, client_id=f"{partition.group}-{partition.number}")
        try:
            yield reader
        finally:
            with self._lock:
                spare = self._idle.pop(partition, None)
                self._idle[partition] = reader
            if spare is not None:
                spare.close()

    def commit(self, partition: Partition, offset: int) -> None:
        """Commit, never backwards: finalizers may come late.

        After a refusal the next bundle's commit covers it, or else the next generation reads from the committed offset.
        """
        with refusals.noted(), self._committing, self.borrow(partition) as reader:
            if self._committed.get(partition, -1) < offset and reader.commit(offset):
                self._committed[partition] = offset

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, {}
        for reader in idle.values():
            reader.close()


_readers = _Readers()


def close_readers() -> None:
    """Hang up on Kafka; readers that are needed again are made again."""
    _readers.close()


class ReadPages(DoFn):
    """Partition -> its messages, from the group's committed offset on.

    Args:
        wait_seconds: longest wait for the first message of a bundle.
        bundle_pages: most messages of one partition in one bundle.
        generation: when to end; None for never.
        breaker_topic: full name of the topic that says whether the dead-letter breaker has tripped, to be followed.
    """

    def __init__(
        self, wait_seconds: float, bundle_pages: int, generation: Generation | None = None, breaker_topic: str = ""
    ) -> None:
        self._wait, self._most, self._generation = wait_seconds, bundle_pages, generation
        self._breaker_topic = breaker_topic
        self._bundles = 0

    @DoFn.unbounded_per_element()
    def process(
        self,
        element: Partition,
        # Beam passes what comes before the tracker by position: the order matters.
        finalizer: Any = DoFn.BundleFinalizerParam,  # noqa: ANN401 - Beam fills these in
        tracker: Any = DoFn.RestrictionParam(_Ranges()),  # noqa: ANN401, B008 - Beam fills these in
    ) -> Iterator[TimestampedValue[Message]]:
        """Yield messages for at most about a second, then give the rest back to the runner."""
        start = position = tracker.current_restriction().start
        self._follow_breaker(element.bootstrap)
        with refusals.noted(), _readers.borrow(element) as reader:
            for message in self._messages(reader, start):
                if not tracker.try_claim(message.offset):
                    break
                position = message.offset + 1
                yield TimestampedValue(message, Timestamp(message.timestamp_ms / 1000))
        if position > start:
            finalizer.register(lambda: _readers.commit(element, position))
        self._bundles += 1
        if self._over():
            tracker.try_claim(FOREVER)  # past the end: the restriction is done and leaves no residual
        else:
            tracker.defer_remainder()

    def _messages(self, reader: PartitionReader, position: int) -> Iterator[Message]:
        """Read in small batches, so that little is read twice when the bundle's time is over.

        Slow pages end the bundle within a batch, which costs reading the rest of it again: what is done by then is
        committed, however long the next page takes.
        """
        began = time.monotonic()
        left, wait = self._most, self._wait
        while left > 0 and time.monotonic() < began + _BUNDLE_SECONDS and _may_read():
            messages = reader.read(position, wait, min(left, _BATCH))
            if not messages:
                return
            for message in messages:
                if not _may_read():
                    return
                yield message
                if time.monotonic() > began + _SLOW_SECONDS:
                    return
            position, wait = messages[-1].offset + 1, 0.0
            left -= len(messages)

    def _follow_breaker(self, bootstrap: str) -> None:
        """See that the breaker's state is known before the first page is read; while it has tripped, take it slowly."""
        if self._breaker_topic:
            breaker.follow(BreakerWatch(bootstrap, self._breaker_topic)).wait(_STATE_SECONDS)
        if breaker.tripped is not None:
            time.sleep(self._wait)

    def _over(self) -> bool:
        if stop.is_set() or refusals.met is not None:
            return True
        if self._generation is None:
            return False
        if breaker.tripped is not None:
            return True
        # One DoFn instance serves all partitions of this process, so its count is the sum over them.
        return time.monotonic() > self._generation.ends_at or self._bundles >= self._generation.bundles


def _may_read() -> bool:
    """Tell whether a bundle may take one more page."""
    return not stop.is_set() and breaker.tripped is None
