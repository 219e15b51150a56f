"""Documents a second of the sink, against a bare bulk loop into the same server."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import orjson

from pipelines.bench import prose, river
from pipelines.bench.cores import Meter, Spent, machine
from pipelines.clean.article import content_digest
from pipelines.elastic import Elastic
from pipelines.errors import NewsriverError
from pipelines.index import Document, articles_index, document
from pipelines.language import word_count
from pipelines.settings import Settings
from pipelines.sink import Sink
from pipelines.urls import article_id
from schemas.records import Article, OutcomeKind, TopicTag

DOCUMENT_BYTES = 6_000

_ERRORS_ONLY = {"filter_path": "errors"}
_TOPIC = TopicTag(
    id="medtop:11000000", label="politics and government", score=0.9, evidence=["council", "mayor", "budget"]
)
_YEARS = (1981, 1991)
"""Years whose months name the indices of the two sides: far from any index of articles."""


@dataclass(frozen=True)
class Leg:
    """One half of a round.

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
class Result:
    """All rounds.

    Attributes:
        rounds: of each round the floor and the sink.
        mean_bytes: mean size of a document's source.
    """

    rounds: list[tuple[Leg, Leg]]
    mean_bytes: int

    @property
    def ratio(self) -> float:
        """Documents a second of the sink over those of the bare loop, median of the rounds."""
        return statistics.median(sink.per_second / bare.per_second for bare, sink in self.rounds)

    @property
    def per_second(self) -> float:
        """Documents a second of the sink, median of the rounds."""
        return statistics.median(sink.per_second for _, sink in self.rounds)

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "bench": "sink",
            "ratio": self.ratio,
            "documents_per_second": self.per_second,
            "floor_documents_per_second": statistics.median(bare.per_second for bare, _ in self.rounds),
            "mean_document_bytes": self.mean_bytes,
            "rounds": [{"floor": bare.as_json(), "sink": sink.as_json()} for bare, sink in self.rounds],
            "machine": machine(),
        }


def run(settings: Settings, *, documents: int, rounds: int, seed: int, keep: bool, tell: river.Tell) -> Result:
    """Let both write the same documents in turn, each into a fresh index of its own.

    Args:
        settings: all settings, with a river of the benchmark's own.
        documents: documents of one half of a round.
        rounds: how often.
        seed: of the documents.
        keep: leave the last round's indices for a look.
        tell: told how far it is.

    Raises:
        ServiceError: the server does not answer.
        NewsriverError: it did not take every document.
    """
    with river.provisioned(settings, keep=keep) as client:
        tell("making documents", 0, 1)
        made = [article_document(settings, seed, number) for number in range(documents)]
        writer = Sink(client, settings)
        legs = []
        for number in range(rounds):
            tell("alternating rounds", number, rounds)
            both = {}
            for side in ("floor", "sink") if number % 2 == 0 else ("sink", "floor"):
                index = _fresh_index(client, settings, number, _YEARS[side == "sink"])
                given = [replace(one, index=index) for one in made]
                both[side] = _timed(client, settings, given, writer if side == "sink" else None)
                if not keep or number < rounds - 1:
                    client.ask("DELETE", f"/{index}")
            legs.append((both["floor"], both["sink"]))
    return Result(legs, sum(len(one.source) for one in made) // documents)


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


def _fresh_index(client: Elastic, settings: Settings, number: int, year: int) -> str:
    index = articles_index(settings.river.name, datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC))
    client.ask("PUT", f"/{index}")
    return index


def _timed(client: Elastic, settings: Settings, given: Sequence[Document], writer: Sink | None) -> Leg:
    """Write all documents; without a writer, in a bare loop."""
    most = settings.elasticsearch.bulk_documents
    meter = Meter([], river.local_servers(settings))
    begun = time.process_time()
    for chunk in _chunks(given, most):
        if writer is None:
            _bare(client, chunk)
        else:
            _checked(writer, chunk)
    spent = replace(meter.read(), ours=time.process_time() - begun)
    return Leg(len(given), spent)


def _bare(client: Elastic, chunk: Sequence[Document]) -> None:
    """Send documents and look for nothing but that all went well: no ids, no versions, no verdicts."""
    action = orjson.dumps({"index": {"_index": chunk[0].index}})
    body = b"".join([part for one in chunk for part in (action, b"\n", one.source, b"\n")])
    if client.ask("POST", "/_bulk", body, _ERRORS_ONLY)["errors"]:
        raise NewsriverError("Elasticsearch did not take all documents of the bare loop")


def _checked(writer: Sink, chunk: Sequence[Document]) -> None:
    refused = [verdict for verdict in writer.write(chunk) if verdict.kind is not OutcomeKind.INDEXED]
    if refused:
        raise NewsriverError(f"the sink did not index all documents: {refused[0].kind} {refused[0].detail}")


def _chunks(given: Sequence[Document], most: int) -> Iterator[Sequence[Document]]:
    for start in range(0, len(given), most):
        yield given[start : start + most]
