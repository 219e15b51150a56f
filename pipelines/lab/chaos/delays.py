"""How late articles were, and how long roles stood still, beside what the faults themselves delay. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pipelines.lab.chaos.recovery import Sample

LATE_SECONDS = 30.0
"""An article that takes longer from its publication to the index, without any fault of ours, is late."""

STANDSTILL_SECONDS = 30.0
"""A role that does nothing for longer although something waits for it, hangs."""


class FaultWindow(NamedTuple):
    """A stretch of time in which delays are our own doing."""

    began: float
    over: float


def merged(windows: Iterable[FaultWindow]) -> list[FaultWindow]:
    """Give windows in the order of time, those that overlap as one."""
    found: list[FaultWindow] = []
    for window in sorted(windows):
        if found and window.began <= found[-1].over:
            found[-1] = found[-1]._replace(over=max(found[-1].over, window.over))
        else:
            found.append(window)
    return found


def beside(windows: Sequence[FaultWindow], began: float, over: float) -> float:
    """Give how much of a stretch of time lies in no window; they must be `merged`."""
    covered = sum(max(0.0, min(window.over, over) - max(window.began, began)) for window in windows)
    return over - began - covered


def published_at(reveals: Sequence[tuple[int, float]], number: int) -> float | None:
    """Give when an article came out: when more than its number were out. None where it never did."""
    place = bisect.bisect_right(reveals, number, key=lambda reveal: reveal[0])
    return reveals[place][1] if place < len(reveals) else None


def late(
    numbers: Iterable[int],
    reveals: Sequence[tuple[int, float]],
    ends: Mapping[int, float],
    windows: Sequence[FaultWindow],
) -> dict[int, float]:
    """Give the articles that came late, with the seconds they took beside all windows.

    Args:
        numbers: the articles.
        reveals: how many were out since when.
        ends: when the first visit of each ended; one that did not end is lost rather than late.
        windows: what does not count.
    """
    apart = merged(windows)
    found = {}
    for number in numbers:
        out, end = published_at(reveals, number), ends.get(number)
        if out is not None and end is not None and (took := beside(apart, out, max(out, end))) > LATE_SECONDS:
            found[number] = took
    return found


def standstills(samples: Sequence[Sample], windows: Sequence[FaultWindow]) -> dict[str, float]:
    """Give the roles that did nothing for too long although something waited, with the longest such time.

    Args:
        samples: in the order of time.
        windows: what does not count, on the samples' clock.
    """
    apart = merged(windows)
    longest: dict[str, float] = {}
    for role in samples[0].lags if samples else ():
        since = samples[0]
        for sample in samples[1:]:
            if sample.positions[role] != since.positions[role] or not since.lags[role] or not sample.lags[role]:
                since = sample
            else:
                longest[role] = max(longest.get(role, 0.0), beside(apart, since.at, sample.at))
    return {role: seconds for role, seconds in longest.items() if seconds > STANDSTILL_SECONDS}
