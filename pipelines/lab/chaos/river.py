"""The river that is broken and what it needs: its settings, its servers', the site that it reads, its processes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from pipelines.errors import StackError
from pipelines.feeds.lists import to_toml
from pipelines.lab.chaos.hostile import Hostile
from pipelines.lab.chaos.orders import SiteProcess
from pipelines.lab.chaos.pages import BLOCK, Press
from pipelines.private_files import private_folder
from pipelines.runtime.supervisor import Supervisor, workers_of
from pipelines.settings import Settings
from pipelines.stack.state import locked
from schemas.records import Feed

RIVER = "chaos"

_HEAPS_MB = 512


def folder(settings: Settings) -> Path:
    """Give the lab's folder: beside the user's own stack, never in it."""
    return settings.stack.directory.expanduser().resolve().parent / "chaos"


def servers(settings: Settings) -> Settings:
    """Give the settings of the lab's own servers; of the user's only the downloads are shared."""
    own = {
        "directory": folder(settings),
        "elasticsearch_heap_mb": _HEAPS_MB,
        "kafka_heap_mb": _HEAPS_MB,
        "start_timeout_seconds": 600.0,  # the river is at work meanwhile, and the machine may be small
    }
    return Settings(stack=settings.stack.model_copy(update=own))


def options(networks: list[str], bootstrap: str, url: str) -> list[str]:
    """Give the settings of the river as `section.key=value`; they win over the user's.

    What it remembers is smaller than the stream, so that nothing may depend on it.

    Args:
        networks: the sites' addresses.
        bootstrap: Kafka's address, or that of a proxy in front of it.
        url: Elasticsearch's address, or that of a proxy in front of it.
    """
    return [
        f"river.name={RIVER}",
        "river.contact=https://example.org/newsriver-chaos",
        "river.log_level=info",
        "serve.with_run=false",
        f"kafka.bootstrap_servers={bootstrap}",
        "kafka.partitions=4",  # few, so that several hosts share each
        "kafka.replication_factor=1",
        f"elasticsearch.url={url}",
        "elasticsearch.username=",
        "elasticsearch.password=",
        "elasticsearch.api_key=",
        "elasticsearch.ca_certs=",
        "elasticsearch.timeout_seconds=10",
        "poll.min_interval_seconds=4",
        "poll.max_interval_seconds=8",
        "poll.max_failure_interval_seconds=8",
        f"fetch.allow_networks={json.dumps(networks)}",
        "poll.known_articles=60",
        "fetch.known_articles=60",
        "fetch.known_hosts=10",
        "fetch.delay_seconds=0.05",
        "fetch.later_scale=0.002",  # retries after 2 and 7 s, the revisit after 2 s
        'fetch.revisit=["15m"]',
        "fetch.max_attempts=3",
        "fetch.timeout_seconds=10",
        "process.workers=2",
        "process.stall_seconds=150",
    ]


class Sites:
    """The good sites' process and the hostile one's, for as long as the block lasts.

    Attributes:
        reveals: how many articles were out, and since when, in seconds since 1970.

    Args:
        press: what the good ones serve.
        hostile: what the hostile one does.
        home: for their logs.

    Raises:
        StackError: one does not start.
    """

    def __init__(self, press: Press, hostile: Hostile, home: Path) -> None:
        plan = press.plan
        self.reveals: list[tuple[int, float]] = [(0, time.time())]
        self._all, self._hostile = plan.articles, len(hostile.page_places)
        self._press = press
        self._ending = ExitStack()
        arguments = [str(plan.articles), str(plan.seed)]
        self._good, self._bad = (
            self._ending.enter_context(
                SiteProcess(f"pipelines.lab.chaos.{name}", [*arguments, str(port)], home / f"{name}.log")
            )
            for name, port in (("site", press.port), ("hostile_site", hostile.port))
        )

    @property
    def revealed(self) -> int:
        """Articles that are out."""
        return self.reveals[-1][0]

    def reveal(self, count: int) -> None:
        """Let so many articles be announced, and hostile pages in proportion; whole blocks only, until all are out."""
        count = self._all if count >= self._all else count // BLOCK * BLOCK
        if count > self.revealed:
            self.reveals.append((count, time.time()))
            self._good.order(revealed=count)
            self._bad.order(hostile=self._hostile * count // self._all)

    def flood(self, pages: int) -> None:
        """Let poisoned pages be announced, so many in all."""
        self._bad.order(flooded=pages)

    def slow(self, numbers: Iterable[int], seconds: float) -> None:
        """Let the hosts of some articles take so long for each page, and all others no time."""
        hosts = sorted({self._press.feed_of(number) % self._press.hosts for number in numbers})
        self._good.order(slow=hosts, seconds=seconds)

    def __enter__(self) -> Self:
        """Serve."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._ending.close()


@contextmanager
def flowing(settings: Settings, feeds: list[Feed], home: Path, arguments: list[str]) -> Iterator[Supervisor]:
    """Run all roles under their supervisor, in a thread; drain them at the end.

    Args:
        settings: the river's settings.
        feeds: its list.
        home: where the feed list and the roles' log are written.
        arguments: global options that give the roles the same settings.
    """
    path = home / f"{settings.river.name}-feeds.toml"
    path.write_text(to_toml(feeds), encoding="utf-8")
    supervisor = Supervisor(workers_of(settings, [path]), arguments, home / "roles.log")
    stop = threading.Event()
    thread = threading.Thread(target=supervisor.run, args=(stop,), name="supervisor")
    thread.start()
    try:
        yield supervisor
    finally:
        stop.set()
        thread.join()


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Keep a second lab out of the folder.

    Raises:
        StackError: one is at work.
    """

    def refuse() -> None:
        raise StackError("another `newsriver chaos` is at work", resource=str(home), hint="wait for its end")

    private_folder(home, above_servers=True)
    with locked(home / "chaos.lock", refuse):
        yield
