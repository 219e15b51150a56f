"""One feed as the river would read it, without any server: what `newsriver feeds check` shows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.http.answer import Answer
from pipelines.http.client import ACCEPT_FEED, Client
from pipelines.parse import ParsedFeed, parse_feed
from pipelines.pull.announce import Announced, Announcement, after_feed
from pipelines.pull.schedule import first_state
from pipelines.settings import Settings
from schemas.records import Feed


@dataclass(frozen=True)
class Checked:
    """What a first poll of a feed brings.

    Attributes:
        answer: what the server sent.
        parsed: what it says.
        announcement: what would be announced, and the state after it.
    """

    answer: Answer
    parsed: ParsedFeed
    announcement: Announcement

    @property
    def next_poll_after(self) -> timedelta:
        """Time until the next poll."""
        state = self.announcement.state
        return state.next_poll_at - (state.polled_at or state.next_poll_at)


def check_feed(settings: Settings, url: str) -> Checked:
    """Ask one feed.

    Raises:
        FetchFault: the server gives no feed.
        FeedFault: it gives something that is none.
    """
    return asyncio.run(_check(settings, url))


async def _check(settings: Settings, url: str) -> Checked:
    async with Client(settings) as client:
        answer = await client.get(url, max_bytes=settings.poll.max_feed_bytes, accept=ACCEPT_FEED)
    parsed = parse_feed(
        answer.body, url=answer.url, content_type=answer.content_type, max_bytes=settings.poll.max_feed_bytes
    )
    now, feed = datetime.now(UTC), Feed(url=url)
    announcement = after_feed(
        feed, first_state(url, now), answer, parsed, Announced(), now, settings.poll, conditional=False
    )
    return Checked(answer, parsed, announcement)
