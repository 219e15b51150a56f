"""Questions to Elasticsearch: articles found, counted, put on a time line and grouped by a field.

Every operation sends bodies that `bodies` makes of a query that cannot fail; errors are the product's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.search.article_operations import ArticleOperations
from pipelines.search.bodies import (
    STORY_SOURCES,
    WITHOUT_DERIVED,
    Ranking,
    SortOrder,
    filter_body,
    highlighting,
    ranked_body,
    sorting,
    time_filters,
    whole_intervals,
)
from pipelines.search.cursor import Cursor, from_text, to_text
from pipelines.search.facets import AUTOMATIC, chosen_interval, facet_field, facet_filter, unknown
from pipelines.search.hits import hit_of
from pipelines.search.query import Query
from pipelines.search.results import Bucket, CountResult, SearchResult, TimelineBucket, TimelineResult, TopResult
from pipelines.search.session import READ, within
from pipelines.search.vocabulary import VocabularyOperations

Json = dict[str, Any]

MOST_HITS = 1000
MOST_VALUES = 1000


@dataclass
class Search(ArticleOperations, VocabularyOperations):
    """Answers questions about one river's articles; many may be asked at once.

    Args:
        client: the cluster.
        settings: all settings.
    """

    async def search(
        self,
        query: Query,
        *,
        sort: SortOrder | str = SortOrder.RELEVANCE,
        limit: int = 10,
        cursor: str | None = None,
        explain: bool = False,
    ) -> SearchResult:
        """Find one page of articles.

        Args:
            query: what to find.
            sort: order: `relevance`, `newest`, `oldest` or `updated`; without words relevance is newest.
            limit: most articles of the page, 0 to `MOST_HITS`.
            cursor: `next` of the page before, of the same query and order.
            explain: whether each hit says what its score is made of.

        Raises:
            UsageError: a parameter is wrong; `resource` is its name.
            ServiceError: Elasticsearch does not answer, or only in part.
            NewsriverError: it refuses.
        """
        order = order_of(sort, query)
        asked = f"{order} {query}"
        begun = from_text(cursor, asked) if cursor else Cursor(query.now, ())
        ranking = Ranking(begun.now, self.settings.search, STORY_SOURCES in await self.known_fields())
        body: Json = {
            "query": ranked_body(query, ranking),
            "size": within(limit, MOST_HITS),
            "track_total_hits": self.settings.search.count_up_to,
            "track_scores": True,
            "sort": sorting(order),
            "_source": WITHOUT_DERIVED,
            "highlight": highlighting(query),
            "explain": explain,
        }
        if begun.after:
            body["search_after"] = list(begun.after)
        answer = await self.ask(body)
        return self._page(query, answer, limit, begun, asked)

    def _page(self, query: Query, answer: Json, limit: int, begun: Cursor, asked: str) -> SearchResult:
        raw = answer["hits"]["hits"]
        more = len(raw) == limit > 0
        total = answer["hits"]["total"]
        return SearchResult(
            query=str(query),
            understood=query.understood,
            total=total["value"],
            exact=total["relation"] == "eq",
            hits=tuple(hit_of(one) for one in raw),
            next=to_text(Cursor(begun.now, tuple(raw[-1]["sort"])), asked) if more else None,
            took_ms=answer["took"],
            indexed=answer["_shards"]["total"] > 0,
        )

    async def count(self, query: Query) -> CountResult:
        """Count articles exactly.

        Raises:
            ServiceError, NewsriverError: as `search`.
        """
        body = {"query": filter_body(query, self.settings.search)}
        answer = await self.client.ask("POST", f"/{self.alias}/_count", body, READ)
        return CountResult(str(query), query.understood, int(answer["count"]))

    async def timeline(self, query: Query, interval: str = AUTOMATIC) -> TimelineResult:
        """Count articles over time, beside all articles of each interval.

        Args:
            query: what to count; all articles are those of the same time.
            interval: `minute`, `hour`, `day`, `week`, `month`, `year`, or `auto` for some 60 steps; in UTC.

        Raises:
            UsageError: there is no such interval, or it makes too many steps.
            ServiceError, NewsriverError: as `search`.
        """
        fits = filter_body(query, self.settings.search)
        ends = {side: {side: {"field": "dated_at"}} for side in ("min", "max")}
        answer = await self.ask({"size": 0, "query": fits, "aggs": ends})
        first, last = (answer.get("aggregations", {}).get(side, {}).get("value") for side in ("min", "max"))
        if first is None or last is None:
            chosen = chosen_interval(interval, timedelta())
            return TimelineResult(str(query), query.understood, chosen, ())
        chosen = chosen_interval(interval, _moment(last) - _moment(first))
        over_time = {"date_histogram": {"field": "dated_at", "calendar_interval": chosen, "min_doc_count": 0}}
        bounds = whole_intervals(chosen, _moment(first), _moment(last))
        aggs: Json = {"all": over_time, "fits": {"filter": fits, "aggs": {"over_time": over_time}}}
        body = {"size": 0, "query": {"bool": {"filter": [*time_filters(query), bounds]}}, "aggs": aggs}
        counted = (await self.ask(body))["aggregations"]
        every = {one["key"]: one["doc_count"] for one in counted["all"]["buckets"]}
        buckets = counted["fits"]["over_time"]["buckets"]
        steps_found = (TimelineBucket(_moment(b["key"]), b["doc_count"], every.get(b["key"], 0)) for b in buckets)
        return TimelineResult(str(query), query.understood, chosen, tuple(steps_found))

    async def top(self, query: Query, name: str, limit: int = 10) -> TopResult:
        """Count articles by the values of a field.

        Args:
            query: what to count.
            name: a facet: `source`, `site`, `lang`, `topic`, `author`, `rights`, `license`, `feed` or `story`.
            limit: most values.

        Raises:
            UsageError: there is no such field.
            ServiceError, NewsriverError: as `search`.
        """
        terms = {"field": facet_field(name), "size": max(1, within(limit, MOST_VALUES))}
        body = {
            "size": 0,
            "track_total_hits": True,
            "query": filter_body(query, self.settings.search),
            "aggs": {"top": {"terms": terms}},
        }
        answer = await self.ask(body)
        top = answer.get("aggregations", {}).get("top", {"buckets": [], "sum_other_doc_count": 0})
        found = ((str(one["key"]), one["doc_count"]) for one in top["buckets"])
        buckets = tuple(Bucket(value, count, facet_filter(name, value)) for value, count in found)
        total = answer["hits"]["total"]["value"]
        return TopResult(str(query), query.understood, name, total, buckets, top["sum_other_doc_count"])


def order_of(sort: SortOrder | str, query: Query) -> SortOrder:
    """Give the order for a query: without words all articles fit alike, and the newest come first.

    Raises:
        UsageError: there is no such order; `resource` is `sort`.
    """
    if sort not in set(SortOrder):
        raise unknown("sort", str(sort), [order.value for order in SortOrder])
    order = SortOrder(sort)
    return SortOrder.NEWEST if order is SortOrder.RELEVANCE and not query.has_text else order


def _moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
