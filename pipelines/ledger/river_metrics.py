"""What is true of the river whoever counts: offsets on Kafka, lines in the ledger; `record` asks for them.

Copies of `record` tell the same, so rules take the maximum over them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipelines.breaker import state as breaker
from pipelines.errors import ServiceError
from pipelines.index.documents import article_indices
from pipelines.index.elastic import Elastic
from pipelines.kafka import Admin
from pipelines.metrics.declared import (
    ARTICLES,
    BREAKER_TRIPPED,
    GROUP_COMMITTED,
    GROUP_LAG,
    LEDGER_OUTCOMES,
    SERVER_UP,
    TOPIC_RECORDS,
)
from pipelines.metrics.metric import Sample
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.runtime.roles import ROLES
from pipelines.settings import Settings
from schemas.topics import TOPICS

if TYPE_CHECKING:
    from pipelines.metrics.metric import Family

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 10.0
_FRESH_SECONDS = 40.0
_MOST_BUCKETS = 10_000


class RiverMetrics:
    """Asks both servers for the river's figures, now and then, for the length of a block.

    Args:
        settings: all settings.
        client: the cluster with the ledger.
        clock: seconds that only grow.
    """

    def __init__(self, settings: Settings, client: Elastic, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._client, self._clock = settings, client, clock
        self._servers = {"kafka": self._kafka, "elasticsearch": self._elasticsearch}
        self._told: dict[str, tuple[float, list[Family]]] = {}
        self._over = threading.Event()

    def __enter__(self) -> Self:
        """Begin to ask, each server in a thread of its own: one that hangs holds up neither a scrape nor the other."""
        for server in self._servers:
            threading.Thread(target=self._go_on, args=(server,), daemon=True, name=f"figures-{server}").start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask no more."""
        self._over.set()

    def families(self) -> Iterator[Family]:
        """Give what the servers said last; of one that has not answered for a while only that."""
        now = self._clock()
        fresh = {server: told for server, (at, told) in self._told.items() if now - at < _FRESH_SECONDS}
        yield SERVER_UP.family([({"server": server}, float(server in fresh)) for server in self._servers])
        for told in fresh.values():
            yield from told

    def ask(self, server: str) -> None:
        """Ask one server; what it said before is forgotten where it does not answer."""
        try:
            self._told[server] = (self._clock(), list(self._servers[server]()))
        except ServiceError as error:
            log.debug("no figures of %s: %s", server, error)
            self._told.pop(server, None)

    def _go_on(self, server: str) -> None:
        while not self._over.is_set():
            self.ask(server)
            self._over.wait(_PAUSE_SECONDS)

    def _kafka(self) -> Iterator[Family]:
        river = self._settings.river.name
        with Admin(kafka_bootstrap(self._settings)) as admin:
            counts = admin.topics()
            ends = {
                topic.name: admin.ends(topic.full_name(river), counts[topic.full_name(river)])
                for topic in TOPICS
                if topic.full_name(river) in counts
            }
            committed = {spec.role: admin.committed(spec.role.group(river)) for spec in ROLES if spec.commits}
        yield TOPIC_RECORDS.family([({"topic": name}, sum(each.values())) for name, each in ends.items()])
        done: list[Sample] = []
        left: list[Sample] = []
        logs = [topic for topic in TOPICS if not topic.compacted]  # the others are read whole at each start
        for one, role in [(topic, role) for topic in logs for role in topic.readers if role in committed]:
            for number, end in ends.get(one.name, {}).items():
                labels = {"topic": one.name, "role": str(role), "partition": str(number)}
                at = committed[role].get((one.full_name(river), number), 0)
                done.append((labels, at))
                left.append((labels, max(0, end - at)))
        yield GROUP_COMMITTED.family(done)
        yield GROUP_LAG.family(left)
        state = breaker.read(self._settings)
        yield BREAKER_TRIPPED.family([({}, float(state is not None and state.tripped))])

    def _elasticsearch(self) -> Iterator[Family]:
        river = self._settings.river.name
        articles = self._client.ask("POST", f"/{article_indices(river).read_name}/_count", {}, _IF_ANY)
        yield ARTICLES.family([({}, float(articles["count"]))])
        fields = [{name: {"terms": {"field": name, "missing_bucket": True}}} for name in ("stage", "kind", "reason")]
        ask = {"size": 0, "aggs": {"lines": {"composite": {"size": _MOST_BUCKETS, "sources": fields}}}}
        answer: Any = self._client.ask("POST", f"/{river}-outcomes*/_search", ask, _IF_ANY)
        buckets = answer.get("aggregations", {}).get("lines", {}).get("buckets", [])
        yield LEDGER_OUTCOMES.family(
            [({name: value or "" for name, value in each["key"].items()}, each["doc_count"]) for each in buckets]
        )


_IF_ANY = {"ignore_unavailable": "true"}
