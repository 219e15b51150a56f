"""Topics read outside every group: stretches of partitions, whole topics, tables as they change. Commits nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2

from pipelines.kafka.client import Message, message, offsets_of, options
from pipelines.kafka.faults import answering, away, missing
from pipelines.kafka.patience import TopicWatch, patiently, polled
from schemas.topics import MAX_RECORD_BYTES

Place = tuple[str, int]
"""Topic and partition."""

_START_SECONDS = 5.0
_POLL_MILLISECONDS = 200
_MOST_RECORDS = 200
_FETCH_BYTES = 4_000_000
"""Of one partition at a time; Kafka sends a larger batch all the same when it is the first."""

_STALL_SECONDS = 30.0


def partition_of(key: str, partitions: int) -> int:
    """Give the partition that the producer puts a key into."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


def _consumer(bootstrap: str, client_id: str, **more: Any) -> KafkaConsumer:  # noqa: ANN401 - kafka-python's options have no types
    return KafkaConsumer(
        **options(bootstrap, client_id),
        group_id=None,
        enable_auto_commit=False,
        allow_auto_create_topics=False,  # a typo must not make a topic
        auto_offset_reset="earliest",  # what retention took away meanwhile is skipped, nothing else
        fetch_max_wait_ms=100,
        **more,
    )


class RangeReader:
    """Looks at offsets and reads from one to another; what the broker does not answer at once is an error.

    Raises:
        ServiceError: the broker does not answer.
    """

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        self._bootstrap = bootstrap
        with answering(bootstrap):
            self._consumer = _consumer(
                bootstrap,
                client_id,
                max_partition_fetch_bytes=_FETCH_BYTES,
                bootstrap_timeout_ms=int(_START_SECONDS * 1000),
            )

    def places(self, topic: str) -> list[Place]:
        """Give the partitions of a topic.

        Raises:
            ServiceError: it does not exist, or the broker does not answer.
        """
        with answering(self._bootstrap):
            numbers = self._consumer.partitions_for_topic(topic)
        if not numbers:
            raise missing([topic])
        return [(topic, number) for number in sorted(numbers)]

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

    def read(self, ranges: Mapping[Place, tuple[int, int]]) -> Iterator[Message]:
        """Give the records of each partition from its first offset up to, not including, its second, in order.

        Raises:
            ServiceError: the broker stops answering on the way.
        """
        ends = {TopicPartition(*place): end for place, (start, end) in ranges.items() if start < end}
        if not ends:
            return
        self._begin({place: ranges[place.topic, place.partition][0] for place in ends})
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

    def follow(self, starts: Mapping[Place, int]) -> Iterator[Message]:
        """Give the records of each partition from an offset on as they come, without an end."""
        self._begin({TopicPartition(*place): start for place, start in starts.items()})
        while True:
            yield from map(message, self._poll())

    def close(self) -> None:
        """Hang up."""
        self._consumer.close()

    def _begin(self, starts: Mapping[TopicPartition, int]) -> None:
        self._consumer.assign(list(starts))
        self._consumer.resume(*starts)  # the same partitions assigned once more are still paused
        for place, start in starts.items():
            self._consumer.seek(place, start)

    def _poll(self) -> list[Any]:
        with answering(self._bootstrap):
            batches = self._consumer.poll(timeout_ms=_POLL_MILLISECONDS, max_records=_MOST_RECORDS)
        return [record for records in batches.values() for record in records]


def read_topic(bootstrap: str, topic: str, *, client_id: str, since: datetime | None = None) -> Iterator[Message]:
    """Give the records that a topic has now, each partition in its order, and end.

    Args:
        bootstrap: Kafka's address.
        topic: its full name.
        client_id: name in the broker's log.
        since: leave out what was sent before.

    Raises:
        ServiceError: the broker does not answer, or the topic does not exist.
    """
    with closing(RangeReader(bootstrap, client_id=client_id)) as reader:
        places = reader.places(topic)
        ends = reader.ends(places)
        starts = reader.starts(places) if since is None else ends | reader.since(places, since)
        yield from reader.read({place: (starts[place], ends[place]) for place in places})


def read_whole(bootstrap: str, places: Iterable[Place], *, client_id: str) -> list[Message]:
    """Give all records of some partitions up to their present ends, older ones of a key before newer ones.

    While the broker is away it waits, for ever and visibly.

    Raises:
        ServiceError: it refuses, or a topic does not exist.
    """
    return _read_patiently(bootstrap, list(places), client_id, list)


def read_last(bootstrap: str, places: Iterable[Place], *, client_id: str) -> list[Message]:
    """Give the last record of each key, as compaction would leave it in the end; otherwise as `read_whole`.

    What compaction has yet to remove is read, but neither kept nor decoded by anybody.
    """
    return _read_patiently(bootstrap, list(places), client_id, _last_of_each_key)


def _read_patiently(
    bootstrap: str, places: list[Place], client_id: str, keep: Callable[[Iterator[Message]], list[Message]]
) -> list[Message]:
    def read() -> list[Message]:
        with closing(RangeReader(bootstrap, client_id=client_id)) as reader:
            starts, ends = reader.starts(places), reader.ends(places)
            return keep(reader.read({place: (starts[place], ends[place]) for place in places}))

    found: list[Message] = patiently(read, bootstrap, {topic for topic, _ in places}) if places else []
    return found


def _last_of_each_key(records: Iterator[Message]) -> list[Message]:
    last: dict[tuple[str, str | None], Message] = {}
    for record in records:
        last.pop((record.topic, record.key), None)  # so that the order is that of the last ones
        last[record.topic, record.key] = record
    return list(last.values())


class TableFollower:
    """Reads all partitions of compacted topics from the start on, and tells when it has come to where they ended.

    While the broker is away it waits, for ever and visibly.

    Raises:
        ServiceError: a topic does not exist.
    """

    def __init__(self, bootstrap: str, topics: Iterable[str], *, client_id: str) -> None:
        self._consumer = patiently(
            lambda: _consumer(bootstrap, client_id, max_partition_fetch_bytes=MAX_RECORD_BYTES), bootstrap
        )
        topics = list(topics)
        self._watch = TopicWatch(self._consumer, bootstrap, topics)
        places: list[TopicPartition] = []
        for topic in topics:
            numbers = patiently(lambda: self._consumer.partitions_for_topic(topic), bootstrap)  # noqa: B023 - called at once
            if not numbers:
                self._consumer.close()
                raise missing([topic])
            places += [TopicPartition(topic, number) for number in numbers]
        self._consumer.assign(places)
        self._consumer.seek_to_beginning(*places)
        self._ahead: dict[TopicPartition, int] = patiently(
            lambda: offsets_of(self._consumer.end_offsets, places), bootstrap, topics
        )

    def poll(self, seconds: float) -> list[Message]:
        """Wait for records, at most so long; while the broker is away there are none, visibly.

        Raises:
            ServiceError: the broker refuses, and waiting does not help.
        """
        return polled(self._consumer, self._watch, seconds)

    def caught_up(self) -> bool:
        """Tell whether all that was there at the start has been given."""
        # Compaction leaves gaps, so the position tells the end, not the last record's offset.
        self._ahead = {place: end for place, end in self._ahead.items() if self._consumer.position(place) < end}
        return not self._ahead

    def close(self) -> None:
        """Hang up."""
        self._watch.close()
        self._consumer.close()


def _partitions(places: Collection[Place]) -> list[TopicPartition]:
    return [TopicPartition(*place) for place in places]


def _by_place(ask: Callable[[list[TopicPartition]], Any], places: Collection[Place]) -> dict[Place, int]:
    found = offsets_of(ask, _partitions(places))
    return {(place.topic, place.partition): offset for place, offset in found.items()}
