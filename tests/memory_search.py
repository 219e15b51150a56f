"""Search over articles in memory, for tests of what is served of it; `tests/contract/test_search.py` holds it to it.

It knows words and phrases as they are written, and filters; no inflections and no ranks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.errors import ArticleNotFound, ServiceError
from pipelines.feeds.feed_status import FeedStatus
from pipelines.ledger.trace import Hop
from pipelines.search.article_operations import MOST_SIMILAR
from pipelines.search.bodies import MATCH_END, MATCH_START, SortOrder
from pipelines.search.cursor import Cursor, from_text, to_text
from pipelines.search.facets import AUTOMATIC, INTERVALS, chosen_interval, facet_field, facet_filter
from pipelines.search.history import HistoryResult, KnownText, history_of
from pipelines.search.operations import MOST_HITS, Search, order_of
from pipelines.search.query import Query
from pipelines.search.results import (
    ArticleResult,
    Bucket,
    CountResult,
    ExportItem,
    Hit,
    SearchResult,
    SimilarResult,
    TimelineBucket,
    TimelineResult,
    TopResult,
)
from pipelines.search.session import within
from pipelines.search.tree import All, Either, Filter, Node, Not, Period, Phrase, Word
from pipelines.search.vocabulary import WORDS
from pipelines.search.vocabulary_results import (
    SourceRow,
    SourcesResult,
    Suggestion,
    SuggestResult,
    TopicCount,
    TopicsResult,
)
from pipelines.settings import Settings
from pipelines.web.river import River
from schemas.media_topics import TOP_TOPICS
from schemas.records import Article

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class MemorySearch(Search):
    """Answers what `Search` would.

    Attributes:
        articles: what there is.
        away: whether nobody is there.
        past: former texts of articles, by id.
    """

    def __init__(self, articles: list[Article]) -> None:
        self.articles = articles
        self.settings = Settings()
        self.away = False
        self.past: dict[str, list[Article]] = {}

    async def close(self) -> None:
        """Nothing is open."""

    async def search(
        self,
        query: Query,
        *,
        sort: SortOrder | str = SortOrder.RELEVANCE,
        limit: int = 10,
        cursor: str | None = None,
        explain: bool = False,  # noqa: ARG002 - as the real one
    ) -> SearchResult:
        order, fits = order_of(sort, query), self._fitting(query)
        asked = f"{order} {query}"
        begun = from_text(cursor, asked) if cursor else Cursor(query.now, (0,))
        fits.sort(key=_when, reverse=order is not SortOrder.OLDEST)
        start = int(begun.after[0])
        page = fits[start : start + within(limit, MOST_HITS)]
        more = to_text(Cursor(begun.now, (start + limit,)), asked) if len(page) == limit > 0 else None
        hits = tuple(Hit(each, 1.0, (_marked(each.body, query),), each.title) for each in page)
        return SearchResult(str(query), query.understood, len(fits), True, hits, more, 1)

    async def count(self, query: Query) -> CountResult:
        return CountResult(str(query), query.understood, len(self._fitting(query)))

    async def timeline(self, query: Query, interval: str = AUTOMATIC) -> TimelineResult:
        times = sorted(map(_when, self._fitting(query)))
        chosen = chosen_interval(interval, times[-1] - times[0] if times else timedelta())
        counts = Counter(_start(time, chosen) for time in times)
        every = Counter(_start(_when(each), chosen) for each in self.articles)
        steps: list[TimelineBucket] = []
        step = _start(times[0], chosen) if times else None
        while step is not None and step <= _start(times[-1], chosen):
            steps.append(TimelineBucket(step, counts[step], every[step]))
            step = _start(step + INTERVALS[chosen] * 1.2, chosen)
        return TimelineResult(str(query), query.understood, chosen, tuple(steps))

    async def top(self, query: Query, name: str, limit: int = 10) -> TopResult:
        facet_field(name)
        fits = self._fitting(query)
        counts = Counter(
            value for each in fits for value in set(_values(each, name)) if not value.startswith("medtop:")
        )
        first = sorted(counts.items(), key=lambda found: (-found[1], found[0]))
        buckets = tuple(Bucket(value, number, facet_filter(name, value)) for value, number in first[:limit])
        other = sum(number for _, number in first[limit:])
        return TopResult(str(query), query.understood, name, len(fits), buckets, other)

    async def terms(self, query: Query, name: str = WORDS, limit: int = 20) -> TopResult:
        if name != WORDS:
            return await self.top(query, name, limit)
        fits = self._fitting(query)
        counts = Counter(word for each in fits for word in set(each.body.lower().replace(".", "").split()))
        buckets = tuple(Bucket(word, number, word, 1.0, number) for word, number in counts.most_common(limit))
        return TopResult(str(query), query.understood, name, len(fits), buckets)

    async def article(self, name: str) -> ArticleResult:
        for each in self._fitting(Query(None, (), NOW)):
            if name in (each.id, each.url, *each.addresses):
                return ArticleResult(each, "memory", int(each.fetched_at.timestamp() * 1000))
        raise ArticleNotFound("no such article is indexed", hint="`newsriver trace` says more", resource=name)

    async def history(self, name: str) -> HistoryResult:
        found = (await self.article(name)).article
        texts = [*self.past.get(found.id, ()), found]
        known = (KnownText(t.fetched_at, t.content_digest, t.title, t.body, t.published_at) for t in texts)
        return history_of(found.id, found.url, known)

    async def similar(self, name: str, limit: int = 10) -> SimilarResult:
        origin = (await self.article(name)).article
        others = [each for each in self.articles if each.id != origin.id and each.language == origin.language]
        return SimilarResult(origin.id, tuple(Hit(each, 1.0) for each in others[: within(limit, MOST_SIMILAR)]), 1)

    async def export(self, query: Query, cursor: str | None = None) -> AsyncIterator[ExportItem]:
        asked = f"export {query}"
        begun = from_text(cursor, asked) if cursor else Cursor(query.now, (0,))
        for place, each in enumerate(sorted(self._fitting(query), key=_when)):
            if place >= int(begun.after[0]):
                yield ExportItem(each, to_text(Cursor(begun.now, (place + 1,)), asked))

    async def suggest(self, text: str) -> SuggestResult:
        names = sorted({each.source for each in self._fitting(Query(None, (), NOW)) if each.source.startswith(text)})
        found = (Suggestion("source", name, facet_filter("source", name)) for name in names if text)
        return SuggestResult(text, tuple(found))

    async def topics(self) -> TopicsResult:
        counts = Counter(topic.label for each in self._fitting(Query(None, (), NOW)) for topic in each.topics)
        ids = {topic.label: topic.id for topic in TOP_TOPICS}
        labels = sorted(ids, key=lambda label: (-counts[label], label))
        return TopicsResult(
            tuple(TopicCount(ids[label], label, counts[label], facet_filter("topic", label)) for label in labels)
        )

    async def sources(self, query: Query) -> SourcesResult:
        by_source: dict[str, list[Article]] = {}
        for each in self._fitting(query):
            by_source.setdefault(each.source, []).append(each)
        rows = (
            SourceRow(
                name,
                len(some),
                max(map(_when, some)),
                max(each.fetched_at for each in some),
                tuple(sorted({each.language for each in some})),
                facet_filter("source", name),
            )
            for name, some in sorted(by_source.items(), key=lambda found: (-len(found[1]), found[0]))
        )
        return SourcesResult(str(query), query.understood, tuple(rows))

    def _fitting(self, query: Query) -> list[Article]:
        if self.away:
            raise ServiceError("Elasticsearch at http://memory does not answer", resource="http://memory")
        return [each for each in self.articles if all(_fits(each, node) for node in query.nodes)]


class StillRiver(River):
    """A river in which nothing moves: what it tells is set by the test.

    Attributes:
        steps: what is told of every article.
        listed: the feeds.
        away: whether Kafka is.
    """

    def __init__(self) -> None:
        self.steps: list[Hop] = []
        self.listed: list[FeedStatus] = []
        self.away = False

    async def hops(self, article_id: str) -> list[Hop]:  # noqa: ARG002 - as the real one
        return self.steps

    async def feeds(self) -> list[FeedStatus]:
        if self.away:
            raise ServiceError("Kafka does not answer")
        return self.listed


def _fits(article: Article, node: Node) -> bool:
    text = f"{article.title}\n{article.body}"
    match node:
        case Word() | Phrase():
            wanted, held = (node.text, text) if node.exact else (node.text.lower(), text.lower())
            return wanted in held
        case Not():
            return not _fits(article, node.node)
        case All():
            return all(_fits(article, each) for each in node.nodes)
        case Either():
            return any(_fits(article, each) for each in node.nodes)
        case Period():
            when = _when(article)
            return (node.since is None or when >= node.since) and (node.until is None or when < node.until)
        case Filter():
            values = _values(article, node.name)
            wanted_one = not node.values or any(value in values for value in node.values)
            return wanted_one and not any(value in values for value in node.excluded)


def _values(article: Article, name: str) -> list[str]:
    read: dict[str, Callable[[], Any]] = {
        "source": lambda: [article.source],
        "lang": lambda: [article.language],
        "topic": lambda: [part for topic in article.topics for part in (topic.id, topic.label)],
        "author": lambda: article.authors,
        "rights": lambda: article.rights,
    }
    found: list[str] = read.get(name, list)()
    return found


def _when(article: Article) -> datetime:
    return article.published_at or article.first_seen


def _start(when: datetime, interval: str) -> datetime:
    when = when.astimezone(UTC).replace(second=0, microsecond=0)
    if interval == "minute":
        return when
    when = when.replace(minute=0)
    if interval == "hour":
        return when
    when = when.replace(hour=0)
    if interval == "week":
        return when - timedelta(days=when.weekday())
    return when if interval == "day" else when.replace(day=1, month=when.month if interval == "month" else 1)


def _marked(body: str, query: Query) -> str:
    """Mark the first word of the query, as it is written."""
    for node in query.nodes:
        if isinstance(node, Word | Phrase) and (at := body.lower().find(node.text.lower())) >= 0:
            end = at + len(node.text)
            return f"{body[max(0, at - 60) : at]}{MATCH_START}{body[at:end]}{MATCH_END}{body[end : end + 100]}"
    return body[:160]
