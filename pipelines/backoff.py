"""How long to wait before the next try: the only place where pauses grow. Pure, but for the dice."""

from __future__ import annotations

import random
from dataclasses import dataclass

_MOST_DOUBLINGS = 60
"""Enough for any pause in seconds; a float overflows after a thousand."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double with each failure in a row, up to a longest.

    Attributes:
        first: seconds after the first failure.
        longest: most seconds.
        jitter: the largest part of a pause that is taken off, from 0 to 1: what failed together comes back apart.
    """

    first: float
    longest: float
    jitter: float = 0.0

    def pause(self, failures: int, part: float | None = None) -> float:
        """Give the seconds to wait after so many failures in a row; 0 after none.

        Args:
            failures: tries that failed since the last that did not.
            part: how much of the jitter to take off, from 0 to 1; None leaves it to chance.
        """
        if failures < 1:
            return 0.0
        doubled = min(self.first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), self.longest)
        if not self.jitter:
            return doubled
        return doubled * (1 - self.jitter * (random.random() if part is None else part))  # noqa: S311 - spreads, no secret
