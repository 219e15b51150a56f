"""What the ledger's index and the articles' index say, read whole or by article."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from pipelines.errors import NewsriverError
from pipelines.index.documents import articles_alias, outcomes_alias
from pipelines.index.elastic import Elastic
from pipelines.ledger.outcomes import OutcomeLine
from schemas.records import Outcome, OutcomeKind, Stage

Json = dict[str, Any]

_BATCH = 10_000
"""Hits in one answer: Elasticsearch's own default limit."""

_IDS = 4000
_KEEP_ALIVE = "5m"
_NOT_FOUND = 404
_FIELDS = (
    "article_id",
    "visit",
    "stage",
    "kind",
    "reason",
    "feed_url",
    "next_visit_at",
    "document_version",
    "document_id",
)


class StoredArticle(NamedTuple):
    """One document of an article; `source` is empty where only its being there was asked for.

    Attributes:
        sequence: sequence number and primary term, which a change of it moves on.
    """

    article_id: str
    index_name: str
    version: int
    source: Mapping[str, Any]
    sequence: tuple[int, int] = (0, 0)


def lines(
    client: Elastic, river: str, *, since: datetime | None = None, feed: str = "", articles: Collection[str] = ()
) -> Iterator[OutcomeLine]:
    """Read the ledger as it is now, in no order.

    Args:
        client: the cluster.
        river: the river's name.
        since: only articles discovered since; all lines of an article carry that time.
        feed: only lines of this feed.
        articles: only these; none means all.

    Raises:
        ServiceError: Elasticsearch does not answer.
    """
    filters: list[Json] = []
    if since is not None:
        filters.append({"range": {"first_seen": {"gte": since.isoformat()}}})
    if feed:
        filters.append({"term": {"feed_url": feed}})
    for hit in _scan(client, outcomes_alias(river), filters, articles, {"_source": list(_FIELDS)}):
        found = hit["_source"]
        yield OutcomeLine(
            found["article_id"],
            found["visit"],
            Stage(found["stage"]),
            OutcomeKind(found["kind"]),
            found.get("reason", ""),
            found.get("feed_url", ""),
            "next_visit_at" in found,
            found.get("document_version"),
            found.get("document_id", ""),
        )


def outcomes(client: Elastic, river: str, articles: Collection[str]) -> list[Outcome]:
    """Give all lines of some articles, whole, in the order they were written."""
    hits = _scan(client, outcomes_alias(river), [], articles, {}) if articles else ()
    return sorted((Outcome.model_validate(hit["_source"], extra="ignore") for hit in hits), key=lambda line: line.at)


def documents(
    client: Elastic, river: str, articles: Collection[str], *, source: bool = False
) -> Iterator[StoredArticle]:
    """Give the documents of some articles: one each, or none, or too many."""
    alias = articles_alias(river)
    refresh(client, alias)
    # Without the source, the id comes from its column: to unpack each document for it would take ten times as long.
    wanted: Json = {} if source else {"stored_fields": "_none_", "docvalue_fields": ["id"]}
    for some in _chunks(articles):
        body = {"size": _BATCH, "version": True, "seq_no_primary_term": True, "sort": ["_doc"]}
        body |= {"query": {"terms": {"id": some}}, **wanted}
        answer = client.ask("POST", f"/{alias}/_search", body, {"ignore_unavailable": "true"})
        for hit in answer["hits"]["hits"]:
            article_id = hit["_id"] if source else hit["fields"]["id"][0]
            yield StoredArticle(
                article_id,
                hit["_index"],
                hit["_version"],
                hit.get("_source", {}),
                (hit["_seq_no"], hit["_primary_term"]),
            )


def refresh(client: Elastic, alias: str) -> None:
    """Make all that is written findable at once."""
    client.ask("POST", f"/{alias}/_refresh", None, {"ignore_unavailable": "true"})


def _scan(client: Elastic, alias: str, filters: list[Json], articles: Collection[str], wanted: Json) -> Iterator[Json]:
    """Give all hits at one point in time, however many."""
    refresh(client, alias)
    opened = client.send("POST", f"/{alias}/_pit", None, {"keep_alive": _KEEP_ALIVE})
    if opened.status == _NOT_FOUND:  # nothing was ever written
        return
    pit = (opened.body if opened.ok else client.ask("POST", f"/{alias}/_pit", None, {"keep_alive": _KEEP_ALIVE}))["id"]
    try:
        for some in _chunks(articles) if articles else (None,):
            chosen = filters if some is None else [*filters, {"terms": {"article_id": list(some)}}]
            yield from _pages(client, pit, {"query": {"bool": {"filter": chosen}}, **wanted})
    finally:
        with suppress(NewsriverError):  # it ends by itself, too
            client.ask("DELETE", "/_pit", {"id": pit})


def _pages(client: Elastic, pit: str, wanted: Json) -> Iterator[Json]:
    body: Json = {
        "size": _BATCH,
        "pit": {"id": pit, "keep_alive": _KEEP_ALIVE},
        "sort": ["_shard_doc"],
        "track_total_hits": False,
        **wanted,
    }
    while hits := client.ask("POST", "/_search", body)["hits"]["hits"]:
        yield from hits
        body["search_after"] = hits[-1]["sort"]
        if len(hits) < _BATCH:
            return


def _chunks(articles: Collection[str]) -> Iterator[list[str]]:
    """Cut ids into as many as one query may name."""
    left = iter(articles)
    while some := list(islice(left, _IDS)):
        yield some
