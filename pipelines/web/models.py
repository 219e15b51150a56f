"""What the API's answers hold, for the OpenAPI document; a test reads real answers with these models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pipelines.search.history import ChangeKind
from schemas.records import AlertChannel, Article


class Answer(BaseModel):
    """What all answers have in common: nothing that is not named here."""

    model_config = ConfigDict(extra="forbid")


class ProblemAnswer(Answer):
    """An error (RFC 9457)."""

    title: str
    status: int
    detail: str
    parameter: Annotated[str, Field(description="The parameter that is wrong.")] = ""
    hint: Annotated[str, Field(description="What to do next, or the nearest right value.")] = ""


class Understood(Answer):
    """One part of the query as it was understood."""

    kind: str
    text: str
    note: Annotated[str, Field(description="What was corrected or ignored.")]
    without: Annotated[str, Field(description="The query without this part.")]


class ScoreParts(Answer):
    """What a score is made of."""

    total: float
    text: float
    recency: float
    story: float


class FoundArticle(Article):
    """An article that was found."""

    score: Annotated[float, Field(description="How well it fits; comparable within one answer only.")]
    highlights: Annotated[list[str], Field(description="Parts of the text as HTML, words that fit in `<em>`.")]
    explained: ScoreParts | None = None


class QueryAnswer(Answer):
    """An answer to a query."""

    query: Annotated[str, Field(description="The query as it was understood, in canonical form.")]
    understood: list[Understood]


class SearchAnswer(QueryAnswer):
    """One page of articles."""

    total: int
    exact: Annotated[bool, Field(description="Whether the total is exact; else it is at least that.")]
    took_ms: int
    articles: list[FoundArticle]
    next: Annotated[str | None, Field(description="The cursor of the next page; null behind the last one.")]


class CountAnswer(QueryAnswer):
    """How many articles fit, exactly."""

    total: int


class TimelineStep(Answer):
    """One interval."""

    start: datetime
    count: int
    all: Annotated[int, Field(description="All articles of the interval, whether they fit or not.")]
    share: float


class TimelineAnswer(QueryAnswer):
    """Articles over time."""

    interval: str
    total: int
    buckets: list[TimelineStep]


class Value(Answer):
    """One value of a field."""

    value: str
    count: int
    filter: Annotated[str, Field(description="What to add to the query to see these alone.")]
    score: Annotated[float, Field(description="How far a significant term stands out.")] = 0.0
    all: Annotated[int, Field(description="Articles with it that need not fit, of a significant term.")] = 0


class TopAnswer(QueryAnswer):
    """The most frequent values of a field, or its significant terms."""

    field: str
    total: int
    values: list[Value]
    other: Annotated[int, Field(description="Articles with values that are not shown.")]


class ArticleAnswer(Article):
    """One article as it is indexed."""

    index: str
    version: Annotated[int, Field(description="Time of the visit that it was made of, in milliseconds since 1970.")]


class Change(Answer):
    """A stretch of text and what became of it."""

    kind: ChangeKind
    text: str


class Version(Answer):
    """One text of an article."""

    fetched_at: datetime
    content_digest: str
    title: str
    published_at: datetime | None
    headline_changed: bool
    silent: Annotated[
        bool, Field(description="The text differs from the one before, the times its page states do not.")
    ]
    title_changes: list[Change]
    changes: Annotated[list[Change], Field(description="The text against the one before.")]


class HistoryAnswer(Answer):
    """All texts that an article had, oldest first."""

    id: str
    url: str
    versions: list[Version]


class SimilarAnswer(Answer):
    """Articles that share the telling words of one."""

    id: str
    took_ms: int
    articles: list[FoundArticle]


class ExportedArticle(Article):
    """One line of an export."""

    cursor: Annotated[str, Field(description="Goes on behind this article.")]


class SuggestedQuery(Answer):
    """What may be meant."""

    kind: str
    text: str
    query: Annotated[str, Field(description="The query that it stands for.")]


class SuggestAnswer(Answer):
    """What a text that is being typed may become."""

    text: str
    suggestions: list[SuggestedQuery]


class CountedTopic(Answer):
    """One topic."""

    id: str
    label: str
    count: int
    filter: str


class TopicsAnswer(Answer):
    """All topics, the most frequent first."""

    topics: list[CountedTopic]


class CountedSource(Answer):
    """One source."""

    source: str
    count: int
    languages: list[str]
    filter: str
    latest: Annotated[datetime, Field(description="Date of its latest article that fits.")]
    fetched: Annotated[datetime, Field(description="When the last of them was fetched.")]


class SourcesAnswer(QueryAnswer):
    """The sources of the articles that fit, the largest first."""

    sources: list[CountedSource]


class AlertAnswer(Answer):
    """A saved search and how it does."""

    id: str
    name: str
    query: str
    channel: AlertChannel
    target: str
    every_seconds: int
    created_at: datetime
    since: Annotated[datetime, Field(description="Articles that were indexed before are not delivered.")]
    paused: bool
    trouble: Annotated[str, Field(description="Why the last delivery failed; empty when all is well.")]
    waiting: Annotated[int, Field(description="Articles that are found and not delivered yet.")]
    delivered_at: datetime | None


class NewAlertAnswer(AlertAnswer):
    """A search that was just saved."""

    secret: Annotated[str, Field(description="Key of a webhook's signatures; it is given this once.")] = ""


class AlertsAnswer(Answer):
    """All saved searches, oldest first."""

    alerts: list[AlertAnswer]


class AlertTestAnswer(Answer):
    """What a test delivered."""

    delivered: Annotated[int, Field(description="Number of articles.")]
