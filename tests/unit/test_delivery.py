"""Whatever order things happen in: nothing is committed past an unfinished record, and no record is lost.

On the broker in memory, with copies that come, go and are killed, sessions that end, commits that are refused and a
broker that is away, in orders that Hypothesis finds.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from kafka import TopicPartition
from kafka.errors import (
    GroupAuthorizationFailedError,
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
    OutOfOrderSequenceNumberError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
)

from pipelines.errors import RecordsRefused, ServiceError
from pipelines.kafka import GroupReader, Message, PartitionReader, Sender
from pipelines.process.readers import Partition, Readers
from pipelines.process.refusals import Refusals
from tests.memory_kafka.broker import Broker
from tests.memory_kafka.install import NOWHERE, memory_kafka

TOPIC, GROUP, PARTITIONS = "news.entries", "news-fetch", 3
PLACES = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
COPIES = st.integers(0, 2)
LATER = [KafkaTimeoutError(), RequestTimedOutError()]


class Copy:
    """A member of the group, with what it has in hand."""

    def __init__(self, member: str | None) -> None:
        self.reader = GroupReader(NOWHERE, GROUP, [TOPIC], client_id="copy", on_revoked=self.left, member=member)
        self.in_hand: list[Message] = []
        self.late: list[Message] = []  # of partitions that left: their work may still end

    def left(self, places: Any) -> None:
        gone = [message for message in self.in_hand if (message.topic, message.partition) in places]
        self.in_hand = [message for message in self.in_hand if message not in gone]
        self.late += gone


class Group(RuleBasedStateMachine):
    """Up to three copies of a role that reads in a group, some with names."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.broker: Broker = self.stack.enter_context(memory_kafka())
        self.broker.create(TOPIC, PARTITIONS)
        self.copies: dict[int, Copy] = {}
        self.finished: dict[TopicPartition, set[int]] = {place: set() for place in PLACES}

    def teardown(self) -> None:
        try:
            self._drain()
        finally:
            self.stack.close()

    @initialize(number=st.integers(0, 9))
    def some_records(self, number: int) -> None:
        for at in range(number):
            self.broker.append(PLACES[at % PARTITIONS], b"", b"")

    @rule(place=st.sampled_from(PLACES))
    def announce(self, place: TopicPartition) -> None:
        self.broker.append(place, b"", b"")

    @rule(number=COPIES, named=st.booleans())
    def come(self, number: int, named: bool) -> None:
        assume(number not in self.copies and not self.broker.away)
        self.copies[number] = Copy(f"copy-{number}" if named else None)

    @rule(number=COPIES)
    def poll(self, number: int) -> None:
        if number in self.copies:
            copy = self.copies[number]
            copy.in_hand += copy.reader.poll(0.1)

    @rule()
    def settle(self) -> None:
        for _ in range(3):
            for number in self.copies:
                self.poll(number)

    @rule(number=COPIES, which=st.integers(0, 99), late=st.booleans())
    def finish(self, number: int, which: int, late: bool) -> None:
        if number not in self.copies:
            return
        copy = self.copies[number]
        hand = copy.late if late else copy.in_hand
        if hand:
            self._finish(copy, hand.pop(which % len(hand)))

    @rule(number=COPIES)
    def commit(self, number: int) -> None:
        if number in self.copies:
            self.copies[number].reader.commit()

    @rule(number=COPIES, places=st.sets(st.sampled_from(PLACES)))
    def hold_back(self, number: int, places: set[TopicPartition]) -> None:
        if number in self.copies:
            self.copies[number].reader.hold_back([tuple(place) for place in places])

    @rule(number=COPIES)
    def leave(self, number: int) -> None:
        if number in self.copies:
            self.copies.pop(number).reader.close()

    @rule(number=COPIES)
    def killed(self, number: int) -> None:
        """It is gone, and the group has not yet noticed."""
        self.copies.pop(number, None)

    @rule(which=st.integers(0, 9))
    def session_ends(self, which: int) -> None:
        """Of a copy that is gone, or that is cut off and does not know."""
        members = sorted(self.broker.groups[GROUP].members)
        if members:
            self.broker.leave(GROUP, members[which % len(members)])

    @rule(
        error=st.sampled_from([KafkaTimeoutError(), RequestTimedOutError()]), what=st.sampled_from(["commit", "poll"])
    )
    def refuse(self, error: KafkaError, what: str) -> None:
        self.broker.refusals[what].append(error)

    @rule(away=st.booleans())
    def broker_goes_or_comes(self, away: bool) -> None:
        self.broker.away = away

    @invariant()
    def nothing_is_committed_past_an_unfinished_record(self) -> None:
        for place, at in self.broker.groups[GROUP].committed.items():
            assert set(range(at)) <= self.finished[place], (place, at)

    def _finish(self, copy: Copy, message: Message) -> None:
        self.finished[TopicPartition(message.topic, message.partition)].add(message.offset)
        copy.reader.done(message)

    def _drain(self) -> None:
        """Let everything end: who was killed is noticed, and one more copy does what is left."""
        self.broker.away = False
        self.broker.refusals.clear()
        self.come_back()
        for _ in range(20):
            for copy in self.copies.values():
                copy.reader.hold_back([])
                copy.in_hand += copy.reader.poll(0.1)
                for message in copy.in_hand:
                    self._finish(copy, message)
                copy.in_hand = []
                copy.reader.commit()
        self.nothing_is_committed_past_an_unfinished_record()
        committed = self.broker.groups[GROUP].committed
        for place in PLACES:
            end = len(self.broker.logs[place])
            assert self.finished[place] == set(range(end)), place
            assert committed.get(place, 0) == end, place

    def come_back(self) -> None:
        alive = {copy.reader._consumer for copy in self.copies.values()}
        group = self.broker.groups[GROUP]
        for member_id in [name for name, member in group.members.items() if member not in alive]:
            self.broker.leave(GROUP, member_id)
        self.copies[9] = Copy(None)


Group.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestGroup = Group.TestCase


PASSING = [
    NotEnoughReplicasError(),
    RequestTimedOutError(),
    OutOfOrderSequenceNumberError(),
    InvalidProducerEpochError(),
]


class Sending(RuleBasedStateMachine):
    """A sender whose records are refused, and whose answers are lost."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.broker: Broker = self.stack.enter_context(memory_kafka())
        self.broker.create(TOPIC, PARTITIONS)
        self.sender = Sender(NOWHERE, client_id="test")
        self.sent: set[str] = set()
        self.handed_back: set[str] = set()
        self.certain: set[str] = set()

    def teardown(self) -> None:
        try:
            self.flush()
        finally:
            self.stack.close()

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def send(self, partition: int) -> None:
        key = str(len(self.sent))
        self.sent.add(key)
        self.sender.send(TOPIC, key, b"", partition=partition)

    @rule(error=st.sampled_from(PASSING), what=st.sampled_from(["produce", "append"]))
    def refuse(self, error: KafkaError, what: str) -> None:
        self.broker.refusals[what].append(error)

    @rule()
    def refuse_for_size(self) -> None:
        self.broker.refusals["produce"].append(MessageSizeTooLargeError())

    @rule()
    def flush(self) -> None:
        try:
            self.sender.flush()
        except RecordsRefused as error:
            self.handed_back |= {key for _, key in error.records}
        self.certain = self.sent - self.handed_back

    @invariant()
    def what_a_flush_has_confirmed_is_there(self) -> None:
        there = {(record.key or b"").decode() for log in self.broker.logs.values() for record in log}
        assert self.certain <= there


Sending.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestSending = Sending.TestCase


@pytest.mark.parametrize(
    "error", [TopicAuthorizationFailedError({TOPIC}), GroupAuthorizationFailedError(GROUP)], ids=["topic", "group"]
)
def test_a_record_that_is_refused_for_good_is_said_again_at_every_flush(error: KafkaError) -> None:
    """Another step that shares the sender must not take silence for an acknowledgement."""
    with memory_kafka() as broker:
        broker.create(TOPIC, 1)
        out = Sender(NOWHERE, client_id="test")
        out.send(TOPIC, "k", b"v")
        broker.refusals["produce"].append(error)
        for _ in range(2):
            with pytest.raises(ServiceError, match="no right to"):
                out.flush()


@pytest.mark.parametrize("operation", ["poll", "commit"])
def test_a_reader_that_is_refused_for_good_says_so(operation: str) -> None:
    with memory_kafka() as broker:
        broker.create(TOPIC, 1)
        broker.append(PLACES[0], b"", b"")
        copy = Copy(None)
        [message] = copy.reader.poll(0.1)
        copy.reader.done(message)
        broker.refusals[operation].append(GroupAuthorizationFailedError(GROUP))
        with pytest.raises(ServiceError, match="no right to consumer group news-fetch") as caught:
            copy.reader.commit() if operation == "commit" else copy.reader.poll(0.1)
        assert caught.value.exit_code == 3


def test_after_a_generation_that_was_missed_a_partition_is_read_from_its_committed_offset() -> None:
    """Put out while it waited to join, a copy is told nothing; the client has kept its position, and others read on."""
    with memory_kafka() as broker:
        broker.create(TOPIC, PARTITIONS)
        for place in PLACES:
            broker.append(place, b"", b"")
        one, two = Copy(None), Copy(None)
        for copy in (two, one, two, one):
            copy.reader.poll(0.1)
        [mine] = one.reader.assigned()  # the last one, and the last one again when it has come back
        three = Copy(None)
        three.reader.poll(0.1)
        one.reader.poll(0.1)  # has asked to join, and waits for the second
        broker.leave(GROUP, one.reader._consumer.member_id)
        for copy in (two, three):
            copy.reader.poll(0.1)  # a generation without it
        again = [copy.reader.poll(0.1) for copy in (one, two, three, one)]
        assert mine in one.reader.assigned()
        found = [(message.topic, message.partition, message.offset) for message in again[0] + again[3]]
        assert (*mine, 0) in found  # it was never committed


def test_a_topic_that_may_not_be_seen_is_said_although_the_client_is_silent() -> None:
    with memory_kafka() as broker:
        broker.create(TOPIC, 1)
        broker.unauthorized.add(TOPIC)
        with pytest.raises(ServiceError, match=r"no right to topic news\.entries"):
            Copy(None).reader.poll(0.1)
        by_hand = PartitionReader(NOWHERE, GROUP, TOPIC, 0, client_id="test")
        with pytest.raises(ServiceError, match=r"no right to topic news\.entries"):
            by_hand.read(0, 0.1, 1)


def test_a_broker_that_comes_back_is_gone_on_with() -> None:
    with memory_kafka() as broker:
        broker.create(TOPIC, 1)
        copy = Copy(None)
        assert copy.reader.poll(0.1) == []
        broker.away = True
        assert [copy.reader.poll(0.1) for _ in range(50)] == [[]] * 50
        broker.away = False
        broker.append(PLACES[0], b"", b"")
        assert len(copy.reader.poll(0.1)) == 1


class Committing(RuleBasedStateMachine):
    """Beam's source commits at the end of bundles, whose finalizers may come late and may be refused."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.broker: Broker = self.stack.enter_context(memory_kafka())
        self.broker.create(TOPIC, 1)
        self.readers = Readers(NOWHERE, Refusals())
        self.partition = Partition(TOPIC, 0, GROUP)
        self.last = 0

    def teardown(self) -> None:
        try:
            self.broker.refusals.clear()
            self.readers.commit(self.partition, self.last)
            assert self.broker.groups[GROUP].committed.get(PLACES[0], 0) == self.last
        finally:
            self.stack.close()

    @rule(offset=st.integers(1, 50))
    def commit(self, offset: int) -> None:
        before = self.broker.groups[GROUP].committed.get(PLACES[0], 0)
        refused = bool(self.broker.refusals["commit"])
        self.readers.commit(self.partition, offset)
        now = self.broker.groups[GROUP].committed.get(PLACES[0], 0)
        assert now >= before
        assert now >= offset or refused
        self.last = max(self.last, offset)

    @rule()
    def refuse(self) -> None:
        self.broker.refusals["commit"].append(KafkaTimeoutError())


Committing.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestCommitting = Committing.TestCase
