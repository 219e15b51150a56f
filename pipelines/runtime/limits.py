"""Limits that adapt or trip: the size of a request, a partition that stands still. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)
"""What names a partition."""


class AdaptiveWindow:
    """How much may be under way at once: grows by a step with each success, halves when it is too much.

    Additive increase and multiplicative decrease: Chiu and Jain, "Analysis of the increase and decrease algorithms for
    congestion avoidance in computer networks", 1989.

    Attributes:
        size: what may be under way now; never below 1.
    """

    def __init__(self, most: int) -> None:
        self.size = most
        self._most = most
        self._step = max(1, most // 25)

    def passed(self) -> None:
        """Note that as much as this was taken."""
        self.size = min(self._most, self.size + self._step)

    def choked(self) -> None:
        """Note that this was too much."""
        self.size = max(1, self.size // 2)


class WorkCount:
    """Counts what a process works on, for whoever watches whether it still does.

    Attributes:
        count: pieces of work done so far; one takes a bounded time.
    """

    def __init__(self) -> None:
        self.count = 0

    def done(self) -> None:
        """Note that one piece is done."""
        self.count += 1


class StallWatch(Generic[P]):
    """Which partitions stand still although there is something to read.

    A process that works takes its partitions in turn, and a turn takes as long as its pages: while work is done, a
    partition may stand still for as many times the limit as there are partitions.

    Args:
        seconds: how long a partition may stand still while no work is done.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: dict[P, tuple[int, float]] = {}
        self._work: tuple[int, float] | None = None

    def look(self, now: float, positions: Mapping[P, int], ends: Mapping[P, int], work: int = 0) -> list[P]:
        """Give the partitions that stall.

        Args:
            now: on a clock that only moves forward, seconds.
            positions: for each partition the offset before which everything is done.
            ends: for each partition the offset after its last record.
            work: pieces of work that the process has done so far.
        """
        if self._work is None or self._work[0] != work:
            self._work = work, now
        idle = now - self._work[1] >= self._seconds
        longest = self._seconds if idle else self._seconds * len(positions)
        stalled = []
        for partition, position in positions.items():
            before, since = self._seen.get(partition, (None, now))
            if position != before or position >= ends.get(partition, 0):
                self._seen[partition] = (position, now)
            elif now - since >= longest:
                stalled.append(partition)
        return stalled

    def excuse(self) -> None:
        """Start all clocks again: whoever waits for a server does not stall."""
        self._seen.clear()
        self._work = None
