"""A river of the benchmark's own: its topics and indices, its workers as the supervisor starts them, its pages."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipelines.errors import NewsriverError, ServiceError
from pipelines.index.documents import articles_alias
from pipelines.index.elastic import Elastic, connect
from pipelines.index.provision import provision, remove
from pipelines.kafka import Sender
from pipelines.lab.bench.cores import server_pids
from pipelines.lab.bench.pages import BenchPage, announced, key
from pipelines.runtime.endpoints import elasticsearch_url, kafka_bootstrap
from pipelines.runtime.supervisor import Supervisor, workers_of
from pipelines.settings import Settings
from schemas.topics import PAGES

Tell = Callable[[str, float, float], None]
"""Told how far a benchmark is: what it does, how much of it is done, how much there is."""

STUCK_SECONDS = 90.0
"""Without any progress for so long, a benchmark gives up."""
_LOOK_SECONDS = 0.2
_FLUSH_PAGES = 50


def own_name() -> str:
    """Give a name for a river of this benchmark alone."""
    return f"bench-{uuid.uuid4().hex[:8]}"


@contextmanager
def provisioned(settings: Settings, *, keep: bool) -> Iterator[Elastic]:
    """Make a river's topics and templates; remove them with all they hold at the end.

    Args:
        settings: all settings, with the river's own name.
        keep: leave them for a look.

    Raises:
        ServiceError: a server does not answer.
    """
    provision(settings)
    client = connect(settings)
    try:
        yield client
    finally:
        client.close()
        if not keep:
            with suppress(ServiceError):
                remove(settings)


def local_servers(settings: Settings) -> dict[str, int]:
    """Give the process ids of the servers that run on this machine, by name."""
    return server_pids({"Kafka": kafka_bootstrap(settings), "Elasticsearch": elasticsearch_url(settings)})


@dataclass
class Workers:
    """The running `process` workers.

    Attributes:
        supervisor: keeps them alive.
        log_file: where their messages go.
    """

    supervisor: Supervisor
    log_file: Path

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return list(self.names.values())

    @property
    def names(self) -> dict[str, int]:
        """Process ids by the workers' names."""
        return {worker.name: worker.process.pid for worker in self.supervisor.workers if worker.process is not None}

    @property
    def restarts(self) -> int:
        """How often a worker ended although nobody asked it to."""
        return sum(worker.failures for worker in self.supervisor.workers)

    @property
    def hint(self) -> str:
        """Where to look when something is wrong."""
        return f"the workers' messages are in {self.log_file}"


@contextmanager
def flowing(settings: Settings, arguments: Sequence[str]) -> Iterator[Workers]:
    """Run the `process` workers that `newsriver run` would run, in the same way; drain them at the end.

    Args:
        settings: `process.workers` says how many.
        arguments: global options that give a worker the same settings.
    """
    chosen = [worker for worker in workers_of(settings) if worker.arguments[0] == "process"]
    log_file = Path(tempfile.gettempdir()) / f"newsriver-{settings.river.name}.log"
    workers = Workers(Supervisor(chosen, arguments, log_file), log_file)
    workers.supervisor.start()
    failed = False
    try:
        yield workers
    except Exception:
        failed = True
        raise
    finally:
        workers.supervisor.drain()
        if not failed:  # an error names the file
            log_file.unlink(missing_ok=True)


def send(settings: Settings, pages: Sequence[BenchPage], run: str, first_seen: datetime) -> None:
    """Put pages on Kafka as `fetch` does, as fast as Kafka takes them."""
    topic = PAGES.full_name(settings.river.name)
    with Sender(kafka_bootstrap(settings), client_id="newsriver-bench") as sender:
        for number, page in enumerate(pages, 1):
            entry, facts = announced(page, run, first_seen)
            sender.send(topic, key(page), page.body, {"entry": entry.to_json(), "page": facts.to_json()})
            if number % _FLUSH_PAGES == 0:
                sender.flush()


def searchable(client: Elastic, settings: Settings) -> int:
    """Count the articles that a search finds, what is just written included; none while the first index is made."""
    alias = articles_alias(settings.river.name)
    client.send("POST", f"/{alias}/_refresh")  # to wait for the index's clock would be no work
    answer = client.send("GET", f"/{alias}/_count")
    return int(answer.body["count"]) if answer.ok else 0


def wait_for(client: Elastic, settings: Settings, workers: Workers, count: int, tell: Callable[[int], None]) -> None:
    """Wait until so many articles can be found.

    Args:
        client: the cluster.
        settings: the river's settings.
        workers: kept alive meanwhile.
        count: articles in the whole river.
        tell: told how many there are now.

    Raises:
        NewsriverError: nothing moved for a long time.
    """
    seen, moved_at = -1, time.monotonic()
    while seen < count:
        workers.supervisor.tend()
        now = searchable(client, settings)
        if now != seen:
            seen, moved_at = now, time.monotonic()
            tell(seen)
        elif time.monotonic() - moved_at > STUCK_SECONDS:
            raise NewsriverError(
                f"no article more in {STUCK_SECONDS:.0f} s: {seen} of {count} can be found", hint=workers.hint
            )
        if seen < count:
            time.sleep(_LOOK_SECONDS)
