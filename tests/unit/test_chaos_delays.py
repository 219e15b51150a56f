"""What is late and what stands still, beside the faults that excuse it."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pipelines.lab.chaos.delays import FaultWindow, beside, late, merged, published_at, standstills
from pipelines.lab.chaos.recovery import Sample

REVEALS = [(0, 100.0), (10, 101.0), (30, 105.0)]
SPANS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pair: FaultWindow(*sorted(pair))), max_size=8
)


def test_an_article_is_published_with_its_block() -> None:
    assert [published_at(REVEALS, number) for number in (0, 9, 10, 29, 30)] == [101.0, 101.0, 105.0, 105.0, None]


@given(SPANS, st.integers(0, 50), st.integers(0, 50))
def test_what_lies_beside_windows_is_counted_second_by_second(
    windows: list[FaultWindow], began: int, length: int
) -> None:
    apart = [second for second in range(began, began + length) if not any(w.began <= second < w.over for w in windows)]
    assert beside(merged(windows), began, began + length) == len(apart)


def test_late_is_what_took_too_long_beside_the_faults() -> None:
    ends = {0: 131.0, 1: 131.5, 10: 180.0, 11: 400.0}
    assert late(range(12), REVEALS, ends, []) == {1: 30.5, 10: 75.0, 11: 295.0}
    assert late(range(12), REVEALS, ends, [FaultWindow(110, 160), FaultWindow(100, 120)]) == {11: 240.0}


def samples(rows: Sequence[tuple[float, int, int]]) -> list[Sample]:
    """Make samples of one role from (time, position, lag)."""
    return [Sample(at, {"process": position}, {"process": lag}, lag) for at, position, lag in rows]


def test_a_role_that_stands_still_while_something_waits_is_named() -> None:
    rows = [(0.0, 5, 1), (10.0, 5, 1), (31.0, 5, 2), (32.0, 6, 1)]
    assert standstills(samples(rows), []) == {"process": 31.0}
    assert standstills(samples(rows), [FaultWindow(1, 8)]) == {}
    assert standstills(samples(rows[:2]), []) == {}
    assert standstills([], []) == {}


def test_a_role_without_work_or_with_a_little_progress_does_not() -> None:
    assert standstills(samples([(float(at), 5, 0) for at in range(100)]), []) == {}
    assert standstills(samples([(float(at), at // 20, 9) for at in range(100)]), []) == {}
