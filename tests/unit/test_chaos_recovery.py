"""How long the river took to come back, from samples."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.lab.chaos.recovery import TOLERANCE, Sample, recovery


def samples(rows: Sequence[tuple[float, int, int]]) -> list[Sample]:
    """Make samples of one role from (time, position, lag)."""
    return [Sample(at, {"process": position, "poll": position}, {"process": lag}, lag) for at, position, lag in rows]


OUTAGE = samples([
    (0, 100, 5), (1, 120, 8), (2, 140, 6),  # calm
    (3, 140, 30), (9, 140, 150),  # the fault, from 2.5 to 10
    (11, 140, 170), (12, 140, 200), (13, 190, 180), (14, 260, 120), (15, 330, TOLERANCE + 8), (16, 400, 10),
])  # fmt: skip


def test_moving_and_back_at_the_level_from_before() -> None:
    found = recovery(OUTAGE, ["process"], calm_since=0, began=2.5, over=10)
    assert found.moving == {"process": 3}
    assert found.level == {"process": 5}
    assert found.whole
    assert found.seconds == 5


def test_what_waited_while_it_came_back_from_the_fault_before_is_not_usual() -> None:
    late = recovery([*samples([(-5, 0, 9000)]), *OUTAGE], ["process"], calm_since=0, began=2.5, over=10)
    assert late.level == {"process": 5}


def test_work_done_before_the_first_look_is_no_recovery() -> None:
    seen = samples([(0, 100, 0), (2, 130, 0), (3, 130, 1)])
    assert recovery(seen, ["process"], calm_since=0, began=1, over=1.5).moving == {"process": None}


def test_what_did_not_come_back_is_said() -> None:
    found = recovery(OUTAGE[:8], ["process"], calm_since=0, began=2.5, over=10)
    assert found.moving == {"process": 3}
    assert found.level == {"process": None}
    assert not found.whole
    assert found.seconds is None


def test_a_role_that_reads_nothing_is_back_when_it_moves() -> None:
    found = recovery(OUTAGE, ["process", "poll"], calm_since=0, began=2.5, over=10)
    assert found.level == {"process": 5, "poll": 3}
    assert found.seconds == 5


def test_before_the_first_look_nothing_is_known() -> None:
    assert recovery([], ["process"], calm_since=0, began=1, over=2).level == {"process": None}
    assert recovery([], [], calm_since=0, began=1, over=2).seconds == 0.0
