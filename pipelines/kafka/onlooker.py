"""The looking side: a topic's records without any group, so that nothing is committed and nobody is held up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from pipelines.kafka.client import Message, message, offsets_of, options
from pipelines.kafka.faults import answering, missing
from schemas.topics import MAX_RECORD_BYTES

_START_SECONDS = 5.0
_POLL_MILLISECONDS = 200


class Onlooker:
    """Reads all partitions of one topic from a place on.

    Raises:
        ServiceError: the broker does not answer, or the topic does not exist.
    """

    def __init__(self, bootstrap: str, topic: str, *, client_id: str) -> None:
        self._bootstrap = bootstrap
        with answering(bootstrap):
            self._consumer = KafkaConsumer(
                **options(bootstrap, client_id),
                group_id=None,
                enable_auto_commit=False,
                allow_auto_create_topics=False,  # a typo must not make a topic
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=MAX_RECORD_BYTES,
                fetch_max_wait_ms=100,
                bootstrap_timeout_ms=int(_START_SECONDS * 1000),
            )
            numbers = self._consumer.partitions_for_topic(topic)
        if not numbers:
            self._consumer.close()
            raise missing([topic])
        self._places = [TopicPartition(topic, number) for number in sorted(numbers)]
        self._consumer.assign(self._places)

    def present(self, since: datetime | None = None) -> Iterator[Message]:
        """Give the records that are there now, each partition in its order, and end.

        Args:
            since: leave out what was sent before.
        """
        with answering(self._bootstrap):
            ends = offsets_of(self._consumer.end_offsets, self._places)
            self._go_to(since)
        # Compaction leaves gaps, so the position tells the end, not the last record's offset.
        while any(self._consumer.position(place) < ends[place] for place in self._places):
            for record in self._poll():
                if record.offset < ends[TopicPartition(record.topic, record.partition)]:
                    yield message(record)

    def coming(self, *, from_start: bool) -> Iterator[Message]:
        """Give records as they come, without an end."""
        if from_start:
            self._consumer.seek_to_beginning(*self._places)
        else:
            self._consumer.seek_to_end(*self._places)
            for place in self._places:  # seeking is lazy: without this the end would be that of the first poll
                self._consumer.position(place)
        while True:
            yield from map(message, self._poll())

    def close(self) -> None:
        """Hang up."""
        self._consumer.close()

    def _poll(self) -> list[Any]:
        with answering(self._bootstrap):
            batches = self._consumer.poll(timeout_ms=_POLL_MILLISECONDS)
        return [record for records in batches.values() for record in records]

    def _go_to(self, since: datetime | None) -> None:
        self._consumer.seek_to_beginning(*self._places)
        if since is None:
            return
        wanted = dict.fromkeys(self._places, int(since.timestamp() * 1000))
        found = self._consumer.offsets_for_times(wanted)
        ends = self._consumer.end_offsets(self._places)
        for place in self._places:
            at = found.get(place)
            self._consumer.seek(place, ends[place] if at is None else at.offset)
