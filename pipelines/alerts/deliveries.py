"""What was found for saved searches: kept before it is delivered, marked when it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from pipelines.alerts.evaluation import message_id
from pipelines.alerts.storage import AlertStorage
from pipelines.errors import NewsriverError, ServiceError
from pipelines.index.documents import alert_delivery_indices
from pipelines.search.client import AsyncElastic
from schemas.records import AlertDelivery

Json = dict[str, Any]

MOST_ARTICLES = 500
"""Most articles of one message."""
MOST_SAVED = 10_000

_WAITING: Json = {"must_not": [{"exists": {"field": "delivered_at"}}]}
_CREATED, _CONFLICT, _NOT_FOUND = 201, 409, 404


class DeliveryStore:
    """The deliveries of a river.

    Args:
        client: the cluster.
        river: the river's name.
    """

    def __init__(self, client: AsyncElastic, river: str) -> None:
        self._storage = AlertStorage(client)
        self._family = alert_delivery_indices(river)

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
        begun = await self._find(search, {"range": {"message": {"gt": ""}}}, 1)
        if begun:
            return await self._find(search, {"term": {"message": begun[0].message}}, MOST_ARTICLES)
        oldest = await self._find(search, {"match_all": {}}, MOST_ARTICLES)
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
        return [AlertDelivery.model_validate(hit["_source"], extra="ignore") for hit in hits]

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
