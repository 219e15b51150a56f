"""The consuming side: readers that commit an offset only when everything before it is done."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from pipelines.kafka.assignment import Assignment, AssignmentChange, Place
from pipelines.kafka.client import Message, offsets_of, options
from pipelines.kafka.faults import CHURN, lasting, refusal
from pipelines.kafka.membership import Membership
from pipelines.kafka.offsets import PartitionProgress
from pipelines.kafka.outage import outage
from pipelines.kafka.patience import TopicWatch, patiently, polled
from pipelines.worker_environment import MEMBER
from schemas.topics import MAX_RECORD_BYTES

log = logging.getLogger(__name__)

_COMMIT_SECONDS = 10.0

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
                allow_auto_create_topics=False,
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
        topics = list(topics)
        self._bootstrap = bootstrap
        self._watch = TopicWatch(self._consumer, bootstrap, topics)
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        self._assignment = Assignment()
        self._membership = Membership(self._consumer)
        self._progress: dict[Place, PartitionProgress] = {}
        self._consumer.subscribe(topics, listener=_Listener(self._rebalanced, self._lost))

    def poll(self, seconds: float) -> list[Message]:
        """Wait for records, at most so long, and give some 4 MB of them at most; an empty list is no error.

        Raises:
            ServiceError: another process has come under this one's name and taken its place; Kafka refuses, or a topic
                does not exist.
        """
        self._membership.before_poll()
        messages = polled(self._consumer, self._watch, seconds)
        self._membership.after_poll()
        for read in messages:
            self._progress.setdefault((read.topic, read.partition), PartitionProgress()).began(read.offset)
        return messages

    def done(self, message: Message) -> None:
        """Note that all effects of a record are acknowledged."""
        progress = self._progress.get((message.topic, message.partition))
        if progress is not None:  # gone when the partition went to another copy, which will repeat the record
            progress.finished(message.offset)

    def commit(self) -> None:
        """Commit each partition up to its first unfinished record; one that is not taken only means repeated work.

        Raises:
            ServiceError: Kafka refuses, and waiting does not help.
        """
        moved = {place: at for place, progress in self._progress.items() if (at := progress.to_commit()) is not None}
        if not moved:
            return
        if _commit(self._consumer, moved, self._bootstrap):
            for place, at in moved.items():
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
        self._watch.close()
        outage.works((self._consumer, "commit"))
        self._membership.leave_for_good()
        self._consumer.close()

    def _rebalanced(self, places: Collection[Place]) -> None:
        change = self._assignment.assigned(places, self._membership.generation)
        if again := change.left & change.came:
            self._membership.forget_positions(again)
        self._apply(change)

    def _lost(self) -> None:
        self._apply(self._assignment.lost())

    def _apply(self, change: AssignmentChange) -> None:
        for place in change.left:
            self._progress.pop(place, None)
        left, came = sorted(change.left), sorted(change.came)
        if not left and not came:
            return
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
                allow_auto_create_topics=False,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=MAX_RECORD_BYTES,
                fetch_max_wait_ms=100,
            ),
            bootstrap,
        )
        self._watch = TopicWatch(self._consumer, bootstrap, [topic])
        self._consumer.assign([self._place])
        self._position: int | None = None

    def committed(self) -> int:
        """Give the offset to start from: the group's committed one, else the first that exists.

        Raises:
            ServiceError: Kafka refuses, or the topic does not exist.
        """
        offset: int | None = self._ask(lambda: self._consumer.committed(self._place))
        return offset if offset is not None else self._at(self._consumer.beginning_offsets)

    def end(self) -> int:
        """Give the offset after the last record.

        Raises:
            ServiceError: as `committed`.
        """
        return self._at(self._consumer.end_offsets)

    def read(self, offset: int, seconds: float, limit: int) -> list[Message]:
        """Wait for records from `offset` on, at most so long.

        Raises:
            ServiceError: as `committed`.
        """
        if offset != self._position:
            self._consumer.seek(self._place, offset)
        messages = polled(self._consumer, self._watch, seconds, limit)
        self._position = messages[-1].offset + 1 if messages else offset
        return messages

    def commit(self, offset: int) -> bool:
        """Commit: everything before `offset` has had its effect; tells whether the broker took it.

        One that is not taken only means repeated work.

        Raises:
            ServiceError: Kafka refuses, and waiting does not help.
        """
        return _commit(self._consumer, {tuple(self._place): offset}, self._bootstrap)

    def close(self) -> None:
        """Hang up."""
        self._watch.close()
        outage.works((self._consumer, "commit"))
        self._consumer.close()

    def _at(self, offsets: Callable[..., Any]) -> int:
        return int(self._ask(lambda: offsets_of(offsets, [self._place]))[self._place])

    def _ask(self, question: Callable[..., Any]) -> Any:  # noqa: ANN401 - kafka-python is untyped
        return patiently(question, self._bootstrap, [self._place.topic])


def _commit(consumer: KafkaConsumer, offsets: Mapping[Place, int], bootstrap: str) -> bool:
    """Commit, and tell whether the broker took it.

    Raises:
        ServiceError: it refuses, and waiting does not help.
    """
    wanted = {TopicPartition(*place): OffsetAndMetadata(at, "", -1) for place, at in offsets.items()}
    attempt = (consumer, "commit")
    try:
        consumer.commit(wanted, timeout_ms=int(_COMMIT_SECONDS * 1000))
    except KafkaError as error:
        if lasting(error):
            raise refusal(error, bootstrap) from None
        if isinstance(error, CHURN) and consumer.subscription():  # a member that is about to join again
            log.debug("offsets not committed, work will be repeated: %s", error)
        else:
            outage.fails(attempt, f"Kafka at {bootstrap} takes no offsets, work will be repeated: {error}")
        return False
    outage.works(attempt)
    return True


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
