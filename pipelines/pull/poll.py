"""The role `poll`: asks feeds when they are due and puts new entries on Kafka.

Copies share the feeds by the partitions of `news.feeds`, through a consumer group that commits nothing: whoever gets
a partition reads its definitions and the states beside them (`news.feed-state`, same key, same partition) back from
the start. A state is stored only after the entries it knows of are acknowledged, so a copy that dies repeats at
most one poll of a feed and loses no entry.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from pydantic import ValidationError

from pipelines.connect import kafka_bootstrap
from pipelines.errors import FeedFault, FetchFault, ServiceError
from pipelines.http.client import ACCEPT_FEED, Client
from pipelines.kafka import Admin, GroupReader, Message, Sender, partition_of, read_whole
from pipelines.parse import parse_feed
from pipelines.pull.announce import (
    Announced,
    Announcement,
    after_fault,
    after_feed,
    after_hold,
    after_same,
    body_digest,
)
from pipelines.pull.aside import aside
from pipelines.pull.drive import drive, spawn
from pipelines.pull.feed_table import FeedTable
from pipelines.pull.politeness import HostGate, HostOnHold
from pipelines.pull.schedule import conditional
from pipelines.settings import Settings
from pipelines.urls import host_of
from schemas.records import Feed, FeedState
from schemas.topics import ENTRIES, FEED_STATE, FEEDS, OUTCOMES, Topic

log = logging.getLogger(__name__)

_TURN_SECONDS = 0.1
_PATIENCE_SECONDS = 60.0


def run(settings: Settings, stop: threading.Event, feeds: Iterable[Feed] | None = None, *, once: bool = False) -> None:
    """Poll until `stop` is set.

    Args:
        settings: all settings.
        stop: set it to drain and return.
        feeds: the list to poll; None takes the one in `news.feeds`. Copies share either.
        once: ask every feed once, due or not, and return; takes no part in the sharing.

    Raises:
        ServiceError: Kafka does not answer at the start, or the topics do not exist.
    """
    asyncio.run(_run(settings, stop, None if feeds is None else list(feeds), once=once))


async def _run(settings: Settings, stop: threading.Event, feeds: list[Feed] | None, *, once: bool) -> None:
    async with Client(settings) as client:
        await drive(lambda: Poller(settings, client, feeds, once=once), stop)


class Poller:
    """One copy of the role; connects to Kafka when it is made, which blocks."""

    def __init__(self, settings: Settings, client: Client, feeds: list[Feed] | None, *, once: bool = False) -> None:
        self._settings = settings
        self._client = client
        self._listed = feeds
        self._once = once
        self._bootstrap = kafka_bootstrap(settings)
        self._partitions = self._count_partitions()
        self._table = FeedTable()
        self._announced = Announced()
        self._gate = HostGate(settings.fetch.delay_seconds, patience=_PATIENCE_SECONDS)
        self._slots = asyncio.Semaphore(settings.poll.concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished: deque[Announcement] = deque()  # filled on the loop, emptied in the turn's thread
        self._asked = False
        name = f"{settings.river.name}-poll"
        self._sender = Sender(self._bootstrap, client_id=name, linger_ms=settings.kafka.linger_ms)
        self._reader: GroupReader | None = None
        # Partitions whose feeds are to be read back: in the turn, not in Kafka's own call that tells of them.
        self._unread = set(range(self._partitions)) if once else set()
        self._read: dict[int, int] = {}  # offsets of the feed list's partitions up to which that was done
        if not once:
            self._reader = GroupReader(
                self._bootstrap,
                name,
                [self._name(FEEDS)],
                client_id=name,
                on_assigned=lambda places: self._unread.update(partition for _, partition in places),
                on_revoked=lambda places: self._table.remove_partitions({partition for _, partition in places}),
            )

    def turn(self) -> None:
        """Put finished polls on Kafka and take in changes of the feed list."""
        self._publish([self._finished.popleft() for _ in range(len(self._finished))])
        if self._reader is None:
            time.sleep(_TURN_SECONDS)
        else:
            for message in self._reader.poll(_TURN_SECONDS):
                if message.offset > self._read.get(message.partition, -1):
                    self._take(message)
        if self._unread:
            self._load(self._unread)
            self._unread.clear()

    def _publish(self, finished: Sequence[Announcement]) -> None:
        """Send what polls brought: states only when all that they know of is acknowledged."""
        for announcement in finished:
            for entry in announcement.entries:
                self._sender.send(self._name(ENTRIES), host_of(entry.link), entry.to_json())
            for outcome in announcement.outcomes:
                self._sender.send(self._name(OUTCOMES), outcome.article_id, outcome.to_json())
        if finished:
            self._sender.flush()
        for announcement in finished:
            state = announcement.state
            if state.url in self._table:  # else its partition went to another copy in the meantime
                self._sender.send(self._name(FEED_STATE), state.url, state.to_json())
                self._table.put_state(state, partition_of(state.url, self._partitions))
            self._table.done(state.url)

    def start(self) -> bool:
        """Ask what is due; with `once`, everything, and then say when all is done."""
        now = datetime.now(UTC)
        if not self._once:
            due = self._table.due(now)
        elif not self._asked:
            due, self._asked = self._table.all(now), True
        else:
            return bool(self._tasks or self._finished)
        for feed, state in due:
            spawn(self._tasks, self._ask(feed, state))
        return True

    def under_way(self) -> Collection[asyncio.Task[None]]:
        """Give the polls that are running."""
        return self._tasks

    def close(self) -> None:
        """Wait until all is acknowledged, and leave the group."""
        self._sender.close()
        if self._reader is not None:
            self._reader.close()

    async def _ask(self, feed: Feed, state: FeedState) -> None:
        """Ask one feed; whatever happens ends as an announcement."""
        polls = self._settings.poll
        try:
            found = await self._poll(feed, state)
        except HostOnHold as hold:
            found = after_hold(state, hold.retry_after or 0.0, datetime.now(UTC))
            log.info("feed %s: %s", feed.url, hold)
        except FetchFault as fault:
            if fault.retry_after:
                self._gate.hold(host_of(feed.url), fault.retry_after)
            found = after_fault(feed, state, fault.reason, fault.retry_after, datetime.now(UTC), polls)
            self._log_failure(feed, found, str(fault))
        except FeedFault as fault:
            found = after_fault(feed, state, fault.reason, None, datetime.now(UTC), polls)
            self._log_failure(feed, found, str(fault))
        except Exception as error:  # a fault of ours must not end the feed: it is asked again, later
            log.exception("poll of %s", feed.url)
            found = after_fault(feed, state, f"internal-{type(error).__name__}", None, datetime.now(UTC), polls)
        self._finished.append(found)

    async def _poll(self, feed: Feed, state: FeedState) -> Announcement:
        asks_if_changed = conditional(state)
        polls = self._settings.poll
        answer = await self._client.get(
            feed.url,
            max_bytes=polls.max_feed_bytes,
            accept=ACCEPT_FEED,
            etag=state.etag if asks_if_changed else None,
            last_modified=state.last_modified if asks_if_changed else None,
            hop=self._hop,
        )
        at = _now()
        if answer.not_modified or (state.content_digest and body_digest(answer.body) == state.content_digest):
            return after_same(feed, state, answer, at, polls, conditional=asks_if_changed)
        parsed = await aside(
            parse_feed,
            answer.body,
            url=answer.url,
            content_type=answer.content_type,
            max_bytes=polls.max_feed_bytes,
        )
        found = after_feed(feed, state, answer, parsed, self._announced, at, polls, conditional=asks_if_changed)
        level = logging.WARNING if found.notes else logging.INFO if found.outcomes else logging.DEBUG
        notes = f" ({', '.join(found.notes)})" if found.notes else ""
        log.log(level, "feed %s: %d new of %d%s", feed.url, len(found.entries), len(parsed.entries), notes)
        return found

    @asynccontextmanager
    async def _hop(self, url: str) -> AsyncIterator[None]:
        async with self._gate.turn(host_of(url)), self._slots:
            yield

    def _load(self, partitions: Collection[int]) -> None:
        """Read back what partitions hold: definitions, unless they come from a list, and states."""
        for feed in self._listed or ():
            partition = partition_of(feed.url, self._partitions)
            if partition in partitions:
                self._table.put(feed, partition, _now())
        topics = [FEED_STATE] if self._listed is not None else [FEED_STATE, FEEDS]
        places = [(self._name(topic), partition) for topic in topics for partition in partitions]
        for message in read_whole(self._bootstrap, places, client_id=f"{self._settings.river.name}-poll-state"):
            if message.topic == self._name(FEED_STATE):
                self._take_state(message)
            else:
                self._take(message)
                self._read[message.partition] = message.offset
        log.info("polling %d feeds", len(self._table))
        if not len(self._table) and len(partitions) == self._partitions:
            log.warning("no feed to poll: name a list with --feeds FILE, or add one with `newsriver feeds add URL`")

    def _take(self, message: Message) -> None:
        """Take in one record of `news.feeds`."""
        if self._listed is not None or message.key is None:
            return
        if message.value is None:
            self._table.remove(message.key)
            return
        try:
            self._table.put(Feed.from_json(message.value), message.partition, _now())
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
        with Admin(self._bootstrap) as admin:
            counts = admin.topics()
        for topic in (FEEDS, FEED_STATE, ENTRIES, OUTCOMES):
            if self._name(topic) not in counts:
                hint = "create it with `newsriver setup`"
                raise ServiceError(f"topic {self._name(topic)} does not exist", hint=hint, resource=self._name(topic))
        feeds, states = counts[self._name(FEEDS)], counts[self._name(FEED_STATE)]
        if feeds != states:
            raise ServiceError(
                f"{self._name(FEEDS)} has {feeds} partitions and {self._name(FEED_STATE)} {states}",
                hint="give both the same number: a feed's state is looked for beside its definition",
            )
        return feeds

    def _name(self, topic: Topic) -> str:
        return topic.full_name(self._settings.river.name)

    def _log_failure(self, feed: Feed, found: Announcement, why: str) -> None:
        state = found.state
        log.warning(
            "feed %s: failure %d, again at %s: %s", feed.url, state.failures, f"{state.next_poll_at:%F %T}", why
        )


def _now() -> datetime:
    """Give the present in milliseconds, which is what the index keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _log_bad(message: Message, what: str, error: ValidationError) -> None:
    log.error("%s is no %s and is passed over: %s", message.origin, what, error.errors(include_url=False)[0]["msg"])
