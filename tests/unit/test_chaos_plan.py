"""The plan of a fault run: the same for the same seed, and everything that is promised is in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.lab.chaos.page_kinds import ANYHOW, ChaosPage, end_of
from pipelines.lab.chaos.plan import FaultKind, plan
from pipelines.lab.chaos.watch import more
from schemas.records import OutcomeKind

BRIEF = set(FaultKind) - {FaultKind.DENIED, FaultKind.RIVER}
"""Kinds of fault of the run in CI."""


def test_the_same_seed_and_size_give_the_same_plan() -> None:
    assert plan(2000, 7) == plan(2000, 7)
    assert plan(2000, 7) != plan(2000, 8)


@pytest.mark.parametrize("seed", range(20))
def test_a_full_run_breaks_everything(seed: int) -> None:
    faults = plan(20_000, seed).faults
    counts = Counter((fault.kind, fault.target) for fault in faults)
    for target in ("poll", "fetch", "process", "record", "extraction"):
        assert counts[FaultKind.KILL, target] == 2
    away = [fault.seconds for fault in faults if fault.kind is FaultKind.KILL and fault.target != "extraction"]
    assert 7 <= min(away) < 10 < max(away) <= 18  # some come back before Kafka misses them, some after
    assert counts[FaultKind.RESTART, "kafka"] == 2
    assert {fault.hard for fault in faults if fault.kind is FaultKind.RESTART} == {True, False}
    lengths = {(fault.kind, fault.target): fault.seconds for fault in faults}
    assert (lengths[FaultKind.STOP, "elasticsearch"], lengths[FaultKind.BUSY, "elasticsearch"]) == (90, 120)
    assert {fault.kind for fault in faults} == set(FaultKind)
    assert {
        (kind, "kafka") for kind in (FaultKind.SLOW, FaultKind.CUT, FaultKind.DENIED, FaultKind.REFUSED)
    } <= lengths.keys()
    assert faults[-1].kind is FaultKind.CALM


def test_copies_of_every_role_join_with_and_without_a_name_and_leave_in_both_ways() -> None:
    joins = [fault for fault in plan(20_000, 1).faults if fault.kind is FaultKind.JOIN]
    assert {fault.target for fault in joins} == {"poll", "fetch", "process", "record"}
    assert {(fault.named, fault.hard) for fault in joins} == {(a, b) for a in (True, False) for b in (True, False)}


def test_a_larger_run_has_more_and_longer_faults_so_that_no_more_flows_at_once() -> None:
    faults = plan(100_000, 1).faults
    counts = Counter((fault.kind, fault.target) for fault in faults)
    assert (counts[FaultKind.KILL, "poll"], counts[FaultKind.RESTART, "kafka"], counts[FaultKind.JOIN, "fetch"]) == (
        10,
        10,
        10,
    )
    assert {fault.seconds for fault in faults if fault.kind in (FaultKind.STOP, FaultKind.BUSY)} == {300, 600}
    assert 100_000 / sum(fault.expected_seconds for fault in faults) < 40


def test_a_small_run_breaks_everything_once_and_briefly() -> None:
    faults = plan(300, 1).faults
    assert {fault.kind for fault in faults} == BRIEF
    assert {count for _, count in Counter((fault.kind, fault.target) for fault in faults).items()} == {1}
    assert sum(fault.expected_seconds for fault in faults) < 250


def test_what_is_left_out_changes_nothing_else() -> None:
    whole, part = plan(2000, 3), plan(2000, 3, only=[FaultKind.KILL, FaultKind.CALM])
    assert {fault.kind for fault in part.faults} == {FaultKind.KILL, FaultKind.CALM}
    assert set(part.faults) <= set(whole.faults)
    assert replace(part, faults=whole.faults) == whole
    assert (
        plan(2000, 3, only=[FaultKind.KILL]).hostile_pages == plan(2000, 3, only=[FaultKind.KILL]).hostile_feeds == ()
    )


@given(st.integers(200, 30_000), st.integers(0, 100))
def test_a_hundredth_of_the_pages_is_odd_in_every_way(articles: int, seed: int) -> None:
    odd = plan(articles, seed).odd
    assert len(odd) == max(len(ChaosPage) - 1, round(articles / 100))
    assert set(odd.values()) == set(ChaosPage) - {ChaosPage.GOOD}
    assert all(0 <= number < articles for number in odd)


def test_ends() -> None:
    assert end_of(ChaosPage.GOOD).stored
    assert str(end_of(ChaosPage.FAILS_ONCE)) == "indexed"
    assert str(end_of(ChaosPage.HALF)) == "dead: truncated"
    assert end_of(ChaosPage.FORBIDDEN).kinds == {OutcomeKind.SKIPPED}


def test_which_ends_fit() -> None:
    good, half = end_of(ChaosPage.GOOD), end_of(ChaosPage.HALF)
    assert good.fits(OutcomeKind.INDEXED, "", stored=True)
    assert not good.fits(OutcomeKind.DEAD, "truncated", stored=False)
    assert half.fits(OutcomeKind.DEAD, "truncated", stored=False)
    assert not half.fits(OutcomeKind.DEAD, "http-404", stored=False)
    assert not half.fits(OutcomeKind.DEAD, "truncated", stored=True)
    assert not ANYHOW.stored
    assert all(ANYHOW.fits(kind, "x", stored=stored) for kind in ANYHOW.kinds for stored in (True, False))
    assert not ANYHOW.fits(OutcomeKind.FETCHED, "", stored=False)


@pytest.mark.parametrize("articles", [300, 20_000])
def test_articles_last_for_the_faults_that_are_left(articles: int) -> None:
    """Also when every fault takes twice as long as expected: some are left for the last one."""
    drawn = plan(articles, 1)
    out = 0.0
    for done, fault in enumerate(drawn.faults):
        assert drawn.articles - out > 10
        for _ in range(round(2 * fault.expected_seconds)):
            out += more(drawn.articles - out, drawn.faults[done:], 1.0)
    assert 0 < out < drawn.articles
    assert more(drawn.articles - out, (), 1.0) == drawn.articles - out
