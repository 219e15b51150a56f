"""Thousands of feeds pulled from a simulated internet: manners by the servers' own log, what was missed, what it cost.

The internet, the river that reads it and the rules of the audit are in `pipelines/lab/internet`.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.errors import UsageError
from pipelines.lab.bench import river as bench_river
from pipelines.lab.bench.cores import Memory, cpu_seconds
from pipelines.lab.bench.pull_result import Cost, PullResult, Served
from pipelines.lab.internet import river
from pipelines.lab.internet.answers import Internet
from pipelines.lab.internet.audit import audit
from pipelines.lab.internet.harvest import Harvest, harvest
from pipelines.lab.internet.log import LoggedRequest, read
from pipelines.lab.internet.missed import Coverage, judge, showings
from pipelines.lab.internet.plan import plan
from pipelines.lab.internet.site import Orders
from pipelines.lab.internet.start import Start, start
from pipelines.ledger.accounts import reconcile
from pipelines.runtime.frame import DRAIN_SECONDS
from pipelines.settings import Settings

DEFAULT_SPEED = 10.0
"""Of 10,000 feeds some 15 articles and 30 polls a second, ten times as many as in life: half a core, 9,000 articles."""

_SITE = "pipelines.lab.internet.site"


def run(
    settings: Settings,
    arguments: Sequence[str],
    folder: Path,
    orders: Orders,
    *,
    copies: int,
    faults: river.Faults,
    keep: bool,
    tell: bench_river.Tell,
) -> PullResult:
    """Pull from a simulated internet and audit it.

    Args:
        settings: of a river of the benchmark's own, with `river.options`.
        arguments: global options that give the copies the same settings.
        folder: for logs; `workspace` makes one.
        orders: what the internet is like; `prepared` makes them.
        copies: of poll, and of fetch.
        faults: what happens to them meanwhile; where copies come and go there is one more of each role, away at first.
        keep: leave the river for a look.
        tell: told how far it is.

    Raises:
        ServiceError: a server does not answer.
        StackError: the simulated internet does not start.
    """
    with bench_river.provisioned(settings, keep=keep):
        tell("planning", 0, 1)
        orders = replace(orders, opened_at=time.time())  # to make topics takes seconds in which feeds fall due
        internet = orders.internet()
        begin = start(internet)
        river.seed(settings, internet.feeds(), begin.states)
        guests = [f"{role}-{copies}" for role in river.ROLES] if faults.move_every else []
        crew = river.Crew([*_names(copies), *guests], arguments, folder / "roles.log", guests)
        with river.site(_SITE, orders.line(), folder) as site:
            pulled = _pull(crew, orders, faults, lambda passed: tell("pulling", passed, orders.seconds))
            site_cores = cpu_seconds(site.pid) / pulled.seconds
        tell("drawing up the accounts", 0, 1)
        reaped = harvest(settings)
        books = reconcile(settings)
    log = _log(folder)
    return PullResult(
        river=settings.river.name,
        orders=orders,
        traits=internet.plan.traits(),
        seconds=pulled.seconds,
        copies=copies,
        served=Served.of(log),
        violations=audit(log, internet.manners(), settings.fetch.delay_seconds),
        coverage=_coverage(internet, begin, reaped, pulled.stopped - orders.opened_at),
        harvest=reaped,
        costs=_costs(crew, pulled.seconds),
        site_cores=site_cores,
        kills=crew.kills,
        moves=crew.moves,
        deaths=crew.deaths,
        balanced=books.balanced,
        books={name: int(count) for name, count in books.as_json()["totals"].items()},
    )


def prepared(settings: Settings, *, feeds: int, hosts: int, minutes: float, speed: float, seed: int) -> Orders:
    """Choose port and clock of an internet that opens now.

    Raises:
        UsageError: fewer feeds than hosts.
        StackError: this machine has only one loopback address.
    """
    if feeds < hosts:
        raise UsageError(f"{feeds} feeds are too few for {hosts} hosts", hint="each host has one at least")
    pause = settings.fetch.delay_seconds
    made = plan(feeds=feeds, hosts=hosts, seconds=minutes * 60, speed=speed, seed=seed, pause=pause)
    return Orders(
        feeds=feeds,
        hosts=hosts,
        seconds=minutes * 60,
        speed=speed,
        seed=seed,
        pause=pause,
        history=settings.poll.max_interval_seconds,
        port=river.free_port(made.hosts),
        opened_at=time.time(),
    )


def workspace(name: str, ending: ExitStack, *, keep: bool) -> Path:
    """Make a folder for a run's logs that goes when the stack ends well, unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix=f"newsriver-{name}-"))

    def leave(kind: type[BaseException] | None, *_: object) -> None:
        with suppress(OSError):
            if kind is None and not keep:
                shutil.rmtree(folder)
            else:  # an error's message names a file in it, where there is one
                folder.rmdir()

    ending.push(leave)
    return folder


@dataclass(frozen=True)
class _Pulled:
    seconds: float
    stopped: float  # seconds since 1970


def _pull(crew: river.Crew, orders: Orders, faults: river.Faults, tell: Callable[[float], None]) -> _Pulled:
    chance = random.Random(f"kills {orders.seed}")  # noqa: S311 - repeatable on purpose
    began = time.monotonic()
    crew.start()
    try:
        crew.run(orders.seconds, faults, chance, tell)
        seconds, stopped = time.monotonic() - began, time.time()
    finally:
        crew.drain()
    return _Pulled(seconds, stopped)


def _log(folder: Path) -> list[LoggedRequest]:
    with (folder / "requests.log").open(encoding="utf-8") as file:
        return list(read(file))


def _names(copies: int) -> list[str]:
    return [*(f"{role}-{number}" for role in river.ROLES for number in range(copies)), "record"]


def _costs(crew: river.Crew, seconds: float) -> dict[str, Cost]:
    return {
        name: Cost(sum(used.cpu.values()) / seconds, Memory.of(used.memory), len(used.cpu))
        for name, used in crew.usage.items()
    }


def _coverage(internet: Internet, begin: Start, reaped: Harvest, end: float) -> Coverage:
    # A poll that was under way at the end may have found what appeared while it drained.
    shown = list(showings(internet.plan, internet.streams, end + DRAIN_SECONDS))
    return judge(
        shown,
        begin.known,
        {article: at - internet.opened_at for article, at in reaped.discovered.items()},
        {one.item: internet.article_id(one.item) for one in shown},
        end,
    )
