"""Articles a second from Kafka to searchable, against bare extraction of the same pages on the same cores."""

from __future__ import annotations

import os
import statistics
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.errors import NewsriverError, UsageError
from pipelines.index.elastic import Elastic
from pipelines.kafka import partition_of
from pipelines.lab.bench import river
from pipelines.lab.bench.bare import Bare
from pipelines.lab.bench.cores import Meter, Spent, machine
from pipelines.lab.bench.pages import BenchPage, key, page
from pipelines.settings import Settings

WARM_UP_PAGES = 40
"""Pages of another seed that go through before the clock starts, so that every worker has its children and caches."""


@dataclass(frozen=True)
class PipelineLeg:
    """One half of a round.

    Attributes:
        articles: how many were made.
        spent: the time it took, and whose.
    """

    articles: int
    spent: Spent

    @property
    def per_second(self) -> float:
        """Articles a second on the clock."""
        return self.articles / self.spent.wall

    @property
    def per_available(self) -> float:
        """Articles for each core second that the workers could have had."""
        return self.articles / self.spent.available

    @property
    def per_cpu(self) -> float:
        """Articles for each CPU second that the workers used."""
        return self.articles / self.spent.ours

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            **asdict(self.spent),
            "articles": self.articles,
            "available": self.spent.available,
            "articles_per_second": self.per_second,
            "articles_per_available_core_second": self.per_available,
            "articles_per_cpu_second": self.per_cpu,
        }


@dataclass(frozen=True)
class PipelineResult:
    """All rounds.

    Attributes:
        rounds: of each round the floor and the river.
        pages: pages of one round.
        mean_bytes: their mean size.
    """

    rounds: list[tuple[PipelineLeg, PipelineLeg]]
    pages: int
    mean_bytes: int

    @property
    def ratio(self) -> float:
        """Articles for each core second that the workers could have had: river over floor, median of the rounds."""
        return statistics.median(river.per_available / bare.per_available for bare, river in self.rounds)

    @property
    def wall_ratio(self) -> float:
        """Articles a second on the clock, the servers' share of the cores counted against the river."""
        return statistics.median(river.per_second / bare.per_second for bare, river in self.rounds)

    @property
    def cpu_ratio(self) -> float:
        """Articles for each CPU second of the workers' own: waiting is free here."""
        return statistics.median(river.per_cpu / bare.per_cpu for bare, river in self.rounds)

    @property
    def per_second(self) -> float:
        """Articles a second on the clock, median of the rounds."""
        return statistics.median(river.per_second for _, river in self.rounds)

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "bench": "pipeline",
            "ratio": self.ratio,
            "wall_ratio": self.wall_ratio,
            "cpu_ratio": self.cpu_ratio,
            "articles_per_second": self.per_second,
            "floor_articles_per_second": statistics.median(bare.per_second for bare, _ in self.rounds),
            "pages": self.pages,
            "mean_page_bytes": self.mean_bytes,
            "rounds": [{"floor": bare.as_json(), "river": river.as_json()} for bare, river in self.rounds],
            "machine": machine(),
        }


def run(
    settings: Settings, arguments: Sequence[str], *, pages: int, rounds: int, seed: int, keep: bool, tell: river.Tell
) -> PipelineResult:
    """Run floor and river in turn.

    Args:
        settings: all settings, with a river of the benchmark's own; `process.workers` says how many workers.
        arguments: global options that give a worker the same settings.
        pages: pages of one round.
        rounds: how often.
        seed: of the pages.
        keep: leave the river for a look.
        tell: told how far it is.

    Raises:
        ServiceError: a server does not answer.
        NewsriverError: the river stands still.
        UsageError: more workers than partitions.
    """
    count = settings.process.workers or os.cpu_count() or 1
    if count > settings.kafka.partitions:
        raise UsageError(
            f"{count} workers share {settings.kafka.partitions} partitions: some would have nothing to read",
            hint="raise kafka.partitions or take fewer --workers",
            resource="kafka.partitions",
        )
    with river.provisioned(settings, keep=keep) as client:
        tell("making pages", 0, 1)
        made = [page(seed, number) for number in range(pages)]
        legs = []
        with Bare(seed, shares(made, settings.kafka.partitions, count), settings.clean) as bare:
            course = _Course(settings, arguments, client, made, seed, tell)
            for number in range(rounds):
                name = f"{number + 1} of {rounds}"
                # Each goes first in turn: what drifts meanwhile favours neither.
                floor = _floor(bare, name, tell) if number % 2 == 0 else None
                flow = course.run(number, name)
                legs.append((floor or _floor(bare, name, tell), flow))
    return PipelineResult(legs, pages, sum(len(one.body) for one in made) // pages)


def shares(made: Sequence[BenchPage], partitions: int, workers: int) -> list[list[int]]:
    """Give each worker the pages that Kafka's partitions give it, so that both sides divide the work alike."""
    found: list[list[int]] = [[] for _ in range(workers)]
    for one in made:
        found[partition_of(key(one), partitions) % workers].append(one.number)
    return found


def _floor(bare: Bare, name: str, tell: river.Tell) -> PipelineLeg:
    tell(f"bare extraction, round {name}", 0, 1)
    meter = Meter(bare.pids, {})
    articles = bare.run()
    return PipelineLeg(articles, meter.read())


class _Course:
    """The river's half of each round."""

    def __init__(
        self,
        settings: Settings,
        arguments: Sequence[str],
        client: Elastic,
        made: Sequence[BenchPage],
        seed: int,
        tell: river.Tell,
    ) -> None:
        self._settings, self._arguments, self._client, self._made = settings, arguments, client, made
        self._first_seen = datetime.now(UTC)
        self._warm = [page(seed + 1, number) for number in range(WARM_UP_PAGES)]
        self._tell = tell
        self._articles = 0

    def run(self, number: int, name: str) -> PipelineLeg:
        """Start the workers, warm them up, then measure from the first page sent to the last one searchable."""
        with river.flowing(self._settings, self._arguments) as workers:
            river.send(self._settings, self._warm, f"warm-{number}", self._first_seen)
            self._wait(workers, len(self._warm), f"warming up, round {name}")
            meter = Meter(workers.pids, river.local_servers(self._settings))
            given = (self._settings, self._made, f"round-{number}", self._first_seen)
            sending = threading.Thread(target=river.send, args=given, daemon=True, name="send")
            sending.start()
            self._wait(workers, len(self._made), f"pipeline, round {name}")
            spent = meter.read()
            sending.join()
            if workers.restarts:
                raise NewsriverError(
                    "a worker ended and was started again: nothing is measured by that", hint=workers.hint
                )
        return PipelineLeg(len(self._made), spent)

    def _wait(self, workers: river.Workers, count: int, what: str) -> None:
        before = self._articles
        self._articles += count
        river.wait_for(
            self._client,
            self._settings,
            workers,
            self._articles,
            lambda seen: self._tell(what, max(0, seen - before), count),
        )
