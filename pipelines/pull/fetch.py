"""The role `fetch`: gets the entries' pages and puts them on Kafka.

Copies share the hosts by the partitions of `news.entries` and of the later-tiers, which have the host as key. Within
a copy every host has its own queue: a slow one holds up nobody else, and what would wait too long goes to a
later-tier. An offset is committed when all before it are done: their pages, outcomes and later visits acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pydantic import ValidationError

from pipelines.connect import kafka_bootstrap
from pipelines.errors import FeedFault, FetchFault, Poison, RecordFault
from pipelines.http.client import ACCEPT_PAGE, Client
from pipelines.kafka import GroupReader, Message, Sender
from pipelines.ledger.lines import stand_in
from pipelines.pull.drive import drive, spawn
from pipelines.pull.lanes import Handled, Lanes, Place
from pipelines.pull.politeness import ROBOTS_BYTES, HostGate, HostOnHold, RobotsCache
from pipelines.pull.visits import Visit, after_answer, after_fault, dead, postponed, skipped
from pipelines.settings import Settings
from pipelines.urls import host_of
from schemas.records import DeadLetter, Entry
from schemas.topics import DEAD_LETTERS, ENTRIES, LATER, OUTCOMES, PAGES, Topic

log = logging.getLogger(__name__)

_TURN_SECONDS = 0.1
_WINDOW = 4096
"""Most entries under way or waiting for their host."""

_PATIENCE_SECONDS = 300.0
_PATIENCE_WHEN_CROWDED = 30.0
_MAX_HELD_BYTES = 64_000_000
"""Pages that may wait for Kafka before no more are fetched."""


def run(settings: Settings, stop: threading.Event) -> None:
    """Fetch until `stop` is set, then drain within seconds.

    Raises:
        ServiceError: the settings name no Kafka and no local stack was ever started.
    """
    asyncio.run(_run(settings, stop))


async def _run(settings: Settings, stop: threading.Event) -> None:
    async with Client(settings) as client:
        await drive(lambda: Fetcher(settings, client), stop)


class Forbidden(RecordFault):
    """robots.txt keeps us out."""


class Fetcher:
    """One copy of the role; connects to Kafka when it is made, which blocks."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._settings = settings
        self._client = client
        self._gate = HostGate(settings.fetch.delay_seconds, patience=_PATIENCE_SECONDS)
        self._robots = RobotsCache(self._get_robots)
        self._slots = asyncio.Semaphore(settings.fetch.concurrency)
        self._lanes: Lanes[tuple[Message, Entry]] = Lanes()
        self._handled = Handled()
        self._paused: set[Place] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # Filled on the loop, emptied in the turn's thread.
        self._finished: deque[tuple[Message, Visit]] = deque()
        self._held_bytes = 0
        name = f"{settings.river.name}-fetch"
        bootstrap = kafka_bootstrap(settings)
        self._sender = Sender(bootstrap, client_id=name, linger_ms=settings.kafka.linger_ms)
        self._reader = GroupReader(
            bootstrap,
            name,
            [self._name(topic) for topic in (ENTRIES, *LATER)],
            client_id=name,
            on_revoked=self._let_go,
        )

    def turn(self) -> None:
        """Put finished visits on Kafka, commit what is done, and read on."""
        finished = [self._finished.popleft() for _ in range(len(self._finished))]
        for message, visit in finished:
            self._send(message, visit)
        if finished:
            self._sender.flush()
            for message, visit in finished:
                self._reader.done(message)
                self._handled.finish(message.origin)
                self._held_bytes -= len(visit.body)
        self._reader.commit()  # in every turn: what is no entry is done without a visit
        self._pause_and_resume()
        for message in self._reader.poll(_TURN_SECONDS):
            self._take(message)

    def start(self) -> bool:
        """Start the visits that are due, as long as there is room."""
        room = _WINDOW - len(self._tasks) - len(self._finished)
        crowded = room < _WINDOW // 2
        patience = _PATIENCE_WHEN_CROWDED if crowded else _PATIENCE_SECONDS
        for message, entry in self._lanes.ready(datetime.now(UTC), room):
            wait = self._expected_wait(entry)
            if wait > patience:
                self._finish(message, postponed(entry, wait, _now(), self._settings.fetch))
            else:
                spawn(self._tasks, self._visit(message, entry))
        return True

    def under_way(self) -> Collection[asyncio.Task[None]]:
        """Give the visits that are running or wait for their host."""
        return self._tasks

    def close(self) -> None:
        """Wait until all is acknowledged, and leave the group."""
        self._sender.close()
        self._reader.close()

    async def _visit(self, message: Message, entry: Entry) -> None:
        """Make one try; whatever happens ends as a visit."""
        fetch = self._settings.fetch
        try:
            answer = await self._client.get(
                entry.link,
                max_bytes=fetch.max_page_bytes,
                accept=ACCEPT_PAGE,
                etag=entry.etag,
                last_modified=entry.last_modified,
                hop=self._hop,
            )
            visit = after_answer(entry, answer, _now(), fetch, message.origin)
        except HostOnHold as hold:
            visit = postponed(entry, hold.retry_after or 0.0, _now(), fetch)
        except Forbidden as fault:
            visit = skipped(entry, fault.reason, fault.message, _now(), message.origin)
        except FetchFault as fault:
            if fault.retry_after:
                self._gate.hold(host_of(fault.resource or entry.link), fault.retry_after)
            visit = after_fault(entry, fault, _now(), fetch, message.origin)
            log.info("%s: %s (try %d)", entry.link, fault, entry.attempt + 1)
        except Exception as error:  # a fault of ours must not lose the entry: it is tried again, then set aside
            log.exception("visit of %s", entry.link)
            kind = f"internal-{type(error).__name__.lower()}"
            ours = FetchFault(f"{type(error).__name__}: {error}", reason=kind, retryable=True, resource=entry.link)
            visit = after_fault(entry, ours, _now(), fetch, message.origin)
        self._finish(message, visit)

    def _finish(self, message: Message, visit: Visit) -> None:
        self._held_bytes += len(visit.body)
        self._finished.append((message, visit))

    @asynccontextmanager
    async def _hop(self, url: str) -> AsyncIterator[None]:
        """Let a request to a page through when the site allows it and it is our turn there."""
        robots = await self._robots.of("{0.scheme}://{0.netloc}".format(urlsplit(url)))
        if robots.fault is not None:
            raise _unreachable(robots.fault)
        if not robots.allows(url):
            raise Forbidden("robots.txt keeps us out", reason="robots", resource=url)
        self._gate.set_delay(host_of(url), robots.delay_seconds)
        async with self._turn_at(url):
            yield

    @asynccontextmanager
    async def _turn_at(self, url: str) -> AsyncIterator[None]:
        async with self._gate.turn(host_of(url)), self._slots:
            while self._held_bytes > _MAX_HELD_BYTES:
                await asyncio.sleep(_TURN_SECONDS)
            yield

    async def _get_robots(self, url: str) -> bytes:
        answer = await self._client.get(url, max_bytes=ROBOTS_BYTES, accept="text/plain,*/*;q=0.1", hop=self._turn_at)
        return answer.body

    def _expected_wait(self, entry: Entry) -> float:
        try:
            return self._gate.expected_wait(host_of(entry.link))
        except FeedFault:
            return 0.0  # the visit itself finds out what is wrong with the link

    def _send(self, message: Message, visit: Visit) -> None:
        """Hand all parts of a visit to Kafka."""
        entry = visit.entry
        try:
            if visit.facts is not None:
                headers = {"entry": entry.to_json(), "page": visit.facts.to_json()}
                self._sender.send(self._name(PAGES), entry.url, visit.body, headers)
        except Poison as fault:
            visit = dead(entry, fault, _now(), message.origin)
        if visit.outcome is not None:
            self._sender.send(self._name(OUTCOMES), entry.id, visit.outcome.to_json())
        if visit.later is not None:
            tier, later = visit.later
            self._sender.send(self._name(tier), message.key or "", later.to_json())
        if visit.dead is not None:
            self._send_dead(entry.id, message, visit.dead)

    def _send_dead(self, key: str, message: Message, letter: DeadLetter) -> None:
        letter = letter.model_copy(update={"key": message.key or ""})
        headers = {**message.headers, "dead-letter": letter.to_json()}
        self._sender.send(self._name(DEAD_LETTERS), key, message.value, headers)

    def _take(self, message: Message) -> None:
        """Queue one record; one that is no entry is set aside at once."""
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
        self._handled.take(message.origin)
        self._lanes.add((message.topic, message.partition), (message, entry), entry.due_at)

    def _pause_and_resume(self) -> None:
        """Read on only where nothing waits: what waits stays on Kafka."""
        waiting = self._lanes.waiting() & set(self._reader.assigned())
        self._paused &= set(self._reader.assigned())
        for place in waiting - self._paused:
            self._reader.pause(*place)
        for place in self._paused - waiting:
            self._reader.resume(*place)
        self._paused = waiting

    def _let_go(self, places: Iterable[Place]) -> None:
        """Forget what waits in partitions that go to another copy; what is under way there ends twice, harmlessly."""
        for message, _ in self._lanes.drop(places):
            self._handled.let_go(message.origin)
        self._paused -= set(places)

    def _name(self, topic: Topic) -> str:
        return topic.full_name(self._settings.river.name)


def _now() -> datetime:
    """Give the present in milliseconds, which is what a document's version counts."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _unreachable(fault: FetchFault) -> FetchFault:
    """Say that a site's robots.txt keeps us out for now: by its status, or because the site does not answer."""
    reason = fault.reason if fault.status is None else f"robots-{fault.reason}"
    return FetchFault(
        f"robots.txt: {fault.message}",
        reason=reason,
        retryable=fault.retryable,
        retry_after=fault.retry_after,
        resource=fault.resource,
    )


def _bad_entry(message: Message, error: ValidationError) -> Visit:
    """End what is no entry: a stand-in takes the place of the one that nobody can read."""
    fault = Poison(str(error.errors(include_url=False)[0]["msg"]), reason="bad-entry", resource=message.origin)
    return dead(stand_in(message.origin, message.timestamp_ms), fault, _now(), message.origin)
