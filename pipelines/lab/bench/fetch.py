"""Pages a second that `fetch` brings from fast hosts on loopback to Kafka, with one copy and with two."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.errors import NewsriverError
from pipelines.kafka import Admin, Sender
from pipelines.lab.bench import river as bench_river
from pipelines.lab.bench.cores import Meter, Spent, machine
from pipelines.lab.internet import river
from pipelines.lab.internet.fast import FastSiteOrders
from pipelines.lab.internet.plan import NETWORKS
from pipelines.lab.internet.traits import Host
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from pipelines.urls import article_id, host_of
from schemas.records import Entry
from schemas.topics import ENTRIES, PAGES

COPIES = (1, 2)
HOSTS = 400
OPTIONS = (f'fetch.allow_networks=["{NETWORKS[0]}"]', "fetch.delay_seconds=0", "fetch.revisit=[]")
"""No pause, or a host would give one page a second; no revisits, so that every page is fetched once."""

FETCH, SITE, KAFKA, OTHERS, IDLE = "fetch", "the hosts", "Kafka", "others and this benchmark", "idle"
SHARES = (FETCH, SITE, KAFKA, OTHERS, IDLE)

_FAST = "pipelines.lab.internet.fast"
_WARM_UP = 400
_JOIN_SECONDS = 3.0
_LOOK_SECONDS = 0.1
_FULL, _MUCH, _NOTHING_LEFT = 0.85, 0.25, 0.1


@dataclass(frozen=True)
class FetchLeg:
    """One run with so many copies.

    Attributes:
        copies: of fetch.
        pages: fetched and acknowledged by Kafka.
        spent: who used the cores.
    """

    copies: int
    pages: int
    spent: Spent

    @property
    def pages_per_second(self) -> float:
        """Pages a second on the clock."""
        return self.pages / self.spent.wall

    @property
    def shares(self) -> dict[str, float]:
        """Cores used, on average, by who used them."""
        spent, wall = self.spent, self.spent.wall
        servers = {name: seconds / wall for name, seconds in spent.servers.items()}
        used = {FETCH: spent.ours / wall, SITE: servers.pop(SITE, 0.0), KAFKA: servers.pop(KAFKA, 0.0)}
        used[OTHERS] = spent.others / wall + sum(servers.values())
        return {**used, IDLE: max(0.0, spent.cores - sum(used.values()))}

    @property
    def limit(self) -> str:
        """What keeps it from being faster, for people."""
        if self.shares[FETCH] / self.copies >= _FULL:
            return "a core for each copy: add copies"
        if self.shares[OTHERS] > _MUCH * self.spent.cores:
            return "other work on this machine: measure again when it is quiet"
        if self.shares[IDLE] <= _NOTHING_LEFT * self.spent.cores:
            return f"the machine's {self.spent.cores} cores, which hosts and Kafka share"
        return "waiting: no core is full"


@dataclass(frozen=True)
class FetchBenchResult:
    """What was measured.

    Attributes:
        page_bytes: size of a page.
        legs: by number of copies.
    """

    page_bytes: int
    legs: Sequence[FetchLeg]

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "bench": "fetch",
            "page_bytes": self.page_bytes,
            "hosts": HOSTS,
            "pages_per_second": max(leg.pages_per_second for leg in self.legs),
            "legs": [
                {
                    "copies": leg.copies,
                    "pages": leg.pages,
                    "pages_per_second": leg.pages_per_second,
                    "cpu_ms_a_page": 1000 * leg.spent.ours / leg.pages,
                    "limit": leg.limit,
                    "cores": leg.shares,
                    "spent": asdict(leg.spent),
                }
                for leg in self.legs
            ],
            "machine": machine(),
        }


def run(
    settings: Settings,
    arguments: Sequence[str],
    folder: Path,
    *,
    pages: int,
    page_bytes: int,
    seed: int,
    keep: bool,
    tell: bench_river.Tell,
) -> FetchBenchResult:
    """Fetch the same number of pages with one copy and with two.

    Args:
        settings: of a river of the benchmark's own, with `OPTIONS`.
        arguments: global options that give the copies the same settings.
        folder: for logs.
        pages: of each leg.
        page_bytes: size of a page.
        seed: of the pages.
        keep: leave the river for a look.
        tell: told how far it is.

    Raises:
        ServiceError: a server does not answer.
        StackError: the hosts do not start.
        NewsriverError: pages do not come.
    """
    orders = FastSiteOrders(HOSTS, river.free_port([Host(0)]), page_bytes, seed)
    with bench_river.provisioned(settings, keep=keep), river.site(_FAST, orders.line(), folder) as site:
        servers = {**bench_river.local_servers(settings), SITE: site.pid}
        work = _Work(settings, orders, tell)
        return FetchBenchResult(page_bytes, [work.leg(copies, pages, arguments, folder, servers) for copies in COPIES])


class _Work:
    def __init__(self, settings: Settings, orders: FastSiteOrders, tell: bench_river.Tell) -> None:
        self._settings, self._orders, self._tell = settings, orders, tell
        self._sent = 0

    def leg(self, copies: int, pages: int, arguments: Sequence[str], folder: Path, servers: dict[str, int]) -> FetchLeg:
        crew = river.Crew([f"fetch-{number}" for number in range(copies)], arguments, folder / "roles.log")
        crew.start()
        try:
            self._fetch(_WARM_UP, "warming up")
            time.sleep(_JOIN_SECONDS)  # nobody tells from outside whether the second copy has its partitions
            self._fetch(_WARM_UP, "warming up")
            meter = Meter(list(crew.pids().values()), servers)
            self._fetch(pages, f"fetching with {copies} {'copy' if copies == 1 else 'copies'}")
            spent = meter.read()
        finally:
            crew.drain()
        return FetchLeg(copies, pages, spent)

    def _fetch(self, count: int, what: str) -> None:
        """Announce so many articles and wait until all their pages are on Kafka."""
        before = self._sent
        self._announce(count)
        seen, moved_at = -1, time.monotonic()
        while seen < count:
            now = self._pages() - before
            if now != seen:
                seen, moved_at = now, time.monotonic()
                self._tell(what, seen, count)
            elif time.monotonic() - moved_at > bench_river.STUCK_SECONDS:
                raise NewsriverError(f"no page more in {bench_river.STUCK_SECONDS:.0f} s: {seen} of {count} came")
            time.sleep(_LOOK_SECONDS)

    def _announce(self, count: int) -> None:
        river_name, at = self._settings.river.name, datetime.now(UTC)
        topic = ENTRIES.full_name(river_name)
        with Sender(kafka_bootstrap(self._settings), client_id="newsriver-bench") as sender:
            for number in range(self._sent, self._sent + count):
                address = Host(number % self._orders.hosts).address
                url = f"http://{address}:{self._orders.port}/news/{number}"
                entry = Entry(
                    id=article_id(url), url=url, link=url, feed_url=f"http://{address}/", source="bench", first_seen=at
                )
                sender.send(topic, host_of(url), entry.to_json())
        self._sent += count

    def _pages(self) -> int:
        with Admin(kafka_bootstrap(self._settings)) as admin:
            ends = admin.ends(PAGES.full_name(self._settings.river.name), self._settings.kafka.partitions)
        return sum(ends.values())
