"""Requests with the river's manners: one at a time to each host of this machine, a pause between, robots.txt heeded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from pipelines.errors import FetchFault
from pipelines.http.answer import Response
from pipelines.http.client import ACCEPT_PAGE, Client, Hop, Show
from pipelines.http.credentials import Credentials
from pipelines.http.machine_gate import host_gate
from pipelines.http.politeness import Learn
from pipelines.http.robots import ROBOTS_BYTES, Robots
from pipelines.http.robots_cache import RobotsCache
from pipelines.http.site_parser import Parser
from pipelines.settings import FetchSettings
from pipelines.urls import host_of, origin_of

_ACCEPT_ROBOTS = "text/plain,*/*;q=0.1"
_NOT_THERE = frozenset({"address-refused", "connect", "disconnected", "dns", "timeout", "tls"})
"""Reasons that say nothing of the robots.txt itself: its page would not come either."""

Admit = Callable[[str], Awaitable[None]]
"""Called with the URL when it is a request's turn; may wait, or refuse it by an exception."""


class Forbidden(FetchFault):
    """robots.txt keeps us out."""


async def _admit_all(url: str) -> None:
    """Let every request through."""


def _keep_none(url: str, body: bytes) -> None:
    """Keep no robots.txt as it came."""


class PoliteSession:
    """Makes requests, any number at once, one at a time to each host.

    Args:
        settings: the pause, how many at once, and how many robots.txt are kept.
        client: an open client.
        parser: parses each robots.txt.
        patience: longest wait in seconds for a host's turn.
        concurrency: most requests at once; None for that of the settings.
        admit: asked when it is a request's turn.
        keep_robots: given the address and the bytes of each robots.txt.
    """

    def __init__(
        self,
        settings: FetchSettings,
        client: Client,
        parser: Parser,
        *,
        patience: float,
        concurrency: int | None = None,
        admit: Admit = _admit_all,
        keep_robots: Callable[[str, bytes], None] = _keep_none,
    ) -> None:
        self.gate = host_gate(settings, patience)
        self._client = client
        self._parser = parser
        self._admit = admit
        self._keep_robots = keep_robots
        self._slots = asyncio.Semaphore(concurrency or settings.concurrency)
        self._robots = RobotsCache(self._get_robots, limit=settings.known_hosts)

    async def get(
        self,
        url: str,
        *,
        max_bytes: int,
        accept: str = ACCEPT_PAGE,
        etag: str | None = None,
        last_modified: str | None = None,
        credentials: Credentials | None = None,
        heed_robots: bool = True,
    ) -> Response:
        """Fetch one URL when it is its turn, as `Client.get` does.

        Args:
            url: as for `Client.get`, like the arguments that are not named here.
            max_bytes: most bytes of the body.
            accept: the Accept header.
            etag: validator of what the caller has.
            last_modified: the same.
            credentials: those of one origin.
            heed_robots: whether robots.txt has a say; it has none about a feed that a person named.

        Raises:
            FetchFault: as `Client.get`, or the fault by which a robots.txt cannot be had.
            Forbidden: robots.txt keeps us out, of the URL or of one that it redirects to.
            HostOnHold: the host may not be asked within the patience.
        """
        hop: Hop = self._heeding if heed_robots else self._turn
        return await self._client.get(
            url,
            max_bytes=max_bytes,
            accept=accept,
            etag=etag,
            last_modified=last_modified,
            credentials=credentials,
            hop=hop,
        )

    async def robots(self, url: str) -> Robots:
        """Give the robots.txt that counts for a URL, and keep to its crawl-delay from now on.

        Raises:
            HostOnHold: the host may not be asked now.
        """
        robots = await self._robots.of(origin_of(url))
        if robots.fault is None:
            self.gate.set_delay(host_of(url), robots.delay_seconds)
        return robots

    @asynccontextmanager
    async def _heeding(self, url: str) -> AsyncIterator[None]:
        robots = await self.robots(url)
        if robots.fault is not None:
            raise _unreachable(robots.fault)
        if reason := robots.refusal(url):
            raise Forbidden("robots.txt keeps us out", reason=reason, retryable=False, resource=url)
        async with self._turn(url):
            yield

    @asynccontextmanager
    async def _turn(self, url: str) -> AsyncIterator[None]:
        async with self._learning(url):
            yield  # neither a page nor a feed says anything of the pace

    @asynccontextmanager
    async def _learning(self, url: str) -> AsyncIterator[Learn]:
        async with self.gate.turn(host_of(url)) as learn, self._slots:
            await self._admit(url)
            yield learn

    async def _get_robots(self, url: str) -> Robots:
        """Get a robots.txt and parse it within the host's turn: its crawl-delay counts before anybody else has one."""
        found = Robots()

        @asynccontextmanager
        async def hop(here: str) -> AsyncIterator[Show]:
            async with self._learning(here) as learn:

                async def show(answer: Response) -> None:
                    nonlocal found
                    if answer.body:  # else it sends on to another place
                        self._keep_robots(url, answer.body)
                        found = await self._parser.robots(answer.body)
                        learn(found.delay_seconds)

                yield show

        await self._client.get(url, max_bytes=ROBOTS_BYTES, accept=_ACCEPT_ROBOTS, hop=hop, cut=True)
        return found


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
