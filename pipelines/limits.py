"""Limits that adapt or trip: the size of a request, the share of dead letters, a partition that stands still. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping


class Window:
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


class DeadShare:
    """How many of the last pages ended as dead letters; too many of them are our own fault, not theirs.

    Args:
        most: largest share that is borne, from 0 to 1.
        least_pages: before so many pages ended, nothing is judged.
        window_pages: how many of the last pages are looked at.
    """

    def __init__(self, most: float, least_pages: int = 100, window_pages: int = 200) -> None:
        self._most = most
        self._least = least_pages
        self._ends: deque[bool] = deque(maxlen=window_pages)

    def add(self, *, dead: bool) -> None:
        """Note how one page ended."""
        self._ends.append(dead)

    @property
    def pages(self) -> int:
        """Number of pages looked at."""
        return len(self._ends)

    @property
    def share(self) -> float:
        """Share of them that ended as dead letters."""
        return sum(self._ends) / max(1, len(self._ends))

    @property
    def exceeded(self) -> bool:
        """Whether it is time to stop."""
        return self.pages >= self._least and self.share > self._most


class StallWatch:
    """Which partitions stand still although there is something to read.

    Args:
        seconds: how long a partition may stand still.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: dict[int, tuple[int, float]] = {}

    def look(self, now: float, positions: Mapping[int, int], ends: Mapping[int, int]) -> list[int]:
        """Give the partitions that stall.

        Args:
            now: on a clock that only moves forward, seconds.
            positions: for each partition the offset before which everything is done.
            ends: for each partition the offset after its last record.
        """
        stalled = []
        for partition, position in positions.items():
            before, since = self._seen.get(partition, (None, now))
            if position != before or position >= ends.get(partition, 0):
                self._seen[partition] = (position, now)
            elif now - since >= self._seconds:
                stalled.append(partition)
        return stalled

    def excuse(self) -> None:
        """Start all clocks again: whoever waits for a server does not stall."""
        self._seen.clear()
