"""The river that is broken and what it needs: its settings, its servers', the site that it reads, its processes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from pipelines.chaos.pages import BLOCK, Press
from pipelines.chaos.site import READY
from pipelines.errors import StackError
from pipelines.feeds.lists import to_toml
from pipelines.settings import Settings
from pipelines.stack.state import locked
from pipelines.supervise import Supervisor, workers_of

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


def options(press: Press, bootstrap: str, url: str) -> list[str]:
    """Give the settings of the river as `section.key=value`; they win over the user's.

    Args:
        press: what flows.
        bootstrap: Kafka's address.
        url: Elasticsearch's address, or that of a proxy in front of it.
    """
    return [
        f"river.name={RIVER}",
        "river.contact=https://example.org/newsriver-chaos",
        "river.log_level=info",
        f"kafka.bootstrap_servers={bootstrap}",
        "kafka.partitions=8",
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
        f"fetch.allow_networks={json.dumps(press.networks)}",
        "fetch.delay_seconds=0.05",
        "fetch.later_scale=0.002",  # retries after 2 and 7 s, the revisit after 2 s
        'fetch.revisit=["15m"]',
        "fetch.max_attempts=3",
        "fetch.timeout_seconds=10",
        "process.workers=2",
        "process.stall_seconds=60",
    ]


class Site:
    """The site's process, for as long as its block lasts; it ends by itself, too, when this one does.

    Attributes:
        revealed: articles that are out.

    Raises:
        StackError: it does not start.
    """

    def __init__(self, press: Press, home: Path) -> None:
        plan = press.plan
        self.revealed = 0
        self._all = plan.articles
        command = [sys.executable, "-m", "pipelines.chaos.site", str(plan.articles), str(plan.seed), str(press.port)]
        log = home / "site.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, start_new_session=True
            )
        if self._process.stdout is None or self._process.stdout.readline() != READY:
            self._end()
            raise StackError("the site that the river reads does not start", resource=str(log), hint=f"{log} says why")

    def reveal(self, count: int) -> None:
        """Let so many articles be announced; whole blocks only, until all are out."""
        count = self._all if count >= self._all else count // BLOCK * BLOCK
        if count <= self.revealed or self._process.stdin is None:
            return
        self._process.stdin.write(f"{count}\n".encode())
        self._process.stdin.flush()
        self.revealed = count

    def __enter__(self) -> Self:
        """Serve."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._end()

    def _end(self) -> None:
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=5)
        self._process.kill()
        self._process.wait()


@contextmanager
def flowing(settings: Settings, press: Press, home: Path, arguments: list[str]) -> Iterator[Supervisor]:
    """Run all roles under their supervisor, in a thread; drain them at the end.

    Args:
        settings: the river's settings.
        press: what flows.
        home: where the feed list and the roles' log are written.
        arguments: global options that give the roles the same settings.
    """
    feeds = home / "feeds.toml"
    feeds.write_text(to_toml(press.feed_list()), encoding="utf-8")
    supervisor = Supervisor(workers_of(settings, [feeds]), arguments, home / "roles.log")
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

    home.mkdir(parents=True, exist_ok=True)
    with locked(home / "chaos.lock", refuse):
        yield
