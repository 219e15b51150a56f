"""Which of the newly written articles fit which saved searches: requests, answers, ids. Pure.

Each saved search is one search of a multi search, restricted to the operations of one shard that were not evaluated
yet, by their sequence numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from pipelines.index.merge import moment
from pipelines.search.bodies import filter_body
from pipelines.search.hits import article_of
from pipelines.search.query import parse_query
from pipelines.settings import SearchSettings
from schemas.records import AlertDelivery, Article, SavedSearch

Json = dict[str, Any]

MOST_TOPICS = 10
WINDOW_FIELDS: Json = {"excludes": ["body", "stem", "dated_at", "site", "site_tree"]}
"""What is read of a document that is evaluated: all but its texts."""

_ANOTHER_DAY = timedelta(days=400)
_TOO_MANY, _SERVER_ERROR = 429, 500


@dataclass(frozen=True, slots=True)
class WrittenArticle:
    """An article as the index has it, and when that was written.

    Attributes:
        article: the article; its body is empty.
        indexed_at: when this version was written; documents of an earlier version have the time of the fetch.
        updated_at: the visit that brought the present text.
        seq_no: sequence number of the operation that wrote it.
    """

    article: Article
    indexed_at: datetime
    updated_at: datetime
    seq_no: int


@dataclass(frozen=True, slots=True)
class Window:
    """Operations of one shard: after one sequence number, up to and with another."""

    index: str
    shard: int
    after: int
    until: int

    def clause(self) -> Json:
        """Give the clause that fits documents which these operations wrote."""
        return {"range": {"_seq_no": {"gt": self.after, "lte": self.until}}}


class CompiledSearch:
    """A saved search as the clause that is sent, made once where no time in it is relative.

    Args:
        search: the saved search.
        settings: of searches.
    """

    def __init__(self, search: SavedSearch, settings: SearchSettings) -> None:
        self.search = search
        self._settings = settings
        now = datetime.now(UTC)
        first, later = self._made(now), self._made(now + _ANOTHER_DAY)
        self._lasting = first if first == later else b""

    def clause(self, now: datetime) -> bytes:
        """Give the clause as JSON."""
        return self._lasting or self._made(now)

    def _made(self, now: datetime) -> bytes:
        return orjson.dumps(filter_body(parse_query(self.search.query, now), self._settings))


def window_body(window: Window, floor: datetime | None, since: datetime, size: int) -> Json:
    """Give the search for the articles of a window, in the order they were written; what its site removed is none.

    Args:
        window: the operations.
        floor: articles that were fetched before are left out; None for no such bound.
        since: articles that were written before are left out: no saved search is older.
        size: most articles.
    """
    filters = [window.clause(), _written_since(since)]
    if floor is not None:
        filters.append({"range": {"fetched_at": {"gte": floor.isoformat()}}})
    return {
        "size": size,
        "track_total_hits": False,
        "query": {"bool": {"filter": filters, "must_not": [{"exists": {"field": "gone_at"}}]}},
        "sort": [{"_seq_no": "asc"}],
        "_source": WINDOW_FIELDS,
    }


def _written_since(since: datetime) -> Json:
    """Fit by the time of writing, and documents of an earlier version, which do not have it, by that of the fetch."""
    late = {name: {"range": {name: {"gte": since.isoformat()}}} for name in ("indexed_at", "fetched_at")}
    stamped = {"exists": {"field": "indexed_at"}}
    plain = {"bool": {"filter": [late["fetched_at"]], "must_not": [stamped]}}
    return {"bool": {"should": [late["indexed_at"], plain], "minimum_should_match": 1}}


def written_article(hit: Json) -> WrittenArticle:
    """Read one article of a window."""
    source = hit["_source"]
    article = article_of({"body": "", **source})
    fetched = article.fetched_at
    times = (moment(source[name]) if source.get(name) else fetched for name in ("indexed_at", "updated_at"))
    indexed_at, updated_at = times
    return WrittenArticle(article, indexed_at, updated_at, int(hit["sort"][0]))


def multi_search(window: Window, searches: Sequence[CompiledSearch], size: int, now: datetime) -> bytes:
    """Give a multi search's body: a header and a body for each saved search; each finds ids alone."""
    header = orjson.dumps(
        {"index": window.index, "preference": f"_shards:{window.shard}", "allow_partial_search_results": False}
    )
    start = b'{"size":%d,"_source":false,"track_total_hits":false,"sort":["_doc"],"query":{"bool":{"filter":[' % size
    clause = orjson.dumps(window.clause())
    return b"".join(
        part for each in searches for part in (header, b"\n", start, clause, b",", each.clause(now), b"]}}}\n")
    )


def found_ids(answer: Json) -> Iterator[list[str] | str | None]:
    """Give of each search of a multi search its ids, the reason why it is refused, or None where it can be later."""
    for one in answer["responses"]:
        status = int(one["status"])
        if "error" not in one:
            yield [hit["_id"] for hit in one.get("hits", {}).get("hits", [])]
        elif status == _TOO_MANY or status >= _SERVER_ERROR:
            yield None
        else:
            error = one["error"]
            causes = [*error.get("root_cause", []), error] if isinstance(error, dict) else [{"reason": str(error)}]
            yield str(causes[0].get("reason") or causes[0].get("type"))


def concerns(search: SavedSearch, written: WrittenArticle) -> bool:
    """Tell whether an article that fits is new to whoever saved the search: written since, and its text as well.

    An article that is written again with the text it had, because its page was looked at again, is not new. One whose
    first version was fetched before the search was saved, and written after, is.
    """
    brought = written.updated_at >= search.since or written.updated_at == written.article.fetched_at
    return written.indexed_at >= search.since and brought


def delivery_of(search: SavedSearch, written: WrittenArticle, now: datetime) -> AlertDelivery:
    """Make what is to be delivered of an article that fits."""
    article = written.article
    return AlertDelivery(
        id=delivery_id(search.id, article.id, article.content_digest),
        search_id=search.id,
        article_id=article.id,
        content_digest=article.content_digest,
        url=article.url,
        title=article.title,
        summary=article.summary,
        source=article.source,
        language=article.language,
        topics=[topic.label for topic in article.topics[:MOST_TOPICS]],
        published_at=article.published_at,
        first_seen=article.first_seen,
        indexed_at=written.indexed_at,
        found_at=now,
    )


def delivery_id(search: str, article: str, content_digest: str) -> str:
    """Give the id of one version of one article for one saved search."""
    return hashlib.sha256(f"{search} {article} {content_digest}".encode()).hexdigest()[:32]


def message_id(deliveries: Sequence[AlertDelivery]) -> str:
    """Give the id of a message: that of what is in it."""
    return hashlib.sha256(" ".join(sorted(one.id for one in deliveries)).encode()).hexdigest()[:32]


def matches(
    searches: Sequence[CompiledSearch],
    found: Sequence[list[str]],
    articles: Mapping[str, WrittenArticle],
    now: datetime,
) -> Iterator[AlertDelivery]:
    """Give what is to be delivered of what was found.

    Args:
        searches: the saved searches.
        found: ids of the articles that fit each.
        articles: those of the window, by id.
        now: the present.
    """
    for compiled, ids in zip(searches, found, strict=True):
        for each in ids:
            written = articles.get(each)
            if written is not None and concerns(compiled.search, written):
                yield delivery_of(compiled.search, written, now)
