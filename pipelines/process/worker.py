"""What all steps of the job share in one process, and the configuration it is made of, which travels with the graph."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from apache_beam.utils.shared import Shared

from pipelines.breaker.guard import Breaker
from pipelines.extraction import ArticleContext, article_sandbox
from pipelines.index.documents import IndexFamily, article_indices
from pipelines.index.elastic import ElasticTarget, connect_to
from pipelines.index.lookup import Lookup, Recent
from pipelines.index.patience import Patience
from pipelines.kafka import Sender
from pipelines.kafka.access import use_access
from pipelines.process.output import OutputWriter
from pipelines.process.readers import Lane, Readers
from pipelines.process.refusals import Refusals
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.runtime.health import LoopClock
from pipelines.runtime.heartbeat import Waits
from pipelines.runtime.limits import WorkCount
from pipelines.settings import ElasticsearchSettings, Settings, load_settings
from schemas.topics import PAGES, Role

if TYPE_CHECKING:
    from pipelines.index.articles import ArticleWriter
    from pipelines.index.elastic import Elastic
    from pipelines.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class ProcessConfig:
    """What the steps need to know, resolved where the graph is built: a worker asks no local stack, and no secrets.

    The river's own job is `of`; with other lanes, indices or no outcomes it is a backfill or writes a shadow.

    Attributes:
        river: the river's name.
        bootstrap: Kafka's address.
        elastic: the Elasticsearch to write to.
        context: what an article depends on beside its page.
        linger_ms: how long the producer waits for more records.
        poll_ms: longest wait for pages.
        bundle_pages: most pages of one partition in a bundle.
        max_dead_share: largest share of sites whose pages may die by a fault of ours.
        lanes: what is read.
        indices: where articles are written, and what is looked up first.
        writes_outcomes: whether pages have lines in the ledger.
        settings_file: the file in which a worker finds its credentials, unless its environment has them; None for
            `newsriver.toml` in its working directory.
    """

    river: str
    bootstrap: str
    elastic: ElasticTarget
    context: ArticleContext
    linger_ms: int
    poll_ms: int
    bundle_pages: int
    max_dead_share: float
    lanes: tuple[Lane, ...]
    indices: IndexFamily
    writes_outcomes: bool = True
    settings_file: Path | None = None

    @classmethod
    def of(cls, settings: Settings, settings_file: Path | None = None) -> Self:
        """Take what the steps need of the settings.

        Raises:
            ServiceError: no server is named and no local stack was ever started.
        """
        river = settings.river.name
        return cls(
            river=river,
            bootstrap=kafka_bootstrap(settings),
            elastic=ElasticTarget.of(settings),
            context=ArticleContext(settings.clean),
            linger_ms=settings.kafka.linger_ms,
            poll_ms=settings.process.poll_milliseconds,
            bundle_pages=settings.process.bundle_pages,
            max_dead_share=settings.process.max_dead_share,
            lanes=(Lane(PAGES.full_name(river), Role.PROCESS.group(river)),),
            indices=article_indices(river),
            settings_file=settings_file,
        )


class ProcessWorker:
    """What all steps of one process share; what has to connect does so when it is first asked for.

    Args:
        config: from the graph.
        stop: once set, the source drains and nobody waits for Elasticsearch any more.
        waits: told what this process waits for.
        loop: told whenever the source comes round.
        sandbox: one that is started already; None for a new one.
        access: settings with the credentials for Elasticsearch; None to read them from this process's environment and
            the configuration's file.

    Attributes:
        waits: what this process waits for, as given.
        loop: when the source last came round, as given.
        progress: counts the pages it has worked on.
        breaker: is told by the steps how pages end, and asked by the source whether to read on.
        refusals: what Kafka has refused.
        readers: read and commit partitions.
        recent: what was written lately.
    """

    def __init__(
        self,
        config: ProcessConfig,
        *,
        stop: threading.Event | None = None,
        waits: Waits | None = None,
        loop: LoopClock | None = None,
        sandbox: Sandbox | None = None,
        access: ElasticsearchSettings | None = None,
    ) -> None:
        self.config = config
        self.stop = stop or threading.Event()
        self.sandbox = sandbox or article_sandbox(config.context.clean)
        self.waits = waits or Waits()
        self.loop = loop or LoopClock()
        self.progress = WorkCount()
        self.breaker = Breaker()
        self.refusals = Refusals()
        self.readers = Readers(config.bootstrap, self.refusals)
        self.recent = Recent()
        self._access = access
        if access is None:  # a worker of another runner: nobody has read the settings here yet
            use_access(config.bootstrap, load_settings(config.settings_file).kafka)

    @cached_property
    def output(self) -> OutputWriter:
        """Writes outcomes and dead letters.

        Raises:
            ServiceError: Kafka refuses.
        """
        sender = Sender(self.config.bootstrap, client_id="newsriver-process", linger_ms=self.config.linger_ms)
        config = self.config
        return OutputWriter(
            sender, config.river, self.breaker, config.max_dead_share, writes_outcomes=config.writes_outcomes
        )

    @cached_property
    def elastic(self) -> Elastic:
        """The client of Elasticsearch; threads may share it.

        Raises:
            SettingsError: the address or the certificates' file cannot be used, or the settings cannot be read.
        """
        access = self._access or load_settings(self.config.settings_file).elasticsearch
        return connect_to(self.config.elastic, access)

    def patience(self) -> Patience:
        """Give what waits for Elasticsearch, for ever and visibly, in the name of one step."""
        return Patience(self.config.elastic.url, self.stop, self.waits)

    def article_writer(self) -> ArticleWriter:
        """Give a writer of articles for one step."""
        from pipelines.index.articles import ArticleWriter
        from pipelines.index.sink import Sink

        indices = self.config.indices
        lookup = Lookup(self.elastic, indices, self.recent, self.stop, self.waits)
        return ArticleWriter(lookup, Sink(self.elastic, self.config.elastic, self.stop, self.waits), indices)


@dataclass(frozen=True)
class WorkerHandle:
    """The way from a step to its process's worker; it travels with the graph, the worker does not.

    Attributes:
        config: what the worker is made of.
    """

    config: ProcessConfig
    _shared: Shared = field(default_factory=Shared)

    def open(
        self,
        *,
        stop: threading.Event | None = None,
        waits: Waits | None = None,
        loop: LoopClock | None = None,
        sandbox: Sandbox | None = None,
        access: ElasticsearchSettings | None = None,
    ) -> ProcessWorker:
        """Give this process's worker; the first call makes it, of the arguments that `ProcessWorker` takes."""
        worker: ProcessWorker = self._shared.acquire(
            lambda: ProcessWorker(self.config, stop=stop, waits=waits, loop=loop, sandbox=sandbox, access=access)
        )
        return worker
