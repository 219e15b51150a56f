"""A hit as Elasticsearch gives it -> a hit of ours. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipelines.search.results import Hit, Score
from schemas.records import Article

Json = dict[str, Any]


def article_of(source: Json) -> Article:
    """Read an article; fields of a later version are left out."""
    return Article.model_validate(source, extra="ignore")


def hit_of(raw: Json) -> Hit:
    """Read a hit."""
    marked = raw.get("highlight", {})
    article = article_of(raw["_source"])
    title = (marked.get("title") or [article.title])[0]
    explanation = raw.get("_explanation")
    explained = explained_score(explanation) if explanation else None
    return Hit(article, raw["_score"] or 0.0, tuple(marked.get("body", ())), title, explained)


def explained_score(explanation: Json) -> Score:
    """Take Lucene's account of a score apart into text, recency and story."""
    total = float(explanation["value"])
    recency = sum(float(one["value"]) for one in _walk(explanation) if "Distance score" in one["description"])
    story = sum(float(one["value"]) for one in _walk(explanation) if "field value function" in one["description"])
    return Score(total, max(0.0, total - recency - story), recency, story)


def _walk(explanation: Json) -> Iterator[Json]:
    left = [explanation]
    while left:
        one = left.pop()
        yield one
        left += one.get("details", ())
