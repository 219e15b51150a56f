"""What was found for saved searches: kept before it is delivered, marked when it was."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from pipelines.alerts.evaluation import message_id
from pipelines.alerts.storage import AlertStorage
from pipelines.errors import NewsriverError, ServiceError
from pipelines.index.documents import alert_delivery_indices
from pipelines.search.client import AsyncElastic
from pipelines.settings import Settings
from schemas.records import AlertDelivery

Json = dict[str, Any]

MOST_ARTICLES = 500
"""Most articles of one message."""
MOST_SAVED = 10_000
_MANY = 20_000

_WAITING: Json = {"must_not": [{"exists": {"field": "delivered_at"}}]}
_CREATED, _CONFLICT, _NOT_FOUND = 201, 409, 404


class DeliveryStore:
    """The deliveries of a river.

    What was delivered is remembered until a search is sure to know of it: an index is refreshed once a second, and to
    have it done for each message would keep Elasticsearch busy with nothing else.

    Args:
        client: the cluster.
        settings: all settings.
    """

    def __init__(self, client: AsyncElastic, settings: Settings) -> None:
        self._storage = AlertStorage(client)
        self._family = alert_delivery_indices(settings.river.name)
        self._found_after = 60.0 + 2 * settings.elasticsearch.refresh_seconds
        self._done: dict[str, float] = {}

    async def keep(self, found: Sequence[AlertDelivery]) -> int:
        """Write what was found, and give how much of it is new; a version that was found before stays as it is.

        Raises:
            ServiceError: Elasticsearch does not take all of it; doing it again changes nothing.
            NewsriverError: the index template is missing, or a document is refused for good.
        """
        for index in sorted({self._index(one) for one in found}):
            await self._storage.ensure(self._family, index)
        lines = [({"create": {"_index": self._index(one), "_id": one.id}}, _source(one)) for one in found]
        statuses = await self._storage.write(lines)
        refused = [one for one, status in zip(found, statuses, strict=True) if status not in (_CREATED, _CONFLICT)]
        if refused:
            raise NewsriverError(f"delivery {refused[0].id} is refused by its index", hint="run `newsriver setup`")
        return statuses.count(_CREATED)

    async def waiting(self) -> dict[str, int]:
        """Count what is to be delivered, by saved search.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        by_search = {"terms": {"field": "search_id", "size": MOST_SAVED}}
        body = {"size": 0, "track_total_hits": False, "query": {"bool": _WAITING}, "aggs": {"searches": by_search}}
        answer = await self._storage.find(self._family, body)
        buckets = answer.get("aggregations", {}).get("searches", {}).get("buckets", [])
        return {str(one["key"]): int(one["doc_count"]) for one in buckets}

    async def message(self, search: str) -> list[AlertDelivery]:
        """Give the articles of the next message of a saved search: the one that was begun, or the oldest that wait.

        Which message an article belongs to is written before it is sent, so that a message that is sent again, by
        whomever, holds the same articles under the same id.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        # A claim may be behind what waits longer: an article that was written long ago can be found late.
        begun = await self._find(search, {"range": {"message": {"gt": ""}}}, MOST_ARTICLES)
        if begun:
            return await self._find(search, {"term": {"message": begun[0].message}}, MOST_ARTICLES)
        oldest = await self._find(search, {"match_all": {}}, MOST_ARTICLES)
        if not oldest:
            return []
        name = message_id(oldest)
        await self._update(oldest, [{"message": name}] * len(oldest))
        return [one.model_copy(update={"message": name}) for one in oldest]

    async def delivered(self, message: Sequence[AlertDelivery], at: datetime) -> None:
        """Mark the articles of a message as delivered.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        when = at.isoformat()
        spans = [max(0, int((at - one.indexed_at) / timedelta(milliseconds=1))) for one in message]
        await self._update(message, [{"delivered_at": when, "latency_ms": span} for span in spans])
        now = time.monotonic()
        self._done |= {one.id: now for one in message}
        if len(self._done) > _MANY:
            self._done = {name: since for name, since in self._done.items() if now - since < self._found_after}

    async def begin(self) -> None:
        """Let all be found that another process wrote.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        await self._storage.refresh(self._family)

    async def drop(self, search: str) -> None:
        """Remove what waits for a saved search that is gone.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        while found := await self._find(search, {"match_all": {}}, MOST_ARTICLES):
            await self._storage.remove([(self._index(one), one.id) for one in found])

    async def last_deliveries(self) -> dict[str, datetime]:
        """Give when something was last delivered, by saved search.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        latest = {"latest": {"max": {"field": "delivered_at"}}}
        by_search = {"terms": {"field": "search_id", "size": MOST_SAVED}, "aggs": latest}
        body = {"size": 0, "track_total_hits": False, "aggs": {"searches": by_search}}
        answer = await self._storage.find(self._family, body)
        buckets = answer.get("aggregations", {}).get("searches", {}).get("buckets", [])
        times = {str(one["key"]): one["latest"]["value"] for one in buckets}
        return {key: datetime.fromtimestamp(value / 1000, UTC) for key, value in times.items() if value}

    async def _find(self, search: str, clause: Json, size: int) -> list[AlertDelivery]:
        filters = [{"term": {"search_id": search}}, clause]
        body: Json = {
            "size": size,
            "track_total_hits": False,
            "query": {"bool": {"filter": filters, **_WAITING}},
            "sort": [{"indexed_at": "asc"}, {"id": "asc"}],
        }
        hits = (await self._storage.find(self._family, body))["hits"]["hits"]
        found = [AlertDelivery.model_validate(hit["_source"], extra="ignore") for hit in hits]
        return [one for one in found if one.id not in self._done]

    async def _update(self, deliveries: Sequence[AlertDelivery], parts: Sequence[Json]) -> None:
        actions = [
            {"update": {"_index": self._index(one), "_id": one.id, "retry_on_conflict": 3}} for one in deliveries
        ]
        statuses = await self._storage.write([(act, {"doc": part}) for act, part in zip(actions, parts, strict=True)])
        if any(status >= 400 for status in statuses):
            raise ServiceError("deliveries were changed by somebody else meanwhile", hint="this is tried again")

    def _index(self, delivery: AlertDelivery) -> str:
        return self._family.index(delivery.first_seen)


def _source(delivery: AlertDelivery) -> Json:
    found: Json = orjson.loads(delivery.to_json())
    return found
