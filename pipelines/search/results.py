"""Answers to questions, each with `to_json()`: what the commands, the HTTP API and the pages show. Pure."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.search.bodies import MATCH_END, MATCH_START
from pipelines.search.query import Part
from schemas.records import Article

Json = dict[str, Any]


def as_html(snippet: str) -> str:
    """Give a snippet as safe HTML with matched words in `<em>`."""
    return html.escape(snippet).replace(MATCH_START, "<em>").replace(MATCH_END, "</em>")


@dataclass(frozen=True, slots=True)
class Score:
    """What the score of one article is made of.

    Attributes:
        total: the score.
        text: the part of the words.
        recency: the part of its age.
        story: the part of the number of its story's sources.
    """

    total: float
    text: float
    recency: float
    story: float

    def to_json(self) -> Json:
        """Give its attributes."""
        return {"total": self.total, "text": self.text, "recency": self.recency, "story": self.story}


@dataclass(frozen=True, slots=True)
class Hit:
    """One article that was found.

    Attributes:
        article: the article.
        score: how well it fits; comparable within one answer only.
        snippets: parts of the body, matched words between `MATCH_START` and `MATCH_END`.
        title: the title with matched words marked in the same way.
        explained: what the score is made of, where that was asked for.
    """

    article: Article
    score: float
    snippets: tuple[str, ...] = ()
    title: str = ""
    explained: Score | None = None

    def to_json(self) -> Json:
        """Give the article's fields with `score` and `highlights`: HTML, text escaped, matched words in `<em>`."""
        found = self.article.model_dump(mode="json") | {"score": self.score}
        found["highlights"] = [as_html(snippet) for snippet in self.snippets]
        return found | ({"explained": self.explained.to_json()} if self.explained else {})


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to a search.

    Attributes:
        query: the query in canonical form.
        understood: its parts.
        total: number of articles that fit.
        exact: whether `total` is exact; else it is at least that.
        hits: one page of them, in the order asked for.
        next: cursor of the next page; None behind the last one.
        took_ms: time that Elasticsearch took.
        indexed: whether the river has an index at all.
    """

    query: str
    understood: tuple[Part, ...]
    total: int
    exact: bool
    hits: tuple[Hit, ...]
    next: str | None
    took_ms: int
    indexed: bool = True

    def to_json(self) -> Json:
        """Give `query`, `understood`, `total`, `exact`, `took_ms`, `articles` and `next`."""
        return {
            "query": self.query,
            "understood": [part.to_json() for part in self.understood],
            "total": self.total,
            "exact": self.exact,
            "took_ms": self.took_ms,
            "articles": [hit.to_json() for hit in self.hits],
            "next": self.next,
        }


@dataclass(frozen=True, slots=True)
class CountResult:
    """How many articles fit, exactly."""

    query: str
    understood: tuple[Part, ...]
    total: int

    def to_json(self) -> Json:
        """Give `query`, `understood` and `total`."""
        understood = [part.to_json() for part in self.understood]
        return {"query": self.query, "understood": understood, "total": self.total}


@dataclass(frozen=True, slots=True)
class TimelineBucket:
    """One interval of a timeline.

    Attributes:
        start: when it begins, in UTC.
        count: articles that fit.
        all: all articles of the interval.
    """

    start: datetime
    count: int
    all: int

    @property
    def share(self) -> float:
        """Share of all articles of the interval, 0 to 1."""
        return self.count / self.all if self.all else 0.0

    def to_json(self) -> Json:
        """Give `start`, `count`, `all` and `share`."""
        return {"start": utc(self.start), "count": self.count, "all": self.all, "share": self.share}


@dataclass(frozen=True, slots=True)
class TimelineResult:
    """Articles over time, from the first to the last one that fits.

    Attributes:
        query: the query in canonical form.
        understood: its parts.
        interval: length of one bucket: `minute`, `hour`, `day`, `week`, `month` or `year`.
        buckets: one for each interval, oldest first, empty ones among them.
    """

    query: str
    understood: tuple[Part, ...]
    interval: str
    buckets: tuple[TimelineBucket, ...]

    @property
    def total(self) -> int:
        """All articles that fit."""
        return sum(bucket.count for bucket in self.buckets)

    def to_json(self) -> Json:
        """Give `query`, `understood`, `interval`, `total` and `buckets`."""
        return {
            "query": self.query,
            "understood": [part.to_json() for part in self.understood],
            "interval": self.interval,
            "total": self.total,
            "buckets": [bucket.to_json() for bucket in self.buckets],
        }


@dataclass(frozen=True, slots=True)
class Bucket:
    """One value of a facet, or one significant term.

    Attributes:
        value: the value as it is stored.
        count: articles that have it and fit.
        filter: what to add to the query to see only these; empty where there is no such filter.
        score: how far it stands out, for significant terms; else 0.
        all: articles that have it, whether they fit or not, for significant terms; else 0.
    """

    value: str
    count: int
    filter: str = ""
    score: float = 0.0
    all: int = 0

    def to_json(self) -> Json:
        """Give its attributes; `score` and `all` for significant terms only."""
        found: Json = {"value": self.value, "count": self.count, "filter": self.filter}
        return found | ({"score": self.score, "all": self.all} if self.score else {})


@dataclass(frozen=True, slots=True)
class TopResult:
    """The most frequent values of a field, or its significant terms.

    Attributes:
        query: the query in canonical form.
        understood: its parts.
        field: the field's public name.
        total: articles that fit.
        buckets: the values, first one first.
        other: articles with values that are not shown; one article may have several values.
    """

    query: str
    understood: tuple[Part, ...]
    field: str
    total: int
    buckets: tuple[Bucket, ...]
    other: int = 0

    def to_json(self) -> Json:
        """Give `query`, `understood`, `field`, `total`, `values` and `other`."""
        return {
            "query": self.query,
            "understood": [part.to_json() for part in self.understood],
            "field": self.field,
            "total": self.total,
            "values": [bucket.to_json() for bucket in self.buckets],
            "other": self.other,
        }


@dataclass(frozen=True, slots=True)
class ArticleResult:
    """One article as it is indexed.

    Attributes:
        article: the article.
        index: name of its index.
        version: its version: the time of the visit it was made of, in milliseconds since 1970.
    """

    article: Article
    index: str
    version: int

    def to_json(self) -> Json:
        """Give the article's fields with `index` and `version`."""
        return self.article.model_dump(mode="json") | {"index": self.index, "version": self.version}


@dataclass(frozen=True, slots=True)
class SimilarResult:
    """Articles like one.

    Attributes:
        id: the article they are like.
        hits: the most similar first.
        took_ms: time that Elasticsearch took.
    """

    id: str
    hits: tuple[Hit, ...]
    took_ms: int

    def to_json(self) -> Json:
        """Give `id`, `took_ms` and `articles`."""
        return {"id": self.id, "took_ms": self.took_ms, "articles": [hit.to_json() for hit in self.hits]}


@dataclass(frozen=True, slots=True)
class ExportItem:
    """One article of an export.

    Attributes:
        article: the article.
        cursor: goes on behind it.
    """

    article: Article
    cursor: str

    def to_json(self) -> Json:
        """Give the article's fields with `cursor`."""
        return self.article.model_dump(mode="json") | {"cursor": self.cursor}


def utc(when: datetime) -> str:
    """Give a time as JSON has it, in UTC."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")
