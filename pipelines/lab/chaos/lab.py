"""The fault lab: servers, sites, proxies and river brought up, broken by plan, watched, and ended again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial

from pipelines import stack
from pipelines.errors import NewsriverError, StackError
from pipelines.index.elastic import connect
from pipelines.index.provision import provision
from pipelines.lab.chaos import harvest, last_month, second_river
from pipelines.lab.chaos.delays import FaultWindow, standstills
from pipelines.lab.chaos.faults import GARBAGE_TOPICS, FaultInjector
from pipelines.lab.chaos.footprint import MOST_MB, Footprint, raw_lines
from pipelines.lab.chaos.hostile import Hostile
from pipelines.lab.chaos.kafka_proxy import KafkaProxy
from pipelines.lab.chaos.pages import Press
from pipelines.lab.chaos.plan import FaultKind, PlannedFault
from pipelines.lab.chaos.proxy import FaultServer
from pipelines.lab.chaos.recovery import recovery
from pipelines.lab.chaos.rig import Apply, Rig, answered
from pipelines.lab.chaos.river import Sites, alone, flowing, folder, options, servers
from pipelines.lab.chaos.verdict import Accounts, Happened
from pipelines.lab.chaos.watch import Now, RoleWatch
from pipelines.settings import Settings

log = logging.getLogger(__name__)

_WARM_SECONDS = 60.0
_CALM_LOOKS = 5
_QUIET_SECONDS = 60.0
"""When nothing has moved for so long and nothing waits, what has no end by then will have none."""

_LEAST_PATIENCE, _PATIENCE = 60.0, 3.0
"""A recovery is waited for so many seconds at least, and so many times the outage; then the next fault comes."""

_LOOK_SECONDS = 0.2
_EXCUSES_NOTHING = (FaultKind.CALM, FaultKind.FLOOD, FaultKind.RIVER, FaultKind.GARBAGE)
"""Faults that must delay no article: the other ones excuse what comes late until the river is back."""


@dataclass(frozen=True, kw_only=True)
class ChaosResult:
    """What a run came to.

    Attributes:
        accounts: whether anything is lost, twice, late or otherwise than it must be.
        second: the accounts of the second river, where there was one.
        happened: the faults as they were.
        seconds: how long pages flowed.
        at_rest: whether nothing was under way at the end.
        peaks: the most memory in MB that a process of each worker took.
        standstills: roles that did nothing for too long although something waited, with the seconds.
        raw: lines of the logs that a terminal would obey.
    """

    accounts: Accounts
    second: Accounts | None
    happened: list[Happened]
    seconds: float
    at_rest: bool
    peaks: Mapping[str, int]
    standstills: Mapping[str, float]
    raw: Sequence[str]

    @property
    def too_large(self) -> dict[str, int]:
        """The workers that took more memory than they may, in MB."""
        return {name: peak for name, peak in self.peaks.items() if peak > MOST_MB}

    @property
    def good(self) -> bool:
        """Whether the river kept its promises."""
        apart = self.second is None or self.second.good
        return self.accounts.good and apart and self.at_rest and not (self.too_large or self.standstills or self.raw)


class Lab:
    """A river under faults; everything that `run` starts ends with it.

    Attributes:
        now: what goes on.

    Args:
        settings: the user's settings: where the stack and its downloads are.
        apply: adds options to the user's own: gives the settings, and the global arguments for a process.
        press: what flows.
        hostile: what the hostile site does.
        minutes: longest time for pages to flow.
        report: hears of the servers' start and end.
    """

    def __init__(
        self,
        settings: Settings,
        apply: Apply,
        press: Press,
        hostile: Hostile,
        minutes: float,
        report: stack.StackReport,
    ) -> None:
        self.now = Now(faults=len(press.plan.faults))
        self._home = folder(settings)
        self._servers = servers(settings)
        self._apply = apply
        self._press, self._plan, self._hostile = press, press.plan, hostile
        self._minutes = minutes
        self._report = report

    def run(self) -> ChaosResult:
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
            elasticsearch = ending.enter_context(FaultServer(there.elasticsearch))
            kafka = ending.enter_context(KafkaProxy(there.bootstrap))
            networks = [*self._press.networks, *self._hostile.networks]
            # The lab itself asks the servers past the proxies.
            direct, _ = self._apply(options(networks, there.bootstrap, there.elasticsearch))
            broken, arguments = self._apply(options(networks, kafka.address, elasticsearch.url))
            provision(direct)
            last_month.announce(direct, self._press)
            sites = ending.enter_context(Sites(self._press, self._hostile, self._home))
            feeds = [*self._press.feed_lists()[0], *self._hostile.feed_list()]
            supervisor = ending.enter_context(flowing(broken, feeds, self._home, arguments))
            watch = ending.enter_context(RoleWatch(direct, sites, self._plan, self.now))
            footprint = ending.enter_context(Footprint(supervisor))
            rig = Rig(
                self._servers,
                direct,
                supervisor,
                elasticsearch,
                kafka,
                sites,
                self._press,
                watch,
                self._apply,
                self._home,
            )
            return self._result(rig, footprint)

    def _result(self, rig: Rig, footprint: Footprint) -> ChaosResult:
        started = time.monotonic()
        ends_at = started + 60 * self._minutes
        run = _Run(rig, self.now, started, ends_at, self._minutes)
        run.break_all()
        at_rest = self._settle(rig, ends_at)
        seconds = time.monotonic() - started
        self.now.begin("drawing up the accounts")
        accounts = harvest.accounts(
            rig.river,
            self._press,
            unreadable=run.garbage * self._plan.garbage * len(GARBAGE_TOPICS),
            strangers=self._hostile.ids(len(self._plan.hostile_pages), run.breaker.flooded),
            reveals=rig.sites.reveals,
            windows=[_on_the_wall(window) for window in run.excuses],
        )
        return ChaosResult(
            accounts=accounts,
            second=run.second,
            happened=run.happened,
            seconds=seconds,
            at_rest=at_rest,
            peaks=dict(sorted(footprint.peaks.items())),
            standstills=standstills(rig.watch.samples, run.outages),
            raw=list(raw_lines(sorted(self._home.rglob("roles.log")))),
        )

    def _settle(self, rig: Rig, ends_at: float) -> bool:
        """Wait until all is announced and nothing is under way; give whether it came to that."""
        self.now.begin("waiting until nothing is under way")
        began = time.monotonic()  # the last articles come out now, however long all has been still
        with closing(connect(rig.river)) as client:

            def calm() -> bool:
                last = rig.watch.samples[-_CALM_LOOKS:]
                still = len({(sample.waiting, *sample.positions.values()) for sample in last}) == 1
                if rig.sites.revealed < self._plan.articles or not still or last[-1].waiting:
                    return False
                if min(_still_for(rig.watch), time.monotonic() - began) > _QUIET_SECONDS:
                    return True
                ended = answered(lambda: harvest.ended(client, rig.river.river.name))
                return ended is not None and ended >= len(self._press.numbers)

            return _until(calm, ends_at)


class _Run:
    """The faults, one after the other, and what they were."""

    def __init__(self, rig: Rig, now: Now, started: float, ends_at: float, minutes: float) -> None:
        self.breaker = FaultInjector(rig)
        self.happened: list[Happened] = []
        self.excuses: list[FaultWindow] = []
        self.outages: list[FaultWindow] = []
        self.garbage = 0
        self.second: Accounts | None = None
        self._rig, self._now = rig, now
        self._started, self._ends_at, self._minutes = started, ends_at, minutes

    def break_all(self) -> None:
        """Do what the plan says, one thing after the other, each when the river has come back from the one before.

        Raises:
            NewsriverError: something does not come back, or time is too short.
        """
        faults = self._rig.press.plan.faults
        self._now.begin("warming up")
        _until(lambda: _flows(self._rig.watch), min(self._ends_at, time.monotonic() + _WARM_SECONDS))
        self.excuses.append(FaultWindow(self._started, time.monotonic()))
        for fault in faults:
            if time.monotonic() > self._ends_at:
                raise NewsriverError(
                    f"only {len(self.happened)} of {len(faults)} faults fitted into {self._minutes:g} minutes",
                    hint="give more --minutes or fewer --articles",
                )
            self._break(fault)
            self._now.done += 1

    def _break(self, fault: PlannedFault) -> None:
        calm_since = time.monotonic()
        time.sleep(fault.gap)
        self._now.begin(str(fault))
        began = time.monotonic()
        over = self._do(fault)
        watch = self._rig.watch
        watch.now()
        self._now.begin(f"coming back from {fault}")
        measure = partial(recovery, roles=fault.roles, calm_since=calm_since, began=began, over=over)
        patience = max(_LEAST_PATIENCE, _PATIENCE * (over - began))
        _until(lambda: measure(watch.samples).whole, min(self._ends_at, over + patience))
        if fault.kind not in _EXCUSES_NOTHING:
            self.outages.append(FaultWindow(began, over))
            self.excuses.append(FaultWindow(began, time.monotonic()))
        self.happened.append(Happened(fault, began - self._started, over - began, measure(watch.samples)))
        log.info("%s", self.happened[-1].as_json())

    def _do(self, fault: PlannedFault) -> float:
        """Do it, and give when it was over."""
        self.garbage += fault.kind is FaultKind.GARBAGE
        if fault.kind is FaultKind.RIVER:
            self.second = second_river.run(self._rig)
            return time.monotonic()
        return self.breaker.do(fault)


def _on_the_wall(window: FaultWindow) -> FaultWindow:
    """Give a stretch of the monotonic clock in seconds since 1970."""
    apart = time.time() - time.monotonic()
    return FaultWindow(window.began + apart, window.over + apart)


def _flows(watch: RoleWatch) -> bool:
    return len(watch.samples) > 1 and all(watch.samples[-1].positions.values())


def _still_for(watch: RoleWatch) -> float:
    """Give for how long nothing has moved."""
    last = watch.samples[-1]
    moved = next((one.at for one in reversed(watch.samples) if one.positions != last.positions), watch.samples[0].at)
    return last.at - moved


def _until(condition: Callable[[], bool], ends_at: float) -> bool:
    """Wait until a condition holds; give whether it came to that in time."""
    while not condition():
        if time.monotonic() > ends_at:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
