"""Questions about single articles, and all articles of an answer one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from pipelines.errors import ArticleNotFound, FeedFault, UsageError
from pipelines.index.documents import revisions_alias
from pipelines.search.bodies import STORY, WITHOUT_DERIVED, SortOrder, filter_body, sorting
from pipelines.search.cursor import Cursor, from_text, to_text
from pipelines.search.history import HistoryResult, KnownText, history_of
from pipelines.search.hits import article_of, hit_of
from pipelines.search.query import Query
from pipelines.search.results import ArticleResult, ExportItem, Hit, SimilarResult
from pipelines.search.session import READ, WHOLE, Json, SearchSession, within
from pipelines.urls import article_id, canonical_url
from schemas.mapping import STEM_ANALYZERS
from schemas.records import Revision

MOST_SIMILAR = 100
MOST_NEW = 1000
MOST_REVISIONS = 1000
_BY_FETCH = {"fetched_at": {"order": "asc", "unmapped_type": "date"}}
_PAGE = 500
_KEEP_ALIVE = "5m"
_LIKE = {"min_term_freq": 1, "min_doc_freq": 2, "max_query_terms": 25, "minimum_should_match": "30%"}


class ArticleOperations(SearchSession):
    """Gives articles, those like one, and all of an answer."""

    async def article(self, name: str) -> ArticleResult:
        """Give one article.

        Args:
            name: its id or any of its addresses.

        Raises:
            ArticleNotFound: there is none.
            ServiceError, NewsriverError: as `search`.
        """
        addressed = "://" in name
        clause: Json = {"ids": {"values": [name[:512]]}}
        if addressed:
            url = _canonical(name)
            by = [{"ids": {"values": [article_id(url)]}}, {"terms": {"url": [url]}}, {"terms": {"addresses": [url]}}]
            clause = {"bool": {"should": by, "minimum_should_match": 1}}
        body = {"size": 1, "version": True, "query": {"bool": {"filter": clause}}, "_source": WITHOUT_DERIVED}
        hits = (await self.ask(body))["hits"]["hits"]
        if not hits:
            raise ArticleNotFound(
                "no such article is indexed", hint="`newsriver trace` says what became of it", resource=name[:512]
            )
        return ArticleResult(article_of(hits[0]["_source"]), hits[0]["_index"], hits[0]["_version"])

    async def history(self, name: str) -> HistoryResult:
        """Give all texts that an article had and what changed from one to the next.

        Args:
            name: its id or any of its addresses.

        Raises:
            ArticleNotFound: there is no such article.
            ServiceError, NewsriverError: as `search`.
        """
        article = (await self.article(name)).article
        former: Json = {"filter": [{"term": {"article_id": article.id}}]}
        body = {"size": MOST_REVISIONS, "query": {"bool": former}, "sort": [_BY_FETCH]}
        alias = revisions_alias(self.settings.river.name)
        answer = await self.client.ask("POST", f"/{alias}/_search", body, WHOLE)
        found = [Revision.model_validate(hit["_source"], extra="ignore") for hit in answer["hits"]["hits"]]
        texts = [KnownText(r.fetched_at, r.content_digest, r.title, r.body, r.published_at) for r in found]
        if not any(text.content_digest == article.content_digest for text in texts[-1:]):
            present = article.fetched_at, article.content_digest, article.title, article.body, article.published_at
            texts.append(KnownText(*present))
        # A site chose the texts, and comparing them may take a second each: not on the loop that answers everybody.
        return await asyncio.to_thread(history_of, article.id, article.url, texts)

    async def similar(self, name: str, limit: int = 10) -> SimilarResult:
        """Find articles that share the telling words of one, in its language; copies of its story are left out.

        Args:
            name: its id or any of its addresses.
            limit: most articles, 0 to `MOST_SIMILAR`.

        Raises:
            ArticleNotFound: there is no such article.
            UsageError: the limit is out of bounds.
            ServiceError, NewsriverError: as `search`.
        """
        size = within(limit, MOST_SIMILAR)
        origin = await self.article(name)
        article = origin.article
        stem = STEM_ANALYZERS.get(article.language)
        like = {"_index": origin.index, "_id": article.id}
        fields = [f"stem.{stem}"] if stem else ["title", "body"]
        bool_clause: Json = {
            "must": [{"more_like_this": {"fields": fields, "like": [like], **_LIKE}}],
            "filter": [{"term": {"language": article.language}}],
            "must_not": [{"ids": {"values": [article.id]}}],
        }
        if story := await self._story_of(origin):
            bool_clause["must_not"].append({"term": {STORY: story}})
        answer = await self.ask({"size": size, "query": {"bool": bool_clause}, "_source": WITHOUT_DERIVED})
        return SimilarResult(article.id, tuple(hit_of(one) for one in answer["hits"]["hits"]), answer["took"])

    async def _story_of(self, origin: ArticleResult) -> str:
        path = f"/{origin.index}/_source/{origin.article.id}"
        answer = await self.client.send("GET", path, None, {"_source_includes": STORY})
        return str(answer.body.get(STORY, "")) if answer.ok else ""

    async def newly_indexed(self, query: Query, since: datetime, limit: int = 100) -> tuple[Hit, ...]:
        """Give the articles that fit and were written since a time, new ones and new versions, oldest first.

        A document can be found only after the next refresh: whoever asks again begins somewhat before the last one
        seen, and drops what was seen.

        Args:
            query: what to find.
            since: written at or after this.
            limit: most articles, 0 to `MOST_NEW`.

        Raises:
            UsageError: the limit is out of bounds.
            ServiceError, NewsriverError: as `search`.
        """
        written = {"range": {"indexed_at": {"gte": since.isoformat()}}}
        fits = filter_body(query, self.settings.search)
        body: Json = {
            "size": within(limit, MOST_NEW),
            "track_total_hits": False,
            "query": {"bool": {"filter": [fits, written]}},
            "sort": [{"indexed_at": {"order": "asc", "unmapped_type": "date"}}, {"id": "asc"}],
            "_source": WITHOUT_DERIVED,
        }
        return tuple(hit_of(one) for one in (await self.ask(body))["hits"]["hits"])

    async def export(self, query: Query, cursor: str | None = None) -> AsyncIterator[ExportItem]:
        """Give all articles that fit, oldest first, without a limit; each with the cursor to go on behind it.

        Where the server has points in time they are the articles of one moment; a later call that goes on by cursor
        sees those of its own.

        Raises:
            UsageError: the cursor is none of this query.
            ServiceError, NewsriverError: as `search`; the last cursor is good for another try.
        """
        asked = f"export {query}"
        begun = from_text(cursor, asked) if cursor else Cursor(query.now, ())
        after: tuple[Any, ...] = begun.after
        point = await self._open_point()
        try:
            while True:
                hits = await self._export_page(query, after, point)
                for one in hits:
                    after = tuple(one["sort"][:2])
                    yield ExportItem(article_of(one["_source"]), to_text(Cursor(begun.now, after), asked))
                if len(hits) < _PAGE:
                    return
        finally:
            if point:
                await self.client.send("DELETE", "/_pit", {"id": point})

    async def _export_page(self, query: Query, after: tuple[Any, ...], point: str | None) -> list[Json]:
        body: Json = {
            "size": _PAGE,
            "track_total_hits": False,
            "query": filter_body(query, self.settings.search),
            "sort": sorting(SortOrder.OLDEST),
            "_source": WITHOUT_DERIVED,
        }
        if after:
            body["search_after"] = list(after)
        if not point:
            hits: list[Json] = (await self.ask(body))["hits"]["hits"]
            return hits
        if after:
            body["search_after"] = [*after, _BEHIND_ALL_SHARDS]
        body["pit"] = {"id": point, "keep_alive": _KEEP_ALIVE}
        only_whole = {"allow_partial_search_results": WHOLE["allow_partial_search_results"]}
        answer = await self.client.ask("POST", "/_search", body, only_whole)
        found: list[Json] = answer["hits"]["hits"]
        return found

    async def _open_point(self) -> str | None:
        """Open a point in time; None where the server has none, or there is no index yet."""
        answer = await self.client.send("POST", f"/{self.alias}/_pit", None, READ | {"keep_alive": _KEEP_ALIVE})
        return str(answer.body["id"]) if answer.ok else None


_BEHIND_ALL_SHARDS = 2**62
"""Elasticsearch adds the place in the shard as last sort value of a point in time; ids are unique without it."""


def _canonical(url: str) -> str:
    try:
        return canonical_url(url)
    except FeedFault:
        raise UsageError(
            f"{url[:200]!r} is no web address", hint="give an article's URL or id", resource="id"
        ) from None
