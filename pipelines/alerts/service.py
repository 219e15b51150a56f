"""Saved searches at work: evaluate, deliver, again; waits for Elasticsearch as long as it takes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pipelines.alerts.channels import Channels
from pipelines.alerts.deliveries import DeliveryStore
from pipelines.alerts.dispatcher import Dispatcher
from pipelines.alerts.evaluator import Evaluator
from pipelines.alerts.progress import LeaseLost, ProgressStore
from pipelines.alerts.saved_searches import SavedSearches
from pipelines.backoff import Backoff
from pipelines.errors import NewsriverError
from pipelines.http.client import Client
from pipelines.search.client import AsyncElastic
from pipelines.settings import Settings
from schemas.records import AlertChannel, SavedSearch

log = logging.getLogger(__name__)

EVALUATOR, STDOUT = "evaluator", "stdout"
_LONGEST_WAIT_SECONDS = 20.0
_DRAIN_SECONDS = 1.5


class AlertService:
    """Runs the saved searches of a river.

    Any number of them may run: one evaluates and delivers, the others wait to take its place. Each that prints takes
    the place of printing as well.

    Args:
        client: the cluster.
        settings: all settings.
        http: makes the requests to webhooks.
        write: prints lines of what is found for saved searches of the kind `stdout`; None for no printing.
    """

    def __init__(
        self, client: AsyncElastic, settings: Settings, http: Client, write: Callable[[str], None] | None = None
    ) -> None:
        river = settings.river.name
        self._interval = settings.alerts.interval_seconds
        self._searches = SavedSearches(client, settings)
        deliveries, channels = DeliveryStore(client, settings), Channels(settings, http, write)
        self._places = {EVALUATOR: ProgressStore(client, river, EVALUATOR)}
        self._evaluator = Evaluator(client, settings, self._searches, deliveries, self._places[EVALUATOR])
        network = (AlertChannel.WEBHOOK, AlertChannel.EMAIL)
        self._sender = Dispatcher(self._searches, deliveries, channels, network)
        self._printer: Dispatcher | None = None
        if write is not None:
            self._places[STDOUT] = ProgressStore(client, river, STDOUT)
            self._printer = Dispatcher(self._searches, deliveries, channels, (AlertChannel.STDOUT,))
        self._failures = 0

    async def run(self, stopped: Callable[[], bool]) -> None:
        """Work until `stopped` says so, then drain; what is under way by then is sent again by the next.

        Args:
            stopped: asked several times a second.
        """
        while not stopped():
            await _pause(self._interval if await self._turn() else self._wait(), stopped)
        for each in (self._sender, self._printer):
            if each is not None:
                await each.drain(_DRAIN_SECONDS)
        for place in self._places.values():
            await _quietly(place.leave())

    async def _turn(self) -> bool:
        """Do one round; gives False where Elasticsearch does not answer."""
        try:
            if await self._places[EVALUATOR].hold():
                await self._evaluator.round()
                await self._sender.look(self._evaluator.known)
            if self._printer is not None and await self._places[STDOUT].hold():
                await self._printer.look(await self._known())
        except LeaseLost:
            log.info("another process runs the saved searches now")
        except NewsriverError as error:
            self._failures += 1
            if self._failures in (1, 10) or not self._failures % 100:
                log.warning("saved searches wait: %s", error)
            return False
        except Exception:  # a fault of ours must not end it for good without a word
            log.exception("a round of the saved searches failed")
            self._failures += 1
            return False
        if self._failures:
            log.info("saved searches go on")
            self._failures = 0
        return True

    async def _known(self) -> dict[str, SavedSearch]:
        return {one.id: one for one in await self._searches.all()}

    def _wait(self) -> float:
        return Backoff(self._interval, max(self._interval, _LONGEST_WAIT_SECONDS), jitter=0.5).pause(self._failures)


async def _pause(seconds: float, stopped: Callable[[], bool]) -> None:
    """Wait, and not on after `stopped`."""
    ends_at = asyncio.get_running_loop().time() + seconds
    while not stopped() and (left := ends_at - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(min(0.2, left))


async def _quietly(work: Awaitable[None]) -> None:
    try:
        await work
    except (NewsriverError, LeaseLost) as error:
        log.debug("a place is not given up: %s", error)
