"""What is broken, in which order, and what becomes of each page: all of it from a seed and a size. Pure."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pipelines.lab.chaos.hostile import Hostile, feed_tricks, page_tricks
from pipelines.lab.chaos.page_kinds import ChaosPage

FULL_SIZE = 20_000
"""Articles for which the plan's lengths and numbers are meant; both grow and shrink with the size, within bounds."""

POISON_SHARE = 0.01
"""Share of the pages that are not simply good."""

_KILLS = ("poll", "fetch", "process", "record", "extraction")
_JOINS = (
    ("fetch", False, False),
    ("poll", True, True),
    ("record", False, True),
    ("process", True, False),
    ("fetch", True, True),
    ("poll", False, False),
)
"""Roles of which a copy joins: whether it has a name in its group, and whether it is killed or leaves in order."""

_FEWER_ROUNDS_BELOW = 5_000
_FLOOD_PAGES = 400
_STAY_SECONDS, _SHORT_STAY_SECONDS = 6.0, 2.0
_GAP_SECONDS, _SHORT_GAP_SECONDS = (2.0, 5.0), (0.5, 1.0)
_AWAY_SECONDS, _SHORT_AWAY_SECONDS = ((7.0, 9.0), (11.0, 18.0)), ((1.0, 2.0),)
"""How long a killed role stays away, in turn: a scheduler starts it again before or after Kafka misses it, at 10 s."""


class FaultKind(StrEnum):
    """Kinds of fault, as they are shown."""

    KILL = "kill -9"
    JOIN = "a copy joins and leaves"
    RESTART = "restart"
    STOP = "stop"
    BUSY = "429 for all"
    BUSY_ITEMS = "429 for some"
    SLOW = "slow answers"
    CUT = "cut answers"
    REFUSED = "commits refused"
    DENIED = "not authorised"
    GARBAGE = "garbage records"
    FLOOD = "flood of poisoned pages"
    RIVER = "a second river"
    CALM = "hostile neighbours alone"


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One thing that is done to the river.

    Attributes:
        kind: what is done.
        target: what it is done to: a role, `extraction` for a process that reads pages, `kafka`, `elasticsearch`, or
            `river` for all of it.
        seconds: how long it lasts where that is chosen, at least; 0 where it lasts as long as a start takes.
        hard: whether a process is killed with -9 instead of asked to end.
        named: whether a copy that joins has a name in its consumer group.
        gap: seconds to wait before it.
    """

    kind: FaultKind
    target: str
    seconds: float = 0.0
    hard: bool = False
    named: bool = True
    gap: float = 0.0

    def __str__(self) -> str:
        """Give it for people."""
        how = f"{self.kind} with kill -9" if self.hard else str(self.kind)
        name = "" if self.named else " without a name"
        return f"{how}: {self.target}{name}" + (f", {self.seconds:.0f} s" if self.seconds else "")

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that stand still meanwhile."""
        if self.kind is FaultKind.KILL and self.target == "extraction":
            return ("process",)
        if self.kind in (FaultKind.KILL, FaultKind.JOIN):
            return (self.target,)
        if self.target == "kafka":
            return () if self.kind is FaultKind.GARBAGE else ("poll", "fetch", "process", "record")
        return {"elasticsearch": ("process", "record"), "process": ("process",)}.get(self.target, ())

    @property
    def expected_seconds(self) -> float:
        """About how long it takes with its gap and the recovery after it."""
        recovery = {
            FaultKind.KILL: 6.0,
            FaultKind.JOIN: 30.0,
            FaultKind.RESTART: 25.0,
            FaultKind.STOP: 25.0 + 0.4 * self.seconds,
            FaultKind.REFUSED: 15.0,
            FaultKind.DENIED: 20.0,
            FaultKind.GARBAGE: 1.0,
            FaultKind.FLOOD: 15.0,
            FaultKind.RIVER: 30.0,
            FaultKind.CALM: 0.0,
        }
        return self.gap + self.seconds + recovery.get(self.kind, 4.0 + 0.2 * self.seconds)


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """A whole run.

    Attributes:
        articles: number of pages of the good sites.
        old: further pages that were discovered last month and are announced again in the middle of the run.
        seed: what everything else follows from.
        faults: in the order in which they come.
        odd: the pages that are not good, by number.
        garbage: records that nobody can read, for each topic that gets some.
        hostile_feeds: hostile feeds, by their places among `hostile.TRICKS`.
        hostile_pages: the trick of each hostile page.
        flood: poisoned pages that a flood brings all at once.
    """

    articles: int
    old: int
    seed: int
    faults: tuple[PlannedFault, ...]
    odd: dict[int, ChaosPage]
    garbage: int
    hostile_feeds: tuple[int, ...]
    hostile_pages: tuple[int, ...]
    flood: int

    def page(self, number: int) -> ChaosPage:
        """Say what is wrong with a page."""
        return self.odd.get(number, ChaosPage.GOOD)

    def joins(self, role: str) -> bool:
        """Tell whether a copy of a role joins and leaves."""
        return any(fault.kind is FaultKind.JOIN and fault.target == role for fault in self.faults)


def plan(articles: int, seed: int, only: Collection[FaultKind] = ()) -> FaultPlan:
    """Make the plan of a run: the same for the same size and seed.

    Args:
        articles: number of pages of the good sites.
        seed: for all that is left to chance.
        only: kinds of fault to leave in; none leaves in all that fit into a run of this size.
    """
    faults = [fault for fault in _faults(articles, _chance(seed, "faults"), only) if not only or fault.kind in only]
    _chance(seed, "order").shuffle(faults)
    faults.sort(
        key=lambda fault: fault.kind is FaultKind.CALM
    )  # last: what it delays is seen while nothing else happens
    calm = any(fault.kind is FaultKind.CALM for fault in faults)
    return FaultPlan(
        articles,
        old=20 + articles // 500,
        seed=seed,
        faults=tuple(faults),
        odd=_odd(articles, _chance(seed, "pages")),
        garbage=5,
        hostile_feeds=feed_tricks(articles, _chance(seed, "hostile feeds")) if calm else (),
        hostile_pages=page_tricks(articles, _chance(seed, "hostile pages")) if calm else (),
        flood=_FLOOD_PAGES,
    )


def _chance(seed: int, what: str) -> random.Random:
    """Give the chance of one part of a plan: what is drawn for another part changes nothing in it."""
    return random.Random(f"newsriver {seed} {what}")  # noqa: S311 - repeatable on purpose


def _odd(articles: int, chance: random.Random) -> dict[int, ChaosPage]:
    count = max(len(ChaosPage) - 1, round(articles * POISON_SHARE))
    kinds = [page for page in ChaosPage if page is not ChaosPage.GOOD]
    numbers = sorted(chance.sample(range(articles), min(count, articles)))
    order = [kinds[position % len(kinds)] for position in range(len(numbers))]
    chance.shuffle(order)
    return dict(zip(numbers, order, strict=True))


def hostile(plan: FaultPlan, port: int, *, apart: bool) -> Hostile:
    """Give the hostile site of a plan; see `Hostile`."""
    return Hostile(plan.hostile_feeds, plan.hostile_pages, plan.flood, port, apart)


def _faults(articles: int, chance: random.Random, wanted: Collection[FaultKind]) -> Iterator[PlannedFault]:
    scale = articles / FULL_SIZE
    times = max(1, round(scale))
    full = articles >= _FEWER_ROUNDS_BELOW

    def fault(
        kind: FaultKind, target: str, seconds: float = 0.0, *, hard: bool = False, named: bool = True
    ) -> PlannedFault:
        gap = chance.uniform(*(_GAP_SECONDS if full else _SHORT_GAP_SECONDS))
        return PlannedFault(kind, target, seconds, hard=hard, named=named, gap=round(gap, 1))

    for target in _KILLS:
        for number in range(2 * times if full else 1):
            spans = _AWAY_SECONDS if full else _SHORT_AWAY_SECONDS
            away = chance.uniform(*spans[number % len(spans)])
            yield fault(FaultKind.KILL, target, 0.0 if target == "extraction" else round(away, 1))
    for target, named, hard in _JOINS * times if full else _JOINS[:1]:
        yield fault(FaultKind.JOIN, target, _STAY_SECONDS if full else _SHORT_STAY_SECONDS, hard=hard, named=named)
    for hard in (True, False) * times if full else (chance.random() < 0.5,):
        yield fault(FaultKind.RESTART, "kafka", hard=hard)
    yield fault(FaultKind.STOP, "elasticsearch", _between(5, 90 * scale, 300), hard=chance.random() < 0.5)
    yield fault(FaultKind.BUSY, "elasticsearch", _between(4, 120 * scale, 600))
    for kind in (FaultKind.BUSY_ITEMS, FaultKind.SLOW, FaultKind.CUT):
        yield fault(kind, "elasticsearch", _between(3, 40 * scale, 300))
    for kind in (FaultKind.SLOW, FaultKind.CUT, FaultKind.DENIED):
        if full or kind in wanted:
            yield fault(kind, "kafka", _between(5, 15 * scale, 60))
    yield fault(FaultKind.REFUSED, "kafka", _between(4, 20 * scale, 60))
    yield fault(FaultKind.GARBAGE, "kafka")
    yield fault(FaultKind.FLOOD, "process")
    if full or FaultKind.RIVER in wanted:
        yield fault(FaultKind.RIVER, "river")
    yield fault(FaultKind.CALM, "river", _between(15, 90 * scale, 300))


def _between(least: float, wanted: float, most: float) -> float:
    return min(max(least, wanted), most)
