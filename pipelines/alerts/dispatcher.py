"""Delivers what waits: one message at a time for each saved search, again and again until it is taken."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.alerts.channels import GONE, Channels
from pipelines.alerts.deliveries import DeliveryStore
from pipelines.alerts.messages import AlertMessage, pause_after
from pipelines.alerts.saved_searches import SavedSearches
from pipelines.errors import FetchFault, NewsriverError
from pipelines.runtime.run_loop import spawn
from schemas.records import AlertChannel, SavedSearch

log = logging.getLogger(__name__)

_AT_ONCE = 16
_AGAIN_SECONDS = 5.0


@dataclass
class _Receiver:
    """How the deliveries of one saved search do."""

    failures: int = 0
    next_at: float = 0.0
    busy: bool = False


class Dispatcher:
    """Sends messages of some channels.

    Args:
        searches: notes which saved searches have trouble.
        deliveries: what waits.
        channels: sends.
        kinds: the channels that are sent to.
    """

    def __init__(
        self, searches: SavedSearches, deliveries: DeliveryStore, channels: Channels, kinds: Collection[AlertChannel]
    ) -> None:
        self._searches = searches
        self._deliveries = deliveries
        self._channels = channels
        self._kinds = kinds
        self._receivers: dict[str, _Receiver] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._looked = False

    async def look(self, known: Mapping[str, SavedSearch]) -> None:
        """Start what is due among what waits; comes back at once.

        Args:
            known: the saved searches by id.

        Raises:
            ServiceError: Elasticsearch does not answer.
        """
        if not self._looked:
            await self._deliveries.begin()
            await self._remember(known)
            self._looked = True
        for name in await self._deliveries.waiting():
            search = known.get(name)
            if search is None:
                continue
            receiver = self._receivers.setdefault(name, _Receiver())
            due = not receiver.busy and time.monotonic() >= receiver.next_at
            if due and search.channel in self._kinds and not search.paused:
                receiver.busy = True
                spawn(self._tasks, self._deliver(search, receiver))
        self._receivers = {name: one for name, one in self._receivers.items() if name in known or one.busy}

    async def drain(self, seconds: float) -> None:
        """Let what is under way end, and give up what does not in time; it is sent again."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in list(self._tasks):
            task.cancel()

    async def _remember(self, known: Mapping[str, SavedSearch]) -> None:
        """Count the pause between two digests from the last one, of another process perhaps."""
        for name, when in (await self._deliveries.last_deliveries()).items():
            if name in known:
                ago = (datetime.now(UTC) - when).total_seconds()
                left = max(0.0, known[name].every_seconds - ago)
                self._receivers[name] = _Receiver(next_at=time.monotonic() + left)

    async def _deliver(self, search: SavedSearch, receiver: _Receiver) -> None:
        """Send one message, mark it, and say when the next may be sent."""
        try:
            async with self._slots:
                articles = await self._deliveries.message(search.id)
                if articles:
                    await self._channels.send(AlertMessage(articles[0].message, search, tuple(articles)))
                    await self._deliveries.delivered(articles, datetime.now(UTC))
            receiver.failures, receiver.next_at = 0, time.monotonic() + search.every_seconds
            if search.trouble:
                await self._searches.note(search, "")
        except FetchFault as fault:
            await self._failed(search, receiver, fault)
        except NewsriverError as error:
            log.warning("alerts of %s wait: %s", search.id, error)
            receiver.next_at = time.monotonic() + _AGAIN_SECONDS
        finally:
            receiver.busy = False

    async def _failed(self, search: SavedSearch, receiver: _Receiver, fault: FetchFault) -> None:
        receiver.failures += 1
        pause = pause_after(receiver.failures, fault.retry_after)
        receiver.next_at = time.monotonic() + pause
        log.warning("alert %s is not delivered, again in %.0f s: %s", search.id, pause, fault.message)
        gone = fault.status == GONE
        if gone or search.trouble != fault.message:
            try:
                await self._searches.note(search, fault.message, paused=gone)
            except NewsriverError as error:
                log.warning("the trouble of alert %s is not kept: %s", search.id, error)
