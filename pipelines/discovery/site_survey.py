"""A look round a site for its feeds: what `newsriver feeds discover` does, without any server."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipelines.discovery.candidates import Candidate, FoundFeed, How, found, merged, ranked, usual
from pipelines.discovery.guest import Enough, Guest
from pipelines.errors import FeedFault, FetchFault
from pipelines.feeds.duplicates import address_key
from pipelines.http.answer import Response
from pipelines.http.client import Client
from pipelines.settings import Settings
from pipelines.urls import fetchable_url, origin_of

MAX_REQUESTS = 50
"""Requests of one survey, robots.txt and redirects included."""
MAX_SECONDS = 180.0
"""No request starts later than this after the first: a site with a long crawl-delay is asked less."""

_MAX_LISTINGS = 3  # pages that turn up where a feed was looked for may list feeds: /rss of many papers does
_UNREACHABLE = frozenset({"dns", "connect", "tls", "timeout", "disconnected"})

Step = Callable[[str], None]


@dataclass(frozen=True)
class Survey:
    """What a look round a site gave.

    Attributes:
        site: address of the page that was looked at first, after redirects.
        feeds: what was found, the best first.
        tried: what was looked at in vain: why, by address, in the order of asking.
        requests: how many were made.
        stopped: whether there was more to ask than one survey may.
    """

    site: str
    feeds: list[FoundFeed]
    tried: dict[str, str]
    requests: int
    stopped: bool


def discover(settings: Settings, site: str, step: Step = lambda _: None) -> Survey:
    """Look for the feeds of a site.

    Args:
        settings: all settings.
        site: address of any of its pages; without a scheme https is tried, then http.
        step: told of each address before it is asked.

    Raises:
        FetchFault: the site cannot be reached.
        FeedFault: the address is none.
    """
    return asyncio.run(_discover(settings, site, step))


async def _discover(settings: Settings, site: str, step: Step) -> Survey:
    async with Client(settings) as client:
        with closing(Guest(settings, client, most=MAX_REQUESTS, seconds=MAX_SECONDS)) as guest:
            return await _Surveyor(guest, step).survey(site)


@dataclass
class _Surveyor:
    guest: Guest
    step: Step
    feeds: list[FoundFeed] = field(default_factory=list)
    tried: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    queue: deque[Candidate] = field(default_factory=deque)
    listings: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def survey(self, site: str) -> Survey:
        here = await self._first_page(site)
        await self.guest.robots(here)  # known by now, but for a page that was refused on the way
        text = self.guest.robots_texts.get(f"{origin_of(here)}/robots.txt", b"")
        self.queue.extend([*await self.guest.parser.sitemaps_of_robots(text, here), *usual(here)])
        stopped = False
        while self.queue and not stopped:
            candidate = self.queue.popleft()
            key = address_key(candidate.url)
            if key in self.seen:
                continue
            self.seen.add(key)
            try:
                await self._look(candidate)
            except Enough:
                stopped = True
        feeds = ranked(merged(self.feeds), self.at)
        return Survey(here, feeds, self.tried, self.guest.requests, stopped)

    async def _first_page(self, site: str) -> str:
        """Look at the page that was named, and give where it is in the end."""
        url = fetchable_url(site if "://" in site else f"https://{site}")
        try:
            return await self._look_at_page(url)
        except FetchFault as fault:
            if fault.reason not in _UNREACHABLE or "://" in site:
                raise
        return await self._look_at_page(fetchable_url(f"http://{site}"))

    async def _look_at_page(self, url: str) -> str:
        self.step(url)
        try:
            answer = await self.guest.get(url)
        except FetchFault as fault:
            if fault.status is None and fault.reason not in ("robots", "too-large"):
                raise
            self.tried[url] = fault.reason  # the feeds of a site that hides its front page may be open
            return url
        self.seen |= {address_key(each) for each in (url, answer.url)}
        try:
            parsed = await self.guest.read(answer, self.at)
            self.feeds.append(found(Candidate(url, How.GIVEN), answer.url, parsed))
        except FeedFault:
            self.queue.extend(await self.guest.parser.feeds_of_page(answer.body, answer.url))
        return answer.url

    async def _look(self, candidate: Candidate) -> None:
        """Read one candidate; what is no feed is noted with its reason."""
        self.step(candidate.url)
        try:
            answer = await self.guest.get(candidate.url)
        except Enough:
            raise
        except FetchFault as fault:
            self.tried[candidate.url] = fault.reason
            return
        try:
            self.feeds.append(found(candidate, answer.url, await self.guest.read(answer, self.at)))
        except FeedFault as fault:
            self.tried[candidate.url] = fault.reason
            if fault.reason == "html":
                await self._look_at_listing(candidate, answer)

    async def _look_at_listing(self, candidate: Candidate, answer: Response) -> None:
        """Look at what a page lists next, before the guesses, unless it is one that was looked at."""
        key = address_key(answer.url)
        if self.listings == _MAX_LISTINGS or (key in self.seen and key != address_key(candidate.url)):
            return
        self.seen.add(key)
        listed = await self.guest.parser.feeds_of_page(answer.body, answer.url)
        fresh = [each for each in listed if address_key(each.url) not in self.seen]
        self.listings += bool(fresh)
        self.queue.extendleft(reversed(fresh))
