"""Answers about words, names, topics and sources, each with `to_json()`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipelines.search.query import Part
from pipelines.search.results import Json, utc


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What may be meant.

    Attributes:
        kind: `correction`, `source`, `site`, `author`, `topic` or `title`.
        text: what is shown.
        query: the query that it stands for.
    """

    kind: str
    text: str
    query: str

    def to_json(self) -> Json:
        """Give its attributes."""
        return {"kind": self.kind, "text": self.text, "query": self.query}


@dataclass(frozen=True, slots=True)
class SuggestResult:
    """What a text that is being typed may become."""

    text: str
    suggestions: tuple[Suggestion, ...]

    def to_json(self) -> Json:
        """Give `text` and `suggestions`."""
        return {"text": self.text, "suggestions": [one.to_json() for one in self.suggestions]}


@dataclass(frozen=True, slots=True)
class TopicCount:
    """One topic.

    Attributes:
        id: its id; empty where only its label is known.
        label: its name.
        count: articles that have it.
        filter: what to add to a query to see only these.
    """

    id: str
    label: str
    count: int
    filter: str

    def to_json(self) -> Json:
        """Give its attributes."""
        return {"id": self.id, "label": self.label, "count": self.count, "filter": self.filter}


@dataclass(frozen=True, slots=True)
class TopicsResult:
    """All topics, the 17 main ones among them even where no article has them; the most frequent first."""

    topics: tuple[TopicCount, ...]

    def to_json(self) -> Json:
        """Give `topics`."""
        return {"topics": [one.to_json() for one in self.topics]}


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source.

    Attributes:
        source: its short name.
        count: articles of it that fit.
        latest: date of the latest of them.
        fetched: when the last of them was fetched.
        languages: their languages, the most frequent first.
        filter: what to add to a query to see only these.
    """

    source: str
    count: int
    latest: datetime
    fetched: datetime
    languages: tuple[str, ...]
    filter: str

    def to_json(self) -> Json:
        """Give its attributes."""
        times = {name: utc(getattr(self, name)) for name in ("latest", "fetched")}
        return {"source": self.source, "count": self.count, "languages": self.languages, "filter": self.filter} | times


@dataclass(frozen=True, slots=True)
class SourcesResult:
    """The sources of the articles that fit, the largest first."""

    query: str
    understood: tuple[Part, ...]
    sources: tuple[SourceRow, ...]

    def to_json(self) -> Json:
        """Give `query`, `understood` and `sources`."""
        understood = [part.to_json() for part in self.understood]
        return {"query": self.query, "understood": understood, "sources": [one.to_json() for one in self.sources]}
