"""From a page on Kafka to a search that finds it, at half load, and what the processes weigh meanwhile.

The floor is the server's own delay: single documents written straight to the same index, looked for in the same way.
What is found is read by sequence number, so one small search every 50 ms sees all that became searchable since the
last one; each figure is therefore up to 50 ms too large, on both sides.
"""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipelines.errors import NewsriverError
from pipelines.index.documents import Document, article_indices, articles_alias
from pipelines.index.elastic import Elastic, connect
from pipelines.kafka import Sender
from pipelines.lab.bench import river
from pipelines.lab.bench.cores import Memory, machine, resident_bytes
from pipelines.lab.bench.pages import announced, key, page
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from pipelines.urls import article_id
from schemas.topics import PAGES

LOOK_SECONDS = 0.05
PROBE_SECONDS = 0.25
MEMORY_SECONDS = 2.0
WARM_UP_PAGES = 40
PAGES_IN_TURN = 400
"""Different pages; a longer run sends them again, as other articles."""

_MOST_HITS = 2_000
_SLACK = 1_000
"""Sequence numbers looked at again: a write that is slow to finish may appear after its successors."""


@dataclass(frozen=True)
class Delays:
    """How long things took from sent to searchable, in seconds."""

    count: int
    p50: float
    p95: float
    p99: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Delays:
        """Sum up single delays; at least two."""
        cuts = statistics.quantiles(seconds, n=100, method="inclusive")
        return cls(len(seconds), cuts[49], cuts[94], cuts[98], max(seconds))


@dataclass(frozen=True)
class LatencyResult:
    """What was measured.

    Attributes:
        pages: the river's delays.
        floor: those of documents written straight to the index.
        rate: pages a second.
        seconds: length of the run.
        refresh_seconds: how often the index makes searchable what is new.
        memory: resident memory by process.
    """

    pages: Delays
    floor: Delays
    rate: float
    seconds: float
    refresh_seconds: float
    memory: Mapping[str, Memory]

    @property
    def ratio(self) -> float:
        """The server's own median delay over the river's: 1 were the river free."""
        return self.floor.p50 / self.pages.p50

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "bench": "latency",
            "ratio": self.ratio,
            **{name: value for name, value in asdict(self).items() if name != "memory"},
            "look_seconds": LOOK_SECONDS,
            "memory": {name: asdict(memory) for name, memory in self.memory.items()},
            "machine": machine(),
        }


@dataclass
class _Seen:
    """When things were sent and when a search found them, by id, on the clock of `time.monotonic`."""

    pages: dict[str, float] = field(default_factory=dict)
    probes: dict[str, float] = field(default_factory=dict)
    found: dict[str, float] = field(default_factory=dict)

    def delays(self, sent: Mapping[str, float]) -> Delays:
        return Delays.of([self.found[name] - at for name, at in sent.items()])


def run(
    settings: Settings,
    arguments: Sequence[str],
    *,
    rate: float,
    seconds: float,
    seed: int,
    keep: bool,
    tell: river.Tell,
) -> LatencyResult:
    """Send pages at a steady rate and wait for each to be found.

    Args:
        settings: all settings, with a river of the benchmark's own; `process.workers` says how many workers.
        arguments: global options that give a worker the same settings.
        rate: pages a second.
        seconds: length of the run.
        seed: of the pages.
        keep: leave the river for a look.
        tell: told how far it is.

    Raises:
        ServiceError: a server does not answer.
        NewsriverError: pages do not become searchable.
    """
    with river.provisioned(settings, keep=keep) as client, river.flowing(settings, arguments) as workers:
        tell("making pages", 0, 1)
        run = _Run(settings, seed, rate, seconds)
        river.send(settings, [page(seed + 1, n) for n in range(WARM_UP_PAGES)], "warm", run.first_seen)
        river.wait_for(client, settings, workers, WARM_UP_PAGES, lambda seen: tell("warming up", seen, WARM_UP_PAGES))
        weights = _Weights({**workers.names, **river.local_servers(settings)})
        run.measure(client, workers, weights, tell)
        if workers.restarts:
            raise NewsriverError("a worker ended and was started again: nothing is measured by that", hint=workers.hint)
    seen = run.seen
    return LatencyResult(
        seen.delays(seen.pages),
        seen.delays(seen.probes),
        rate,
        seconds,
        settings.elasticsearch.refresh_seconds,
        {name: Memory.of(samples) for name, samples in weights.samples.items()},
    )


class _Weights:
    """Resident memory of processes, looked at every few seconds."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._due = 0.0
        self.samples: dict[str, list[int]] = {}

    def look(self, now: float) -> None:
        if now < self._due:
            return
        self._due = now + MEMORY_SECONDS
        for name, pid in self._pids.items():
            own, children = resident_bytes(pid)
            self.samples.setdefault(name, []).append(own)
            if children:
                self.samples.setdefault(f"{name}, its children", []).append(children)


class _Run:
    """Three at work: one sends pages, one writes probes, one looks what can be found."""

    def __init__(self, settings: Settings, seed: int, rate: float, seconds: float) -> None:
        self.first_seen = datetime.now(UTC)
        self.seen = _Seen()
        self._settings, self._rate, self._seconds = settings, rate, seconds
        self._pages = [page(seed, number) for number in range(min(PAGES_IN_TURN, max(2, round(rate * seconds))))]
        self._over = threading.Event()
        self._errors: list[Exception] = []

    def measure(self, client: Elastic, workers: river.Workers, weights: _Weights, tell: river.Tell) -> None:
        """Send, probe and look until the time is over and everything is found."""
        begun = time.monotonic()
        threads = [threading.Thread(target=self._guard, args=(work,)) for work in (self._send, self._probe)]
        for thread in threads:
            thread.start()
        try:
            self._watch(client, workers, weights, tell, begun)
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised again by whoever looks
            self._errors.append(error)

    def _send(self) -> None:
        settings = self._settings
        topic = PAGES.full_name(settings.river.name)
        with Sender(kafka_bootstrap(settings), client_id="newsriver-bench", linger_ms=0) as sender:
            for number in self._beats(1 / self._rate):
                made = self._pages[number % len(self._pages)]
                entry, facts = announced(made, f"turn-{number // len(self._pages)}", self.first_seen)
                headers = {"entry": entry.to_json(), "page": facts.to_json()}
                self.seen.pages[entry.id] = time.monotonic()
                sender.send(topic, key(made), made.body, headers)
                sender.flush()

    def _probe(self) -> None:
        client = connect(self._settings)
        indices = article_indices(self._settings.river.name)
        try:
            for number in self._beats(PROBE_SECONDS):
                name = article_id(f"https://probe.example.org/{number}")
                probe = Document(name, indices, indices.index(self.first_seen), 1, b'{"source":"probe"}')
                self.seen.probes[probe.id] = time.monotonic()
                client.ask("POST", "/_bulk", probe.lines())
        finally:
            client.close()

    def _beats(self, seconds: float) -> itertools.takewhile[int]:
        """Count beats from 0, each when it is due, until the run is over."""
        begun = time.monotonic()

        def due(number: int) -> bool:
            left = begun + number * seconds - time.monotonic()
            return not self._over.wait(max(0.0, left)) and time.monotonic() - begun < self._seconds

        return itertools.takewhile(due, itertools.count())

    def _watch(
        self, client: Elastic, workers: river.Workers, weights: _Weights, tell: river.Tell, begun: float
    ) -> None:
        last = -1
        ends_at = begun + self._seconds + river.STUCK_SECONDS
        while not self._done(begun):
            if self._errors:
                raise self._errors[0]
            if time.monotonic() > ends_at:
                raise NewsriverError(f"{self._missing()} pages were never found", hint=workers.hint)
            workers.supervisor.tend()
            last = self._look(client, last)
            now = time.monotonic()
            weights.look(now)
            tell(f"latency at {self._rate:.1f} pages/s", min(now - begun, self._seconds), self._seconds)
            time.sleep(LOOK_SECONDS)

    def _done(self, begun: float) -> bool:
        return time.monotonic() - begun > self._seconds + PROBE_SECONDS and self._missing() == 0

    def _missing(self) -> int:
        seen = self.seen
        return len(seen.pages) + len(seen.probes) - len(seen.found)

    def _look(self, client: Elastic, last: int) -> int:
        """Note what can be found that could not before; give the highest sequence number."""
        alias = articles_alias(self._settings.river.name)
        body = {
            "size": _MOST_HITS,
            "_source": False,
            "seq_no_primary_term": True,
            "sort": ["_seq_no"],
            "query": {"range": {"_seq_no": {"gt": last - _SLACK}}},
        }
        hits = client.ask("POST", f"/{alias}/_search", body)["hits"]["hits"]
        now = time.monotonic()
        for hit in hits:
            if hit["_id"] in self.seen.pages or hit["_id"] in self.seen.probes:
                self.seen.found.setdefault(hit["_id"], now)
        return max([last, *(int(hit["_seq_no"]) for hit in hits)])
