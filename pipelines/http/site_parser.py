"""What sites send, parsed in the sandbox: child processes under the kernel's limits, awaited by the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from pipelines.errors import FeedFault, FetchFault, Poison
from pipelines.http.answer import Response
from pipelines.http.robots import Robots, robots_after
from pipelines.runtime.threads import run_in_thread
from pipelines.sandbox import CRASHED, Limits, Sandbox, work
from pipelines.settings import SandboxSettings

if TYPE_CHECKING:
    from pipelines.discovery.candidates import Candidate
    from pipelines.feed_formats import ParsedFeed

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LARGE_BYTES = 500_000
"""A larger document may take seconds, as may one that took too much before: one child is kept for all the others."""

FEEDS, ROBOTS = "pipelines.feed_formats", "pipelines.http.robots"
"""What a child may import before its first call."""


def took_too_much(reason: str | None) -> bool:
    """Tell whether a feed's last failure was that it took more than the limits allow."""
    return reason is not None and (reason.startswith("killed-") or reason == CRASHED)


class Parser:
    """Parses what sites send, a few documents at a time; used on one event loop.

    Args:
        settings: number and limits of the children, which are started when they are needed.
        preload: modules that a child imports before its first call.
    """

    def __init__(self, settings: SandboxSettings, preload: Sequence[str] = (FEEDS, ROBOTS)) -> None:
        # The clock's limit is for what waits without computing, which nothing here does.
        limits = Limits(settings.cpu_seconds, settings.memory_mb, wall_seconds=4 * settings.cpu_seconds + 5)
        self._isolation = Sandbox(limits, preload)
        self._slots = asyncio.Semaphore(settings.processes)
        self._slow_slots = asyncio.Semaphore(max(1, settings.processes - 1))

    def prepare(self) -> None:
        """Start a child beside whatever else starts now."""
        self._isolation.prepare()

    def close(self) -> None:
        """End the children that are idle."""
        self._isolation.close()

    async def feed(self, answer: Response, *, max_bytes: int, since: datetime | None, slow: bool = False) -> ParsedFeed:
        """Parse a feed, a sitemap or a sitemap index.

        Args:
            answer: what the server sent.
            max_bytes: as for `pipelines.feed_formats.parse_feed`.
            since: as for `pipelines.feed_formats.parse_feed`.
            slow: whether it took too much the last time.

        Raises:
            FeedFault: it is no feed, or takes more than the limits allow (`killed-cpu`, `killed-memory`,
                `killed-time`, `crashed`), or breaks the parser (`unexpected-error`).
        """
        slow = slow or len(answer.body) > LARGE_BYTES
        try:
            return await self._call(
                slow,
                work.read_feed,
                answer.body,
                url=answer.url,
                content_type=answer.content_type,
                max_bytes=max_bytes,
                since=since,
            )
        except Poison as poison:
            raise FeedFault(f"feed not read: {poison.message}", reason=poison.reason, resource=answer.url) from poison

    async def robots(self, body: bytes) -> Robots:
        """Parse a robots.txt; one that cannot be read keeps us out for now, as one that cannot be had does."""
        try:
            return await self._call(False, work.read_robots, body)
        except FetchFault as fault:
            return robots_after(fault)
        except Poison as poison:
            return robots_after(FetchFault(poison.message, reason=poison.reason, retryable=True))

    async def feeds_of_page(self, body: bytes, url: str) -> list[Candidate]:
        """Find what may be a feed in a web page; nothing in one that takes more than the limits allow."""
        return await self._candidates(work.feeds_of_page, body, url)

    async def sitemaps_of_robots(self, body: bytes, url: str) -> list[Candidate]:
        """Find the sitemaps that a robots.txt names; nothing in one that takes more than the limits allow."""
        return await self._candidates(work.sitemaps_of_robots, body, url)

    async def _candidates(
        self, function: Callable[[bytes, str], list[Candidate]], body: bytes, url: str
    ) -> list[Candidate]:
        try:
            return await self._call(False, function, body, url)
        except Poison as poison:
            log.warning("%s: %s", url, poison)
            return []

    async def _call(self, slow: bool, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._slow_slots if slow else nullcontext(), self._slots:
            return await run_in_thread(self._isolation.call, function, *args, **kwargs)
