"""What the pages tell of the river beside its articles: an article's way, and how the feeds do."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing

from pipelines.errors import ServiceError
from pipelines.feeds.feed_status import FeedStatus, standings
from pipelines.feeds.store import stored_feeds, stored_states
from pipelines.index.elastic import connect
from pipelines.ledger import lookup
from pipelines.ledger.trace import Hop, hop_of
from pipelines.runtime.threads import run_in_thread
from pipelines.settings import Settings

_KEEP_SECONDS = 30.0
_PATIENCE_SECONDS = 10.0


class River:
    """Reads the ledger and the feed list.

    Args:
        settings: for the servers and the river's name.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._one_at_a_time = asyncio.Lock()
        self._feeds: list[FeedStatus] = []
        self._read_at: float | None = None

    async def hops(self, article_id: str) -> list[Hop]:
        """Give an article's steps that are in the ledger, oldest first.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        return await run_in_thread(self._hops, article_id)

    async def feeds(self) -> list[FeedStatus]:
        """Give the feeds of the list: two whole topics are read for it, so once in half a minute for all callers.

        Raises:
            ServiceError: Kafka does not answer.
        """
        async with self._one_at_a_time:
            now = time.monotonic()
            if self._read_at is None or now - self._read_at > _KEEP_SECONDS:
                try:
                    self._feeds = await asyncio.wait_for(run_in_thread(self._standings), _PATIENCE_SECONDS)
                except TimeoutError:
                    raise ServiceError("Kafka does not answer", hint="`newsriver doctor` says more") from None
                self._read_at = now
            return self._feeds

    def _hops(self, article_id: str) -> list[Hop]:
        with closing(connect(self._settings)) as client:
            return [hop_of(line) for line in lookup.outcomes(client, self._settings.river.name, [article_id])]

    def _standings(self) -> list[FeedStatus]:
        return standings(stored_feeds(self._settings), stored_states(self._settings))
