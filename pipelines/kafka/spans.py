"""Stretches of partitions, read outside every group: what a group has yet to commit, what a topic still holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from pipelines.kafka.client import Message, message, offsets_of, options
from pipelines.kafka.faults import answering, away

Place = tuple[str, int]
"""Topic and partition."""

_START_SECONDS = 5.0
_POLL_MILLISECONDS = 200
_MOST_RECORDS = 200
_FETCH_BYTES = 4_000_000
"""Of one partition at a time; Kafka sends a larger batch all the same when it is the first."""

_STALL_SECONDS = 30.0


class Spans:
    """Looks at offsets and reads from one to another; commits nothing.

    Raises:
        ServiceError: the broker does not answer.
    """

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        self._bootstrap = bootstrap
        with answering(bootstrap):
            self._consumer = KafkaConsumer(
                **options(bootstrap, client_id),
                group_id=None,
                allow_auto_create_topics=False,
                auto_offset_reset="earliest",  # what retention took away meanwhile is skipped, nothing else
                max_partition_fetch_bytes=_FETCH_BYTES,
                fetch_max_wait_ms=100,
                bootstrap_timeout_ms=int(_START_SECONDS * 1000),
            )

    def starts(self, places: Collection[Place]) -> dict[Place, int]:
        """Give the offset of the oldest record that each partition still holds."""
        with answering(self._bootstrap):
            return _by_place(self._consumer.beginning_offsets, places)

    def ends(self, places: Collection[Place]) -> dict[Place, int]:
        """Give the offset after the last record of each partition."""
        with answering(self._bootstrap):
            return _by_place(self._consumer.end_offsets, places)

    def since(self, places: Collection[Place], at: datetime) -> dict[Place, int]:
        """Give the offset of the first record that came at that time or later; partitions without one are left out."""
        if not places:
            return {}
        with answering(self._bootstrap):
            found = self._consumer.offsets_for_times(dict.fromkeys(_partitions(places), int(at.timestamp() * 1000)))
        return {(place.topic, place.partition): of.offset for place, of in found.items() if of is not None}

    def read(self, spans: Mapping[Place, tuple[int, int]]) -> Iterator[Message]:
        """Give the records of each partition from its first offset up to, not including, its second, in order.

        Raises:
            ServiceError: the broker stops answering on the way.
        """
        ends = {TopicPartition(*place): end for place, (start, end) in spans.items() if start < end}
        if not ends:
            return
        self._consumer.assign(list(ends))
        self._consumer.resume(*ends)  # the same partitions assigned once more are still paused
        for place in ends:
            self._consumer.seek(place, spans[place.topic, place.partition][0])
        left, moved_at = dict(ends), time.monotonic()
        while left:
            records = self._poll()
            if records:
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > _STALL_SECONDS:
                raise away(self._bootstrap, TimeoutError(f"no record for {_STALL_SECONDS:.0f} s"))
            for record in records:
                if record.offset < ends[TopicPartition(record.topic, record.partition)]:
                    yield message(record)
            # Compaction and transactions leave gaps, so the position tells the end, not the last record's offset.
            done = [place for place, end in left.items() if self._consumer.position(place) >= end]
            for place in done:
                del left[place]
                self._consumer.pause(place)

    def close(self) -> None:
        """Hang up."""
        self._consumer.close()

    def _poll(self) -> list[Any]:
        with answering(self._bootstrap):
            batches = self._consumer.poll(timeout_ms=_POLL_MILLISECONDS, max_records=_MOST_RECORDS)
        return [record for records in batches.values() for record in records]


def _partitions(places: Collection[Place]) -> list[TopicPartition]:
    return [TopicPartition(*place) for place in places]


def _by_place(ask: Callable[[list[TopicPartition]], Any], places: Collection[Place]) -> dict[Place, int]:
    found = offsets_of(ask, _partitions(places))
    return {(place.topic, place.partition): offset for place, offset in found.items()}
