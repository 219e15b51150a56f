"""The pushes of the feeds that one copy of `poll` holds: read in its group, committed once they have had effect."""

from __future__ import annotations

import logging
from datetime import datetime

from pydantic import ValidationError

from pipelines.errors import FeedFault
from pipelines.http.site_parser import Parser
from pipelines.kafka import GroupReader, Message
from pipelines.poll.feed_table import FeedTable
from pipelines.poll.poll_result import AnnouncedEntries, PollResult
from pipelines.poll.pushes import Push, PushQueue, after_push, answer_of, superseded
from pipelines.settings import PollSettings
from schemas.records import PushFacts

log = logging.getLogger(__name__)

_MOST_BYTES = 32_000_000


class PushIntake:
    """Takes pushes in, hands them out when their feed is free, and makes announcements of them.

    Args:
        topic: full name of the topic of pushes.
        reader: reads that topic beside the feed list's.
        table: the feeds; one whose push is under way is not polled, nor the other way round.
        announced: articles that are known.
        settings: bounds of the schedule.
        parser: parses what was pushed.
    """

    def __init__(
        self,
        topic: str,
        reader: GroupReader,
        table: FeedTable,
        announced: AnnouncedEntries,
        settings: PollSettings,
        parser: Parser,
    ) -> None:
        self._topic = topic
        self._reader = reader
        self._table = table
        self._announced = announced
        self._settings = settings
        self._parser = parser
        self._queue = PushQueue()
        self._under_way: dict[str, Message] = {}

    def add(self, message: Message) -> None:
        """Take in one record."""
        self._queue.add(message)

    def due(self, now: datetime) -> list[Push]:
        """Hand out the pushes whose feed is free; those that bring nothing are done with."""
        found: list[Push] = []
        for message, row in self._queue.ready(self._table, now):
            facts = _facts(message)
            if row is None or facts is None or superseded(facts, row[1]):
                self._reader.done(message)
                if row is not None:
                    self._table.done(row[0].url)
                continue
            self._under_way[row[0].url] = message
            found.append(Push(message, facts, *row))
        return found

    async def read(self, push: Push) -> PollResult:
        """Make an announcement of a push; of one that is no feed an empty one, since a poll will tell."""
        try:
            parsed = await self._parser.feed(answer_of(push), max_bytes=self._settings.max_feed_bytes, since=None)
            found = after_push(push, parsed, self._announced, self._settings)
        except FeedFault as fault:
            log.warning("push for %s passed over: %s", push.feed.url, fault)
            return PollResult(state=push.state)
        except Exception:  # a fault of ours must not end the feed: it is polled all the same
            log.exception("push for %s", push.feed.url)
            return PollResult(state=push.state)
        log.info("feed %s: %d new of %d pushed", push.feed.url, len(found.entries), len(parsed.entries))
        return found

    def settled(self, url: str) -> None:
        """Note that all that a feed's announcement brought is on Kafka; one of a poll changes nothing here."""
        message = self._under_way.pop(url, None)
        if message is not None:
            self._reader.done(message)

    def turn(self) -> None:
        """Commit what is done, and read on unless too much waits."""
        self._reader.commit()
        full = self._queue.size > _MOST_BYTES
        self._reader.hold_back([place for place in self._reader.assigned() if full and place[0] == self._topic])


def _facts(message: Message) -> PushFacts | None:
    try:
        return PushFacts.from_json(message.headers.get("push", b""))
    except ValidationError as error:
        log.error("%s is no push and is passed over: %s", message.origin, error.errors(include_url=False)[0]["msg"])  # noqa: TRY400 - one line
        return None
