"""PartitionQueues: what waits, by partition, and what is already in hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipelines.fetch.partition_queues import InFlight, PartitionQueues

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
A, B, C = ("a", 0), ("a", 1), ("later", 0)


def test_partitions_take_turns_and_keep_their_order() -> None:
    lanes: PartitionQueues[str] = PartitionQueues()
    for number in range(4):
        lanes.add(A, f"a{number}", None)
    lanes.add(B, "b0", None)
    assert list(lanes.ready(NOON, 3)) == ["a0", "b0", "a1"]
    assert list(lanes.ready(NOON, 9)) == ["a2", "a3"]
    assert len(lanes) == 0


def test_what_is_not_due_waits_and_so_does_all_behind_it() -> None:
    lanes: PartitionQueues[str] = PartitionQueues()
    lanes.add(C, "soon", NOON + timedelta(seconds=5))
    lanes.add(C, "behind", None)
    lanes.add(A, "now", NOON)
    assert list(lanes.ready(NOON, 9)) == ["now"]
    assert lanes.waiting() == {C}
    assert list(lanes.ready(NOON + timedelta(seconds=5), 9)) == ["soon", "behind"]
    assert lanes.waiting() == set()


def test_without_room_nothing_is_handed_out() -> None:
    lanes: PartitionQueues[str] = PartitionQueues()
    lanes.add(A, "a", None)
    assert list(lanes.ready(NOON, 0)) == []
    assert list(lanes.ready(NOON, -5)) == []
    assert len(lanes) == 1


def test_what_went_to_another_copy_is_given_back() -> None:
    lanes: PartitionQueues[str] = PartitionQueues()
    lanes.add(A, "a", None)
    lanes.add(B, "b", None)
    assert lanes.drop([A, C]) == ["a"]
    assert list(lanes.ready(NOON, 9)) == ["b"]


@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.integers(-3, 3)), max_size=40), st.integers(1, 5))
def test_everything_comes_out_once_in_order(items: list[tuple[tuple[str, int], int]], room: int) -> None:
    lanes: PartitionQueues[tuple[tuple[str, int], int]] = PartitionQueues()
    for number, (place, seconds) in enumerate(items):
        lanes.add(place, (place, number), NOON + timedelta(seconds=seconds))
    found: list[tuple[tuple[str, int], int]] = []
    while batch := list(lanes.ready(NOON + timedelta(seconds=3), room)):
        assert len(batch) <= room
        found += batch
    assert len(found) == len(items)
    for place in (A, B, C):
        numbers = [number for at, number in found if at == place]
        assert numbers == sorted(numbers)


def test_a_record_is_in_hand_until_it_is_finished_or_let_go() -> None:
    handled = InFlight(limit=2)
    handled.take("a/0/1")
    assert handled.in_hand("a/0/1")
    handled.let_go("a/0/1")
    assert not handled.in_hand("a/0/1")
    assert not handled.finished("a/0/1")
    for origin in ("a/0/1", "a/0/2", "a/0/3"):
        handled.take(origin)
        handled.finish(origin)
        assert not handled.in_hand(origin)
    assert [handled.finished(f"a/0/{number}") for number in (1, 2, 3)] == [False, True, True]
