"""What all operations share: the client, the river's indices, and what a server or an index may lack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from pipelines.errors import UsageError
from pipelines.index.documents import articles_alias
from pipelines.search.bodies import STORY_SOURCES
from pipelines.search.client import AsyncElastic, connect_async
from pipelines.settings import Settings

Json = dict[str, Any]

# Before the first article there is no index: that is an empty answer, not an error. Half an answer is an error.
READ = {"ignore_unavailable": "true", "allow_no_indices": "true"}
WHOLE = READ | {"allow_partial_search_results": "false"}


@dataclass
class SearchSession:
    """One river's articles on one cluster.

    Args:
        client: the cluster.
        settings: all settings.
    """

    client: AsyncElastic
    settings: Settings
    _fields: frozenset[str] | None = field(default=None, init=False)

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Make one with a client of its own, inside a running event loop; nothing is sent yet.

        Raises:
            ServiceError, SettingsError: as `connect_async`.
        """
        return cls(connect_async(settings), settings)

    async def __aenter__(self) -> Self:
        """Give itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        await self.client.close()

    @property
    def alias(self) -> str:
        """The alias that articles are read through."""
        return articles_alias(self.settings.river.name)

    async def ask(self, body: Json) -> Json:
        """Search the river's articles; an answer of some shards only is an error.

        Raises:
            ServiceError: Elasticsearch does not answer, or only in part.
            NewsriverError: it refuses.
        """
        answer: Json = await self.client.ask("POST", f"/{self.alias}/_search", body, WHOLE)
        return answer

    async def known_fields(self) -> frozenset[str]:
        """Give the fields of the river's indices that not every version of them has."""
        if self._fields is None:
            wanted = {"fields": f"{STORY_SOURCES},*.as_written,site,indexed_at"}
            answer = await self.client.ask("GET", f"/{self.alias}/_field_caps", None, READ | wanted)
            self._fields = frozenset(answer.get("fields", {})) if answer.get("indices") else None
        return self._fields or frozenset()


def within(limit: int, most: int) -> int:
    """Check a number of results.

    Raises:
        UsageError: it is out of bounds; `resource` is `limit`.
    """
    if not 0 <= limit <= most:
        raise UsageError(f"limit {limit} is not between 0 and {most}", resource="limit")
    return limit
