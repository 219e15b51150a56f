"""Saved searches in memory, for tests of what is served of them; their rules are the real ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pipelines.alerts.operations import Alerts, SavedSearchStatus
from pipelines.alerts.saved_searches import SavedSearchDraft, saved
from pipelines.errors import FetchFault, SavedSearchNotFound, ServiceError
from pipelines.settings import Settings
from schemas.records import SavedSearch


class MemoryAlerts(Alerts):
    """Keeps what `Alerts` would.

    Attributes:
        kept: the saved searches by id.
        away: whether Elasticsearch is.
        refuses: whether receivers refuse.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.kept: dict[str, SavedSearch] = {}
        self.away = self.refuses = False

    async def add(self, draft: SavedSearchDraft) -> SavedSearchStatus:
        self._look()
        made = saved(draft, self._settings, datetime.now(UTC))
        self.kept[made.id] = made
        return SavedSearchStatus(made)

    async def list(self) -> list[SavedSearchStatus]:
        self._look()
        return [SavedSearchStatus(one) for one in self.kept.values()]

    async def get(self, name: str) -> SavedSearch:
        self._look()
        found = [one for one in self.kept.values() if name in (one.id, one.name)]
        if not found:
            raise SavedSearchNotFound("there is no such saved search", resource=name)
        return found[0]

    async def pause(self, name: str) -> SavedSearch:
        return await self._change(name, paused=True)

    async def resume(self, name: str) -> SavedSearch:
        return await self._change(name, paused=False)

    async def remove(self, name: str) -> SavedSearch:
        return self.kept.pop((await self.get(name)).id)

    async def test(self, name: str, write: Callable[[str], None] | None = None) -> int:  # noqa: ARG002 - as the real one
        await self.get(name)
        if self.refuses:
            raise FetchFault("answered 500", reason="http-500", retryable=True, status=500)
        return 3

    async def _change(self, name: str, **changes: Any) -> SavedSearch:
        changed = (await self.get(name)).model_copy(update=changes)
        self.kept[changed.id] = changed
        return changed

    def _look(self) -> None:
        if self.away:
            raise ServiceError("Elasticsearch does not answer")
