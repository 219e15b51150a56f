"""What is broken, in which order, and what becomes of each page: all of it from a seed and a size. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from schemas.records import OutcomeKind

FULL_SIZE = 20_000
"""Articles for which the plan's lengths and numbers are meant; both grow and shrink with the size, within bounds."""

POISON_SHARE = 0.01
"""Share of the pages that are not simply good."""

_KILLS = ("poll", "fetch", "process", "record", "extraction")
_FEWER_ROUNDS_BELOW = 5_000
_GAP_SECONDS, _SHORT_GAP_SECONDS = (2.0, 5.0), (0.5, 1.0)
_AWAY_SECONDS, _SHORT_AWAY_SECONDS = ((7.0, 9.0), (11.0, 18.0)), ((1.0, 2.0),)
"""How long a killed role stays away, in turn: a scheduler starts it again before or after Kafka misses it, at 10 s."""


class Kind(StrEnum):
    """Kinds of fault, as they are shown."""

    KILL = "kill -9"
    RESTART = "restart"
    STOP = "stop"
    BUSY = "429 for all"
    BUSY_ITEMS = "429 for some"
    SLOW = "slow answers"
    CUT = "cut answers"
    GARBAGE = "garbage records"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is done to the river.

    Attributes:
        kind: what is done.
        target: what it is done to: a role, `extraction` for a process that reads pages, `kafka`, `elasticsearch`.
        seconds: how long it lasts where that is chosen, at least; 0 where it lasts as long as a start takes.
        hard: whether a server is killed with -9 instead of asked to end.
        gap: seconds to wait before it.
    """

    kind: Kind
    target: str
    seconds: float = 0.0
    hard: bool = False
    gap: float = 0.0

    def __str__(self) -> str:
        """Give it for people."""
        how = f"{self.kind} with kill -9" if self.hard else str(self.kind)
        return f"{how}: {self.target}" + (f", {self.seconds:.0f} s" if self.seconds else "")

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that stand still meanwhile."""
        if self.kind is Kind.KILL:
            return ("process",) if self.target == "extraction" else (self.target,)
        if self.target == "kafka":
            return ("poll", "fetch", "process", "record") if self.kind is Kind.RESTART else ()
        return ("process", "record")

    @property
    def expected_seconds(self) -> float:
        """About how long it takes with its gap and the recovery after it."""
        recovery = {Kind.KILL: 6.0, Kind.RESTART: 25.0, Kind.STOP: 25.0 + 0.4 * self.seconds, Kind.GARBAGE: 1.0}
        return self.gap + self.seconds + recovery.get(self.kind, 4.0 + 0.2 * self.seconds)


class Page(StrEnum):
    """What is wrong with a page, or nothing."""

    GOOD = "good"
    STRAY_CONTROLS = "stray control characters"
    CUT_OFF = "HTML that ends in the middle"
    ODD_CHARSET = "a charset that does not exist"
    FAILS_ONCE = "503, then the page"
    CUT_ONCE = "half a body, then the page"
    NESTED = "9,000 nested elements"
    ATTRIBUTES = "2,000 attributes in a tag"
    CONTROLS = "a page of control characters"
    HALF = "always half a body"
    BAD_HEADERS = "headers that are none"
    BAD_ENCODING = "gzip that is none"
    MISSING = "404"
    BINARY = "a picture that says it is HTML"
    EMPTY = "no byte"
    SHORT = "five words"
    SCRIPTED = "a page drawn by scripts"
    FORBIDDEN = "robots.txt forbids it"


STORED = frozenset({OutcomeKind.INDEXED, OutcomeKind.UPDATED, OutcomeKind.UNCHANGED, OutcomeKind.SUPERSEDED})
"""Ends of a visit whose article is in the index."""

_REFUSED: dict[Page, tuple[OutcomeKind, str]] = {
    Page.NESTED: (OutcomeKind.DEAD, "too-deep"),
    Page.ATTRIBUTES: (OutcomeKind.DEAD, "too-many-attributes"),
    Page.CONTROLS: (OutcomeKind.DEAD, "undecodable"),
    Page.HALF: (OutcomeKind.DEAD, "truncated"),
    Page.BAD_HEADERS: (OutcomeKind.DEAD, "bad-http"),
    Page.BAD_ENCODING: (OutcomeKind.DEAD, "bad-encoding"),
    Page.MISSING: (OutcomeKind.DEAD, "http-404"),
    Page.BINARY: (OutcomeKind.REJECTED, "not-html"),
    Page.EMPTY: (OutcomeKind.REJECTED, "empty-body"),
    Page.SHORT: (OutcomeKind.REJECTED, "too-short"),
    Page.SCRIPTED: (OutcomeKind.REJECTED, "text-lost"),
    Page.FORBIDDEN: (OutcomeKind.SKIPPED, "robots"),
}


@dataclass(frozen=True, slots=True)
class End:
    """How the first visit of a page must end.

    Attributes:
        kinds: any of these.
        reason: with this reason; empty for any.
    """

    kinds: frozenset[OutcomeKind]
    reason: str = ""

    @property
    def stored(self) -> bool:
        """Whether the article must be in the index."""
        return bool(self.kinds & STORED)

    def __str__(self) -> str:
        """Give it as the ledger shows it."""
        return "indexed" if self.stored else f"{next(iter(self.kinds))}: {self.reason}"


def end_of(page: Page) -> End:
    """Say how a page must end."""
    refused = _REFUSED.get(page)
    return End(STORED) if refused is None else End(frozenset({refused[0]}), refused[1])


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run.

    Attributes:
        articles: number of pages.
        seed: what everything else follows from.
        faults: in the order in which they come.
        odd: the pages that are not good, by number.
        garbage: records that nobody can read, for each topic that gets some.
    """

    articles: int
    seed: int
    faults: tuple[Fault, ...]
    odd: dict[int, Page]
    garbage: int

    def page(self, number: int) -> Page:
        """Say what is wrong with a page."""
        return self.odd.get(number, Page.GOOD)


def plan(articles: int, seed: int) -> Plan:
    """Make the plan of a run: the same for the same size and seed."""
    chance = random.Random(f"newsriver {seed}")  # noqa: S311 - repeatable on purpose
    faults = list(_faults(articles, chance))
    chance.shuffle(faults)
    count = max(len(Page) - 1, round(articles * POISON_SHARE))
    kinds = [page for page in Page if page is not Page.GOOD]
    numbers = sorted(chance.sample(range(articles), min(count, articles)))
    order = [kinds[position % len(kinds)] for position in range(len(numbers))]
    chance.shuffle(order)
    return Plan(articles, seed, tuple(faults), dict(zip(numbers, order, strict=True)), garbage=5)


def _faults(articles: int, chance: random.Random) -> Iterator[Fault]:
    scale = articles / FULL_SIZE
    times = max(1, round(scale))
    rounds = 3 * times if articles >= _FEWER_ROUNDS_BELOW else 1

    def fault(kind: Kind, target: str, seconds: float = 0.0, *, hard: bool = False) -> Fault:
        gap = chance.uniform(*(_GAP_SECONDS if rounds > 1 else _SHORT_GAP_SECONDS))
        return Fault(kind, target, seconds, hard=hard, gap=round(gap, 1))

    for target in _KILLS:
        for number in range(rounds):
            spans = _AWAY_SECONDS if rounds > 1 else _SHORT_AWAY_SECONDS
            away = chance.uniform(*spans[number % len(spans)])
            yield fault(Kind.KILL, target, 0.0 if target == "extraction" else round(away, 1))
    for hard in (True, False) * times if rounds > 1 else (chance.random() < 0.5,):
        yield fault(Kind.RESTART, "kafka", hard=hard)
    yield fault(Kind.STOP, "elasticsearch", _between(5, 120 * scale, 300), hard=chance.random() < 0.5)
    yield fault(Kind.BUSY, "elasticsearch", _between(4, 180 * scale, 600))
    for kind in (Kind.BUSY_ITEMS, Kind.SLOW, Kind.CUT):
        yield fault(kind, "elasticsearch", _between(3, 60 * scale, 300))
    yield fault(Kind.GARBAGE, "kafka")


def _between(least: float, wanted: float, most: float) -> float:
    return min(max(least, wanted), most)
