"""The role `serve`: the HTTP server, the saved searches, and as an option the WebSub subscriber."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pipelines.alerts.service import AlertService
from pipelines.errors import SettingsError
from pipelines.http.client import Client
from pipelines.index.preflight import require_rights
from pipelines.runtime.frame import RunningRole
from pipelines.runtime.heartbeat import Waits
from pipelines.runtime.run_loop import run_loop
from pipelines.search.operations import Search
from pipelines.settings import Settings
from pipelines.web.app import application
from pipelines.web.callbacks import callbacks
from pipelines.web.listen import listening
from pipelines.web.river import River
from pipelines.websub.subscriber import Subscriber
from schemas.topics import MAX_RECORD_BYTES, Role

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
_ALERTS_DRAIN_SECONDS = 2.0
_ROOM_FOR_HEADERS = 100_000


def run(running: RunningRole) -> None:
    """Serve until it is told to stop.

    Raises:
        SettingsError: `serve.websub` is on and `serve.public_url` is empty.
        ServiceError: Kafka does not answer at the start, or its topics do not exist; Elasticsearch refuses us.
        NewsriverError: the server cannot listen.
    """
    serve = running.settings.serve
    if serve.websub and not serve.public_url:
        raise SettingsError(
            "serve.websub needs serve.public_url",
            hint="set the address under which hubs reach this server, e.g. https://news.example.org",
            resource="serve.public_url",
        )
    require_rights(running.settings, Role.SERVE)
    asyncio.run(_run(running))


async def _run(running: RunningRole) -> None:
    settings = running.settings
    async with Search.connect(settings) as search, _alerts(running, search):
        if settings.serve.websub:
            await _run_with_hubs(running, search)
            return
        app = application(settings, lambda: _waiting(running.waits), search, River(settings))
        async with listening(app, settings):
            log.info("serving on %s:%d", settings.serve.host, settings.serve.port)
            while not running.stop.is_set():
                running.loop.tick()
                await asyncio.sleep(_LOOK_SECONDS)


@asynccontextmanager
async def _alerts(running: RunningRole, search: Search) -> AsyncIterator[None]:
    """Run the saved searches beside the server, where the settings say so."""
    settings, stop = running.settings, running.stop
    if not settings.alerts.with_serve:
        yield
        return
    async with Client(settings) as http:
        work = asyncio.create_task(AlertService(search.client, settings, http).run(stop.is_set))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait([work], timeout=_ALERTS_DRAIN_SECONDS)
            work.cancel()


async def _run_with_hubs(running: RunningRole, search: Search) -> None:
    settings, waits, serve = running.settings, running.waits, running.settings.serve
    async with Client(settings) as client:
        subscriber = Subscriber(settings, client, waits)
        app = application(settings, lambda: {**_waiting(waits), "websub": subscriber.status()}, search, River(settings))
        app.include_router(callbacks(subscriber, _most_bytes(settings)))
        async with listening(app, settings):
            log.info("serving on %s:%d, WebSub callbacks below %s", serve.host, serve.port, serve.public_url)
            await run_loop(subscriber.connect, running.stop, running.loop)


def _waiting(waits: Waits) -> dict[str, Any]:
    now = waits.now
    if now is None:
        return {"waits_for": None}
    reason, detail, since = now
    return {"waits_for": reason, "detail": detail, "since": since.isoformat()}


def _most_bytes(settings: Settings) -> int:
    """Give the most bytes that a push may have: what `poll` takes of a feed, and what fits into a record."""
    return min(settings.poll.max_feed_bytes, MAX_RECORD_BYTES - _ROOM_FOR_HEADERS)
