"""The role `fetch`: gets the entries' pages and puts them on Kafka.

Copies share the hosts by the partitions of `news.entries` and of the later-tiers, which have the host as key. Within
a copy every host has its own queue: a slow one holds up nobody else, and what would wait too long goes to a
later-tier. An article that a second record announces is not fetched for it; a second feed joins its origins. An
offset is committed when all before it are done: their pages, outcomes and later visits acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import ValidationError

from pipelines.errors import Poison, RecordsRefused
from pipelines.fetch.deduplication import Announcement, SeenArticles, SeenAttempts
from pipelines.fetch.fetch_result import FetchResult, dead, repeated
from pipelines.fetch.page_fetcher import PATIENCE_SECONDS, PageFetcher, now
from pipelines.fetch.partition_queues import InFlight, PartitionQueues, Place
from pipelines.fetch.warm_up import WarmUp
from pipelines.http.client import Client
from pipelines.kafka import GroupReader, Message, Sender
from pipelines.ledger.dead_letter_rules import REPLAY
from pipelines.ledger.outcomes import outcome, stand_in
from pipelines.metrics.declared import FETCH_BYTES, FETCH_RESULTS, FETCH_SECONDS, FETCH_UNDER_WAY
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.runtime.frame import RunningRole
from pipelines.runtime.heartbeat import Waits
from pipelines.runtime.run_loop import run_loop, spawn
from pipelines.settings import FetchSettings, Settings
from schemas.records import DeadLetter, Entry, OutcomeKind, Stage
from schemas.topics import DEAD_LETTERS, ENTRIES, LATER, OUTCOMES, PAGES, Role, Topic

log = logging.getLogger(__name__)

_TURN_SECONDS = 0.1
_WINDOW = 4096
"""Most entries under way or waiting for their host."""

_PATIENCE_WHEN_CROWDED = 30.0
_REMEMBERED_SECONDS = 3600.0
"""So long one fetch of an article is enough for all its feeds, where nothing is visited again."""

_MAX_HELD_BYTES = 64_000_000
"""Pages that may wait for Kafka before no more are fetched."""


def run(running: RunningRole) -> None:
    """Fetch until it is told to stop, then drain within seconds.

    Raises:
        ServiceError: Kafka refuses, or the topics do not exist.
    """
    asyncio.run(_run(running))


async def _run(running: RunningRole) -> None:
    async with Client(running.settings) as client:
        await run_loop(lambda: Fetcher(running.settings, client, running.waits), running.stop, running.loop)


class Fetcher:
    """One copy of the role; connects to Kafka when it is made, which blocks.

    Args:
        settings: all settings.
        client: makes the requests.
        waits: told while this copy has nothing to read.
    """

    def __init__(self, settings: Settings, client: Client, waits: Waits) -> None:
        self._settings = settings
        self._waits = waits
        self._visitor = PageFetcher(settings, client, lambda: self._held_bytes <= _MAX_HELD_BYTES)
        self._lanes: PartitionQueues[tuple[Message, Entry]] = PartitionQueues()
        most = settings.fetch.known_articles
        self._handled = InFlight(max(1, most // 5))
        self._known = SeenArticles(most, _remembered_seconds(settings.fetch))
        self._chains = SeenAttempts(max(1, most // 2))
        self._tasks: set[asyncio.Task[None]] = set()
        # Filled on the loop, emptied in the turn's thread.
        self._finished: deque[tuple[Message, FetchResult]] = deque()
        self._held_bytes = 0
        name = Role.FETCH.group(settings.river.name)
        bootstrap = kafka_bootstrap(settings)
        self._sender = Sender(bootstrap, client_id=name, linger_ms=settings.kafka.linger_ms)
        self._back = WarmUp(bootstrap, name, self._known, max(1, most // 5))
        self._unread: set[Place] = set()  # filled in Kafka's own call, which is no place to ask Kafka
        self._reader = GroupReader(
            bootstrap,
            name,
            [self._name(topic) for topic in (ENTRIES, *LATER)],
            client_id=name,
            on_assigned=self._get,
            on_revoked=self._let_go,
        )

    def turn(self) -> None:
        """Put finished visits on Kafka, commit what is done, and read on."""
        finished = [self._finished.popleft() for _ in range(len(self._finished))]
        for message, visit in finished:
            self._send(message, visit)
        if finished:
            self._settle(finished)
            for message, visit in finished:
                self._reader.done(message)
                self._handled.finish(message.origin)
                self._held_bytes -= len(visit.body)
                _measure(visit)
        FETCH_UNDER_WAY.set(len(self._tasks))
        self._reader.commit()  # in every turn: what is no entry is done without a visit
        self._reader.hold_back(self._lanes.waiting())  # what waits stays on Kafka
        messages = self._reader.poll(_TURN_SECONDS)
        if self._unread:
            self._back.fill(self._unread)
            self._unread.clear()
        for message in messages:
            self._take(message)
        if self._reader.assigned():
            self._waits.end()
        else:
            self._waits.begin(
                "no-partition", "no share of the entries: other copies have them, or the group is forming"
            )

    def start(self) -> bool:
        """Start the visits that are due, as long as there is room."""
        room = _WINDOW - len(self._tasks) - len(self._finished)
        patience = _PATIENCE_WHEN_CROWDED if room < _WINDOW // 2 else PATIENCE_SECONDS
        for message, read in self._lanes.ready(datetime.now(UTC), room):
            entry = self._known.for_visit(read)
            visit = self._visitor.put_off(entry, patience)
            if visit is None:
                spawn(self._tasks, self._visit(message, entry))
            else:
                self._finish(message, visit)
        return True

    def under_way(self) -> Collection[asyncio.Task[None]]:
        """Give the visits that are running or wait for their host."""
        return self._tasks

    def close(self) -> None:
        """Wait until all is acknowledged, leave the group, and end the children that parse."""
        self._sender.close()
        self._reader.close()
        self._visitor.close()

    async def _visit(self, message: Message, entry: Entry) -> None:
        self._finish(message, await self._visitor.visit(entry, message.origin))

    def _finish(self, message: Message, visit: FetchResult) -> None:
        self._held_bytes += len(visit.body)
        self._finished.append((message, visit))

    def _send(self, message: Message, visit: FetchResult) -> None:
        """Hand all parts of a visit to Kafka."""
        if not visit.entry.visit:
            visit = self._joined(visit)
        entry = visit.entry
        if entry.further and not entry.visit:  # poll took it for a repetition and wrote no such line
            line = outcome(entry, Stage.FETCH, OutcomeKind.DISCOVERED, at=entry.first_seen, origin=message.origin)
            self._sender.send(self._name(OUTCOMES), entry.id, line.to_json())
        try:
            if visit.facts is not None:
                headers = {"entry": entry.to_json(), "page": visit.facts.to_json()}
                self._sender.send(self._name(PAGES), visit.key, visit.body, headers)
        except Poison as fault:
            visit = dead(entry, fault, now(), message.origin)
        if visit.outcome is not None:
            self._sender.send(self._name(OUTCOMES), entry.id, visit.outcome.to_json())
        if visit.later is not None:
            self._send_later(message, entry, *visit.later)
        if visit.dead is not None:
            self._send_dead(entry.id, message, visit.dead)

    def _settle(self, finished: Iterable[tuple[Message, FetchResult]]) -> None:
        """Wait until all parts of visits are acknowledged; a page that Kafka refuses for its size ends as dead.

        Raises:
            RecordsRefused: Kafka refuses something else than pages: its topic is not set up for it.
        """
        try:
            self._sender.flush()
        except RecordsRefused as fault:
            if any(topic != self._name(PAGES) for topic, _ in fault.records):
                raise
            pages = {key for _, key in fault.records}
            for message, visit in finished:
                if visit.facts is not None and visit.key in pages:
                    self._send(message, dead(visit.entry, fault, now(), message.origin))
            self._sender.flush()

    def _joined(self, visit: FetchResult) -> FetchResult:
        """Give a first visit with the feeds that announced its article while it waited."""
        later = visit.later and (visit.later[0], self._known.joined(visit.later[1]))
        return replace(visit, entry=self._known.joined(visit.entry), later=later)

    def _send_later(self, message: Message, entry: Entry, tier: Topic, later: Entry) -> None:
        if (later.visit, later.attempt) == (entry.visit, entry.attempt):
            self._chains.put_off((message.topic, message.partition), entry)
        headers = {REPLAY: message.headers[REPLAY]} if REPLAY in message.headers else None
        self._sender.send(self._name(tier), message.key or "", later.to_json(), headers)

    def _send_dead(self, key: str, message: Message, letter: DeadLetter) -> None:
        letter = letter.model_copy(update={"key": message.key or ""})
        headers = {**message.headers, "dead-letter": letter.to_json()}
        self._sender.send(self._name(DEAD_LETTERS), key, message.value, headers)

    def _take(self, message: Message) -> None:
        """Queue one record; one that is no entry, or that only repeats another, is ended at once."""
        if self._handled.in_hand(message.origin):
            return
        if self._handled.finished(message.origin):
            self._reader.done(message)
            return
        try:
            entry = Entry.from_json(message.value or b"")
        except ValidationError as error:
            log.error("%s is no entry and is set aside", message.origin)  # noqa: TRY400 - the dead letter says why
            self._send(message, _bad_entry(message, error))
            self._sender.flush()
            self._reader.done(message)
            return
        standing = self._standing(message, entry)
        if standing is Announcement.AGAIN:
            log.debug("%s repeats %s and is done", message.origin, entry.url)
            self._reader.done(message)
            return
        self._handled.take(message.origin)
        if standing is Announcement.FURTHER:
            first = self._known.first_feed(entry.id)
            self._finish(message, repeated(entry, first, now(), message.origin))
        else:
            self._lanes.add((message.topic, message.partition), (message, entry), entry.due_at)

    def _standing(self, message: Message, entry: Entry) -> Announcement:
        """Say whether a record is the first of its kind; one that was sent again on purpose always is."""
        if REPLAY in message.headers:
            return Announcement.FIRST
        place = (message.topic, message.partition)
        if message.topic != self._name(ENTRIES):
            return Announcement.FIRST if self._chains.take(place, message.offset, entry) else Announcement.AGAIN
        if entry.visit:
            return Announcement.FIRST
        self._back.saw(message)
        standing = self._known.take(entry, message.partition, message.offset, now())
        # Poll has ended a further announcement; where its article is forgotten it is fetched, as if it were the first.
        return Announcement.AGAIN if entry.further and standing is Announcement.FURTHER else standing

    def _get(self, places: Iterable[Place]) -> None:
        """Note which partitions of announcements came to this copy."""
        self._unread.update(place for place in places if place[0] == self._name(ENTRIES))

    def _let_go(self, places: Iterable[Place]) -> None:
        """Forget what waits in partitions that went to another copy; what is under way there ends twice, harmlessly."""
        for message, _ in self._lanes.drop(places):
            self._handled.let_go(message.origin)
        self._chains.drop(places)
        self._unread -= set(places)

    def _name(self, topic: Topic) -> str:
        return topic.full_name(self._settings.river.name)


def _measure(visit: FetchResult) -> None:
    """Count one try whose parts are acknowledged."""
    kind = visit.outcome.kind if visit.outcome is not None else "retry"
    FETCH_RESULTS.add(kind=kind, reason=visit.outcome.reason if visit.outcome is not None else "")
    FETCH_BYTES.add(len(visit.body))
    if visit.facts is not None:
        FETCH_SECONDS.observe(visit.facts.elapsed_ms / 1000)


def _remembered_seconds(settings: FetchSettings) -> float:
    """Give how long revisits bring further feeds to an article's document; a while where there are none."""
    if not settings.revisit:
        return _REMEMBERED_SECONDS
    delays = {tier.name.rpartition("-")[2]: tier.delay_seconds or 0 for tier in LATER}
    return sum(delays[name] for name in settings.revisit) * settings.later_scale


def _bad_entry(message: Message, error: ValidationError) -> FetchResult:
    """End what is no entry: a stand-in takes the place of the one that nobody can read."""
    fault = Poison(str(error.errors(include_url=False)[0]["msg"]), reason="bad-entry", resource=message.origin)
    return dead(stand_in(message.origin, message.timestamp_ms), fault, now(), message.origin)
