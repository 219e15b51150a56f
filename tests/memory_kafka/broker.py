"""A Kafka in this process: partitions and eager consumer groups, without threads, on a clock of its own.

Whatever happens does so within a call of a client or of the test, so a property test may put everything into any
order. What a real broker and kafka-python 3.0.12 do is claimed by `tests/contract/test_kafka.py`, which runs on both.
"""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kafka import TopicPartition
from kafka.errors import IllegalGenerationError, KafkaConnectionError, KafkaError, UnknownMemberIdError

if TYPE_CHECKING:
    from tests.memory_kafka.consumer import MemoryConsumer


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a log, with the fields of kafka-python's."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int


@dataclass
class Group:
    """A consumer group.

    Attributes:
        members: those that belong to it, by member id, in the order of their ids.
        joined: those that have asked to join the generation that is forming; None while none is.
        given: what the generation gives to each member.
    """

    generation: int = 0
    members: dict[str, MemoryConsumer] = field(default_factory=dict)
    joined: set[str] | None = None
    given: dict[str, list[TopicPartition]] = field(default_factory=dict)
    committed: dict[TopicPartition, int] = field(default_factory=dict)


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Pass time."""
        self.now += seconds

    def monotonic(self) -> float:
        """Give the time."""
        return self.now


class Broker:
    """The broker, with the faults that a test orders.

    Attributes:
        away: whether nobody reaches it.
        unauthorized: topics that clients may not see.
        refusals: for each operation (`commit`, `poll`, `produce`, `append`) the errors that come next; `append` takes
            the record and then loses the answer.
    """

    def __init__(self) -> None:
        self.logs: dict[TopicPartition, list[Record]] = {}
        self.configs: dict[str, dict[str, str]] = {}
        self.groups: dict[str, Group] = defaultdict(Group)
        self.clock = Clock()
        self.away = False
        self.unauthorized: set[str] = set()
        self.refusals: dict[str, deque[KafkaError]] = defaultdict(deque)
        self._ids = itertools.count()

    def reach(self, operation: str = "") -> None:
        """Have a client ask something.

        Raises:
            KafkaError: the broker is away, or the test has ordered it.
        """
        if self.away:
            raise KafkaConnectionError("away")
        if self.refusals[operation]:
            raise self.refusals[operation].popleft()

    def create(self, topic: str, partitions: int, config: dict[str, str] | None = None) -> None:
        """Create a topic."""
        self.configs[topic] = dict(config or {})
        for number in range(partitions):
            self.logs[TopicPartition(topic, number)] = []

    def delete(self, topic: str) -> None:
        """Delete a topic with all it holds."""
        del self.configs[topic]
        for place in [place for place in self.logs if place.topic == topic]:
            del self.logs[place]

    def partitions(self, topic: str) -> set[int]:
        """Give the numbers of a topic's partitions; none where it does not exist or may not be seen."""
        return {place.partition for place in self.logs if place.topic == topic and topic not in self.unauthorized}

    def append(
        self, place: TopicPartition, key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes], ...] = ()
    ) -> int:
        """Write a record and give its offset."""
        log = self.logs[place]
        log.append(Record(place.topic, place.partition, len(log), key, value, headers, 1_700_000_000_000 + len(log)))
        return len(log) - 1

    # --- groups -----------------------------------------------------------------------------------------------------

    def new_member_id(self) -> str:
        """Give a name to a member that has none yet."""
        return f"member-{next(self._ids):04}"

    def join(self, name: str, consumer: MemoryConsumer) -> None:
        """Have a member ask to join the next generation; it begins when all members have asked."""
        group = self.groups[name]
        group.members[consumer.member_id] = consumer
        group.joined = (group.joined or set()) | {consumer.member_id}
        self._complete(group)

    def leave(self, name: str, member_id: str) -> None:
        """Take a member out, as when it leaves or its session ends; the others form a new generation."""
        group = self.groups[name]
        if group.members.pop(member_id, None) is None:
            return
        group.joined = (group.joined or set()) - {member_id}
        if group.members:
            self._complete(group)
        else:
            group.generation, group.joined, group.given = group.generation + 1, None, {}

    def commit(self, name: str, consumer: MemoryConsumer | None, offsets: dict[TopicPartition, int]) -> None:
        """Take offsets of a member of the present generation, or of nobody's where the group has no members.

        Raises:
            UnknownMemberIdError: it is no member.
            IllegalGenerationError: the group went on without it.
        """
        group = self.groups[name]
        if consumer is None:
            if group.members:
                raise UnknownMemberIdError
        elif group.members.get(consumer.member_id) is not consumer:
            raise UnknownMemberIdError
        elif consumer.generation != group.generation:
            raise IllegalGenerationError
        group.committed.update(offsets)

    def _complete(self, group: Group) -> None:
        if group.joined is None or group.joined != set(group.members):
            return
        group.generation, group.joined = group.generation + 1, None
        group.given = {member_id: [] for member_id in group.members}
        for topic in sorted({topic for member in group.members.values() for topic in member.topics}):
            takers = sorted(each for each, member in group.members.items() if topic in member.topics)
            numbers = sorted(self.partitions(topic))
            whole, rest = divmod(len(numbers), len(takers))
            for at, taker in enumerate(takers):  # the range assignor
                start = at * whole + min(at, rest)
                share = numbers[start : start + whole + (at < rest)]
                group.given[taker] += [TopicPartition(topic, number) for number in share]
