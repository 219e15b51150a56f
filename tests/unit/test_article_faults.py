"""An article that cannot be planned or made into a document ends by itself; its batch is written all the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.index import articles as module
from pipelines.index.arrival import Arrival
from pipelines.index.articles import ArticleWriter
from pipelines.index.documents import Document, article_indices
from pipelines.index.verdict import Verdict
from pipelines.ledger.dead_reasons import Fault, fault_of
from schemas.records import Article, Entry, OutcomeKind, PageFacts

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Nothing:
    """An index that has none of the articles and takes every document."""

    recent = SimpleNamespace(note=lambda *_: None)

    def find(self, wanted: Sequence[Any]) -> list[list[Any]]:
        return [[] for _ in wanted]

    def write(self, documents: Sequence[Document]) -> list[Verdict]:
        return [Verdict(document, OutcomeKind.INDEXED) for document in documents]


def arrival(number: int) -> Arrival:
    url = f"https://gazette.example.org/{number}"
    entry = Entry(id=f"{number:032x}", url=url, link=url, feed_url=url, source="gazette", first_seen=NOON)
    article = Article(
        id=entry.id,
        url=url,
        source="gazette",
        title=f"Ferry {number}",
        body=f"The ferry number {number} is back on its old route.",
        language="en",
        first_seen=NOON,
        fetched_at=NOON,
        words=8,
        content_digest=entry.id,
    )
    return Arrival.of(entry, PageFacts(url=url, status=200, fetched_at=NOON), article)


@pytest.mark.parametrize("step", ["plan", "article_source"])
def test_one_that_raises_is_dead_by_our_fault_and_its_neighbours_live(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = getattr(module, step)

    def broken(what: Any, *given: Any) -> Any:
        title = what.article.title if isinstance(what, Arrival) else what["title"]
        if title == "Ferry 2":
            raise OverflowError("date value out of range")
        return whole(what, *given)

    monkeypatch.setattr(module, step, broken)
    index: Any = Nothing()
    ends = ArticleWriter(index, index, article_indices("news")).write([arrival(number) for number in range(4)])
    assert [str(end.kind) for end in ends] == ["indexed", "indexed", "dead", "indexed"]
    assert ends[2].detail == "OverflowError: date value out of range"
    assert fault_of(ends[2].reason) is Fault.OURS
