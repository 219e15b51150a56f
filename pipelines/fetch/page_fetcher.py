"""One try to get an entry's page, politely: robots.txt, the host's turn, redirects, what follows from the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from pipelines.errors import FeedFault, FetchFault
from pipelines.fetch.fetch_result import FetchResult, after_answer, after_fault, postponed, skipped
from pipelines.fetch.soft_redirects import refresh_target
from pipelines.http.answer import Response
from pipelines.http.client import Client
from pipelines.http.polite_session import Forbidden, PoliteSession
from pipelines.http.politeness import HostOnHold
from pipelines.http.site_parser import ROBOTS, Parser
from pipelines.settings import Settings
from pipelines.urls import host_of
from schemas.records import Entry

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 300.0
"""Longest wait for a host before its entry goes to a later-tier."""

_LOOK_SECONDS = 0.1


class PageFetcher:
    """Makes visits, any number at once, one at a time for each host.

    Args:
        settings: all settings.
        client: makes the requests.
        has_room: tells whether one more page may be held; no request is begun before.
    """

    def __init__(self, settings: Settings, client: Client, has_room: Callable[[], bool]) -> None:
        self._settings = settings.fetch
        self._has_room = has_room
        self._parser = Parser(settings.sandbox, preload=[ROBOTS])
        self._session = PoliteSession(
            settings.fetch, client, self._parser, patience=PATIENCE_SECONDS, admit=self._wait_for_room
        )

    async def visit(self, entry: Entry, origin: str) -> FetchResult:
        """Make one try; whatever happens ends as a visit.

        Args:
            entry: what to fetch.
            origin: Kafka coordinates of its record.
        """
        try:
            return after_answer(entry, await self._page(entry), now(), self._settings, origin)
        except HostOnHold as hold:
            return postponed(entry, hold.retry_after or 0.0, now(), self._settings)
        except Forbidden as fault:
            return skipped(entry, fault.reason, fault.message, now(), origin)
        except FetchFault as fault:
            log.info("%s: %s (try %d)", entry.link, fault, entry.attempt + 1)
            return after_fault(entry, fault, now(), self._settings, origin)
        except Exception as error:  # a fault of ours must not lose the entry: it is tried again, then set aside
            log.exception("visit of %s", entry.link)
            kind = f"internal-{type(error).__name__.lower()}"
            ours = FetchFault(f"{type(error).__name__}: {error}", reason=kind, retryable=True, resource=entry.link)
            return after_fault(entry, ours, now(), self._settings, origin)

    def put_off(self, entry: Entry, patience: float) -> FetchResult | None:
        """Give the visit of an entry whose host is busy for longer than `patience` seconds, None where it is not."""
        try:
            wait = self._session.gate.expected_wait(host_of(entry.link))
        except FeedFault:
            return None  # the visit itself finds out what is wrong with the link
        return postponed(entry, wait, now(), self._settings) if wait > patience else None

    async def _page(self, entry: Entry) -> Response:
        """Get a page; one that only sends on to another is followed once."""
        most = self._settings.max_page_bytes
        answer = await self._session.get(entry.link, max_bytes=most, etag=entry.etag, last_modified=entry.last_modified)
        target = refresh_target(answer.body, answer.url)
        if not target:
            return answer
        landed = await self._session.get(target, max_bytes=most)
        # The next visit would send its validators to the page that sends on.
        headers = {name: text for name, text in landed.headers.items() if name not in ("etag", "last-modified")}
        passed = (*answer.redirects, answer.url, *landed.redirects)
        return replace(landed, headers=headers, redirects=passed, elapsed_ms=answer.elapsed_ms + landed.elapsed_ms)

    async def _wait_for_room(self, url: str) -> None:  # noqa: ARG002 - an `Admit`'s signature
        while not self._has_room():
            await asyncio.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """End the children that parse."""
        self._parser.close()


def now() -> datetime:
    """Give the present in milliseconds, which is what a document's version counts."""
    present = datetime.now(UTC)
    return present.replace(microsecond=present.microsecond // 1000 * 1000)
