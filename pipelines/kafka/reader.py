"""The consuming side: readers that commit an offset only when everything before it is done."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection, Iterable

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from pipelines.kafka.assignment import Assignment, Change, Place
from pipelines.kafka.client import Message, message, options, patiently
from pipelines.kafka.membership import Membership
from pipelines.kafka.offsets import Progress
from pipelines.signals import MEMBER
from schemas.topics import MAX_RECORD_BYTES

log = logging.getLogger(__name__)

_AWAY_SECONDS = 0.5

_POLL_BYTES = 4_194_304


class GroupReader:
    """A consumer that shares topics with its group and commits only contiguous runs of finished records.

    Args:
        bootstrap: addresses of the brokers.
        group: name of the group.
        topics: what to read.
        client_id: name for the broker's logs.
        on_assigned: told of partitions that come to this copy, not of those that stay with it.
        on_revoked: told of partitions whose work is void, because they went to another copy or may have been there.
        member: name of this copy, unique in the group: whoever comes next under it takes over at once. By default the
            one that `NEWSRIVER_MEMBER` gives; without any the partitions of a killed copy lie idle for 10 s.
    """

    def __init__(
        self,
        bootstrap: str,
        group: str,
        topics: Iterable[str],
        *,
        client_id: str,
        on_assigned: Callable[[Collection[Place]], None] = lambda _: None,
        on_revoked: Callable[[Collection[Place]], None] = lambda _: None,
        member: str | None = None,
    ) -> None:
        self._consumer = patiently(
            lambda: KafkaConsumer(
                **options(bootstrap, client_id),
                group_id=group,
                group_instance_id=member or os.environ.get(MEMBER) or None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                # Bytes bound a poll, not a number of records: of a partition that is paused when a poll has taken only
                # some of its fetched records, kafka-python 3.0.12 never gives the rest. A larger record still comes.
                max_poll_records=1_000_000,
                fetch_max_bytes=_POLL_BYTES,
                max_partition_fetch_bytes=_POLL_BYTES // 4,
                fetch_max_wait_ms=100,
                session_timeout_ms=10_000,  # how long the partitions of a killed copy lie idle
                heartbeat_interval_ms=1_000,  # how long a rebalance waits for its members: they learn of it by these
            ),
            bootstrap,
        )
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        self._assignment = Assignment()
        self._membership = Membership(self._consumer)
        self._progress: dict[Place, Progress] = {}
        self._consumer.subscribe(list(topics), listener=_Listener(self._rebalanced, self._lost))

    def poll(self, seconds: float) -> list[Message]:
        """Wait for records, at most so long, and give some 4 MB of them at most; an empty list is no error.

        Raises:
            ServiceError: another process has come under this one's name and taken its place.
        """
        self._membership.before_poll()
        messages = _polled(self._consumer, seconds)
        self._membership.after_poll()
        for read in messages:
            self._progress.setdefault((read.topic, read.partition), Progress()).began(read.offset)
        return messages

    def done(self, message: Message) -> None:
        """Note that all effects of a record are acknowledged."""
        progress = self._progress.get((message.topic, message.partition))
        if progress is not None:  # gone when the partition went to another copy, which will repeat the record
            progress.finished(message.offset)

    def commit(self) -> None:
        """Commit each partition up to its first unfinished record; a refused commit only means repeated work."""
        moved = {place: at for place, progress in self._progress.items() if (at := progress.to_commit()) is not None}
        if not moved:
            return
        try:
            self._consumer.commit(
                {TopicPartition(*place): OffsetAndMetadata(at, "", -1) for place, at in moved.items()}
            )
        except KafkaError as error:
            log.warning("offsets not committed, work will be repeated: %s", error)
            return
        for place, at in moved.items():
            if place in self._progress:
                self._progress[place].committed(at)

    def assigned(self) -> list[Place]:
        """Give the partitions this copy holds at present."""
        return [(place.topic, place.partition) for place in self._consumer.assignment()]

    def hold_back(self, places: Collection[Place]) -> None:
        """Hand out no records of some partitions for now, and those of all others."""
        wanted = {TopicPartition(*place) for place in places} & self._consumer.assignment()
        paused = set(self._consumer.paused())  # the client's own word: a rebalance may have changed it
        self._consumer.pause(*wanted - paused)
        self._consumer.resume(*paused - wanted)

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self._membership.leave_for_good()
        self._consumer.close()

    def _rebalanced(self, places: Collection[Place]) -> None:
        change = self._assignment.assigned(places, self._membership.generation)
        if again := change.left & change.came:
            self._membership.forget_positions(again)
        self._apply(change)

    def _lost(self) -> None:
        self._apply(self._assignment.lost())

    def _apply(self, change: Change) -> None:
        for place in change.left:
            self._progress.pop(place, None)
        left, came = sorted(change.left), sorted(change.came)
        log.info("partitions: %d left, %d came, %d held", len(left), len(came), len(self._assignment.held))
        log.debug("left: %s; came: %s", left, came)
        self._on_revoked(change.left)
        self._on_assigned(change.came)


class PartitionReader:
    """A consumer of one partition at a given offset, outside any group's assignment; commits for the group by hand."""

    def __init__(self, bootstrap: str, group: str, topic: str, partition: int, *, client_id: str) -> None:
        self._place = TopicPartition(topic, partition)
        self._bootstrap = bootstrap
        self._consumer = patiently(
            lambda: KafkaConsumer(
                **options(bootstrap, client_id),
                group_id=group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=MAX_RECORD_BYTES,
                fetch_max_wait_ms=100,
            ),
            bootstrap,
        )
        self._consumer.assign([self._place])
        self._position: int | None = None

    def committed(self) -> int:
        """Give the offset to start from: the group's committed one, else the first that exists."""
        offset: int | None = patiently(lambda: self._consumer.committed(self._place), self._bootstrap)
        return offset if offset is not None else int(self._consumer.beginning_offsets([self._place])[self._place])

    def end(self) -> int:
        """Give the offset after the last record."""
        return int(self._consumer.end_offsets([self._place])[self._place])

    def read(self, offset: int, seconds: float, limit: int) -> list[Message]:
        """Wait for records from `offset` on, at most so long."""
        if offset != self._position:
            self._consumer.seek(self._place, offset)
        messages = _polled(self._consumer, seconds, limit)
        self._position = messages[-1].offset + 1 if messages else offset
        return messages

    def commit(self, offset: int) -> bool:
        """Commit: everything before `offset` has had its effect; tells whether the broker took it.

        A refused commit only means repeated work.
        """
        try:
            self._consumer.commit({self._place: OffsetAndMetadata(offset, "", -1)})
        except KafkaError as error:
            log.warning("offset %s of %s not committed, work will be repeated: %s", offset, self._place, error)
            return False
        return True

    def close(self) -> None:
        """Hang up."""
        self._consumer.close()


def _polled(consumer: KafkaConsumer, seconds: float, limit: int | None = None) -> list[Message]:
    """Wait for records; while the broker is away there are none, visibly.

    Raises:
        KafkaError: the broker refuses, and waiting does not help.
    """
    try:
        batches = consumer.poll(timeout_ms=int(seconds * 1000), max_records=limit)
    except KafkaError as error:
        if not error.retriable:
            raise
        log.warning("Kafka gives no records, waiting: %s", error)
        time.sleep(_AWAY_SECONDS)
        return []
    return [message(record) for records in batches.values() for record in records]


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python ships no types
    """Hears of rebalances, within `poll`; what is announced as revoked may well stay, so only the outcome counts."""

    def __init__(self, assigned: Callable[[Collection[Place]], None], lost: Callable[[], None]) -> None:
        self._assigned, self._lost = assigned, lost

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        pass

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._assigned([(place.topic, place.partition) for place in assigned])

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - the client's signature
        self._lost()
