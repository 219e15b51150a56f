"""A guest at somebody's site, called by hand: the river's manners, robots.txt and all, and a bound on what is asked."""

from __future__ import annotations

import time
from datetime import datetime

from pipelines.errors import FetchFault
from pipelines.feed_formats import ParsedFeed
from pipelines.http.answer import Response
from pipelines.http.client import ACCEPT_FEED, Client
from pipelines.http.credentials import Credentials
from pipelines.http.polite_session import PoliteSession
from pipelines.http.robots import Robots, robots_after
from pipelines.http.site_parser import Parser
from pipelines.poll.sitemaps import oldest
from pipelines.settings import Settings

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
        robots_texts: the robots.txt that were read, by their address.
        parser: parses what comes.
    """

    def __init__(self, settings: Settings, client: Client, *, most: int, seconds: float) -> None:
        self.requests = 0
        self.robots_texts: dict[str, bytes] = {}
        self._settings = settings
        self._most = most
        self._ends_at = time.monotonic() + seconds
        self.parser = Parser(settings.sandbox)
        self.parser.prepare()
        self._session = PoliteSession(
            settings.fetch,
            client,
            self.parser,
            patience=_PATIENCE_SECONDS,
            admit=self._count,
            keep_robots=self.robots_texts.__setitem__,
        )

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
        return await self._session.get(
            url,
            max_bytes=self._settings.poll.max_feed_bytes,
            accept=ACCEPT_FEED if asked_for else _ACCEPT_ANY,
            credentials=credentials,
            heed_robots=not asked_for,
        )

    async def robots(self, url: str) -> Robots:
        """Give the robots.txt that counts for a URL; of a site that cannot be asked now, why."""
        try:
            return await self._session.robots(url)
        except FetchFault as fault:
            return robots_after(fault)

    async def _count(self, url: str) -> None:
        if self.requests >= self._most or time.monotonic() > self._ends_at:
            why = f"{self.requests} requests were made; that is enough for one visit"
            raise Enough(why, reason="enough", retryable=True, resource=url)
        self.requests += 1

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
