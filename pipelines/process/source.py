"""Beam's source: one Kafka partition as a splittable DoFn, its offset committed when the bundle is final.

The element is a partition, the restriction its offset range (https://beam.apache.org/documentation/programming-guide/
section 12). A partition is one ordered log: it is checkpointed, never split. A generation, where one is given, ends
the restriction by itself, so that a runner that leaks a little with every bundle can be started afresh.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from apache_beam import DoFn
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from pipelines.breaker.state import BreakerWatch
from pipelines.kafka import Message, PartitionReader
from pipelines.process.readers import FOREVER, Partition
from pipelines.process.step import Step
from pipelines.process.worker import WorkerHandle
from schemas.topics import BREAKER

_BATCH = 16
_BUNDLE_SECONDS = 1.0
_SLOW_SECONDS = 5.0
_STATE_SECONDS = 10.0


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


class ReadPages(Step, RestrictionProvider):
    """Partition -> its messages, from the group's committed offset on.

    Args:
        handle: the way to this process's worker.
        partitions: how many there are: they are polled in turn.
        generation: when to end; None for never.
    """

    def __init__(self, handle: WorkerHandle, partitions: int, generation: Generation | None = None) -> None:
        super().__init__(handle)
        self._wait = handle.config.poll_ms / 1000 / partitions
        self._generation = generation
        self._bundles = 0

    def initial_restriction(self, element: Partition) -> OffsetRange:
        """Begin where the group has committed; Beam asks a copy of the step that was not set up."""
        with self._handle.open().readers.borrow(element) as reader:
            return OffsetRange(min(max(reader.committed(), element.start), element.end), element.end)

    def create_tracker(self, restriction: OffsetRange) -> _Tracker:
        """Give what keeps to a restriction."""
        return _Tracker(restriction)

    def restriction_size(self, element: Partition, restriction: OffsetRange) -> int:  # noqa: ARG002 - Beam's signature
        """Give the same for all."""
        return 1

    def truncate(self, element: Partition, restriction: OffsetRange) -> None:  # noqa: ARG002 - Beam's signature
        """Leave nothing of a restriction when the runner drains."""
        return

    @DoFn.unbounded_per_element()
    def process(
        self,
        element: Partition,
        # Beam passes what comes before the tracker by position: the order matters.
        finalizer: Any = DoFn.BundleFinalizerParam,  # noqa: ANN401 - Beam fills these in
        tracker: Any = DoFn.RestrictionParam(),  # noqa: ANN401, B008 - Beam fills these in
    ) -> Iterator[TimestampedValue[Message]]:
        """Yield messages for at most about a second, then give the rest back to the runner."""
        start = position = tracker.current_restriction().start
        self.worker.loop.tick()
        self._follow_breaker()
        with self.worker.readers.borrow(element) as reader:
            for message in self._messages(reader, start, element.share):
                if not tracker.try_claim(message.offset):
                    break
                position = message.offset + 1
                self.worker.loop.tick()
                yield TimestampedValue(message, Timestamp(message.timestamp_ms / 1000))
        if position > start:
            finalizer.register(lambda: self.worker.readers.commit(element, position))
        self._bundles += 1
        if self._over() or position >= element.end:
            tracker.try_claim(FOREVER)  # past the end: the restriction is done and leaves no residual
        else:
            tracker.defer_remainder()

    def _messages(self, reader: PartitionReader, position: int, share: float) -> Iterator[Message]:
        """Read in small batches, so that little is read twice when the bundle's time is over.

        Slow pages end the bundle within a batch, which costs reading the rest of it again: what is done by then is
        committed, however long the next page takes.
        """
        began = time.monotonic()
        left, wait = max(1, round(self.worker.config.bundle_pages * share)), self._wait
        while left > 0 and time.monotonic() < began + _BUNDLE_SECONDS and self._may_read():
            messages = reader.read(position, wait, min(left, _BATCH))
            if not messages:
                return
            for message in messages:
                if not self._may_read():
                    return
                yield message
                if time.monotonic() > began + _SLOW_SECONDS:
                    return
            position, wait = messages[-1].offset + 1, 0.0
            left -= len(messages)

    def _follow_breaker(self) -> None:
        """See that the breaker's state is known before the first page is read; while it has tripped, take it slowly."""
        breaker, config = self.worker.breaker, self.worker.config
        breaker.follow(BreakerWatch(config.bootstrap, BREAKER.full_name(config.river))).wait(_STATE_SECONDS)
        if breaker.tripped is not None:
            time.sleep(self._wait)

    def _over(self) -> bool:
        if self.worker.stop.is_set() or self.worker.refusals.met is not None:
            return True
        if self._generation is None:
            return False
        if self.worker.breaker.tripped is not None:
            return True
        # One DoFn instance serves all partitions of this process, so its count is the sum over them.
        return time.monotonic() > self._generation.ends_at or self._bundles >= self._generation.bundles

    def _may_read(self) -> bool:
        """Tell whether a bundle may take one more page."""
        return not self.worker.stop.is_set() and self.worker.breaker.tripped is None
