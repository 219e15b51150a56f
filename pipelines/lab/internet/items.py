"""What each feed publishes and when: the same for the site that shows it and for the audit that counts it. Pure.

Times are seconds of the run, negative before it began. Articles come at random, at a rate that follows the hour of
the feed's day, and now and then several at once, as editors release them.
"""

from __future__ import annotations

import random
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pipelines.lab.internet.plan import InternetPlan
from pipelines.lab.internet.traits import Host, Rules, SourceTraits

MARGIN_SECONDS = 600.0
"""Articles are planned for so long after the end of the run: starting and draining take time."""

_DAY_SHAPE = (0.3, 0.2, 0.2, 0.2, 0.3, 0.6, 1.0, 1.4, 1.6, 1.6, 1.5, 1.5, 1.5, 1.5, 1.4, 1.4, 1.4, 1.3, 1.2, 1.0, 0.9,
              0.8, 0.7, 0.5)  # fmt: skip
_MEAN_SHAPE = sum(_DAY_SHAPE) / len(_DAY_SHAPE)
_BURST, _LARGEST_BURST, _BURST_SECONDS = 0.15, 5, 20.0
_MEAN_AT_ONCE = 1 + _BURST * (1 + _LARGEST_BURST) / 2 - _BURST
_FORBIDDEN_SHARE, _MOVED_SHARE = 0.2, 0.3
_PER_SOURCE = 1 << 32


class Item(NamedTuple):
    """One article: the feed that it belongs to, and its number there, the oldest first."""

    source: int
    number: int


@dataclass(frozen=True, slots=True)
class Stream:
    """The articles that one feed shows over time, its sibling's included.

    Attributes:
        times: when each appears, in order.
        codes: which article each is, packed.
        window: how many the feed shows at once.
    """

    times: array[float]
    codes: array[int]
    window: int

    def item(self, place: int) -> Item:
        """Give the article at a place."""
        return Item(*divmod(self.codes[place], _PER_SOURCE))

    def shown(self, at: float) -> range:
        """Give the places of the articles that the feed shows at a time, the oldest first."""
        end = bisect_right(self.times, at)
        return range(max(0, end - self.window), end)

    def leaves(self, place: int) -> float:
        """Give the time at which an article leaves the window; infinite where that is not planned."""
        later = place + self.window
        return self.times[later] if later < len(self.times) else float("inf")


class Streams:
    """The streams of a plan, made when they are first asked for.

    Args:
        plan: the internet.
        history: seconds before the run for which whole windows are planned.
    """

    def __init__(self, plan: InternetPlan, history: float) -> None:
        self._plan, self._history = plan, history
        self._made: dict[int, Stream] = {}

    def of(self, source: SourceTraits) -> Stream:
        """Give a feed's stream."""
        if source.number not in self._made:
            self._made[source.number] = self._make(source)
        return self._made[source.number]

    def all(self) -> Iterator[tuple[SourceTraits, Stream]]:
        """Give every feed with its stream."""
        return ((source, self.of(source)) for source in self._plan.sources)

    def _make(self, source: SourceTraits) -> Stream:
        own = published(self._plan, source, self._history)
        codes = array("q", range(source.number * _PER_SOURCE, source.number * _PER_SOURCE + len(own)))
        if source.sibling is None:
            return Stream(own, codes, source.window)
        other = self.of(self._plan.sources[source.sibling])
        both = sorted([*zip(own, codes, strict=True), *zip(other.times, other.codes, strict=True)])
        return Stream(array("d", (time for time, _ in both)), array("q", (code for _, code in both)), source.window)


def published(plan: InternetPlan, source: SourceTraits, history: float) -> array[float]:
    """Give the times at which a feed publishes, from a whole window before the history to after the run's end."""
    chance = random.Random(f"{plan.seed}/{source.number}")  # noqa: S311 - repeatable on purpose
    per_second = source.per_day * plan.speed / 86_400
    begin = -history
    before = [begin]
    while len(before) <= source.window:
        before.append(before[-1] - chance.expovariate(per_second))
    times = sorted(before[1:])
    at, end = begin, plan.seconds + MARGIN_SECONDS
    while (at := at + chance.expovariate(per_second * _shape(source, at) / _MEAN_AT_ONCE)) < end:
        at_once = chance.randint(2, _LARGEST_BURST) if chance.random() < _BURST else 1
        times += [at + chance.uniform(0, _BURST_SECONDS) for _ in range(at_once)]
    return array("d", sorted(times))


def path(item: Item, host: Host) -> str:
    """Give the path under which a feed announces an article."""
    luck = chance_of(item)
    if host.rules is Rules.FORBIDS and luck < _FORBIDDEN_SHARE:
        return f"/private/{item.source}/{item.number}"
    if host.moves_articles and luck > 1 - _MOVED_SHARE:
        return f"/go/{item.source}/{item.number}"
    return f"/news/{item.source}/{item.number}"


def chance_of(item: Item) -> float:
    """Give a number from 0 to 1, the same for the same article."""
    return (item.source * 2_654_435_761 + item.number * 40_503) % 1000 / 1000


def troubles(plan: InternetPlan, source: SourceTraits, until: float) -> Sequence[tuple[float, float]]:
    """Give the stretches of the run in which a feed cannot be read whole: host in trouble, or XML that breaks off."""
    phases = [phase for phase in (plan.hosts[source.host].phases, source.broken) if phase is not None]
    found = []
    for phase in phases:
        begin = phase.first
        while begin < until:
            found.append((begin, begin + phase.lasting))
            begin += phase.every
    return sorted(found)


@lru_cache(maxsize=1)
def shape() -> tuple[float, ...]:
    """Give the share of an average hour for each hour of a feed's day."""
    return tuple(hour / _MEAN_SHAPE for hour in _DAY_SHAPE)


def _shape(source: SourceTraits, at: float) -> float:
    return shape()[int(at // 3600 + source.zone) % 24]
