"""Feeds for the benchmark of the schedule: when each publishes, what it shows, and how its server behaves. Pure.

Rates over feeds are log-normal: a few items a day in the middle, hundreds at the busy end. A newsroom keeps the hours
of its time zone and rests at the weekend, an agency does not; some publish several items at once, some on the hour;
some fall silent for days. Servers fail for minutes, hours and days, show the last 10 to 100 items, say for how long
an answer holds, and a few say 304 although there are items.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

START = datetime(2026, 3, 2, tzinfo=UTC)
"""The second 0 of every run: a Monday, 0 h."""

DAY = 86_400.0
HISTORY_DAYS = 14
"""Days before the start from which a feed already shows items."""

_MEDIAN_A_DAY, _SIGMA, _MOST_A_DAY = 4.0, 1.5, 600.0
_BUSY_A_DAY = 60.0
_ZONES = (-8, -6, -5, -5, -3, 0, 0, 1, 1, 1, 2, 3, 5.5, 8, 9, 10)
_NEWSROOM = (1, 1, 1, 1, 2, 4, 8, 12, 14, 15, 15, 14, 12, 13, 14, 15, 15, 14, 11, 8, 6, 5, 3, 2)
_AGENCY = (6, 5, 5, 5, 6, 7, 8, 9, 10, 11, 11, 11, 10, 11, 11, 11, 11, 10, 10, 9, 8, 8, 7, 7)
_CITIZEN = (2, 1, 1, 1, 1, 1, 3, 8, 5, 3, 3, 4, 7, 4, 3, 3, 4, 6, 8, 10, 12, 11, 8, 4)
_PROFILES = ((_NEWSROOM, 0.4, 0.6), (_AGENCY, 0.85, 0.25), (_CITIZEN, 1.2, 0.15))  # weights, weekend, share of feeds
_BURSTS = ((0.03, 3.0, 0.65), (0.4, 4.0, 0.25), (0.8, 6.0, 0.1))  # share of events, items in one, share of feeds
_OFTEN = 0.4
_BURST_SECONDS, _BURST_MOST, _BURSTS_SHOWN = 240.0, 30, 4
_WINDOWS = (10, 10, 10, 15, 15, 20, 20, 20, 25, 30, 30, 40, 50, 50, 100)
_HINTS = (None,) * 13 + (300.0, 900.0, 1800.0, 3600.0, 3600.0, 3600.0, 3600.0)
_SHARE_WRONG_HINT = 0.01
_SHARE_SILENT, _ACTIVE_DAYS, _SILENT_DAYS = 0.15, 6.0, 4.0
_SHARE_VALIDATORS, _SHARE_LIARS = 0.7, 0.04
_BLIPS_A_DAY, _HOURS_A_DAY, _SHARE_DAYS = 1.0, 1 / 12, 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """One feed and its server; times are in seconds from `START`.

    Attributes:
        url: the feed's address.
        items: when each item appears, in order.
        window: how many items the feed shows.
        outages: spans in which the server does not answer, in order and apart.
        validators: whether it sends an ETag.
        stale_seconds: for how long a liar's ETag stays as it is, whatever appears meanwhile; 0 for an honest one.
        hint_seconds: how long it says that an answer holds.
        first_poll: when it is asked for the first time.
        kind: what makes it hard: `lies`, `long outage`, `silences`, `bursts`, or nothing, `steady`.
    """

    url: str
    items: array[float]
    window: int
    outages: tuple[tuple[float, float], ...] = ()
    validators: bool = False
    stale_seconds: float = 0.0
    hint_seconds: float | None = None
    first_poll: float = 0.0
    kind: str = "steady"
    _ends: list[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ends", [end for _, end in self.outages])

    def up(self, at: float) -> bool:
        """Tell whether the server answers."""
        number = bisect_right(self._ends, at)
        return number == len(self.outages) or at < self.outages[number][0]

    def shown_from(self, number: int) -> float:
        """Give the first moment at which an item can be seen: when it appears, or the end of an outage."""
        at = self.items[number]
        outage = bisect_right(self._ends, at)
        return self._ends[outage] if outage < len(self._ends) and self.outages[outage][0] <= at else at

    def etag(self, at: float, count: int) -> str | None:
        """Give the ETag of the feed when so many items have appeared."""
        if not self.validators:
            return None
        return f'"s{at // self.stale_seconds:.0f}"' if self.stale_seconds else f'"{count}"'

    def visible(self, number: int) -> float:
        """Give the longest time without a break, in seconds, in which an item that left the window could be seen."""
        begin, end, longest = self.items[number], self.items[number + self.window], 0.0
        for down, up in self.outages:
            if up > begin and down < end:
                longest = max(longest, down - begin)
                begin = up
        return max(longest, end - begin)


def publisher(seed: int, number: int, days: float) -> Publisher:
    """Make one feed; the same arguments make the same feed."""
    random = Random(f"{seed} {number}")  # noqa: S311 - the same feed for the same number
    rate = min(_MOST_A_DAY, random.lognormvariate(math.log(_MEDIAN_A_DAY), _SIGMA))
    burst = random.choices(_BURSTS, [row[2] for row in _BURSTS])[0]
    least = max(20.0 if rate > _BUSY_A_DAY else 10.0, _BURSTS_SHOWN * burst[0] * burst[1])
    end = days * DAY
    validators = random.random() < _SHARE_VALIDATORS
    liar = validators and random.random() < _SHARE_LIARS / _SHARE_VALIDATORS
    outages = _outages(random, end)
    silences = tuple(_silences(random, end)) if random.random() < _SHARE_SILENT else ()
    hard = (
        ("lies", liar),
        ("long outage", any(over - begin > DAY for begin, over in outages)),
        ("silences", bool(silences)),
        ("bursts", burst[0] >= _OFTEN),
    )
    return Publisher(
        url=f"https://feed-{number}.example/rss",
        window=random.choice([size for size in _WINDOWS if size >= least]),
        outages=outages,
        validators=validators,
        stale_seconds=random.choice((6 * 3600.0, DAY, 1000 * DAY)) if liar else 0.0,
        hint_seconds=DAY if random.random() < _SHARE_WRONG_HINT else random.choice(_HINTS),
        first_poll=random.uniform(0, 3600),
        kind=next((name for name, applies in hard if applies), "steady"),
        items=array("d", sorted(_items(random, rate, burst, silences, end))),
    )


def _items(
    random: Random,
    a_day: float,
    burst: tuple[float, float, float],
    silences: tuple[tuple[float, float], ...],
    end: float,
) -> Iterator[float]:
    """Give the times of a feed's items: events of one or several items, by the hours of its week."""
    weights, weekend, _ = random.choices(_PROFILES, [row[2] for row in _PROFILES])[0]
    burst_share, burst_items, _ = burst
    on_the_hour = random.choice((0.0, 0.0, 0.0, 0.1, 0.3))
    zone = 3600 * random.choice(_ZONES)
    an_event = 1 + burst_share * (burst_items - 1)
    for hour in range(-24 * HISTORY_DAYS, math.ceil(end / 3600)):
        local = 3600 * hour + zone
        share = weights[int(local // 3600) % 24] / sum(weights)
        expected = a_day / an_event * share * (weekend if local // DAY % 7 >= 5 else 1.0)
        for _ in range(_poisson(random, expected)):
            at = 3600 * (hour + (0.0 if random.random() < on_the_hour else random.random()))
            if any(begin <= at < over for begin, over in silences):
                continue
            count = 1
            if random.random() < burst_share:
                count = min(_BURST_MOST, 2 + _poisson(random, random.expovariate(1 / max(burst_items - 2, 0.5))))
            spread = random.choice((0.0, _BURST_SECONDS))
            yield from (moment for _ in range(count) if (moment := at + random.random() * spread) < end)


def _poisson(random: Random, mean: float) -> int:
    """Draw a Poisson number (Knuth, The Art of Computer Programming 2, 3.4.1)."""
    limit, product, count = math.exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return count


def _silences(random: Random, end: float) -> Iterator[tuple[float, float]]:
    at = -HISTORY_DAYS * DAY
    while at < end:
        begin = at + random.expovariate(1 / (_ACTIVE_DAYS * DAY))
        at = begin + random.expovariate(1 / (_SILENT_DAYS * DAY))
        yield begin, at


def _outages(random: Random, end: float) -> tuple[tuple[float, float], ...]:
    """Give spans of failure: minutes every day, hours now and then, days on a few feeds."""
    spans = []
    for a_day, median in ((_BLIPS_A_DAY, 90.0), (_HOURS_A_DAY, 5400.0)):
        at = random.expovariate(a_day / DAY)
        while at < end:
            spans.append((at, at + random.lognormvariate(math.log(median), 0.7)))
            at += random.expovariate(a_day / DAY)
    if random.random() < _SHARE_DAYS:
        begin = random.uniform(0, end)
        spans.append((begin, begin + random.uniform(1, 5) * DAY))
    apart: list[tuple[float, float]] = []
    for begin, over in sorted(spans):
        if apart and begin <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(apart[-1][1], over)
        else:
            apart.append((begin, over))
    return tuple(apart)
