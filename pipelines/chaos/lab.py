"""The fault lab: servers, site, proxy and river brought up, broken by plan, watched, and ended again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from pipelines import stack
from pipelines.chaos.faults import GARBAGE_TOPICS, Breaker
from pipelines.chaos.harvest import accounts
from pipelines.chaos.pages import Press
from pipelines.chaos.plan import Kind
from pipelines.chaos.proxy import FaultServer
from pipelines.chaos.recovery import recovery
from pipelines.chaos.river import Site, alone, flowing, folder, options, servers
from pipelines.chaos.verdict import Accounts, Happened
from pipelines.chaos.watch import Now, Watch
from pipelines.errors import NewsriverError, StackError
from pipelines.index.provision import provision
from pipelines.settings import Settings

log = logging.getLogger(__name__)

Apply = Callable[[Sequence[str]], tuple[Settings, list[str]]]
"""Adds options to the user's own: gives the settings, and the global arguments that give a process the same."""

_WARM_SECONDS = 60.0
_CALM_LOOKS = 5
_LEAST_PATIENCE, _PATIENCE = 60.0, 3.0
"""A recovery is waited for so many seconds at least, and so many times the outage; then the next fault comes."""

_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Result:
    """What a run came to.

    Attributes:
        accounts: whether anything is lost, twice or otherwise than it must be.
        happened: the faults as they were.
        seconds: how long pages flowed.
        at_rest: whether nothing was under way at the end.
    """

    accounts: Accounts
    happened: list[Happened]
    seconds: float
    at_rest: bool

    @property
    def good(self) -> bool:
        """Whether the river kept its promises."""
        return self.accounts.good and self.at_rest


class Lab:
    """A river under faults; everything that `run` starts ends with it.

    Attributes:
        now: what goes on.

    Args:
        settings: the user's settings: where the stack and its downloads are.
        apply: see `Apply`.
        press: what flows.
        minutes: longest time for pages to flow.
        report: hears of the servers' start and end.
    """

    def __init__(self, settings: Settings, apply: Apply, press: Press, minutes: float, report: stack.Report) -> None:
        self.now = Now(faults=len(press.plan.faults))
        self._home = folder(settings)
        self._servers = servers(settings)
        self._apply = apply
        self._press, self._plan = press, press.plan
        self._minutes = minutes
        self._report = report

    def run(self) -> Result:
        """Bring everything up, break it, wait for rest, and draw up the accounts.

        Raises:
            NewsriverError: something does not start or does not come back, or time is too short for the plan.
        """
        with ExitStack() as ending:
            ending.enter_context(alone(self._home))
            stack.reset(self._servers, self._report)
            ending.callback(stack.down, self._servers, self._report)
            stack.up(self._servers, self._report)
            there = stack.endpoints(self._servers)
            if there is None:
                raise StackError("the servers were started and are nowhere", resource=str(self._home))
            front = ending.enter_context(FaultServer(there.elasticsearch))
            # The lab itself asks Elasticsearch past the proxy.
            direct, _ = self._apply(options(self._press, there.bootstrap, there.elasticsearch))
            broken, arguments = self._apply(options(self._press, there.bootstrap, front.url))
            provision(direct)
            site = ending.enter_context(Site(self._press, self._home))
            supervisor = ending.enter_context(flowing(broken, self._press, self._home, arguments))
            breaker = Breaker(self._servers, direct, supervisor, front, self._plan)
            watch = ending.enter_context(Watch(direct, site, self._plan, self.now))
            return self._result(direct, breaker, watch, site)

    def _result(self, settings: Settings, breaker: Breaker, watch: Watch, site: Site) -> Result:
        started = time.monotonic()
        ends_at = started + 60 * self._minutes
        happened = self._break(breaker, watch, started, ends_at)
        at_rest = self._settle(watch, site, ends_at)
        seconds = time.monotonic() - started
        self.now.begin("drawing up the accounts")
        garbage = sum(one.fault.kind is Kind.GARBAGE for one in happened) * self._plan.garbage * len(GARBAGE_TOPICS)
        return Result(accounts(settings, self._press, unreadable=garbage), happened, seconds, at_rest)

    def _break(self, breaker: Breaker, watch: Watch, started: float, ends_at: float) -> list[Happened]:
        """Do what the plan says, one thing after the other, each when the river has come back from the one before."""
        happened: list[Happened] = []
        self.now.begin("warming up")
        _until(lambda: _flows(watch), min(ends_at, time.monotonic() + _WARM_SECONDS))
        for fault in self._plan.faults:
            if time.monotonic() > ends_at:
                raise NewsriverError(
                    f"only {len(happened)} of {len(self._plan.faults)} faults fitted into {self._minutes:g} minutes",
                    hint="give more --minutes or fewer --articles",
                )
            calm_since = time.monotonic()
            time.sleep(fault.gap)
            self.now.begin(str(fault))
            began = time.monotonic()
            breaker.do(fault)
            over = time.monotonic()
            watch.now()
            self.now.begin(f"coming back from {fault}")
            measure = partial(recovery, roles=fault.roles, calm_since=calm_since, began=began, over=over)
            patience = max(_LEAST_PATIENCE, _PATIENCE * (over - began))
            _until(lambda: measure(watch.samples).whole, min(ends_at, over + patience))  # noqa: B023 - called at once
            happened.append(Happened(fault, began - started, over - began, measure(watch.samples)))
            log.info("%s", happened[-1].as_json())
            self.now.done += 1
        return happened

    def _settle(self, watch: Watch, site: Site, ends_at: float) -> bool:
        """Wait until all is announced and nothing is under way; give whether it came to that."""
        self.now.begin("waiting until nothing is under way")
        every = self._plan.articles

        def calm() -> bool:
            last = watch.samples[-_CALM_LOOKS:]
            still = len({(sample.waiting, *sample.positions.values()) for sample in last}) == 1
            announced = site.revealed >= every and last[-1].positions["poll"] >= every
            return announced and still and last[-1].waiting == 0

        return _until(calm, ends_at)


def _flows(watch: Watch) -> bool:
    return len(watch.samples) > 1 and all(watch.samples[-1].positions.values())


def _until(condition: Callable[[], bool], ends_at: float) -> bool:
    """Wait until a condition holds; give whether it came to that in time."""
    while not condition():
        if time.monotonic() > ends_at:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
