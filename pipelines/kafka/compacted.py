"""Compacted topics as a table: which partition a key lives in, and all that partitions hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2

from pipelines.kafka.client import Message, message, offsets_of, options
from pipelines.kafka.patience import patiently
from schemas.topics import MAX_RECORD_BYTES


def partition_of(key: str, partitions: int) -> int:
    """Give the partition that the producer puts a key into."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


def read_whole(bootstrap: str, places: Iterable[tuple[str, int]], *, client_id: str) -> list[Message]:
    """Give all records of some partitions up to their present ends, older ones of a key before newer ones.

    While the broker is away it waits, for ever and visibly.

    Args:
        bootstrap: Kafka's address.
        places: topics and partitions.
        client_id: name in the broker's log.

    Raises:
        ServiceError: it refuses, or a topic does not exist.
    """
    wanted = [TopicPartition(topic, partition) for topic, partition in places]
    if not wanted:
        return []
    topics = {place.topic for place in wanted}
    found: list[Message] = patiently(lambda: list(_records(bootstrap, wanted, client_id)), bootstrap, topics)
    return found


def read_last(bootstrap: str, places: Iterable[tuple[str, int]], *, client_id: str) -> list[Message]:
    """Give the last record of each key, as compaction would leave it in the end; otherwise as `read_whole`.

    What compaction has yet to remove is read, but neither kept nor decoded by anybody.
    """
    wanted = [TopicPartition(topic, partition) for topic, partition in places]

    def read() -> list[Message]:
        last: dict[tuple[str, str | None], Message] = {}
        for record in _records(bootstrap, wanted, client_id):
            last.pop((record.topic, record.key), None)  # so that the order is that of the last ones
            last[record.topic, record.key] = record
        return list(last.values())

    topics = {place.topic for place in wanted}
    found: list[Message] = patiently(read, bootstrap, topics) if wanted else []
    return found


def _records(bootstrap: str, wanted: list[TopicPartition], client_id: str) -> Iterator[Message]:
    consumer = KafkaConsumer(
        **options(bootstrap, client_id),
        group_id=None,
        allow_auto_create_topics=False,
        max_partition_fetch_bytes=MAX_RECORD_BYTES,
        fetch_max_wait_ms=100,
    )
    try:
        consumer.assign(wanted)
        consumer.seek_to_beginning(*wanted)
        ends = offsets_of(consumer.end_offsets, wanted)
        while any(consumer.position(place) < ends[place] for place in wanted):
            for records in consumer.poll(timeout_ms=500).values():
                yield from map(message, records)
    finally:
        consumer.close()
