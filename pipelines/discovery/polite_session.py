"""A guest at somebody's site, called by hand: the river's manners, robots.txt and all, and a bound on what is asked."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from pipelines.errors import FetchFault
from pipelines.feed_formats import ParsedFeed
from pipelines.http.answer import Response
from pipelines.http.client import ACCEPT_FEED, ACCEPT_PAGE, Client
from pipelines.http.credentials import Credentials
from pipelines.http.machine_gate import host_gate
from pipelines.http.robots import ROBOTS_BYTES, Robots, robots_after
from pipelines.http.robots_cache import RobotsCache
from pipelines.http.site_parser import Parser
from pipelines.poll.sitemaps import oldest
from pipelines.settings import Settings
from pipelines.urls import host_of, origin_of

_PATIENCE_SECONDS = 60.0
_ACCEPT_ANY = f"{ACCEPT_FEED},text/html;q=0.8"


class Enough(FetchFault):
    """The visit has asked as much as it may."""


class Guest:
    """Makes requests one at a time per host, with a pause, beside the river's own on this machine, and counts them.

    Args:
        settings: all settings.
        client: an open client.
        most: requests that may be made, robots.txt and redirects included.
        seconds: time after which no further request starts.

    Attributes:
        requests: how many were made.
        robots_texts: the robots.txt that were read, by their origin.
        parser: parses what comes.
    """

    def __init__(self, settings: Settings, client: Client, *, most: int, seconds: float) -> None:
        self.requests = 0
        self.robots_texts: dict[str, bytes] = {}
        self._settings = settings
        self._client = client
        self._most = most
        self._ends_at = time.monotonic() + seconds
        self._gate = host_gate(settings.fetch, _PATIENCE_SECONDS)
        self._robots = RobotsCache(self._get_robots)
        self.parser = Parser(settings.sandbox)
        self.parser.prepare()

    async def get(self, url: str, *, asked_for: bool = False, credentials: Credentials | None = None) -> Response:
        """Ask for a feed, or a page that may lead to one.

        Args:
            url: the address.
            asked_for: whether the user named it: then robots.txt has no say, as when it is polled.
            credentials: those of one origin.

        Raises:
            FetchFault: as `Client.get`; reason `robots` where robots.txt keeps us out.
            Enough: no more may be asked.
        """
        return await self._client.get(
            url,
            max_bytes=self._settings.poll.max_feed_bytes,
            accept=ACCEPT_FEED if asked_for else _ACCEPT_ANY,
            hop=self._turn if asked_for else self._hop,
            credentials=credentials,
        )

    async def robots(self, url: str) -> Robots:
        """Give the robots.txt that counts for a URL; of a site that cannot be asked now, why."""
        try:
            robots = await self._robots.of(origin_of(url))
        except FetchFault as fault:
            return robots_after(fault)
        self._gate.set_delay(host_of(url), robots.delay_seconds)
        return robots

    @asynccontextmanager
    async def _hop(self, url: str) -> AsyncIterator[None]:
        robots = await self.robots(url)
        if robots.fault is not None:
            raise robots.fault
        if reason := robots.refusal(url):
            raise FetchFault("robots.txt keeps us out", reason=reason, retryable=False, resource=url)
        async with self._turn(url):
            yield

    @asynccontextmanager
    async def _turn(self, url: str) -> AsyncIterator[None]:
        if self.requests >= self._most or time.monotonic() > self._ends_at:
            why = f"{self.requests} requests were made; that is enough for one visit"
            raise Enough(why, reason="enough", retryable=True, resource=url)
        async with self._gate.turn(host_of(url)):
            self.requests += 1
            yield

    async def _get_robots(self, url: str) -> Robots:
        answer = await self._client.get(url, max_bytes=ROBOTS_BYTES, accept=ACCEPT_PAGE, hop=self._turn, cut=True)
        self.robots_texts[origin_of(url)] = answer.body
        return await self.parser.robots(answer.body)

    async def read(self, answer: Response, at: datetime) -> ParsedFeed:
        """Read what came, as a poll at that time does: of sitemaps only what is recent.

        Raises:
            FeedFault: it is no feed.
        """
        polls = self._settings.poll
        return await self.parser.feed(answer, max_bytes=polls.max_feed_bytes, since=oldest(at, polls.sitemap_days))

    def close(self) -> None:
        """End the children that parse."""
        self.parser.close()
