"""What a hub pushed, taken like a poll that brought the same body; the polls themselves go on. Pure.

A push may hold only what is new in the feed (https://www.w3.org/TR/websub/, 7), so it says nothing of the feed's
window, and its headers are the hub's: validators, digest and the window's size stay those of the last poll.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipelines.feed_formats import ParsedFeed
from pipelines.http.answer import Response
from pipelines.poll.feed_table import FeedTable
from pipelines.poll.poll_result import AnnouncedEntries, PollResult, after_feed
from pipelines.settings import PollSettings
from schemas.records import KEY_DIGITS, Feed, FeedState, PushFacts

if TYPE_CHECKING:
    from pipelines.kafka import Message

_OVERLAP = timedelta(minutes=10)


class Push(NamedTuple):
    """One push that was read: its record, the facts beside it, its feed and what is known of that."""

    message: Message
    facts: PushFacts
    feed: Feed
    state: FeedState


def superseded(facts: PushFacts, state: FeedState) -> bool:
    """Tell whether the feed was read so long after a push that it brings nothing: a copy started again reads it twice.

    A poll that was under way when the push came may have missed its entries, hence the overlap.
    """
    return state.succeeded_at is not None and facts.received_at < state.succeeded_at - _OVERLAP


def answer_of(push: Push) -> Response:
    """Give a push in the form of the answer to a poll."""
    headers = {"content-type": push.facts.content_type}
    return Response(url=push.feed.url, status=200, headers=headers, body=push.message.value or b"")


def after_push(push: Push, parsed: ParsedFeed, announced: AnnouncedEntries, settings: PollSettings) -> PollResult:
    """Give what follows from a push that was read: entries and outcomes as of a poll, and a state that keeps polling.

    New entries are dated by the push, so that one taken twice says the same twice. They teach the rate model, so that
    polls come as often as they must when the hub falls silent; while polls fail they do not, or the server's outage
    would seem short and be asked about often.

    Args:
        push: the push.
        parsed: what its body says.
        announced: articles that are known; those announced here are added.
        settings: bounds of the schedule.
    """
    state, at = push.state, push.facts.received_at
    found = after_feed(push.feed, state, answer_of(push), parsed, announced, at, settings, conditional=False)
    update: dict[str, object] = {
        "known": joined(state.known, found.state.known, settings.max_known_entries),
        "next_poll_at": next_poll(push, settings.pushed_interval_seconds),
    }
    if not state.failures:
        update |= {"rates": found.state.rates, "succeeded_at": max(at, state.succeeded_at or at)}
    return PollResult(
        entries=found.entries, outcomes=found.outcomes, state=state.model_copy(update=update), notes=found.notes
    )


def joined(known: Sequence[str], after: Sequence[str], limit: int) -> list[str]:
    """Give the keys to remember, oldest first: all that were known, and what came to them; polls forget the old ones.

    The bound only holds where no poll brings a window, as when the server answers 304 for days.
    """
    before = {item[:KEY_DIGITS] for item in known}
    kept = [*known, *(item for item in after if item[:KEY_DIGITS] not in before)]
    return kept[-max(2 * limit, len(known)) :]


def next_poll(push: Push, seconds: float) -> datetime:
    """Give when a feed is polled next: not before so many seconds after its last poll while its hub pushes.

    A push never puts a poll off for longer, nor beyond the lease, nor at all where the list fixes the interval: a hub
    that sends only half of the news, or nothing any more, costs an hour and no entry.
    """
    due, lease = push.state.next_poll_at, push.facts.lease_until
    if lease is None or push.feed.interval_seconds is not None:
        return due
    last = push.state.polled_at or push.facts.received_at
    return max(due, min(last + timedelta(seconds=seconds), lease))


class PushQueue:
    """Pushes that wait until their feed is free; those of one feed keep their order."""

    def __init__(self) -> None:
        self._waiting: deque[Message] = deque()
        self.size = 0
        """Bytes of the bodies that wait."""

    def add(self, message: Message) -> None:
        """Add a record of `news.pushes`."""
        self._waiting.append(message)
        self.size += len(message.value or b"")

    def ready(self, table: FeedTable, now: datetime) -> Iterator[tuple[Message, tuple[Feed, FeedState] | None]]:
        """Take out the pushes whose feed is free, with the feed; without one it is none that is polled here."""
        for _ in range(len(self._waiting)):
            message = self._waiting.popleft()
            url = message.key or ""
            if table.busy(url):
                self._waiting.append(message)
                continue
            self.size -= len(message.value or b"")
            yield message, table.take(url, now)
