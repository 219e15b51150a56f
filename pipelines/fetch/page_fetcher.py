"""One try to get an entry's page, politely: robots.txt, the host's turn, redirects, what follows from the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from pipelines.errors import FeedFault, FetchFault, RecordFault
from pipelines.fetch.fetch_result import FetchResult, after_answer, after_fault, postponed, skipped
from pipelines.fetch.soft_redirects import refresh_target
from pipelines.http.answer import Response
from pipelines.http.client import ACCEPT_PAGE, Client, Show
from pipelines.http.machine_gate import host_gate
from pipelines.http.politeness import HostOnHold, Learn
from pipelines.http.robots import ROBOTS_BYTES, Robots
from pipelines.http.robots_cache import RobotsCache
from pipelines.http.site_parser import ROBOTS, Parser
from pipelines.settings import Settings
from pipelines.urls import host_of, origin_of
from schemas.records import Entry

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 300.0
"""Longest wait for a host before its entry goes to a later-tier."""

_LOOK_SECONDS = 0.1
_NOT_THERE = frozenset({"address-refused", "connect", "disconnected", "dns", "timeout", "tls"})
"""Reasons that say nothing of the robots.txt itself: its page would not come either."""


class Forbidden(RecordFault):
    """robots.txt keeps us out."""


class PageFetcher:
    """Makes visits, any number at once, one at a time for each host.

    Args:
        settings: all settings.
        client: makes the requests.
        has_room: tells whether one more page may be held; no request is begun before.
    """

    def __init__(self, settings: Settings, client: Client, has_room: Callable[[], bool]) -> None:
        self._settings = settings.fetch
        self._client = client
        self._has_room = has_room
        self._gate = host_gate(settings.fetch, PATIENCE_SECONDS)
        self._parser = Parser(settings.sandbox, preload=[ROBOTS])
        self._robots = RobotsCache(self._get_robots, limit=settings.fetch.known_hosts)
        self._slots = asyncio.Semaphore(settings.fetch.concurrency)

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
            wait = self._gate.expected_wait(host_of(entry.link))
        except FeedFault:
            return None  # the visit itself finds out what is wrong with the link
        return postponed(entry, wait, now(), self._settings) if wait > patience else None

    async def _page(self, entry: Entry) -> Response:
        """Get a page; one that only sends on to another is followed once."""
        most = self._settings.max_page_bytes
        answer = await self._client.get(
            entry.link,
            max_bytes=most,
            accept=ACCEPT_PAGE,
            etag=entry.etag,
            last_modified=entry.last_modified,
            hop=self._hop,
        )
        target = refresh_target(answer.body, answer.url)
        if not target:
            return answer
        landed = await self._client.get(target, max_bytes=most, accept=ACCEPT_PAGE, hop=self._hop)
        # The next visit would send its validators to the page that sends on.
        headers = {name: text for name, text in landed.headers.items() if name not in ("etag", "last-modified")}
        passed = (*answer.redirects, answer.url, *landed.redirects)
        return replace(landed, headers=headers, redirects=passed, elapsed_ms=answer.elapsed_ms + landed.elapsed_ms)

    @asynccontextmanager
    async def _hop(self, url: str) -> AsyncIterator[None]:
        """Let a request to a page through when the site allows it and it is our turn there."""
        robots = await self._robots.of(origin_of(url))
        if robots.fault is not None:
            raise _unreachable(robots.fault)
        if reason := robots.refusal(url):
            raise Forbidden("robots.txt keeps us out", reason=reason, resource=url)
        self._gate.set_delay(host_of(url), robots.delay_seconds)
        async with self._turn_at(url):
            yield  # a page says nothing of the pace

    @asynccontextmanager
    async def _turn_at(self, url: str) -> AsyncIterator[Learn]:
        async with self._gate.turn(host_of(url)) as learn, self._slots:
            while not self._has_room():
                await asyncio.sleep(_LOOK_SECONDS)
            yield learn

    async def _get_robots(self, url: str) -> Robots:
        """Get a robots.txt and parse it within the host's turn: its crawl-delay counts before anybody else has one."""
        found = Robots()

        @asynccontextmanager
        async def hop(url: str) -> AsyncIterator[Show]:
            async with self._turn_at(url) as learn:

                async def show(answer: Response) -> None:
                    nonlocal found
                    if answer.body:  # else it sends on to another place
                        found = await self._parser.robots(answer.body)
                        learn(found.delay_seconds)

                yield show

        accept = "text/plain,*/*;q=0.1"
        await self._client.get(url, max_bytes=ROBOTS_BYTES, accept=accept, hop=hop, cut=True)
        return found

    def close(self) -> None:
        """End the children that parse."""
        self._parser.close()


def now() -> datetime:
    """Give the present in milliseconds, which is what a document's version counts."""
    present = datetime.now(UTC)
    return present.replace(microsecond=present.microsecond // 1000 * 1000)


def _unreachable(fault: FetchFault) -> FetchFault:
    """Say that a site's robots.txt keeps us out for now: the file itself, its status, or a site that is not there."""
    reason = fault.reason if fault.reason in _NOT_THERE else f"robots-{fault.reason}"
    return FetchFault(
        f"robots.txt: {fault.message}",
        reason=reason,
        retryable=fault.retryable,
        retry_after=fault.retry_after,
        resource=fault.resource,
    )
