"""Documents a second of the sink, against a bare bulk loop into the same server."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import orjson

from pipelines.clean.article import content_digest
from pipelines.errors import NewsriverError
from pipelines.index.documents import Document, article_indices, document
from pipelines.index.elastic import Elastic
from pipelines.index.sink import Sink
from pipelines.lab.bench import prose, river
from pipelines.lab.bench.cores import Meter, Spent, machine
from pipelines.language import word_count
from pipelines.settings import Settings
from pipelines.urls import article_id
from schemas.records import Article, OutcomeKind, TopicTag

DOCUMENT_BYTES = 6_000

_ERRORS_ONLY = {"filter_path": "errors"}
_TOPIC = TopicTag(
    id="medtop:11000000", label="politics and government", score=0.9, evidence=["council", "mayor", "budget"]
)
_TEXTS = 2_500
"""Different texts; more documents than that take them again, under ids of their own."""

WARM_UP = 2
"""Bulk requests of each side that go ahead uncounted."""


@dataclass(frozen=True)
class SinkLeg:
    """One bulk request of one side.

    Attributes:
        documents: how many were written.
        spent: the time it took, and whose.
    """

    documents: int
    spent: Spent

    @property
    def per_second(self) -> float:
        """Documents a second."""
        return self.documents / self.spent.wall

    @property
    def cpu(self) -> float:
        """CPU seconds of client and Elasticsearch."""
        return self.spent.ours + self.spent.servers.get("Elasticsearch", 0.0)

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        spent = self.spent
        return {
            "documents": self.documents,
            "documents_per_second": self.per_second,
            "wall": spent.wall,
            "ours": spent.ours,
            "servers": dict(spent.servers),
            "others": spent.others,
        }


@dataclass(frozen=True)
class SinkResult:
    """All bulk requests.

    Attributes:
        rounds: pairs of requests that followed each other: the floor's and the sink's.
        mean_bytes: mean size of a document's source.
    """

    rounds: list[tuple[SinkLeg, SinkLeg]]
    mean_bytes: int

    @property
    def ratio(self) -> float:
        """Documents a second of the sink over those of the bare loop, median of the pairs."""
        return statistics.median(sink.per_second / bare.per_second for bare, sink in self.rounds)

    @property
    def cpu_ratio(self) -> float:
        """CPU time of client and server for the floor over that for the sink: what strangers do hardly moves it."""
        return sum(bare.cpu for bare, _ in self.rounds) / sum(sink.cpu for _, sink in self.rounds)

    @property
    def per_second(self) -> float:
        """Documents a second of the sink, median of its requests."""
        return statistics.median(sink.per_second for _, sink in self.rounds)

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "bench": "sink",
            "ratio": self.ratio,
            "cpu_ratio": self.cpu_ratio,
            "documents_per_second": self.per_second,
            "floor_documents_per_second": statistics.median(bare.per_second for bare, _ in self.rounds),
            "mean_document_bytes": self.mean_bytes,
            "rounds": [{"floor": bare.as_json(), "sink": sink.as_json()} for bare, sink in self.rounds],
            "machine": machine(),
        }


def run(settings: Settings, *, documents: int, seed: int, keep: bool, tell: river.Tell) -> SinkResult:
    """Let both write the same documents in turn, one bulk request each, each side into an index of its own.

    Args:
        settings: all settings, with a river of the benchmark's own.
        documents: documents that each side writes; at least one bulk request.
        seed: of the documents.
        keep: leave the indices for a look.
        tell: told how far it is.

    Raises:
        ServiceError: the server does not answer.
        NewsriverError: it did not take every document.
    """
    most = settings.elasticsearch.bulk_documents
    with river.provisioned(settings, keep=keep) as client:
        tell("making documents", 0, 1)
        texts = [article_document(settings, seed, number) for number in range(min(documents, _TEXTS))]
        sides = (_Bare(client, settings), _Sink(client, settings))
        servers = river.local_servers(settings)
        legs: list[tuple[SinkLeg, SinkLeg]] = []
        for start in range(-WARM_UP * most, max(documents - most, 0) + 1, most):
            tell("bulk requests in turn", max(0, start), documents)
            chunk = [_numbered(texts, number) for number in range(start, start + most)]
            # Each goes first in turn: what drifts meanwhile favours neither.
            first, second = sides if len(legs) % 2 == 0 else sides[::-1]
            done = {side: _timed(side, chunk, servers) for side in (first, second)}
            if start >= 0:
                legs.append((done[sides[0]], done[sides[1]]))
    return SinkResult(legs, sum(len(one.source) for one in texts) // len(texts))


def _numbered(texts: Sequence[Document], number: int) -> Document:
    """Give the document of a number: one of the texts, with an id of its own."""
    return replace(texts[number % len(texts)], id=article_id(f"https://bench.example.org/{number}"))


def article_document(settings: Settings, seed: int, number: int) -> Document:
    """Make the document of an article, as the river would, with a source of about 6 KB."""
    random = Random(f"document/{seed}/{number}")  # noqa: S311 - documents, not secrets
    supply = prose.sentences(random)
    article = _article(random, number, "")
    empty = len(document(article, 1, settings.river.name).source)
    body = ""
    while empty + 2 * len(body.encode()) < DOCUMENT_BYTES:  # the body is there twice: as it is, and to be stemmed
        body += next(supply) + ("\n" if random.random() < 0.3 else " ")
    return document(_article(random, number, body.strip()), 1, settings.river.name)


def _article(random: Random, number: int, body: str) -> Article:
    place = random.choice(prose.PLACES)
    site = f"https://{place.split()[0].lower()}.example.org"
    title, now = prose.headline(random), datetime(2026, 11, 20, 12, tzinfo=UTC)
    return Article(
        id=article_id(f"{site}/{number}"),
        url=f"{site}/news/{number}",
        source=site.removeprefix("https://"),
        feeds=[f"{site}/feed.xml"],
        title=title,
        body=body,
        authors=[prose.person(random)],
        language="en",
        published_at=now,
        first_seen=now,
        fetched_at=now,
        topics=[_TOPIC],
        words=word_count(body),
        content_digest=content_digest(title, body),
    )


def _timed(side: _Side, chunk: Sequence[Document], servers: Mapping[str, int]) -> SinkLeg:
    given = [replace(one, index=side.index) for one in chunk]
    meter, begun = Meter([], servers), time.process_time()
    side.write(given)
    ours = time.process_time() - begun
    return SinkLeg(len(given), replace(meter.read(), ours=ours))


class _Side:
    """Somebody who writes documents into an index of his own, which is there before the clock starts."""

    def __init__(self, client: Elastic, settings: Settings, year: int) -> None:
        self._client = client
        family = article_indices(settings.river.name)
        self.index = family.index(datetime(year, 1, 1, tzinfo=UTC))
        client.ask("PUT", f"/{self.index}", {"aliases": {family.alias: {}}})

    def write(self, documents: Sequence[Document]) -> None:
        """Write documents in one request.

        Raises:
            NewsriverError: the server did not take all of them.
        """
        raise NotImplementedError


class _Bare(_Side):
    """The floor: looks for nothing but that all went well; no ids, no versions, no verdicts."""

    def __init__(self, client: Elastic, settings: Settings) -> None:
        super().__init__(client, settings, 1981)

    def write(self, documents: Sequence[Document]) -> None:
        """Write documents in one request."""
        action = orjson.dumps({"index": {"_index": self.index}})
        body = b"".join([part for one in documents for part in (action, b"\n", one.source, b"\n")])
        if self._client.ask("POST", "/_bulk", body, _ERRORS_ONLY)["errors"]:
            raise NewsriverError("Elasticsearch did not take all documents of the bare loop")


class _Sink(_Side):
    """The river's sink."""

    def __init__(self, client: Elastic, settings: Settings) -> None:
        super().__init__(client, settings, 1991)
        self._sink = Sink(client, settings.elasticsearch)

    def write(self, documents: Sequence[Document]) -> None:
        """Write documents as a step of the river does."""
        refused = [verdict for verdict in self._sink.write(documents) if verdict.kind is not OutcomeKind.INDEXED]
        if refused:
            raise NewsriverError(f"the sink did not index all documents: {refused[0].kind} {refused[0].detail}")
