"""What words, names, topics and sources there are: in an answer, in the index, and behind what is being typed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from pipelines.index.elastic import judged
from pipelines.search.bodies import filter_body
from pipelines.search.facets import FACETS, facet_filter, unknown
from pipelines.search.lexer import cleaned
from pipelines.search.qualifiers import known_name
from pipelines.search.query import Query
from pipelines.search.results import Bucket, TopResult
from pipelines.search.session import READ, Json, SearchSession, within
from pipelines.search.vocabulary_results import (
    SourceRow,
    SourcesResult,
    Suggestion,
    SuggestResult,
    TopicCount,
    TopicsResult,
)
from schemas.media_topics import TOP_TOPICS

MOST_TERMS = 100
MOST_SOURCES = 10_000
WORDS = "words"
_SAMPLE = 500
_COMPLETED = ("source", "site", "author")
_EACH = 5
_MOST_TYPED = 200


class VocabularyOperations(SearchSession):
    """Gives significant terms, suggestions, topics and sources."""

    async def terms(self, query: Query, name: str = WORDS, limit: int = 20) -> TopResult:
        """Find what is significant in an answer against all the rest.

        Args:
            query: the answer.
            name: `words` of the texts (of some hundred of the best articles a shard), or a facet as `top` takes it.
            limit: most terms, 0 to `MOST_TERMS`.

        Raises:
            UsageError: there is no such field, or the limit is out of bounds.
            ServiceError, NewsriverError: as `search`.
        """
        if name != WORDS and name not in FACETS:
            raise unknown("field", name, [WORDS, *FACETS])
        options: Json = {"size": max(1, within(limit, MOST_TERMS)), "min_doc_count": 2}
        significant: Json = (
            {"significant_text": {"field": "body", "filter_duplicate_text": True, **options}}
            if name == WORDS
            else {"significant_terms": {"field": FACETS[name], **options}}
        )
        sampled = {"sampler": {"shard_size": _SAMPLE}, "aggs": {"terms": significant}}
        aggs = {"sample": sampled} if name == WORDS else {"terms": significant}
        body = {"size": 0, "track_total_hits": True, "query": filter_body(query, self.settings.search), "aggs": aggs}
        answer = await self.ask(body)
        found = answer.get("aggregations", {})
        buckets = tuple(
            Bucket(str(b["key"]), b["doc_count"], _narrowed(name, str(b["key"])), b["score"], b["bg_count"])
            for b in found.get("sample", found).get("terms", {}).get("buckets", ())
        )
        return TopResult(str(query), query.understood, name, answer["hits"]["total"]["value"], buckets)

    async def topics(self) -> TopicsResult:
        """Count articles by topic.

        Raises:
            ServiceError, NewsriverError: as `search`.
        """
        terms = {"terms": {"field": FACETS["topic"], "size": 1000}}
        answer = await self.ask({"size": 0, "aggs": {"topics": terms}})
        counts = {topic.label: 0 for topic in TOP_TOPICS}
        buckets = answer.get("aggregations", {}).get("topics", {}).get("buckets", ())
        counts |= {str(bucket["key"]): int(bucket["doc_count"]) for bucket in buckets}
        ids = {topic.label: topic.id for topic in TOP_TOPICS}
        ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        rows = (TopicCount(ids.get(name, ""), name, count, facet_filter("topic", name)) for name, count in ordered)
        return TopicsResult(tuple(rows))

    async def sources(self, query: Query) -> SourcesResult:
        """Give the sources of the articles that fit.

        Raises:
            ServiceError, NewsriverError: as `search`.
        """
        inner: Json = {
            "latest": {"max": {"field": "dated_at"}},
            "fetched": {"max": {"field": "fetched_at"}},
            "languages": {"terms": {"field": "language", "size": _EACH}},
        }
        by_source = {"terms": {"field": "source", "size": MOST_SOURCES}, "aggs": inner}
        body = {"size": 0, "query": filter_body(query, self.settings.search), "aggs": {"sources": by_source}}
        answer = await self.ask(body)
        buckets = answer.get("aggregations", {}).get("sources", {}).get("buckets", ())
        return SourcesResult(str(query), query.understood, tuple(_source_row(bucket) for bucket in buckets))

    async def suggest(self, text: str) -> SuggestResult:
        """Say what a text that is being typed may become: names and titles that begin so, and corrected words.

        Args:
            text: what was typed; the last word of it is taken for unfinished.

        Raises:
            ServiceError, NewsriverError: as `search`.
        """
        typed = cleaned(text[:_MOST_TYPED])
        before, _, last = typed.rpartition(" ")
        name, _, start = last.rpartition(":")
        wanted = [known_name(name)] if name else [*_COMPLETED]
        start = start.strip('"(')
        if not start:
            return SuggestResult(text, ())
        named = await asyncio.gather(*(self._names(one, start) for one in wanted if one in _COMPLETED))
        found = [*_topics(start)] if not name or known_name(name) == "topic" else []
        found += [one for some in named for one in some]
        if not name:
            found += await self._titles_and_corrections(typed)
        # What stands before the unfinished word stays; a title or a correction stands for the whole text.
        kept = (
            one
            if one.kind in ("title", "correction")
            else Suggestion(one.kind, one.text, f"{before} {one.query}".strip())
            for one in found
        )
        return SuggestResult(text, tuple(dict.fromkeys(kept)))

    async def _names(self, name: str, start: str) -> list[Suggestion]:
        body = {"field": FACETS[name], "string": start, "size": _EACH, "case_insensitive": True}
        path = f"/{self.alias}/_terms_enum"
        answer = await self.client.send("POST", path, body)
        # Before the first article there is no index, and this request has no way to allow that.
        terms = () if answer.status == 404 else judged(answer, self.client.url, f"POST {path}").get("terms", ())
        return [Suggestion(name, str(term), facet_filter(name, str(term))) for term in terms]

    async def _titles_and_corrections(self, typed: str) -> list[Suggestion]:
        titles = {"multi_match": {"query": typed, "fields": ["title"], "type": "bool_prefix", "operator": "and"}}
        words = {"text": typed, "term": {"field": "body", "suggest_mode": "missing", "size": 1}}
        body: Json = {"size": _EACH, "query": titles, "_source": ["title"], "suggest": {"words": words}}
        answer = await self.client.ask("POST", f"/{self.alias}/_search", body, READ)
        corrected = _corrected(typed, answer.get("suggest", {}).get("words", ()))
        found = [Suggestion("correction", corrected, corrected)] if corrected != typed else []
        shown = (str(hit["_source"]["title"]) for hit in answer["hits"]["hits"])
        return found + [Suggestion("title", title, f'title:"{title.replace(chr(34), " ")}"') for title in shown]


def _narrowed(name: str, value: str) -> str:
    return value if name == WORDS else facet_filter(name, value)


def _topics(start: str) -> Iterable[Suggestion]:
    for topic in TOP_TOPICS:
        if any(word.startswith(start.lower()) for word in topic.label.split()):
            yield Suggestion("topic", topic.label, facet_filter("topic", topic.label))


def _corrected(typed: str, words: Iterable[Json]) -> str:
    """Put the server's spelling for the words that no article has; from behind, so that places stay."""
    for word in sorted(words, key=lambda one: -int(one["offset"])):
        if word["options"]:
            start, end = word["offset"], word["offset"] + word["length"]
            typed = f"{typed[:start]}{word['options'][0]['text']}{typed[end:]}"
    return typed


def _source_row(bucket: Json) -> SourceRow:
    return SourceRow(
        source=str(bucket["key"]),
        count=bucket["doc_count"],
        latest=_moment(bucket["latest"]["value"]),
        fetched=_moment(bucket["fetched"]["value"]),
        languages=tuple(one["key"] for one in bucket["languages"]["buckets"]),
        filter=facet_filter("source", str(bucket["key"])),
    )


def _moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
