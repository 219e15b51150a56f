"""Evaluates what is newly written: each operation of each shard once, by sequence number, for all saved searches.

The clock says nothing about order: a document is stamped before it is written, by any machine, and can be found only
after a refresh. A shard numbers its operations, and its global checkpoint says up to which number all of them are kept
(https://www.elastic.co/guide/en/elasticsearch/reference/8.19/docs-replication.html): what is up to there is found
after a refresh, and no lower number ever comes later.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pipelines.alerts.deliveries import DeliveryStore
from pipelines.alerts.evaluation import (
    CompiledSearch,
    Window,
    WrittenArticle,
    counting,
    counts_of,
    found_ids,
    matches,
    multi_search,
    window_body,
    written_article,
)
from pipelines.alerts.positions import behind, placed, positions_of, updated
from pipelines.alerts.progress import LeaseLost, ProgressStore
from pipelines.alerts.saved_searches import SavedSearches
from pipelines.alerts.storage import Json
from pipelines.errors import ServiceError
from pipelines.index.documents import article_indices, saved_search_indices
from pipelines.index.elastic import judged
from pipelines.search.client import AsyncElastic
from pipelines.settings import Settings
from schemas.records import AlertChannel, SavedSearch, ShardPosition

log = logging.getLogger(__name__)

WINDOW = 500
"""Most articles that are evaluated at once."""
SEARCHES = 250
"""Saved searches that are counted at once."""

_NOT_FOUND = 404
_STATS = {
    "level": "shards",
    "filter_path": "indices.*.uuid,indices.*.shards.*.routing.primary,indices.*.shards.*.seq_no",
    "ignore_unavailable": "true",
}
_COUNTS = {"filter_path": "responses.status,responses.error,responses.aggregations.fit.buckets.doc_count"}
_IDS = {"filter_path": "responses.status,responses.hits.hits._id,responses.error"}
_REREAD = timedelta(minutes=1)


class Evaluator:
    """Finds what is to be delivered.

    Args:
        client: the cluster.
        settings: all settings.
        searches: the saved searches.
        deliveries: where what is found is kept.
        progress: where the positions are kept.
    """

    def __init__(
        self,
        client: AsyncElastic,
        settings: Settings,
        searches: SavedSearches,
        deliveries: DeliveryStore,
        progress: ProgressStore,
    ) -> None:
        self._client = client
        self._settings = settings
        self._searches = searches
        self._deliveries = deliveries
        self._progress = progress
        self._family = article_indices(settings.river.name)
        self._saved_at: object = None
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self._compiled: dict[SavedSearch, CompiledSearch] = {}
        self.known: dict[str, SavedSearch] = {}

    async def round(self) -> int:
        """Evaluate all that was written since the last round, and give how much is to be delivered of it.

        Raises:
            LeaseLost: another process does it now.
            ServiceError: Elasticsearch does not answer; the next round begins where this one stopped.
        """
        stats = await self._stats()
        await self._read_searches(stats)
        ends = positions_of(stats, self._family.alias)
        shards = placed(self._progress.shards, ends, self._family, datetime.now(UTC))
        if not self._compiled:  # nobody waits for what is there already
            shards = updated(shards, ends)
        found = 0
        for end in behind(shards, ends):
            answer = await self._client.send("POST", f"/{end.index}/_refresh")
            judged(answer, self._client.url, f"POST /{end.index}/_refresh")
            shards, count = await self._advance(shards, end)
            found += count
        if shards != self._progress.shards:
            await self._progress.save(shards)
        return found

    async def _advance(self, shards: list[ShardPosition], end: ShardPosition) -> tuple[list[ShardPosition], int]:
        """Evaluate one shard up to its checkpoint, a window at a time; each is kept before the next begins."""
        found = 0
        while behind(shards, [end]):
            position = next(one for one in shards if (one.uuid, one.shard) == (end.uuid, end.shard))
            window = Window(end.index, end.shard, position.seq_no, end.seq_no)
            hits = await self._written(window, position)
            if len(hits) == WINDOW:
                window = Window(window.index, window.shard, window.after, hits[-1].seq_no)
            if hits:
                found += await self._find(window, hits)
            shards = updated(shards, [end.model_copy(update={"seq_no": window.until})])
            await self._progress.save(shards)
        return shards, found

    async def _written(self, window: Window, position: ShardPosition) -> list[WrittenArticle]:
        path, how = f"/{window.index}/_search", {"preference": f"_shards:{window.shard}"}
        how["allow_partial_search_results"] = "false"
        since = min(one.since for one in self._compiled)
        answer = await self._client.ask("POST", path, window_body(window, position.floor, since, WINDOW), how)
        return [written_article(hit) for hit in answer["hits"]["hits"]]

    async def _find(self, window: Window, hits: Sequence[WrittenArticle]) -> int:
        """Run all saved searches on the articles of a window, and keep what they find."""
        now = datetime.now(UTC)
        articles = {one.article.id: one for one in hits}
        languages = tuple(sorted({one.article.language for one in hits}))
        compiled, count = list(self._compiled.values()), 0
        for start in range(0, len(compiled), SEARCHES):
            if not await self._progress.hold():  # many searches take long: say meanwhile that this process is at work
                raise LeaseLost
            some = compiled[start : start + SEARCHES]
            clauses = [each.clause(now, languages) for each in some]
            found = await self._matching(window, some, clauses, len(hits))
            new = [one for each, ids in found for one in matches(each.search, ids, articles, now)]
            count += await self._deliveries.keep(new) if new else 0
        return count

    async def _matching(
        self, window: Window, searches: Sequence[CompiledSearch], clauses: Sequence[bytes], size: int
    ) -> list[tuple[CompiledSearch, list[str]]]:
        """Give the searches that find something, with the ids of what they find."""
        counts = counts_of(await self._client.ask("POST", "/_msearch", counting(window, clauses), _COUNTS))
        places = [at for at in range(len(searches)) if counts is None or counts[at]]
        if not places:
            return []
        body = multi_search(window, [clauses[at] for at in places], size)
        answers = list(found_ids(await self._client.ask("POST", "/_msearch", body, _IDS)))
        found = []
        for at, one in zip(places, answers, strict=True):
            found.append((searches[at], await self._judged(searches[at].search, one)))
        return found

    async def _judged(self, search: SavedSearch, found: list[str] | str | None) -> list[str]:
        """Give the ids that a search found; one that Elasticsearch refuses finds nothing and says so."""
        if found is None:
            raise ServiceError("Elasticsearch cannot answer saved searches now", resource=self._client.url)
        if isinstance(found, str):
            trouble = f"cannot be evaluated: {found}"
            if not search.trouble:
                log.warning("saved search %s %s", search.id, trouble)
                await self._searches.note(search, trouble)
            return []
        return found

    async def _stats(self) -> Json:
        names = f"{self._family.alias},{saved_search_indices(self._settings.river.name).alias}"
        answer = await self._client.send("GET", f"/{names}/_stats", None, _STATS)
        if answer.status == _NOT_FOUND:
            return {}
        found: Json = judged(answer, self._client.url, "GET /_stats")
        return found

    async def _read_searches(self, stats: Json) -> None:
        """Read the saved searches where any of them was written since they were read."""
        alias = saved_search_indices(self._settings.river.name).alias
        written = [(one.uuid, one.shard, one.seq_no) for one in positions_of(stats, alias)]
        if written == self._saved_at and datetime.now(UTC) - self._read_at < _REREAD:
            return
        found = await self._searches.all()
        self.known = {one.id: one for one in found}
        wanted = [one for one in found if not one.paused and one.channel is not AlertChannel.FEED]
        self._compiled = {one: self._compiled.get(one) or CompiledSearch(one, self._settings.search) for one in wanted}
        self._saved_at, self._read_at = written, datetime.now(UTC)
