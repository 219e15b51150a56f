"""Limits that adapt or trip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.runtime.limits import AdaptiveWindow, StallWatch, WorkCount


@given(st.integers(1, 5000), st.lists(st.booleans(), max_size=60))
def test_a_window_stays_between_one_and_its_most(most: int, answers: list[bool]) -> None:
    window = AdaptiveWindow(most)
    for taken in answers:
        before = window.size
        if taken:
            window.passed()
            assert before <= window.size <= before + max(1, most // 25)
        else:
            window.choked()
            assert window.size == max(1, before // 2)
        assert 1 <= window.size <= most


@pytest.mark.parametrize("bearable", [30, 100, 250, 499])
def test_a_window_finds_what_is_bearable_and_keeps_near_it(bearable: int) -> None:
    window, refused, taken = AdaptiveWindow(500), 0, 0
    for number in range(300):
        if window.size > bearable:
            refused += number >= 20
            window.choked()
        else:
            taken += window.size if number >= 20 else 0
            window.passed()
    assert refused <= 280 / 2
    assert taken >= 0.5 * bearable * (280 - refused)


def test_a_window_opens_again_after_the_storm() -> None:
    window = AdaptiveWindow(500)
    for _ in range(20):
        window.choked()
    for _ in range(25):
        window.passed()
    assert window.size == 500


def test_a_partition_that_moves_does_not_stall() -> None:
    watch = StallWatch(10)
    assert [watch.look(now, {0: now}, {0: 1000}) for now in range(0, 100, 5)] == [[]] * 20


def test_a_partition_without_anything_to_read_does_not_stall() -> None:
    watch = StallWatch(10)
    assert [watch.look(now, {0: 7}, {0: 7}) for now in range(0, 100, 5)] == [[]] * 20


def test_the_clock_starts_when_there_is_something_to_read() -> None:
    watch = StallWatch(10)
    watch.look(0, {0: 7}, {0: 7})
    watch.look(100, {0: 7}, {0: 7})
    assert watch.look(105, {0: 7}, {0: 8}) == []
    assert watch.look(110, {0: 7}, {0: 9}) == [0]


def test_only_the_partition_that_stands_still_is_named() -> None:
    watch = StallWatch(10)
    for now in (0, 5, 10):
        stalled = watch.look(now, {0: 3, 1: now}, {0: 9, 1: 99})
    assert stalled == [0]


def test_who_waits_for_a_server_does_not_stall() -> None:
    watch = StallWatch(10)
    watch.look(0, {0: 3}, {0: 9})
    watch.look(9, {0: 3}, {0: 9})
    watch.excuse()
    assert watch.look(12, {0: 3}, {0: 9}) == []
    assert watch.look(21, {0: 3}, {0: 9}) == []
    assert watch.look(22, {0: 3}, {0: 9}) == [0]


def test_a_partition_that_waits_for_its_turn_among_slow_ones_does_not_stall() -> None:
    watch, pages = StallWatch(10), WorkCount()
    for now in range(0, 30, 6):
        pages.done()
        assert watch.look(now, {0: 3, 1: now, 2: now}, {0: 9, 1: 99, 2: 99}, pages.count) == []


def test_a_partition_whose_turn_never_comes_stalls_although_others_move() -> None:
    watch, pages = StallWatch(10), WorkCount()
    stalled = []
    for now in range(0, 26, 5):
        pages.done()
        stalled = watch.look(now, {0: 3, 1: now}, {0: 9, 1: 99}, pages.count)
        assert stalled == ([0] if now >= 20 else [])
    assert stalled == [0]


def test_a_process_that_does_no_work_stalls_at_once_however_many_partitions_it_has() -> None:
    watch = StallWatch(10)
    assert watch.look(0, dict.fromkeys(range(8), 3), dict.fromkeys(range(8), 9), 5) == []
    assert watch.look(10, dict.fromkeys(range(8), 3), dict.fromkeys(range(8), 9), 5) == list(range(8))
