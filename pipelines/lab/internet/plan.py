"""The simulated internet as a plan: its hosts, its feeds, how much they publish, how they misbehave. Pure.

All of it follows from a seed. Rates are log-normal over the feeds with a median of 4 articles a day, so that many are
quiet and few are busy; `speed` multiplies them. Pauses between two requests to a host are not shortened with it, so a
host whose demand would not fit into them at that speed gets quieter feeds, and no crawl-delay.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pipelines.lab.internet.traits import Form, Host, Lie, Life, Phases, Rules, SourceTraits, Trouble, Validators

T = TypeVar("T")

NETWORKS = ("127.64.0.0/16",)
"""Where the hosts live."""

MEDIAN_PER_DAY, SIGMA, MOST_PER_DAY = 4.0, 1.5, 500.0
SMALLEST_WINDOW, LARGEST_WINDOW = 10, 100

_SKEW_OFFSET, _SKEW = 30.0, 0.7  # of 2,000 hosts with 10,000 feeds the largest has about 32
_FORMS: tuple[tuple[Form, float], ...] = (
    ("atom", 0.2), ("json", 0.05), ("rdf", 0.03), ("sitemap", 0.02), ("rss", 0.7)
)  # fmt: skip
_CODINGS = (("gzip", 0.55), ("br", 0.1), ("", 0.35))
_FITS_PAUSE, _FITS_CRAWL_DELAY = 0.6, 0.4
"""Share of the time that a host's requests and their pauses may take: above it, queues would grow."""

_LEAST_POLL_SECONDS = 300.0
"""`poll.min_interval_seconds` by default, which the speed divides."""


_LIVES = ((Life.REFUSES, 0.01), (Life.SILENT, 0.005), (Life.SLOW, 0.02), (Life.ALIVE, 0.965))
_RULES = (
    (Rules.FORBIDS, 0.2), (Rules.DELAY, 0.08), (Rules.MISSING, 0.12), (Rules.UNAVAILABLE, 0.02), (Rules.OPEN, 0.58)
)  # fmt: skip
_TROUBLES: tuple[tuple[Trouble | None, float], ...] = (
    (Trouble.LIMIT_SECONDS, 0.015), (Trouble.LIMIT_DATE, 0.015), (Trouble.BUSY_SECONDS, 0.01), (Trouble.BUSY, 0.02),
    (None, 0.94),
)  # fmt: skip
_VALIDATORS = (
    (Validators.ETAG, 0.17), (Validators.DATE, 0.08), (Validators.IGNORED, 0.1), (Validators.NONE, 0.2),
    (Validators.BOTH, 0.45),
)  # fmt: skip
_MOVED_FEEDS = ((301, 0.02), (302, 0.02), (0, 0.96))
_MOVED_ARTICLES, _SIBLINGS, _BROKEN = 0.05, 0.1, 0.01
_LIES = ((Lie.AT_TIMES, 0.015), (Lie.ALWAYS, 0.005), (Lie.NEVER, 0.98))


@dataclass(frozen=True, slots=True)
class InternetPlan:
    """The whole internet.

    Attributes:
        seed: what all else follows from.
        speed: factor on the rates.
        seconds: length of the run.
        hosts: by number.
        sources: by number.
    """

    seed: int
    speed: float
    seconds: float
    hosts: tuple[Host, ...]
    sources: tuple[SourceTraits, ...]

    def traits(self) -> dict[str, dict[str, int]]:
        """Count hosts and feeds by trait."""
        hosts, feeds = self.hosts, self.sources
        return {
            "hosts": dict(Counter(str(host.life) for host in hosts)),
            "robots": dict(Counter(str(host.rules) for host in hosts)),
            "trouble": dict(Counter(str(host.trouble or "none") for host in hosts)),
            "formats": dict(Counter(feed.form for feed in feeds)),
            "validators": dict(Counter(str(feed.validators) for feed in feeds)),
            "lies": dict(Counter(str(feed.lie) for feed in feeds)),
            "codings": dict(Counter(feed.coding or "none" for feed in feeds)),
            "others": {
                "feeds moved": sum(bool(feed.moved) for feed in feeds),
                "hosts that move articles": sum(host.moves_articles for host in hosts),
                "feeds that share a sibling's articles": sum(feed.sibling is not None for feed in feeds),
                "feeds that break off at times": sum(feed.broken is not None for feed in feeds),
                "largest host, feeds": max(Counter(feed.host for feed in feeds).values(), default=0),
            },
        }


def plan(*, feeds: int, hosts: int, seconds: float, speed: float, seed: int, pause: float) -> InternetPlan:
    """Make the plan of an internet: the same for the same arguments.

    Args:
        feeds: how many, at least as many as hosts.
        hosts: how many.
        seconds: length of the run; what happens at times happens two or three times in it.
        speed: factor on the rates.
        seed: chooses everything.
        pause: seconds between two requests to one host.
    """
    chance = random.Random(f"internet {seed}")  # noqa: S311 - repeatable on purpose
    weights = [(place + _SKEW_OFFSET) ** -_SKEW for place in range(hosts)]
    order = sorted([*range(hosts), *chance.choices(range(hosts), weights, k=feeds - hosts)])
    of_host: dict[int, list[SourceTraits]] = {}
    for source in _sources(chance, order, seconds):
        of_host.setdefault(source.host, []).append(source)
    made: list[Host] = []
    sources: list[SourceTraits] = []
    for draft in _hosts(chance, hosts, seconds):
        host, own = _fitting(draft, of_host[draft.number], speed, pause)
        made.append(host)
        sources += _with_siblings(chance, own)
    return InternetPlan(seed, speed, seconds, tuple(made), tuple(sources))


def demand(sources: list[SourceTraits], speed: float) -> float:
    """Estimate the requests a second that a host gets: polls at half an article each, articles and their revisits."""
    rates = [source.per_day * speed / 86_400 for source in sources]
    return sum(min(speed / _LEAST_POLL_SECONDS, 2 * rate) + 2 * rate for rate in rates)


def _hosts(chance: random.Random, count: int, seconds: float) -> Iterator[Host]:
    lives, rules, troubles = (
        _dealt(chance, _LIVES, count),
        _dealt(chance, _RULES, count),
        _dealt(chance, _TROUBLES, count),
    )
    moving = _dealt(chance, ((True, _MOVED_ARTICLES), (False, 1 - _MOVED_ARTICLES)), count)
    for number, (life, rule, trouble, moves) in enumerate(zip(lives, rules, troubles, moving, strict=True)):
        yield Host(
            number,
            life=life,
            reply_seconds=round(chance.uniform(1.5, 4), 1) if life is Life.SLOW else 0.0,
            rules=rule,
            crawl_delay=float(chance.randint(2, 5)) if rule is Rules.DELAY else 0.0,
            trouble=trouble,
            phases=_phases(chance, seconds) if trouble else None,
            moves_articles=moves,
        )


def _sources(chance: random.Random, hosts: Sequence[int], seconds: float) -> Iterator[SourceTraits]:
    count = len(hosts)
    lies, breaks = _dealt(chance, _LIES, count), _dealt(chance, ((True, _BROKEN), (False, 1 - _BROKEN)), count)
    forms, codings = _dealt(chance, _FORMS, count), _dealt(chance, _CODINGS, count)
    validators, moved = _dealt(chance, _VALIDATORS, count), _dealt(chance, _MOVED_FEEDS, count)
    for number, host in enumerate(hosts):
        window = round(math.exp(chance.uniform(math.log(SMALLEST_WINDOW), math.log(LARGEST_WINDOW))))
        yield SourceTraits(
            number,
            host,
            form=forms[number],
            per_day=min(MOST_PER_DAY, chance.lognormvariate(math.log(MEDIAN_PER_DAY), SIGMA)),
            zone=chance.randrange(24),
            window=window,
            validators=Validators.ETAG if lies[number] is Lie.ALWAYS else validators[number],
            lie=lies[number],
            lies=_phases(chance, seconds) if lies[number] is Lie.AT_TIMES else None,
            coding=codings[number],
            moved=moved[number],
            broken=_phases(chance, seconds) if breaks[number] else None,
        )


def _fitting(host: Host, own: list[SourceTraits], speed: float, pause: float) -> tuple[Host, list[SourceTraits]]:
    """Give host and feeds so that their requests fit into the pauses at this speed."""
    wanted = demand(own, speed)
    if wanted * max(pause, host.crawl_delay) > _FITS_CRAWL_DELAY and host.crawl_delay:
        host = replace(host, rules=Rules.OPEN, crawl_delay=0.0)
    if wanted * (pause + host.reply_seconds) > _FITS_CRAWL_DELAY and host.life is Life.SLOW:
        host = replace(host, life=Life.ALIVE, reply_seconds=0.0)
    while demand(own, speed) * pause > _FITS_PAUSE:
        own = [replace(source, per_day=source.per_day * 0.8) for source in own]
    return host, own


def _with_siblings(chance: random.Random, own: list[SourceTraits]) -> list[SourceTraits]:
    first, *others = own
    return [
        first,
        *(replace(source, sibling=first.number) if chance.random() < _SIBLINGS else source for source in others),
    ]


def _phases(chance: random.Random, seconds: float) -> Phases:
    every = seconds * chance.uniform(0.3, 0.6)
    return Phases(first=chance.uniform(0, every), every=every, lasting=min(chance.uniform(10, 40), 0.4 * every))


def _dealt(chance: random.Random, table: Sequence[tuple[T, float]], count: int) -> list[T]:
    """Give so many values in their shares, each at least once where there is room, in an order of chance.

    Args:
        chance: shuffles.
        table: values with shares; the last one takes what is left.
        count: how many.
    """
    dealt = [value for value, share in table[:-1] for _ in range(max(1, round(share * count)))]
    dealt += [table[-1][0]] * (count - len(dealt))
    chance.shuffle(dealt)
    return dealt[:count]
