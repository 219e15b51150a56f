"""What `pipelines.kafka` promises of a broker: the same for the real one and for the double in memory.

The double is worth what is claimed here of both; the tests that need orders, refusals and hangs that no real broker
gives at will are in `tests/unit/test_memory_kafka.py` and build on it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from pipelines.errors import ServiceError
from pipelines.kafka import Admin, GroupReader, Message, PartitionReader, RangeReader, Sender, read_last, read_whole
from pipelines.kafka.assignment import Place
from tests.memory_kafka.install import NOWHERE, memory_kafka

PARTITIONS = 2


class Cluster:
    """A broker with one topic of its own."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.topic = f"contract{uuid.uuid4().hex[:10]}"
        self.group = f"{self.topic}-group"
        with Admin(bootstrap) as admin:
            admin.create(self.topic, PARTITIONS, 1, {})

    def send(self, *values: str, partition: int | None = None) -> None:
        with Sender(self.bootstrap, client_id="test") as out:
            for value in values:
                out.send(self.topic, value, value.encode(), partition=partition)

    def reader(self, **options: object) -> GroupReader:
        return GroupReader(self.bootstrap, self.group, [self.topic], client_id="test", **options)  # type: ignore[arg-type]

    def committed(self) -> dict[int, int]:
        with Admin(self.bootstrap) as admin:
            return {place[1]: at for place, at in admin.committed(self.group).items()}


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.servers)])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if request.param == "memory":
        with memory_kafka():
            yield Cluster(NOWHERE)
        return
    found = Cluster(request.getfixturevalue("servers")[0])
    yield found
    with Admin(found.bootstrap) as admin:
        if found.topic in admin.topics():
            admin.delete([found.topic])


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, "the condition did not come true"


def read(reader: GroupReader, count: int) -> list[Message]:
    found: list[Message] = []
    until(lambda: found.extend(reader.poll(0.2)) or len(found) >= count)
    return found


def numbers(messages: list[Message]) -> list[int]:
    return sorted(int(message.value or b"") for message in messages)


def test_what_was_sent_is_read_with_key_headers_and_bytes(cluster: Cluster) -> None:
    with Sender(cluster.bootstrap, client_id="test") as out:
        out.send(cluster.topic, "ä", b"\x00\xff", {"entry": b"{}"})
        out.send(cluster.topic, "gone", None, partition=1)
    reader = cluster.reader()
    found = {message.key: message for message in read(reader, 2)}
    assert (found["ä"].value, found["ä"].headers) == (b"\x00\xff", {"entry": b"{}"})
    assert (found["gone"].value, found["gone"].partition) == (None, 1)
    reader.close()


def test_equal_keys_are_in_one_partition_in_their_order(cluster: Cluster) -> None:
    with Sender(cluster.bootstrap, client_id="test") as out:
        for number in range(40):
            out.send(cluster.topic, f"host-{number % 4}", str(number).encode())
    places = [(cluster.topic, number) for number in range(PARTITIONS)]
    found = read_whole(cluster.bootstrap, places, client_id="test")
    for key in range(4):
        mine = [message for message in found if message.key == f"host-{key}"]
        assert [int(message.value or b"") for message in mine] == list(range(key, 40, 4))
        assert len({message.partition for message in mine}) == 1
    last = read_last(cluster.bootstrap, places, client_id="test")
    assert sorted(int(message.value or b"") for message in last) == [36, 37, 38, 39]


def test_only_a_run_without_a_gap_is_committed(cluster: Cluster) -> None:
    cluster.send(*map(str, range(6)), partition=0)
    reader = cluster.reader()
    messages = read(reader, 6)
    for message in (messages[1], messages[4]):
        reader.done(message)
    reader.commit()
    assert cluster.committed() == {}
    reader.done(messages[0])
    reader.commit()
    assert cluster.committed() == {0: 2}
    reader.close()
    again = cluster.reader()
    assert numbers(read(again, 4)) == [2, 3, 4, 5]
    again.close()


def test_what_stays_through_a_rebalance_goes_on_and_what_leaves_is_read_elsewhere(cluster: Cluster) -> None:
    told: list[tuple[str, Place]] = []

    def copy(name: str) -> GroupReader:
        return cluster.reader(
            on_assigned=lambda places: told.extend((f"{name} got", place) for place in places),
            on_revoked=lambda places: told.extend((f"{name} left", place) for place in places),
        )

    cluster.send(*map(str, range(0, 20, 2)), partition=0)
    cluster.send(*map(str, range(1, 20, 2)), partition=1)
    one = copy("one")
    messages = read(one, 20)
    one.hold_back(one.assigned())
    two, read_by_two = copy("two"), []
    until(lambda: [one.poll(0.05), read_by_two.extend(two.poll(0.05))] and len(one.assigned()) == 1)
    until(lambda: read_by_two.extend(two.poll(0.05)) or len(read_by_two) == 10)
    [stayed], [left] = one.assigned(), two.assigned()
    assert sorted(told[:2]) == sorted([("one got", stayed), ("one got", left)])
    assert sorted(told[2:]) == sorted([("one left", left), ("two got", left)])

    mine = [message for message in messages if (message.topic, message.partition) == stayed]
    for message in messages:
        if message is not mine[0]:
            one.done(message)
    one.commit()
    assert cluster.committed() == {}
    one.done(mine[0])
    one.commit()
    assert cluster.committed() == {stayed[1]: 10}

    cluster.send("99", partition=stayed[1])
    assert one.poll(0.2) == []  # its pause has stayed, too
    one.hold_back([])
    assert numbers(read(one, 1)) == [99]
    two.close()
    until(lambda: one.poll(0.05) is not None and len(one.assigned()) == 2)
    assert told[4:] == [("one got", left)]
    one.close()


def test_who_comes_under_the_same_name_takes_over_and_the_one_before_is_told(cluster: Cluster) -> None:
    first = cluster.reader(member="the-one")
    until(lambda: first.poll(0.1) == [] and len(first.assigned()) == PARTITIONS)
    second = cluster.reader(member="the-one")
    until(lambda: second.poll(0.1) == [] and len(second.assigned()) == PARTITIONS)
    with pytest.raises(ServiceError, match="taken this one's place"):
        until(lambda: first.poll(0.1) is None)
    second.close()
    third = cluster.reader(member="another")
    until(lambda: third.poll(0.1) == [] and len(third.assigned()) == PARTITIONS)
    third.close()


def test_a_partition_is_read_by_hand_and_committed_unless_the_group_has_members(cluster: Cluster) -> None:
    cluster.send(*map(str, range(5)), partition=0)
    reader = PartitionReader(cluster.bootstrap, cluster.group, cluster.topic, 0, client_id="test")
    assert (reader.committed(), reader.end()) == (0, 5)
    found: list[Message] = []
    until(lambda: found.extend(reader.read(len(found), 0.2, 2)) or len(found) == 5)
    assert numbers(reader.read(3, 5, 10)) == [3, 4]
    assert reader.commit(3)
    assert reader.committed() == 3
    member = cluster.reader()
    until(lambda: member.poll(0.1) is not None and member.assigned())
    assert not reader.commit(4)
    assert cluster.committed() == {0: 3}
    member.close()
    reader.close()


def test_stretches_are_read_without_leaving_a_trace(cluster: Cluster) -> None:
    cluster.send(*map(str, range(9)), partition=1)
    spans = RangeReader(cluster.bootstrap, client_id="test")
    place = (cluster.topic, 1)
    assert (spans.starts([place]), spans.ends([place])) == ({place: 0}, {place: 9})
    assert numbers(list(spans.read({place: (2, 5)}))) == [2, 3, 4]
    assert cluster.committed() == {}
    spans.close()


def test_a_topic_that_was_deleted_is_said_and_not_waited_for(cluster: Cluster) -> None:
    cluster.send("1", partition=0)
    reader = cluster.reader()
    read(reader, 1)
    by_hand = PartitionReader(cluster.bootstrap, f"{cluster.group}-2", cluster.topic, 0, client_id="test")
    with Admin(cluster.bootstrap) as admin:
        admin.delete([cluster.topic])
    out = Sender(cluster.bootstrap, client_id="test")
    for ask in (lambda: reader.poll(0.2) is None, lambda: by_hand.read(1, 0.2, 1) is None):
        with pytest.raises(ServiceError, match=f"topic {cluster.topic} does not exist"):
            until(ask)
    out.send(cluster.topic, "k", b"v", partition=0)
    with pytest.raises(ServiceError, match=f"topic {cluster.topic} does not exist"):
        out.flush()
