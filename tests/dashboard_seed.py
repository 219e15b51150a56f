"""A small river for dashboards: articles, outcomes, feeds and processes with known numbers, made from a seed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from pipelines.index.documents import Document, document, outcome_document
from pipelines.index.states import departed_document, feed_document, worker_document
from pipelines.ledger.outcomes import outcome_id
from schemas.records import Article, FeedState, Outcome, OutcomeKind, Stage, TopicTag, WorkerState

SOURCES = ("gazette", "courier", "Das Blatt", "pirate")
_TOPICS = ("politics", "sport", "weather", "health")
_LANGUAGES = ("en", "en", "de", "ja")
_ENDS = {
    OutcomeKind.INDEXED: (Stage.INDEX, ("",)),
    OutcomeKind.UPDATED: (Stage.INDEX, ("",)),
    OutcomeKind.UNCHANGED: (Stage.INDEX, ("",)),
    OutcomeKind.GONE: (Stage.INDEX, ("",)),
    OutcomeKind.SKIPPED: (Stage.FETCH, ("robots", "too-old")),
    OutcomeKind.REJECTED: (Stage.CLEAN, ("no-text", "not-an-article")),
    OutcomeKind.DEAD: (Stage.FETCH, ("http-503", "http-500")),
}


class Seed:
    """The river's records.

    Attributes:
        now: the present, some seconds before the real one.
        articles: some within the last week, some before it.
        outcomes: likewise.
        feeds: states, some of feeds that are asked no more.
        workers: processes, each with the time of its word.
    """

    def __init__(self, seed: int = 7) -> None:
        draw = random.Random(seed)
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.articles = [self._article(draw, number) for number in range(80)]
        self.outcomes = [line for number in range(160) for line in self._lines(draw, number)]
        self.feeds = [self._feed(number) for number in range(12)]
        self.workers = [self._worker(number) for number in range(6)]
        self.departed = "fetch-9@reading-room"

    def documents(self, river: str) -> list[Document]:
        """Give them all as they are written."""
        version = int(self.now.timestamp() * 1000)
        return [
            *(document(each, 1, river) for each in self.articles),
            *(outcome_document(each, river) for each in self.outcomes),
            *(feed_document(each, version, river) for each in self.feeds),
            *(worker_document(each, version, river) for each in self.workers),
            departed_document(self.departed, version, river),
        ]

    def _article(self, draw: random.Random, number: int) -> Article:
        age = timedelta(minutes=draw.randrange(5, 9 * 1440))
        seen = self.now - age
        words = draw.randrange(30, 900)
        labels = draw.sample(_TOPICS, draw.randrange(3))
        return Article(
            id=f"{number:032x}",
            url=f"https://www.example.org/{number}",
            source=SOURCES[draw.randrange(len(SOURCES)) if number % 2 else 0],
            title=f"Title {number}",
            body="text " * words,
            authors=draw.sample(["Ana Díaz", "B. Author", "<b>C</b>"], draw.randrange(3)),
            language=draw.choice(_LANGUAGES),
            published_at=None if draw.random() < 0.2 else seen - timedelta(seconds=draw.randrange(7200)),
            first_seen=seen,
            fetched_at=seen + timedelta(minutes=1),
            topics=[
                TopicTag(id=f"medtop:{label}", label=label, score=0.9, evidence=[f"{label}-word"]) for label in labels
            ],
            words=words,
            content_digest=f"{number:032x}",
            rights=draw.sample(["noai", "noarchive"], draw.randrange(3)),
            free=draw.choice([None, True, False]),
            gone_at=self.now if draw.random() < 0.1 else None,
        )

    def _lines(self, draw: random.Random, number: int) -> list[Outcome]:
        begun = self.now - timedelta(minutes=draw.randrange(5, 9 * 1440))
        kind = draw.choice(list(_ENDS))
        stage, reasons = _ENDS[kind]
        visit = 0 if kind is OutcomeKind.INDEXED else draw.randrange(3)
        source = draw.choice(SOURCES)

        def line(stage: Stage, kind: OutcomeKind, seconds: float, reason: str = "") -> Outcome:
            return Outcome(
                id=outcome_id(f"{number:032x}", visit, kind),
                article_id=f"{number:032x}",
                url=f"https://www.example.org/{number}",
                feed_url="https://www.example.org/feed",
                source=source,
                visit=visit,
                stage=stage,
                kind=kind,
                terminal=kind.terminal,
                reason=reason,
                at=begun + timedelta(seconds=seconds),
                first_seen=begun,
            )

        first = [line(Stage.POLL, OutcomeKind.DISCOVERED, 0)] if visit == 0 else []
        fetched = [line(Stage.FETCH, OutcomeKind.FETCHED, 2)] if stage is not Stage.FETCH else []
        end = [line(stage, kind, draw.randrange(3, 250), draw.choice(reasons))] if draw.random() < 0.9 else []
        return [*first, *fetched, *end]

    def _feed(self, number: int) -> FeedState:
        failing, silent, listed = number % 3 == 0, number % 4 == 0, number < 10
        return FeedState(
            url=f"https://www.example{number}.org/feed",
            next_poll_at=self.now + (timedelta(hours=1) if listed else -timedelta(days=3)),
            polled_at=self.now,
            succeeded_at=None if number == 8 else self.now - (timedelta(days=2) if silent else timedelta(hours=1)),
            polls=10 + number,
            failures=number + 1 if failing else 0,
            last_failure=("http-503" if number % 2 else "timeout") if failing else "",
            rates=[number / 24] * 24,
        )

    def _worker(self, number: int) -> WorkerState:
        return WorkerState(
            name=f"{('poll', 'fetch', 'process')[number % 3]}-{number}@reading-room",
            role=("poll", "fetch", "process")[number % 3],
            host="reading-room",
            pid=100 + number,
            started_at=self.now - timedelta(hours=2),
            at=self.now - timedelta(seconds=number) - (timedelta(days=2) if number == 5 else timedelta()),
            waits_for="no-answer" if number == 2 else "",
        )
