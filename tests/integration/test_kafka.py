"""The Kafka clients against a real broker."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import islice

import pytest

from pipelines.errors import Poison, RecordsRefused, ServiceError
from pipelines.kafka import (
    Admin,
    GroupReader,
    Message,
    PartitionReader,
    Sender,
    is_reachable,
    read_last,
    read_whole,
)
from pipelines.kafka.assignment import Place
from pipelines.settings import Settings
from schemas.topics import ENTRIES, FEED_STATE, MAX_RECORD_BYTES, OUTCOMES, PAGES, TOPICS

pytestmark = pytest.mark.servers


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, "the condition did not come true"
        time.sleep(0.02)


def read(reader: GroupReader, count: int) -> list[Message]:
    found: list[Message] = []
    until(lambda: found.extend(reader.poll(0.2)) or len(found) >= count)
    return found


def sender(river: Settings) -> Sender:
    return Sender(river.kafka.bootstrap_servers, client_id="test")


def test_a_sender_that_is_given_up_sends_nothing_more(river: Settings) -> None:
    """Beside the next one it would send its records a second time, and out of order."""
    topic = OUTCOMES.full_name(river.river.name)
    with suppress(ZeroDivisionError), Sender(river.kafka.bootstrap_servers, client_id="gone", linger_ms=500) as out:
        out.send(topic, "k", b"first", partition=0)
        out.flush()
        out.send(topic, "k", b"pending", partition=0)
        raise ZeroDivisionError
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("gone")] == []
    [only] = read_whole(river.kafka.bootstrap_servers, [(topic, 0)], client_id="test")
    assert only.value == b"first"


def test_topics_are_as_declared(river: Settings) -> None:
    with Admin(river.kafka.bootstrap_servers) as admin:
        existing = admin.topics()
        for topic in TOPICS:
            name = topic.full_name(river.river.name)
            assert existing[name] == river.kafka.partitions
            found = admin.config(name)
            assert found.get("cleanup.policy", "delete") == topic.broker_config()["cleanup.policy"]
            assert found.get("segment.ms") == topic.broker_config().get("segment.ms") or not topic.compacted
            assert found.get("retention.ms") == topic.broker_config().get("retention.ms") or not topic.compacted
            assert found["max.message.bytes"] == str(MAX_RECORD_BYTES)


def test_what_was_sent_is_read_with_key_headers_and_bytes(river: Settings) -> None:
    topic = PAGES.full_name(river.river.name)
    body = bytes(range(256)) * 30_000  # 7.7 MB, larger than the broker's own default allows
    with sender(river) as out:
        out.send(topic, "https://example.org/ä", body, {"entry": b"{}", "page": b"\x00"})
    reader = GroupReader(river.kafka.bootstrap_servers, f"{river.river.name}-a", [topic], client_id="test")
    [message] = read(reader, 1)
    assert (message.key, message.value) == ("https://example.org/ä", body)
    assert message.headers == {"entry": b"{}", "page": b"\x00"}
    assert message.origin == f"{topic}/{message.partition}/0"
    reader.close()


def test_the_last_record_of_each_key_is_read_in_order(river: Settings) -> None:
    topic = FEED_STATE.full_name(river.river.name)
    with sender(river) as out:
        for number in range(30):
            out.send(topic, f"feed-{number % 3}", str(number).encode(), partition=0)
        out.send(topic, "feed-1", None, partition=0)
    bootstrap = river.kafka.bootstrap_servers
    places = [(topic, partition) for partition in range(river.kafka.partitions)]
    last = read_last(bootstrap, places, client_id="test")
    assert [(one.key, one.value) for one in last] == [("feed-0", b"27"), ("feed-2", b"29"), ("feed-1", None)]
    assert len(read_whole(bootstrap, places, client_id="test")) == 31
    assert read_last(bootstrap, [], client_id="test") == []


def test_only_the_contiguous_run_is_committed(river: Settings) -> None:
    topic, group = ENTRIES.full_name(river.river.name), f"{river.river.name}-b"
    with sender(river) as out:
        for number in range(6):
            out.send(topic, "one-host", str(number).encode())
    first = GroupReader(river.kafka.bootstrap_servers, group, [topic], client_id="test")
    messages = read(first, 6)
    for message in (messages[0], messages[1], messages[4]):
        first.done(message)
    first.commit()
    first.close()
    second = GroupReader(river.kafka.bootstrap_servers, group, [topic], client_id="test")
    assert [message.value for message in read(second, 4)] == [b"2", b"3", b"4", b"5"]
    second.close()


def test_who_comes_under_the_same_name_takes_over_at_once(river: Settings) -> None:
    """As when a copy was killed: the one before still counts as alive, for 10 s."""
    topic, group = OUTCOMES.full_name(river.river.name), f"{river.river.name}-m"

    def copy(member: str) -> GroupReader:
        return GroupReader(river.kafka.bootstrap_servers, group, [topic], client_id="test", member=member)

    def settled(reader: GroupReader) -> bool:
        return reader.poll(0.1) == [] and len(reader.assigned()) == river.kafka.partitions

    first = copy("the-one")
    until(lambda: settled(first))
    started = time.monotonic()
    second = copy("the-one")
    until(lambda: settled(second))
    took = time.monotonic() - started
    with pytest.raises(ServiceError, match="taken this one's place"):
        until(lambda: first.poll(0.1) is None)
    second.close()  # says that it leaves: another name need not wait for it either
    started = time.monotonic()
    third = copy("another")
    until(lambda: settled(third))
    assert max(took, time.monotonic() - started) < 8  # Kafka gives up waiting for a member after 10 s
    third.close()


def test_a_partition_that_stays_through_a_rebalance_keeps_its_progress_and_is_handed_out_again(river: Settings) -> None:
    """The client announces it as revoked, and yet keeps its position and its pause (eager protocol)."""
    topic, group = ENTRIES.full_name(river.river.name), f"{river.river.name}-r"
    told: list[tuple[str, Place]] = []

    def copy(name: str) -> GroupReader:
        return GroupReader(
            river.kafka.bootstrap_servers,
            group,
            [topic],
            client_id=name,
            on_assigned=lambda places: told.extend((f"{name} got", place) for place in places),
            on_revoked=lambda places: told.extend((f"{name} left", place) for place in places),
        )

    with sender(river) as out:
        for number in range(20):
            out.send(topic, "", str(number).encode(), partition=number % 2)
    one = copy("one")
    messages = read(one, 20)
    one.hold_back(one.assigned())
    two = copy("two")
    until(lambda: [one.poll(0.05), two.poll(0.05)] and len(one.assigned()) == len(two.assigned()) == 1)
    [stayed], [left] = one.assigned(), two.assigned()
    assert sorted(told[:2]) == sorted([("one got", stayed), ("one got", left)])
    assert sorted(told[2:]) == sorted([("one left", left), ("two got", left)])

    mine = [message for message in messages if (message.topic, message.partition) == stayed]
    for message in messages:
        if message is not mine[0]:
            one.done(message)
    one.commit()
    with Admin(river.kafka.bootstrap_servers) as admin:
        assert admin.committed(group) == {}  # the first record that stayed is under way; what left is not ours
        one.done(mine[0])
        one.commit()
        assert admin.committed(group) == {stayed: 10}
    with sender(river) as out:
        out.send(topic, "", b"more", partition=stayed[1])
    one.hold_back([])
    assert [message.value for message in read(one, 1)] == [b"more"]
    two.close()
    until(lambda: one.poll(0.05) is not None and len(one.assigned()) == 2)
    assert sorted(told[4:]) == [("one got", left)]
    one.close()


def test_the_group_forms_although_its_answers_come_between_polls(river: Settings) -> None:
    """The client throws such an answer away and asks again, which sends all members into another rebalance."""
    topic, group = ENTRIES.full_name(river.river.name), f"{river.river.name}-s"
    copies = [GroupReader(river.kafka.bootstrap_servers, group, [topic], client_id=f"copy{n}") for n in range(2)]

    def formed() -> bool:
        for copy in copies:
            copy.poll(0.001)
        time.sleep(0.05)  # answers come here, mostly
        return [len(copy.assigned()) for copy in copies] == [1, 1]

    until(formed)
    for copy in copies:
        copy.close()


def test_a_paused_partition_gives_nothing_until_resumed(river: Settings) -> None:
    topic = OUTCOMES.full_name(river.river.name)
    reader = GroupReader(river.kafka.bootstrap_servers, f"{river.river.name}-c", [topic], client_id="test")
    until(lambda: reader.poll(0.1) == [] and len(reader.assigned()) == river.kafka.partitions)
    reader.hold_back(reader.assigned())
    with sender(river) as out:
        out.send(topic, "k", b"v")
    assert [reader.poll(0.1) for _ in range(5)] == [[]] * 5
    reader.hold_back([])
    assert read(reader, 1)[0].value == b"v"
    reader.close()


def test_pausing_again_and_again_loses_nothing(river: Settings) -> None:
    """The client keeps fetched records of a paused partition back, and 3.0.12 could forget them."""
    topic = ENTRIES.full_name(river.river.name)
    with sender(river) as out:
        for number in range(6000):
            out.send(topic, f"host-{number % 40}", str(number).encode())
    reader = GroupReader(river.kafka.bootstrap_servers, f"{river.river.name}-p", [topic], client_id="test")
    found: list[Message] = []

    def step() -> bool:
        messages = reader.poll(0.1)
        reader.hold_back({(message.topic, message.partition) for message in messages})
        messages += reader.poll(0.01)
        reader.hold_back([])
        found.extend(messages)
        return len(found) >= 6000

    until(step, 60)
    assert sorted(int(message.value or b"") for message in found) == list(range(6000))
    reader.close()


def test_a_partition_is_read_from_an_offset_and_committed_by_hand(river: Settings) -> None:
    topic, group = PAGES.full_name(river.river.name), f"{river.river.name}-d"
    with sender(river) as out:
        for number in range(5):
            out.send(topic, "same", str(number).encode())
    place = (river.kafka.bootstrap_servers, group, topic)
    readers = [PartitionReader(*place, number, client_id="test") for number in range(river.kafka.partitions)]
    [full] = [reader for reader in readers if reader.end() == 5]
    assert full.committed() == 0
    until(lambda: [m.value for m in full.read(3, 0.5, 10)] == [b"3", b"4"])
    assert [m.value for m in full.read(1, 1.0, 2)] == [b"1", b"2"]
    full.commit(3)
    assert full.committed() == 3
    for reader in readers:
        reader.close()
    with Admin(river.kafka.bootstrap_servers) as admin:
        assert [at for at in admin.committed(group).values() if at] == [3]
        assert sum(admin.ends(topic, river.kafka.partitions).values()) == 5


def test_a_record_larger_than_any_topic_takes_is_poison(river: Settings) -> None:
    with sender(river) as out:
        with pytest.raises(Poison) as caught:
            out.send(PAGES.full_name(river.river.name), "big", b"\x00" * (MAX_RECORD_BYTES + 1))
        assert caught.value.reason == "too-large"


def test_a_record_that_the_broker_refuses_is_handed_back_once_and_the_others_arrive(river: Settings) -> None:
    topic, other = PAGES.full_name(river.river.name), ENTRIES.full_name(river.river.name)
    with Admin(river.kafka.bootstrap_servers) as admin:
        admin.set_config(topic, {"max.message.bytes": "50000"})
        settled = {"max.message.bytes": "50000"}.items()
        until(lambda: settled <= admin.config(topic).items())
    large = {f"large-{number}": random.Random(number).randbytes(60_000) for number in range(2)}
    small = {f"small-{number}": random.Random(number).randbytes(20_000) for number in range(20)}
    with sender(river) as out:  # small ones are too large together: they are sent again in parts
        for key, value in {**dict(islice(small.items(), 10)), **large, **small}.items():
            out.send(topic, key, value)
        with pytest.raises(RecordsRefused) as caught:
            out.flush()
        assert sorted(caught.value.records) == [(topic, "large-0"), (topic, "large-1")]
        assert caught.value.reason == "too-large"
        out.flush()
        out.send(topic, "after", b"all is well")
        out.send(other, "after", b"here too")
        out.flush()
    reader = GroupReader(river.kafka.bootstrap_servers, f"{river.river.name}-e", [topic], client_id="test")
    found = {message.key: message.value for message in read(reader, 21)}
    assert found == {**small, "after": b"all is well"}
    reader.close()


def test_a_broker_that_is_away_is_a_service_error_with_the_command_that_starts_it() -> None:
    assert not is_reachable("127.0.0.1:9", seconds=0.5)
    with pytest.raises(ServiceError, match="newsriver stack up"):
        Admin("127.0.0.1:9")
