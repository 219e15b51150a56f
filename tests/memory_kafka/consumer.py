"""The consumer of kafka-python as the river uses it, on a broker in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from kafka import TopicPartition
from kafka.coordinator.base import MemberState
from kafka.errors import CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError
from kafka.structs import OffsetAndMetadata

from tests.memory_kafka.broker import Broker, Record


class _Position:
    """What a consumer knows of one partition; it outlasts a rebalance in which the partition stays."""

    def __init__(self) -> None:
        self.offset: int | None = None
        self.paused = False


class MemoryConsumer:
    """A member of a group, or a reader of partitions that it was given by hand; polls once per call and never waits."""

    def __init__(self, broker: Broker, group_id: str | None = None, **options: Any) -> None:
        broker.reach()
        self._broker = broker
        self._group = group_id
        self._held: dict[TopicPartition, _Position] = {}
        self._listener: Any = None
        self._closed = False
        self.instance: str | None = options.get("group_instance_id")
        self.topics: list[str] = []
        self.member_id = ""
        self.generation = -1
        self._coordinator = _Coordinator(self)
        self._subscription = _Subscription(self)
        self._manager = SimpleNamespace(_conns={0: _Connection(broker)}, cluster=_Cluster(broker))

    # --- by hand ----------------------------------------------------------------------------------------------------

    def assign(self, places: Iterable[TopicPartition]) -> None:
        """Read these partitions, outside any group."""
        self._replace(list(places))

    def assignment(self) -> set[TopicPartition]:
        """Give the partitions that are held."""
        return set(self._held)

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Read on from an offset."""
        self._held[place].offset = offset

    def seek_to_beginning(self, *places: TopicPartition) -> None:
        """Read on from the first record."""
        for place in places:
            self.seek(place, 0)

    def seek_to_end(self, *places: TopicPartition) -> None:
        """Read on behind the last record."""
        for place in places:
            self.seek(place, len(self._broker.logs[place]))

    def position(self, place: TopicPartition) -> int:
        """Give the offset of the next record."""
        return self._located(place)

    def pause(self, *places: TopicPartition) -> None:
        """Give no records of partitions."""
        for place in places:
            self._held[place].paused = True

    def resume(self, *places: TopicPartition) -> None:
        """Give records of paused partitions again."""
        for place in places:
            self._held[place].paused = False

    def paused(self) -> set[TopicPartition]:
        """Give the partitions that are paused."""
        return {place for place, known in self._held.items() if known.paused}

    # --- what the broker knows --------------------------------------------------------------------------------------

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        """Give the numbers of a topic's partitions."""
        self._broker.reach()
        return self._broker.partitions(topic) or None

    def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Give the first offsets; a KeyError where a topic was deleted, as from the client."""
        self._broker.reach()
        return {place: 0 for place in places if self._broker.logs[place] is not None}

    def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Give the offsets behind the last records."""
        self._broker.reach()
        return {place: len(self._broker.logs[place]) for place in places}

    def committed(self, place: TopicPartition) -> int | None:
        """Give the group's committed offset."""
        self._broker.reach("committed")
        return self._broker.groups[str(self._group)].committed.get(place)

    # --- a group ----------------------------------------------------------------------------------------------------

    def subscribe(self, topics: Iterable[str], listener: Any = None) -> None:
        """Share topics with the group."""
        self.topics, self._listener = list(topics), listener

    def subscription(self) -> set[str] | None:
        """Give the topics that are shared with a group."""
        return set(self.topics) or None

    def poll(self, timeout_ms: int = 0, max_records: int | None = None) -> dict[TopicPartition, list[Record]]:
        """Take part in what the group does, then give what is there; where there is nothing, time passes.

        Raises:
            KafkaError: the test has ordered it.
        """
        found = self._poll(max_records) if not self._broker.away else {}  # the client waits in silence
        if not found:
            self._broker.clock.sleep(timeout_ms / 1000)
        return found

    def _poll(self, max_records: int | None) -> dict[TopicPartition, list[Record]]:
        self._broker.reach("poll")
        if self.topics and not self._coordinator.take_part():
            return {}
        found: dict[TopicPartition, list[Record]] = {}
        for place in [place for place, known in self._held.items() if not known.paused]:
            log = self._broker.logs.get(place)
            if log is None:
                continue
            start = self._located(place)
            records = log[start : None if max_records is None else start + max_records]
            if records:
                found[place] = records
                self._held[place].offset = start + len(records)
                max_records = None if max_records is None else max_records - len(records)
        return found

    def commit(self, offsets: dict[TopicPartition, OffsetAndMetadata], timeout_ms: int | None = None) -> None:  # noqa: ARG002 - nothing to wait for
        """Commit offsets."""
        self._broker.reach("commit")
        wanted = {place: at.offset for place, at in offsets.items()}
        if not self.topics:
            try:
                self._broker.commit(str(self._group), None, wanted)
            except UnknownMemberIdError as error:
                raise CommitFailedError(error) from None
            return
        if self._coordinator.rejoining:
            raise RebalanceInProgressError
        if self.generation < 0:
            raise CommitFailedError
        try:
            self._broker.commit(str(self._group), self, wanted)
        except (UnknownMemberIdError, IllegalGenerationError) as error:
            self.generation = -1
            raise CommitFailedError(error) from None

    def close(self) -> None:
        """Leave; a member that has a name of its own only when it is told so."""
        if self._closed:
            return
        self._closed = True
        if self._listener is not None and self._held:
            self._listener.on_partitions_revoked(set(self._held))
        self._held = {}
        if self.topics and self._coordinator.is_dynamic_member():
            self._broker.leave(str(self._group), self.member_id)

    def _replace(self, places: list[TopicPartition]) -> None:
        """Hold these partitions; what was held before keeps its position and its pause."""
        self._held = {place: self._held.get(place) or _Position() for place in places}

    def _located(self, place: TopicPartition) -> int:
        known = self._held[place]
        if known.offset is None:
            committed = self._broker.groups[self._group].committed.get(place) if self._group else None
            known.offset = committed or 0
        return known.offset


class _Coordinator:
    """The group side of a consumer, under the names of kafka-python 3.0.12 that the river uses."""

    def __init__(self, consumer: MemoryConsumer) -> None:
        self._consumer = consumer
        self.rejoining = self.rejoin_needed = False
        self.group_id = consumer._group
        self.group_instance_id = consumer.instance
        self.state = MemberState.STABLE
        self.is_dynamic_member: Callable[[], bool] = lambda: not self.group_instance_id
        self._heartbeat_enabled = True

    @property
    def _generation(self) -> SimpleNamespace:
        return SimpleNamespace(generation_id=self._consumer.generation)

    async def _do_join_and_sync_async(self) -> bytes:
        raise NotImplementedError("the network is not part of the double")

    def stable(self) -> bool:
        """Tell whether the member has what its generation gave it."""
        return not self.rejoining

    def take_part(self) -> bool:
        """Do what a poll does for the group; gives False while a generation forms."""
        consumer = self._consumer
        broker, name = consumer._broker, str(consumer._group)
        group = broker.groups[name]
        if self._take_name(group) or not self._heartbeat_enabled:
            return True
        if not self.rejoining and self._must_join():
            self._prepare()
            self.rejoining = True
        if self.rejoining and (group.joined is None or consumer.member_id not in group.joined):
            if group.members.get(consumer.member_id) is not consumer:  # new, or put out while it waited
                consumer.member_id = broker.new_member_id()
                broker.join(name, consumer)
            elif consumer.generation == group.generation or group.joined is not None:
                broker.join(name, consumer)
        if not self.rejoining:
            return True
        if group.joined is not None or consumer.member_id not in group.given:
            return False
        consumer.generation, self.rejoining = group.generation, False
        consumer._replace(group.given[consumer.member_id])
        if consumer._listener is not None:
            consumer._listener.on_partitions_assigned(set(consumer._held))
        return True

    def _must_join(self) -> bool:
        consumer = self._consumer
        group = consumer._broker.groups[str(consumer._group)]
        if group.members.get(consumer.member_id) is not consumer:
            consumer.generation = -1  # what the next heartbeat would tell
        return consumer.generation != group.generation or group.joined is not None

    def _prepare(self) -> None:
        """Tell the listener that everything is revoked, or lost when the group went on without this member."""
        consumer = self._consumer
        held = set(consumer._held)
        if consumer.generation < 0 and held:
            if consumer._listener is not None:
                consumer._listener.on_partitions_lost(held)
            consumer._replace([])
        elif consumer._listener is not None:
            consumer._listener.on_partitions_revoked(held)

    def _take_name(self, group: Any) -> bool:
        """Take the place of the member that has this one's name, without a rebalance."""
        consumer = self._consumer
        if not consumer.instance or consumer.member_id:
            return False
        for member_id, other in list(group.members.items()):
            if other.instance == consumer.instance:
                other._coordinator._heartbeat_enabled = False
                consumer.member_id, consumer.generation = member_id, group.generation
                group.members[member_id] = consumer
                if group.joined is not None:
                    return False
                consumer._replace(group.given.get(member_id, []))
                if consumer._listener is not None:
                    consumer._listener.on_partitions_assigned(set(consumer._held))
                return True
        return False


class _Subscription:
    def __init__(self, consumer: MemoryConsumer) -> None:
        self._consumer = consumer

    def assigned_partitions(self) -> set[TopicPartition]:
        return set(self._consumer._held)

    def assign_from_subscribed(self, places: Iterable[TopicPartition]) -> None:
        self._consumer._replace(list(places))


class _Connection:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    @property
    def connected(self) -> bool:
        return not self._broker.away


class _Cluster:
    """What a client knows of topics."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    @property
    def unauthorized_topics(self) -> set[str]:
        return self._broker.unauthorized

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return self._broker.partitions(topic) or None
