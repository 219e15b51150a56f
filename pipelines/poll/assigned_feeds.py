"""The feeds that a copy of `poll` holds, as they lie on Kafka: read back when partitions come, followed as they change.

A feed's state lies in the partition that its definition came from, whatever that is: so it is found beside it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import UTC, datetime

from pydantic import ValidationError

from pipelines.errors import ServiceError
from pipelines.feeds.partitions import feed_partition
from pipelines.kafka import Message, missing, patiently, read_last, topics
from pipelines.poll.feed_table import FeedTable
from pipelines.poll.poll_result import AnnouncedEntries
from pipelines.settings import Settings
from schemas.records import Feed, FeedState
from schemas.topics import ENTRIES, FEED_STATE, FEEDS, OUTCOMES, PUSHES, Topic

log = logging.getLogger(__name__)


class AssignedFeeds:
    """Definitions and states, from Kafka or from a list.

    Args:
        settings: all settings.
        bootstrap: Kafka's address.
        listed: the feeds to poll; None takes those in `news.feeds`.
        table: filled here.
        announced: learns what the feeds have announced.

    Raises:
        ServiceError: a topic does not exist, or two that belong together differ in their partitions.
    """

    def __init__(
        self,
        settings: Settings,
        bootstrap: str,
        listed: list[Feed] | None,
        table: FeedTable,
        announced: AnnouncedEntries,
    ) -> None:
        self._river = settings.river.name
        self._bootstrap = bootstrap
        self._listed = listed
        self._table = table
        self._announced = announced
        self._read: dict[int, int] = {}  # offsets of the feed list's partitions up to which it was read back
        self.partitions = self._count_partitions()

    def load(self, partitions: Collection[int]) -> None:
        """Read back what partitions hold: definitions, unless they come from a list, and states."""
        for feed in self._listed or ():
            partition = feed_partition(feed.url, self.partitions)
            if partition in partitions:
                self._table.put(feed, partition, datetime.now(UTC))
        topics = [FEED_STATE] if self._listed is not None else [FEED_STATE, FEEDS]
        places = [(self._name(topic), partition) for topic in topics for partition in partitions]
        for message in read_last(self._bootstrap, places, client_id=f"{self._river}-poll-state"):
            if message.topic == self._name(FEED_STATE):
                self._take_state(message)
            else:
                self._take(message)
                self._read[message.partition] = message.offset
        log.info("polling %d feeds", len(self._table))
        if not len(self._table) and len(partitions) == self.partitions:
            log.warning("no feed to poll: name a list with --feeds FILE, or add one with `newsriver feeds add URL`")

    def follow(self, message: Message) -> None:
        """Take in one record of `news.feeds`, unless it was read back already."""
        if message.offset > self._read.get(message.partition, -1):
            self._take(message)

    def _take(self, message: Message) -> None:
        if self._listed is not None or message.key is None:
            return
        if message.value is None:
            self._table.remove(message.key)
            return
        try:
            self._table.put(Feed.from_json(message.value), message.partition, datetime.now(UTC))
        except ValidationError as error:
            _log_bad(message, "feed", error)

    def _take_state(self, message: Message) -> None:
        if message.value is None:
            return
        try:
            state = FeedState.from_json(message.value)
        except ValidationError as error:
            _log_bad(message, "feed state", error)
            return
        self._table.put_state(state, message.partition)
        self._announced.learn(state)

    def _count_partitions(self) -> int:
        counts = patiently(lambda: topics(self._bootstrap), self._bootstrap)
        for topic in (FEEDS, FEED_STATE, PUSHES, ENTRIES, OUTCOMES):
            if self._name(topic) not in counts:
                raise missing([self._name(topic)])
        feeds: int = counts[self._name(FEEDS)]
        for beside in (FEED_STATE, PUSHES):
            if counts[self._name(beside)] != feeds:
                raise ServiceError(
                    f"{self._name(FEEDS)} has {feeds} partitions and {self._name(beside)} {counts[self._name(beside)]}",
                    hint="give both the same number: what belongs to a feed is looked for beside its definition",
                )
        return feeds

    def _name(self, topic: Topic) -> str:
        return topic.full_name(self._river)


def _log_bad(message: Message, what: str, error: ValidationError) -> None:
    log.error("%s is no %s and is passed over: %s", message.origin, what, error.errors(include_url=False)[0]["msg"])
