"""One feed as the river would read it, without any server: what `newsriver feeds check` shows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.discovery.guest import Guest
from pipelines.discovery.lint import Remark, RobotsAccess, remarks
from pipelines.errors import RecordFault
from pipelines.feed_formats import ParsedFeed
from pipelines.feeds.lists import feed_of
from pipelines.http.answer import Response
from pipelines.http.client import Client
from pipelines.http.credentials import Credentials
from pipelines.poll.poll_result import AnnouncedEntries, PollResult, after_feed
from pipelines.poll.schedule import first_state
from pipelines.poll.sitemaps import Asked, Walk, oldest
from pipelines.settings import PollSettings, Settings
from pipelines.urls import origin_of
from schemas.records import Feed

_MAX_REQUESTS = 25
_MAX_SECONDS = 60.0
_MAX_HOSTS = 3  # whose robots.txt is read: most feeds lead to one


@dataclass(frozen=True)
class Checked:
    """What a first poll of a feed brings.

    Attributes:
        answer: what the server sent.
        parsed: what it says.
        announcement: what would be announced, and the state after it.
        access: what robots.txt says of it and its articles.
        remarks: what is worth knowing, the gravest first.
        left: of a sitemap index, the sitemaps that wait for the next poll.
    """

    answer: Response
    parsed: ParsedFeed
    announcement: PollResult
    access: RobotsAccess
    remarks: list[Remark]
    left: int = 0

    @property
    def next_poll_after(self) -> timedelta:
        """Time until the next poll."""
        state = self.announcement.state
        return state.next_poll_at - (state.polled_at or state.next_poll_at)


def check_feed(settings: Settings, url: str) -> Checked:
    """Ask one feed, and robots.txt about its articles; credentials in its address open its own origin.

    Raises:
        FeedListError: the address cannot be asked.
        FetchFault: the server gives no feed.
        FeedFault: it gives something that is none.
    """
    return asyncio.run(_check(settings, feed_of({"url": url})))


async def _check(settings: Settings, feed: Feed) -> Checked:
    async with Client(settings) as client:
        with closing(Guest(settings, client, most=_MAX_REQUESTS, seconds=_MAX_SECONDS)) as guest:
            return await _checked(guest, settings, feed)


async def _checked(guest: Guest, settings: Settings, feed: Feed) -> Checked:
    url, credentials = feed.url, Credentials.of(feed)
    answer = await guest.get(url, asked_for=True, credentials=credentials)
    now = datetime.now(UTC)
    index = await guest.read(answer, now)
    walk = await _walked(guest, settings.poll, index, now, credentials) if index.children else None
    parsed, left = (walk.feed(), walk.left) if walk else (index, None)
    announcement = after_feed(
        feed,
        first_state(url, now),
        answer,
        parsed,
        AnnouncedEntries(),
        now,
        settings.poll,
        conditional=False,
        left=left,
    )
    access = await _access(guest, answer.url, [entry.link for entry in parsed.entries])
    return Checked(answer, parsed, announcement, access, remarks(url, answer, parsed, access, now), left or 0)


async def _walked(
    guest: Guest, polls: PollSettings, index: ParsedFeed, now: datetime, credentials: Credentials | None
) -> Walk:
    """Ask the sitemaps of an index that a first poll would ask."""
    walk = Walk(index, {}, now, oldest(now, polls.sitemap_days))
    while (step := walk.next()) is not None:
        child = step[0]
        try:
            parsed = await guest.read(await guest.get(child.url, asked_for=True, credentials=credentials), now)
        except RecordFault as fault:
            walk.took(Asked(child=child, failure=fault.reason))
        else:
            walk.took(Asked(child=child, parsed=parsed))
    return walk


async def _access(guest: Guest, url: str, links: Sequence[str]) -> RobotsAccess:
    """Ask robots.txt of the feed's host about the feed, and of a few articles' hosts about the articles."""
    of_feed = await guest.robots(url)
    origins = dict.fromkeys(map(origin_of, links))
    robots = {origin: await guest.robots(origin) for origin in list(origins)[:_MAX_HOSTS]}
    looked_at = [(link, robots[origin_of(link)]) for link in links if origin_of(link) in robots]
    faults = [each.fault.reason for each in robots.values() if each.fault is not None]
    return RobotsAccess(
        feed=of_feed.fault is not None or of_feed.allows(url),
        delay_seconds=max((each.delay_seconds or 0.0 for each in robots.values()), default=0.0) or None,
        looked_at=len(looked_at),
        forbidden=tuple(link for link, rules in looked_at if rules.fault is None and not rules.allows(link)),
        fault=faults[0] if faults else "",
    )
