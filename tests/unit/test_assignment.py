"""What a member of a group holds: only what truly left is void, and nothing that may have been elsewhere is kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.kafka.assignment import Assignment, AssignmentChange

A, B, C = ("entries", 0), ("entries", 1), ("later", 0)
NOTHING: frozenset[tuple[str, int]] = frozenset()


def test_what_stays_is_neither_void_nor_new() -> None:
    held = Assignment()
    assert held.assigned([A, B], 4) == AssignmentChange(NOTHING, frozenset([A, B]))
    assert held.assigned([B, C], 5) == AssignmentChange(frozenset([A]), frozenset([C]))
    assert held.assigned([B, C], 5) == AssignmentChange(NOTHING, NOTHING)  # asked again without a rebalance
    assert held.held == {B, C}


def test_after_a_generation_that_was_missed_everything_is_read_again() -> None:
    held = Assignment()
    held.assigned([A, B], 4)
    assert held.assigned([A], 6) == AssignmentChange(frozenset([A, B]), frozenset([A]))


def test_after_the_membership_was_lost_everything_is_read_again() -> None:
    held = Assignment()
    held.assigned([A], 4)
    assert held.lost() == AssignmentChange(frozenset([A]), NOTHING)
    assert held.lost() == AssignmentChange(NOTHING, NOTHING)
    assert held.assigned([A], 5) == AssignmentChange(NOTHING, frozenset([A]))


PLACES = st.frozensets(st.sampled_from([A, B, C]))


@given(st.lists(st.one_of(st.none(), PLACES), max_size=20))
def test_what_is_kept_was_never_another_members(generations: list[frozenset[tuple[str, int]] | None]) -> None:
    """Each generation gives this member some partitions, or goes on without it and may give all to others."""
    held = Assignment()
    believed: frozenset[tuple[str, int]] = NOTHING  # what the member was given last
    elsewhere = {A, B, C}  # what others may have had since then
    for number, places in enumerate(generations, 1):
        if places is None:
            elsewhere = {A, B, C}
            continue
        change = held.assigned(places, number)
        kept = places - change.came
        assert kept == (places & believed) - elsewhere
        assert change.left == believed - kept
        believed, elsewhere = places, {A, B, C} - places
