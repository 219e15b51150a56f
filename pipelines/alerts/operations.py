"""What people ask of saved searches: to see them with how they do, and to try one."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.alerts.channels import Channels
from pipelines.alerts.deliveries import DeliveryStore
from pipelines.alerts.evaluation import WrittenArticle, delivery_of
from pipelines.alerts.messages import AlertMessage
from pipelines.alerts.saved_searches import SavedSearchDraft, SavedSearches
from pipelines.errors import UsageError
from pipelines.http.client import Client
from pipelines.search.bodies import SortOrder
from pipelines.search.operations import Search
from pipelines.search.query import parse_query
from schemas.records import AlertChannel, SavedSearch

Json = dict[str, Any]

_SAMPLE = 3


@dataclass(frozen=True, slots=True)
class SavedSearchStatus:
    """A saved search and how it does.

    Attributes:
        search: the saved search.
        waiting: articles that are found and not delivered yet.
        delivered_at: when something was last delivered; None for never.
    """

    search: SavedSearch
    waiting: int = 0
    delivered_at: datetime | None = None

    def to_json(self, *, secret: bool = False) -> Json:
        """Give it as JSON, the secret only where it is asked for."""
        found = self.search.model_dump(mode="json", exclude={"secret"})
        found |= {"waiting": self.waiting, "delivered_at": self.delivered_at and self.delivered_at.isoformat()}
        key = self.search.secret.get_secret_value()
        return found | ({"secret": key} if secret and key else {})


class Alerts:
    """The saved searches of a river, for commands, API and pages.

    Args:
        search: answers questions; its cluster and settings are used.
    """

    def __init__(self, search: Search) -> None:
        self._search = search

    @property
    def _saved(self) -> SavedSearches:
        return SavedSearches(self._search.client, self._search.settings)

    async def add(self, draft: SavedSearchDraft) -> SavedSearchStatus:
        """Save a search.

        Raises:
            UsageError, ServiceError, NewsriverError: as `SavedSearches.add`.
        """
        return SavedSearchStatus(await self._saved.add(draft))

    async def list(self) -> list[SavedSearchStatus]:
        """Give all of them, oldest first.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        store = DeliveryStore(self._search.client, self._search.settings)
        found = await self._saved.all()
        waiting, last = (await store.waiting(), await store.last_deliveries()) if found else ({}, {})
        return [SavedSearchStatus(one, waiting.get(one.id, 0), last.get(one.id)) for one in found]

    async def get(self, name: str) -> SavedSearch:
        """Give one by its id or name.

        Raises:
            SavedSearchNotFound, UsageError, ServiceError: as `SavedSearches.get`.
        """
        return await self._saved.get(name)

    async def pause(self, name: str) -> SavedSearch:
        """Stop one.

        Raises:
            SavedSearchNotFound, UsageError, ServiceError: as `SavedSearches.get`.
        """
        return await self._saved.pause(name)

    async def resume(self, name: str) -> SavedSearch:
        """Let one go on.

        Raises:
            SavedSearchNotFound, UsageError, ServiceError: as `SavedSearches.get`.
        """
        return await self._saved.resume(name)

    async def remove(self, name: str) -> SavedSearch:
        """Remove one, and what waits for it.

        Raises:
            SavedSearchNotFound, UsageError, ServiceError: as `SavedSearches.get`.
        """
        found = await self._saved.remove(name)
        await DeliveryStore(self._search.client, self._search.settings).drop(found.id)
        return found

    async def test(self, name: str, write: Callable[[str], None] | None = None) -> int:
        """Deliver the newest articles that fit, at most three, at once and marked as a test; nothing is kept of it.

        Args:
            name: id or name of the saved search.
            write: prints lines, for one of the kind `stdout`.

        Returns:
            The number of articles.

        Raises:
            UsageError: it has nothing to deliver to.
            FetchFault: the receiver did not take it.
            SavedSearchNotFound, ServiceError: as `SavedSearches.get`.
        """
        saved, settings = await self._saved.get(name), self._search.settings
        if saved.channel is AlertChannel.FEED or (saved.channel is AlertChannel.STDOUT and write is None):
            raise UsageError(f"{saved.name!r} is not delivered anywhere", hint="read its feed", resource="channel")
        now = datetime.now(UTC)
        query = parse_query(saved.query, now)
        found = await self._search.search(query, sort=SortOrder.NEWEST, limit=_SAMPLE)
        written = (WrittenArticle(hit.article, hit.article.fetched_at, now, 0) for hit in found.hits)
        articles = tuple(delivery_of(saved, one, now) for one in written)
        async with Client(settings) as client:
            message = AlertMessage(f"test-{secrets.token_hex(12)}", saved, articles, kind="test")
            await Channels(settings, client, write).send(message)
        return len(articles)
