"""Which articles the river found, which it has yet to find, and which went by unseen. Pure.

An article counts as *published* when some feed showed it for a moment in which it could be read: its host answers,
is in no trouble, and the XML is whole. Of those one is *found* when its entry is on Kafka, *pending* when a feed
shows it still, and *missed* when it has left every feed unseen. What was never to be read is *out of reach*. What
feeds showed before the run is *known* to the river and does not count.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipelines.lab.internet.items import Item, Streams, troubles
from pipelines.lab.internet.plan import InternetPlan
from pipelines.lab.internet.traits import Life

Span = tuple[float, float]


class Showing(NamedTuple):
    """One article in one feed.

    Attributes:
        item: the article.
        appears: when the feed shows it first.
        leaves: when it shows it no more.
        readable: the stretches of that time in which the feed could be read, in order.
    """

    item: Item
    appears: float
    leaves: float
    readable: tuple[Span, ...]


@dataclass(frozen=True)
class Coverage:
    """What became of the articles.

    Attributes:
        found: on Kafka.
        pending: still shown by a feed.
        missed: gone unseen.
        out_of_reach: shown only while nothing could be read.
        strangers: on Kafka, and nobody published them.
        delays: seconds from being readable to being discovered, of those found that appeared during the run.
    """

    found: int
    pending: int
    missed: Sequence[Item]
    out_of_reach: int
    strangers: Sequence[str]
    delays: Sequence[float] = field(repr=False)

    @property
    def share(self) -> float:
        """Missed articles among those whose fate is known; 0 where none is."""
        known = self.found + len(self.missed)
        return len(self.missed) / known if known else 0.0

    def delay(self, percent: int) -> float | None:
        """Give a percentile of the delays, or None where there are too few."""
        if len(self.delays) < 2:
            return None
        return statistics.quantiles(self.delays, n=100, method="inclusive")[percent - 1]

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "published": self.found + self.pending + len(self.missed),
            "found": self.found,
            "pending": self.pending,
            "missed": len(self.missed),
            "missed_share": self.share,
            "out_of_reach": self.out_of_reach,
            "strangers": len(self.strangers),
            "discovery_seconds": {"p50": self.delay(50), "p95": self.delay(95)},
            "missed_items": [list(item) for item in self.missed[:100]],
        }


def judge(
    showings: Iterable[Showing],
    known: Collection[Item],
    discovered: Mapping[str, float],
    ids: Mapping[Item, str],
    end: float,
) -> Coverage:
    """Compare what was shown with what was found.

    Args:
        showings: every article in every feed that showed it.
        known: articles that the river knew before the run.
        discovered: when each entry on Kafka was discovered, in seconds of the run, by article id.
        ids: article id of every article shown.
        end: when the river stopped asking.
    """
    shown: dict[Item, list[Showing]] = {}
    for showing in showings:
        if showing.item not in known:
            shown.setdefault(showing.item, []).append(showing)
    found, pending, unreadable = 0, 0, 0
    missed: list[Item] = []
    delays: list[float] = []
    for item, places in shown.items():
        readable = min((begin for place in places for begin, _ in place.readable if begin < end), default=None)
        at = discovered.get(ids[item])
        if at is not None:
            found += 1
            if readable is not None and min(place.appears for place in places) >= 0:
                delays.append(max(0.0, at - readable))
        elif min(place.appears for place in places) >= end:
            continue
        elif readable is None:
            unreadable += 1
        elif max(place.leaves for place in places) > end:
            pending += 1
        else:
            missed.append(item)
    strangers = sorted(discovered.keys() - set(ids.values()))
    return Coverage(found, pending, missed, unreadable, strangers, delays)


def showings(plan: InternetPlan, streams: Streams, end: float) -> Iterator[Showing]:
    """Give every article that a feed showed between the run's beginning and its end."""
    for source, stream in streams.all():
        dead = plan.hosts[source.host].life in (Life.REFUSES, Life.SILENT)
        bad = troubles(plan, source, end)
        for place in range(stream.shown(0.0).start, stream.shown(end).stop):
            appears, leaves = stream.times[place], stream.leaves(place)
            readable = () if dead else tuple(outside(bad, max(appears, 0.0), leaves))
            yield Showing(stream.item(place), appears, leaves, readable)


def outside(bad: Sequence[Span], begin: float, end: float) -> Iterator[Span]:
    """Give what is left of a stretch of time without some others, which are in the order of their beginnings."""
    for start, stop in bad:
        if start > begin and begin < min(start, end):
            yield begin, min(start, end)
        begin = max(begin, stop)
    if begin < end:
        yield begin, end
