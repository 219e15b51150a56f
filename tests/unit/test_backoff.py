"""Pauses before the next try, the same rule for everybody."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.backoff import Backoff

SECONDS = st.floats(0.001, 1e6)


def test_pauses_double_up_to_the_longest() -> None:
    assert [Backoff(0.5, 3).pause(failures) for failures in range(6)] == [0, 0.5, 1, 2, 3, 3]


def test_jitter_takes_a_part_off() -> None:
    assert Backoff(8, 60, jitter=0.25).pause(2, part=1) == pytest.approx(12)
    assert Backoff(8, 60, jitter=0.25).pause(2, part=0) == 16


@given(SECONDS, SECONDS, st.floats(0, 1), st.integers(-5, 100_000))
def test_a_pause_is_never_negative_nor_over_the_longest(
    first: float, longest: float, jitter: float, failures: int
) -> None:
    pause = Backoff(first, longest, jitter).pause(failures)
    assert 0 <= pause <= longest
    if failures > 0:
        assert pause >= min(first, longest) * (1 - jitter) * 0.999


@given(SECONDS, SECONDS, st.floats(0, 1), st.integers(0, 5000))
def test_without_chance_a_further_failure_never_shortens_it(
    first: float, longest: float, part: float, failures: int
) -> None:
    backoff = Backoff(first, longest, jitter=0.5)
    assert backoff.pause(failures, part) <= backoff.pause(failures + 1, part)


def test_chance_spreads_pauses_over_the_jitter() -> None:
    pauses = [Backoff(10, 10, jitter=0.5).pause(1) for _ in range(500)]
    assert 5 <= min(pauses) < 6
    assert 9 < max(pauses) <= 10


def test_nobody_else_doubles_pauses() -> None:
    """A power of two whose exponent varies is a pause that grows; the ramp of a new feed is none after a failure."""
    root = Path(__file__).parents[2] / "pipelines"
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Pow)
        and isinstance(node.left, ast.Constant)
        and node.left.value == 2
        and not isinstance(node.right, ast.Constant)
    }
    assert found == {"backoff.py"}
