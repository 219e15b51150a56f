"""What hosts and feeds of the simulated internet can be like. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Form = Literal["rss", "atom", "json", "rdf", "sitemap"]
"""How a feed is written; a sitemap is one of Google News."""


_HOSTS_PER_SUBNET = 250


class Life(StrEnum):
    """Whether and how a host answers."""

    ALIVE = "alive"
    SLOW = "slow"
    REFUSES = "refuses connections"
    SILENT = "never answers"


class Rules(StrEnum):
    """What a host's robots.txt is like."""

    OPEN = "allows all"
    FORBIDS = "forbids some articles"
    DELAY = "crawl-delay"
    MISSING = "404"
    UNAVAILABLE = "503"


class Trouble(StrEnum):
    """What a host answers at times."""

    LIMIT_SECONDS = "429, Retry-After in seconds"
    LIMIT_DATE = "429, Retry-After as a date"
    BUSY_SECONDS = "503, Retry-After in seconds"
    BUSY = "503"


class Validators(StrEnum):
    """What a feed sends for conditional requests."""

    BOTH = "ETag and Last-Modified"
    ETAG = "ETag"
    DATE = "Last-Modified"
    IGNORED = "sent and ignored"
    NONE = "none"


class Lie(StrEnum):
    """When a feed answers 304 although it has new entries."""

    NEVER = "never"
    AT_TIMES = "at times"
    ALWAYS = "always: its ETag never changes"


@dataclass(frozen=True, slots=True)
class Phases:
    """Stretches of time that come again and again, in seconds of the run; never before it begins.

    Attributes:
        first: when the first one begins.
        every: from one beginning to the next.
        lasting: how long each lasts.
    """

    first: float
    every: float
    lasting: float

    def left(self, at: float) -> float:
        """Give the seconds that the present stretch still lasts; 0 outside of one."""
        if at < self.first:
            return 0.0
        return max(0.0, self.lasting - (at - self.first) % self.every)


@dataclass(frozen=True, slots=True)
class Host:
    """One host.

    Attributes:
        number: its place in the plan.
        life: whether it answers.
        reply_seconds: how long it takes for an answer.
        rules: its robots.txt.
        crawl_delay: seconds that its robots.txt asks for; 0 for none.
        trouble: what it answers at times.
        phases: at which times.
        moves_articles: whether some of its articles have moved.
    """

    number: int
    life: Life = Life.ALIVE
    reply_seconds: float = 0.0
    rules: Rules = Rules.OPEN
    crawl_delay: float = 0.0
    trouble: Trouble | None = None
    phases: Phases | None = None
    moves_articles: bool = False

    @property
    def address(self) -> str:
        """Its loopback address."""
        subnet, number = divmod(self.number, _HOSTS_PER_SUBNET)
        return f"127.64.{subnet}.{number + 1}"


@dataclass(frozen=True, slots=True)
class SourceTraits:
    """One feed.

    Attributes:
        number: its place in the plan.
        host: the number of its host.
        form: its format.
        per_day: articles a day, at speed 1.
        zone: hours by which its day is shifted.
        window: entries that it shows.
        validators: what it sends for conditional requests.
        lie: when its 304 is wrong.
        lies: at which times, where that is at times.
        coding: the content coding that it prefers.
        moved: the status of its redirect; 0 where it has not moved.
        sibling: a feed of the same host whose articles it shows beside its own.
        broken: when its XML breaks off.
    """

    number: int
    host: int
    form: Form
    per_day: float
    zone: int
    window: int
    validators: Validators = Validators.BOTH
    lie: Lie = Lie.NEVER
    lies: Phases | None = None
    coding: str = ""
    moved: int = 0
    sibling: int | None = None
    broken: Phases | None = None
