"""Compacted topics as they stand and as they change: read from the start, outside any group, and then on."""

from __future__ import annotations

from collections.abc import Iterable

from kafka import KafkaConsumer, TopicPartition

from pipelines.kafka.client import Message, offsets_of, options
from pipelines.kafka.faults import missing
from pipelines.kafka.patience import TopicWatch, patiently, polled
from schemas.topics import MAX_RECORD_BYTES


class Follower:
    """Reads all partitions of some topics from the start on, and tells when it has come to where they ended.

    Raises:
        ServiceError: a topic does not exist.
    """

    def __init__(self, bootstrap: str, topics: Iterable[str], *, client_id: str) -> None:
        self._consumer = patiently(
            lambda: KafkaConsumer(
                **options(bootstrap, client_id),
                group_id=None,
                enable_auto_commit=False,
                allow_auto_create_topics=False,
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=MAX_RECORD_BYTES,
                fetch_max_wait_ms=100,
            ),
            bootstrap,
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
