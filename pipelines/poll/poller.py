"""The role `poll`: asks feeds when they are due and puts new entries on Kafka.

Copies share the feeds by the partitions of `news.feeds`, through a consumer group that commits nothing of it: who gets
a partition reads its definitions and the states beside them (`news.feed-state`, same key, same partition) back from
the start. All feeds of a host are in one partition, so no two copies ask it. A state is stored only after the
entries it knows of are acknowledged, so a copy that dies repeats at most one poll of a feed and loses no entry.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pipelines.feeds.sync import sync_lists
from pipelines.http.client import Client
from pipelines.http.site_parser import Parser
from pipelines.kafka import GroupReader, Sender, patiently
from pipelines.metrics.declared import POLL_ANSWERS, POLL_ENTRIES, POLL_FEEDS
from pipelines.poll.assigned_feeds import AssignedFeeds
from pipelines.poll.feed_fetcher import FeedFetcher
from pipelines.poll.feed_table import FeedTable
from pipelines.poll.idle_reason import IdleReason
from pipelines.poll.poll_result import AnnouncedEntries, PollResult
from pipelines.poll.push_intake import PushIntake
from pipelines.poll.pushes import Push
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.runtime.frame import RunningRole
from pipelines.runtime.heartbeat import Waits
from pipelines.runtime.run_loop import run_loop, spawn
from pipelines.settings import Settings
from pipelines.urls import host_of
from schemas.records import Feed, FeedState
from schemas.topics import ENTRIES, FEED_STATE, FEEDS, OUTCOMES, PUSHES, Role, Topic

_TURN_SECONDS = 0.1
_TELL_SECONDS = 5.0


def run(
    running: RunningRole,
    feeds: Iterable[Feed] | None = None,
    *,
    lists: Sequence[Path] = (),
    once: bool = False,
) -> None:
    """Poll until it is told to stop.

    Args:
        running: settings, and when to stop.
        feeds: with `once`, the feeds to ask; None takes the list, `news.feeds`, which copies share.
        lists: files to merge into the list first.
        once: ask every feed once, due or not, and return; takes no part in the sharing.

    Raises:
        ServiceError: Kafka refuses, or the topics do not exist.
        FeedListError: a file cannot be read.
    """
    asyncio.run(_run(running, None if feeds is None else list(feeds), lists, once=once))


async def _run(running: RunningRole, feeds: list[Feed] | None, lists: Sequence[Path], *, once: bool) -> None:
    settings = running.settings

    def make() -> Poller:
        if lists:
            patiently(lambda: sync_lists(settings, lists), kafka_bootstrap(settings))
        return Poller(settings, client, feeds, running.waits, once=once)

    async with Client(settings) as client:
        await run_loop(make, running.stop, running.loop)


class Poller:
    """One copy of the role; connects to Kafka when it is made, which blocks.

    Args:
        settings: all settings.
        client: makes the requests.
        feeds: with `once`, the feeds to ask; None takes the list, `news.feeds`.
        waits: told when all stands still.
        once: ask every feed once.
    """

    def __init__(
        self, settings: Settings, client: Client, feeds: list[Feed] | None, waits: Waits, *, once: bool = False
    ) -> None:
        self._settings = settings
        self._once = once
        bootstrap = kafka_bootstrap(settings)
        self._table = FeedTable()
        announced = AnnouncedEntries(settings.poll.known_articles)
        self._held = AssignedFeeds(settings, bootstrap, feeds, self._table, announced)
        self._parser = Parser(settings.sandbox)
        self._parser.prepare()
        self._asker = FeedFetcher(settings, client, announced, self._parser)
        self._standstill = IdleReason(waits)
        self._waits = waits
        self._tell_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished: deque[PollResult] = deque()  # filled on the loop, emptied in the turn's thread
        self._asked = False
        name = Role.POLL.group(settings.river.name)
        self._sender = Sender(bootstrap, client_id=name, linger_ms=settings.kafka.linger_ms)
        self._reader: GroupReader | None = None
        self._pushes: PushIntake | None = None
        # Partitions whose feeds are to be read back: in the turn, not in Kafka's own call that tells of them.
        self._unread = set(range(self._held.partitions)) if once else set()
        if not once:
            self._reader = GroupReader(
                bootstrap,
                name,
                [self._name(FEEDS), self._name(PUSHES)],
                client_id=name,
                on_assigned=lambda places: self._unread.update(self._of_feeds(places)),
                on_revoked=lambda places: self._table.remove_partitions(self._of_feeds(places)),
            )
            self._pushes = PushIntake(
                self._name(PUSHES), self._reader, self._table, announced, settings.poll, self._parser
            )

    def turn(self) -> None:
        """Put finished polls on Kafka and take in changes of the feed list."""
        self._publish([self._finished.popleft() for _ in range(len(self._finished))])
        if self._reader is None or self._pushes is None:
            time.sleep(_TURN_SECONDS)
        else:
            self._pushes.turn()
            for message in self._reader.poll(_TURN_SECONDS):
                (self._pushes.add if message.topic == self._name(PUSHES) else self._held.follow)(message)
        if self._unread:
            self._held.load(self._unread)
            self._unread.clear()
        if self._reader is not None:
            self._standstill.look(len(self._table), has_partitions=bool(self._reader.assigned()))
        if time.monotonic() >= self._tell_at:
            self._waits.figures = self._table.figures()
            POLL_FEEDS.set(self._waits.figures["feeds"], state="all")
            POLL_FEEDS.set(self._waits.figures["failing"], state="failing")
            self._tell_at = time.monotonic() + _TELL_SECONDS

    def _publish(self, finished: Sequence[PollResult]) -> None:
        """Send what polls brought: entries, then their lines for the ledger, then the states that know of them.

        Each waits until those before are acknowledged: whoever is killed in between may leave an article without its
        line, which the next poll brings, but no line without its article.
        """
        for announcement in finished:
            for entry in announcement.entries:
                self._sender.send(self._name(ENTRIES), host_of(entry.link), entry.to_json())
        if any(announcement.entries for announcement in finished):
            self._sender.flush()
        for announcement in finished:
            for outcome in announcement.outcomes:
                self._sender.send(self._name(OUTCOMES), outcome.article_id, outcome.to_json())
        if any(announcement.outcomes for announcement in finished):
            self._sender.flush()
        for announcement in finished:
            state = announcement.state
            POLL_ANSWERS.add(result="failed" if state.last_failure else "new" if announcement.entries else "unchanged")
            POLL_ENTRIES.add(len(announcement.entries))
            partition = self._table.partition_of(state.url)
            # Without a partition it went to another copy in the meantime; when it is back, that copy's state is newer.
            if partition is not None and self._table.put_state(state, partition):
                self._sender.send(self._name(FEED_STATE), state.url, state.to_json(), partition=partition)
            self._table.done(state.url)
            if self._pushes is not None:
                self._pushes.settled(state.url)

    def start(self) -> bool:
        """Ask what is due; with `once`, everything, and then say when all is done."""
        now = datetime.now(UTC)
        if not self._once:
            due = self._table.due(now)
        elif not self._asked:
            due, self._asked = self._table.all(now), True
        else:
            return bool(self._tasks or self._finished)
        for push in self._pushes.due(now) if self._pushes is not None else ():
            spawn(self._tasks, self._read(push))
        for feed, state in due:
            spawn(self._tasks, self._ask(feed, state))
        return True

    def under_way(self) -> Collection[asyncio.Task[None]]:
        """Give the polls that are running."""
        return self._tasks

    def close(self) -> None:
        """Wait until all is acknowledged, leave the group, and end the children that parse."""
        self._sender.close()
        if self._reader is not None:
            self._reader.close()
        self._parser.close()

    async def _ask(self, feed: Feed, state: FeedState) -> None:
        found = await self._asker.ask(feed, state)
        self._standstill.polled(feed.url, found.state.last_failure)
        self._finished.append(found)

    async def _read(self, push: Push) -> None:
        if self._pushes is not None:
            self._finished.append(await self._pushes.read(push))

    def _of_feeds(self, places: Iterable[tuple[str, int]]) -> set[int]:
        """Give the partitions of the feed list among some; those of pushes go with them."""
        return {partition for topic, partition in places if topic == self._name(FEEDS)}

    def _name(self, topic: Topic) -> str:
        return topic.full_name(self._settings.river.name)
