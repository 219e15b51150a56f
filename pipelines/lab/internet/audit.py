"""The audit of manners: what the servers' own log shows against pauses, robots.txt and Retry-After. Pure.

The rules, for each host:
- *concurrency*: no request begins before the one before has ended.
- *delay*: none begins earlier than the pause after the end of the one before: the setting's, or the crawl-delay's
  where that is longer and robots.txt had been served. robots.txt itself counts as a request.
- *robots*: no article is asked for before robots.txt was, while robots.txt answers 5xx, or where it forbids that.
  Feeds are not held to robots.txt: the user chose them.
- *Retry-After*: nothing is asked for before the time is over that a 429 or 503 named.

The log's ends lie before the client's (an answer still has to arrive) and its starts after the client's, so the true
pauses are never longer than what is measured here by more than the server's own delay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from pipelines.lab.internet.log import GAVE_UP, LoggedRequest

TOLERANCE_SECONDS = 0.005
"""Pauses may be shorter by so much: clocks and timers of two processes."""

GAVE_UP_TOLERANCE_SECONDS = 0.05
"""After a request that the client gave up: the server learns of that later than the client."""

_OK, _SERVER_ERRORS, _TOO_MANY = 200, range(500, 600), 429


class ViolationKind(StrEnum):
    """Kinds of violation."""

    CONCURRENCY = "concurrency"
    DELAY = "delay"
    ROBOTS = "robots"
    RETRY_AFTER = "Retry-After"


class Violation(NamedTuple):
    """One request that should not have been made then.

    Attributes:
        kind: which rule.
        before: the request that it follows from; for robots the last robots.txt, or the request itself where there
            was none.
        request: the one that was made.
        early: seconds by which it came too early; 0 for robots.
    """

    kind: ViolationKind
    before: LoggedRequest
    request: LoggedRequest
    early: float

    @property
    def between_roles(self) -> bool:
        """Whether poll and fetch are at odds here, rather than one of them with itself."""
        return self.before.for_feed != self.request.for_feed

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "kind": str(self.kind),
            "between_roles": self.between_roles,
            "host": self.request.host,
            "before": self.before.as_json(),
            "request": self.request.as_json(),
            "early_ms": round(1000 * self.early, 1),
        }


@dataclass(frozen=True, slots=True)
class Manners:
    """What one host asks for.

    Attributes:
        crawl_delay: seconds, as its robots.txt says; 0 for none.
        forbids: tells whether its robots.txt forbids a path.
    """

    crawl_delay: float = 0.0
    forbids: Callable[[str], bool] = lambda _: False


@dataclass
class _State:
    """What a client must know of a host at some moment."""

    last: LoggedRequest | None = None  # the one that ended last
    wait: LoggedRequest | None = None  # the one that asked for the longest wait
    robots: LoggedRequest | None = None
    under_way: list[LoggedRequest] = field(default_factory=list)

    def learn(self, until: float) -> None:
        """Take in the answers that came up to a time."""
        ended = [one for one in self.under_way if one.end <= until + _tolerance(one)]
        for request in sorted(ended, key=lambda one: one.end):
            self.under_way.remove(request)
            self.last = request
            if request.for_robots and request.status != GAVE_UP:
                self.robots = request
            if request.wait_until is not None and (self.wait is None or request.wait_until >= _wait_of(self.wait)):
                self.wait = request


def audit(requests: Iterable[LoggedRequest], manners: Mapping[str, Manners], delay: float) -> list[Violation]:
    """Find all violations.

    Args:
        requests: the log, in any order.
        manners: by host; hosts that are not named ask for nothing.
        delay: the pause of the settings, in seconds.
    """
    hosts: dict[str, list[LoggedRequest]] = {}
    for request in requests:
        hosts.setdefault(request.host, []).append(request)
    return [
        violation
        for host, asked in hosts.items()
        for violation in _of_host(
            sorted(asked, key=lambda one: (one.start, one.end)), manners.get(host, Manners()), delay
        )
    ]


def counts(violations: Iterable[Violation]) -> dict[str, int]:
    """Count violations by kind, every kind named."""
    found = Counter(str(violation.kind) for violation in violations)
    return {str(kind): found[str(kind)] for kind in ViolationKind}


def _of_host(asked: list[LoggedRequest], manners: Manners, delay: float) -> Iterator[Violation]:
    state = _State()
    for request in asked:
        state.learn(request.start)
        yield from _too_early(state, request, manners, delay)
        yield from _against_robots(state, request, manners)
        state.under_way.append(request)


def _too_early(state: _State, request: LoggedRequest, manners: Manners, delay: float) -> Iterator[Violation]:
    if state.under_way:
        other = max(state.under_way, key=lambda one: one.end)
        yield Violation(ViolationKind.CONCURRENCY, other, request, other.end - request.start)
    elif state.last is not None:
        served = state.robots is not None and state.robots.status == _OK
        pause = max(delay, manners.crawl_delay if served else 0.0)
        early = state.last.end + pause - request.start
        if early > _tolerance(state.last):
            yield Violation(ViolationKind.DELAY, state.last, request, early)
    if state.wait is not None and (early := _wait_of(state.wait) - request.start) > TOLERANCE_SECONDS:
        yield Violation(ViolationKind.RETRY_AFTER, state.wait, request, early)


def _against_robots(state: _State, request: LoggedRequest, manners: Manners) -> Iterator[Violation]:
    if not request.for_page:
        return
    robots = state.robots
    if robots is None:
        yield Violation(ViolationKind.ROBOTS, request, request, 0.0)
    elif (
        robots.status in _SERVER_ERRORS
        or robots.status == _TOO_MANY
        or (robots.status == _OK and manners.forbids(request.path))
    ):
        yield Violation(ViolationKind.ROBOTS, robots, request, 0.0)


def _tolerance(ended: LoggedRequest) -> float:
    return GAVE_UP_TOLERANCE_SECONDS if ended.status == GAVE_UP else TOLERANCE_SECONDS


def _wait_of(request: LoggedRequest) -> float:
    return request.wait_until or 0.0
