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

from pipelines.errors import ServiceError
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
_MOST_CLAUSES = 4
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
        self._lasts = self._made(now, ()) == self._made(now + _ANOTHER_DAY, ())
        self._known: dict[tuple[str, ...], bytes] = {}

    def clause(self, now: datetime, languages: tuple[str, ...] = ()) -> bytes:
        """Give the clause as JSON.

        Args:
            now: the present.
            languages: those that the articles in question have; empty for any.
        """
        if not self._lasts:
            return self._made(now, languages)
        if languages not in self._known:
            if len(self._known) == _MOST_CLAUSES:
                self._known.clear()
            self._known[languages] = self._made(now, languages)
        return self._known[languages]

    def _made(self, now: datetime, languages: tuple[str, ...]) -> bytes:
        return orjson.dumps(filter_body(parse_query(self.search.query, now), self._settings, languages))


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


def counting(window: Window, clauses: Sequence[bytes]) -> bytes:
    """Give a multi search of one search that counts, for each clause, the articles of a window that fit.

    Most saved searches find nothing among a few hundred articles, and to count in one pass costs a half of asking each.
    """
    start = b'{"size":0,"track_total_hits":false,"query":%s,"aggs":{"fit":{"filters":{"filters":[' % orjson.dumps(
        {"bool": {"filter": [window.clause()]}}
    )
    return b"".join((_header(window), b"\n", start, b",".join(clauses), b"]}}}}\n"))


def counts_of(answer: Json) -> list[int] | None:
    """Give the counts; None where a clause is refused, so that each has to be asked by itself.

    Raises:
        ServiceError: Elasticsearch cannot answer now.
    """
    one = answer["responses"][0]
    if "error" in one:
        if _passes(int(one["status"])):
            raise ServiceError("Elasticsearch cannot answer saved searches now")
        return None
    return [int(bucket["doc_count"]) for bucket in one["aggregations"]["fit"]["buckets"]]


def multi_search(window: Window, clauses: Sequence[bytes], size: int) -> bytes:
    """Give a multi search that finds, for each clause, the ids of the articles of a window that fit."""
    header = _header(window)
    start = b'{"size":%d,"_source":false,"track_total_hits":false,"sort":["_doc"],"query":{"bool":{"filter":[' % size
    own = orjson.dumps(window.clause())
    return b"".join(part for each in clauses for part in (header, b"\n", start, own, b",", each, b"]}}}\n"))


def _header(window: Window) -> bytes:
    shard = f"_shards:{window.shard}"
    return orjson.dumps({"index": window.index, "preference": shard, "allow_partial_search_results": False})


def _passes(status: int) -> bool:
    return status == _TOO_MANY or status >= _SERVER_ERROR


def found_ids(answer: Json) -> Iterator[list[str] | str | None]:
    """Give of each search of a multi search its ids, the reason why it is refused, or None where it can be later."""
    for one in answer["responses"]:
        status = int(one["status"])
        if "error" not in one:
            yield [hit["_id"] for hit in one.get("hits", {}).get("hits", [])]
        elif _passes(status):
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
    search: SavedSearch, ids: Sequence[str], articles: Mapping[str, WrittenArticle], now: datetime
) -> Iterator[AlertDelivery]:
    """Give what is to be delivered of what a saved search found.

    Args:
        search: the saved search.
        ids: of the articles that fit.
        articles: those of the window, by id.
        now: the present.
    """
    for each in ids:
        written = articles.get(each)
        if written is not None and concerns(search, written):
            yield delivery_of(search, written, now)
