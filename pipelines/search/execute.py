"""Questions to Elasticsearch and its answers: articles found, counted and highlighted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.index.documents import articles_alias
from pipelines.index.elastic import Elastic
from pipelines.search.question import Question, count_body, search_body
from pipelines.search.results import Hit
from schemas.records import Article

# Before the first article there is no index: that is an empty answer, not an error. Half an answer is an error.
_READ = {"ignore_unavailable": "true", "allow_no_indices": "true"}
_WHOLE = {"allow_partial_search_results": "false"}


@dataclass(frozen=True, slots=True)
class FoundArticles:
    """The answer to a search.

    Attributes:
        total: exact number of articles that fit.
        hits: the first of them, in the order asked for.
        indexed: whether the river has an index at all.
    """

    total: int
    hits: tuple[Hit, ...]
    indexed: bool


def search(client: Elastic, river: str, question: Question, now: datetime | None = None) -> FoundArticles:
    """Find articles.

    Args:
        client: the cluster.
        river: the river's name.
        question: what to find.
        now: the present, for recency.

    Raises:
        ServiceError: Elasticsearch does not answer, or only in part.
        NewsriverError: it refuses the question.
    """
    body = search_body(question, now or datetime.now(UTC))
    answer = client.ask("POST", f"/{articles_alias(river)}/_search", body, _READ | _WHOLE)
    hits = tuple(_hit(raw) for raw in answer["hits"]["hits"])
    return FoundArticles(answer["hits"]["total"]["value"], hits, answer["_shards"]["total"] > 0)


def count(client: Elastic, river: str, question: Question) -> int:
    """Count articles exactly.

    Raises:
        ServiceError, NewsriverError: as `search`.
    """
    answer = client.ask("POST", f"/{articles_alias(river)}/_count", count_body(question), _READ)
    return int(answer["count"])


def _hit(raw: dict[str, Any]) -> Hit:
    article = Article.model_validate(raw["_source"], extra="ignore")
    return Hit(article, raw["_score"] or 0.0, tuple(raw.get("highlight", {}).get("body", ())))
