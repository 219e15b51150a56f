"""How long the river took to come back after a fault, from samples of where its roles stood. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TOLERANCE = 50
"""Records more than waited before a fault which still count as back: a batch or two."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Where the roles stood at one moment.

    Attributes:
        at: on the clock of `time.monotonic`.
        positions: records that each role has done; for poll, those it has written.
        lags: records that wait for each role that reads.
        waiting: records that wait anywhere for a role, later-tiers included.
    """

    at: float
    positions: Mapping[str, int]
    lags: Mapping[str, int]
    waiting: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """How a river came back after a fault; seconds since it was over.

    Attributes:
        moving: until each role concerned had moved again; None where that was not seen.
        level: until no more waited for it than before; None where that was not seen.
    """

    moving: Mapping[str, float | None]
    level: Mapping[str, float | None]

    @property
    def whole(self) -> bool:
        """Whether every role came back."""
        return None not in (*self.moving.values(), *self.level.values())

    @property
    def seconds(self) -> float | None:
        """How long the slowest role took, lag included; None when one did not come back."""
        return max((time for time in self.level.values() if time is not None), default=0.0) if self.whole else None


def recovery(
    samples: Sequence[Sample], roles: Sequence[str], *, calm_since: float, began: float, over: float
) -> Recovery:
    """Measure how roles came back.

    A role moves again when its position is beyond the one it had at the first look after the fault was over. What is
    usual is the most that waited between the recovery from the fault before and this one.

    Args:
        samples: in the order of time.
        roles: the roles that stood still.
        calm_since: when the river had come back from the fault before.
        began: when the fault began.
        over: when it was over.
    """
    before = [sample for sample in samples if sample.at <= began]
    calm = [sample for sample in before if sample.at >= calm_since] or before[-1:]
    after = [sample for sample in samples if sample.at > over]
    moving: dict[str, float | None] = {}
    level: dict[str, float | None] = {}
    for role in roles:
        usual = max((sample.lags.get(role, 0) for sample in calm), default=0) + TOLERANCE
        moved = [sample for sample in after if sample.positions[role] > after[0].positions[role]]
        moving[role] = next((sample.at - over for sample in moved), None)
        level[role] = next((sample.at - over for sample in moved if sample.lags.get(role, 0) <= usual), None)
    return Recovery(moving, level)
