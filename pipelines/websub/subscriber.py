"""The subscriber: asks hubs, answers their questions, and puts what they push on Kafka.

Its state is the compacted topic `news.websub`; a request leaves only after the state that it may lead to is
acknowledged, so a hub can never hold a subscription that a killed process has forgotten. One copy subscribes for a
river.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import ValidationError

from pipelines.errors import FeedFault, FetchFault, RecordsRefused
from pipelines.feeds.partitions import feed_partition
from pipelines.http.client import Client
from pipelines.http.politeness import HostGate
from pipelines.kafka import Message, Sender, TableFollower, missing, patiently, topics
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.runtime.heartbeat import Waits
from pipelines.runtime.run_loop import spawn
from pipelines.settings import Settings
from pipelines.urls import host_of
from pipelines.websub.lifecycle import agrees, asked, denied, denies, refused, verified
from pipelines.websub.outbox import Full, Outbox, OutgoingRecord
from pipelines.websub.protocol import hub_address, read_intent, request_fields, signature_fault
from pipelines.websub.subscriptions import Subscriptions
from schemas.records import Feed, FeedState, HubMode, PushFacts, Subscription, SubscriptionStatus
from schemas.topics import FEED_STATE, FEEDS, PUSHES, SUBSCRIPTIONS, Topic

log = logging.getLogger(__name__)

OK, TAKEN, NOT_FOUND, GONE, TRY_AGAIN = 200, 202, 404, 410, 503

_TURN_SECONDS = 0.1  # a push waits for its turn at most so long
_SETTLE_SECONDS = 0.5
_PATIENCE_SECONDS = 10.0
_VERIFY_SECONDS = 3.0
_MOST_REQUESTS = 16
_OUTBOX_BYTES = 64_000_000


class Subscriber:
    """One river's subscriptions; made on the event loop, run by `pipelines.runtime.run_loop`.

    Args:
        settings: all settings.
        client: makes the requests to hubs.
        waits: told while Kafka takes no pushes.
    """

    def __init__(self, settings: Settings, client: Client, waits: Waits) -> None:
        self._settings = settings
        self._client = client
        self._waits = waits
        self._table = Subscriptions(lambda: secrets.token_urlsafe(32))
        self._outbox = Outbox(_OUTBOX_BYTES)
        self._gate = HostGate(settings.fetch.delay_seconds)
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: dict[str, str] = {}  # feed -> host of the hub that is being asked
        self._pushed: Counter[str] = Counter()
        self._places: dict[str, int] = {}  # feed -> partition of its definition
        self._messages: list[Message] = []
        self._caught_up = self._ready = False
        self._settled_at = 0.0

    def connect(self) -> Self:
        """Connect to Kafka, which blocks.

        Raises:
            ServiceError: the broker does not answer, or a topic does not exist.
        """
        name, bootstrap = f"{self._settings.river.name}-serve", kafka_bootstrap(self._settings)
        self._partitions = _count_partitions(bootstrap, self._name(PUSHES))
        self._sender = Sender(bootstrap, client_id=name, linger_ms=0)
        topics = map(self._name, (SUBSCRIPTIONS, FEED_STATE, FEEDS))
        self._follower = TableFollower(bootstrap, topics, client_id=name)
        return self

    def turn(self) -> None:
        """Put on Kafka what waits for it, then read on in the feed list and the feeds' states."""
        parcels = self._outbox.take()
        for parcel in parcels:
            for draft in parcel.drafts:
                self._sender.send(draft.topic, draft.key, draft.value, draft.headers, partition=draft.partition)
        if parcels:
            self._flush()
            self._outbox.settle(parcels)
        self._messages = self._follower.poll(_TURN_SECONDS)
        self._caught_up = self._caught_up or self._follower.caught_up()

    def _flush(self) -> None:
        try:
            self._sender.flush()
        except RecordsRefused as refusal:  # pushed again it would be refused again; a poll brings the same news
            log.error("pushes are lost to this: %s", refusal)  # noqa: TRY400 - one line

    def start(self) -> bool:
        """Take in what was read; when all is known, ask the hubs that are due."""
        self._waits.end()
        messages, self._messages = self._messages, []
        for message in messages:
            self._take(message)
        if self._caught_up and not self._ready:
            self._ready = True
            log.info("subscriptions: %s", self._table.counts(datetime.now(UTC)))
        seconds = asyncio.get_running_loop().time()
        if self._ready and seconds - self._settled_at >= _SETTLE_SECONDS:
            self._settled_at = seconds
            self._settle(datetime.now(UTC))
        return True

    def under_way(self) -> Collection[asyncio.Task[None]]:
        """Give the requests that are under way."""
        return self._tasks

    def close(self) -> None:
        """Hang up."""
        self._sender.close()
        self._follower.close()

    def status(self) -> dict[str, Any]:
        """Say how the subscriptions stand and what became of pushes since the start."""
        counts = self._table.counts(datetime.now(UTC)) if self._ready else {}
        return {"ready": self._ready, "subscriptions": counts, "pushes": dict(sorted(self._pushed.items()))}

    async def verify(self, token: str, query: Mapping[str, str]) -> tuple[int, str]:
        """Answer a hub's GET at a callback (5.2, 5.3): the status, and the challenge where it is echoed.

        The answer leaves when Kafka has the new state, or a few seconds later: without it the hub is only asked again.
        """
        if not self._ready:
            return TRY_AGAIN, ""
        held, intent, now = self._table.of_callback(token), read_intent(query), datetime.now(UTC)
        if held is not None and denies(held, intent):
            await asyncio.wait([self._keep(held.feed_url, denied(held, intent, now))], timeout=_VERIFY_SECONDS)
            log.warning("hub of %s denies the subscription: %s", held.feed_url, intent.reason or "no reason given")
            return OK, ""
        if held is None or not agrees(held, intent):
            return NOT_FOUND, ""
        found = verified(held, intent, self._settings.serve.websub_lease_seconds, now)
        await asyncio.wait([self._keep(held.feed_url, found)], timeout=_VERIFY_SECONDS)
        until = "ended" if found is None or found.lease_until is None else f"until {found.lease_until:%F %T}"
        log.info("subscription to %s at %s: %s", held.topic, held.hub, until)
        return OK, intent.challenge

    def known(self, token: str) -> int:
        """Say whether a push to a callback is worth reading: TAKEN, or the status to answer instead."""
        held = self._table.of_callback(token)
        if not self._ready:
            return TRY_AGAIN
        if held is None:
            return NOT_FOUND
        return GONE if held.status is SubscriptionStatus.LEAVING else TAKEN

    async def push(self, token: str, body: bytes, *, signature: str | None, content_type: str) -> int:
        """Take a hub's push (7) and give the status to answer, once Kafka has acknowledged what is good of it.

        A push without a good signature is answered like any other, counted and ignored (7.1).
        """
        held = self._table.of_callback(token)
        if held is None:  # forgotten while the body was read
            return NOT_FOUND
        fault = signature_fault(signature, body, held.secret.get_secret_value(), self._settings.serve.websub_signatures)
        if fault:
            self._pushed[fault] += 1
            log.warning("push for %s ignored: %s", held.feed_url, fault)
            return TAKEN
        now = datetime.now(UTC)
        # In milliseconds, which is what the index keeps of the time of discovery.
        received = now.replace(microsecond=now.microsecond // 1000 * 1000)
        facts = PushFacts(received_at=received, content_type=content_type, lease_until=held.lease_until)
        held = held.model_copy(update={"last_push_at": now})
        headers = {"push": facts.to_json()}
        # Beside the feed's definition, wherever that lies: there the copy of poll looks that has the feed.
        partition = self._places.get(held.feed_url, feed_partition(held.feed_url, self._partitions))
        pushed = OutgoingRecord(
            topic=self._name(PUSHES), key=held.feed_url, value=body, headers=headers, partition=partition
        )
        self._table.put(held)
        try:
            arrived = self._outbox.put([pushed, self._state(held.feed_url, held)], bounded=True)
            await asyncio.wait_for(arrived, _PATIENCE_SECONDS)
        except (TimeoutError, Full):
            self._pushed["put-off"] += 1
            self._waits.begin("kafka", "Kafka takes no records: hubs are told to push again later")
            return TRY_AGAIN
        self._pushed["taken"] += 1
        return TAKEN

    def _settle(self, now: datetime) -> None:
        for feed_url, held in self._table.settle(now):
            self._keep(feed_url, held)
        for held in self._table.due(now):
            if len(self._tasks) >= _MOST_REQUESTS:
                return
            host = _host(self._address(held))
            busy = held.feed_url in self._asking or host in self._asking.values()
            if not busy and self._gate.expected_wait(host) <= 0:
                self._asking[held.feed_url] = host
                spawn(self._tasks, self._ask(held, host))

    async def _ask(self, held: Subscription, host: str) -> None:
        """Ask one hub; whatever happens, the subscription is due again later."""
        held = asked(held, datetime.now(UTC))
        mode = held.pending or HubMode.SUBSCRIBE
        serve = self._settings.serve
        fields = request_fields(held, mode, serve.public_url, serve.websub_lease_seconds)
        try:
            await self._keep(held.feed_url, held)
            async with self._gate.turn(host):
                await self._client.post_form(self._address(held), fields)
            log.info("asked %s to %s %s", host, mode, held.topic)
        except FetchFault as fault:
            present = self._table.of(held.feed_url)
            if present is not None and (present.callback, present.pending) == (held.callback, mode):
                self._keep(held.feed_url, refused(present, fault.reason, fault.retry_after, datetime.now(UTC)))
            log.warning("hub of %s was asked to %s it: %s", held.feed_url, mode, fault)
        finally:
            self._asking.pop(held.feed_url, None)

    def _address(self, held: Subscription) -> str:
        return hub_address(held.hub, plain=self._settings.serve.websub_plain_hubs)

    def _keep(self, feed_url: str, held: Subscription | None) -> asyncio.Future[None]:
        """Put a feed's subscription, or that there is none any more, into the table and on its way to Kafka."""
        if held is None:
            self._table.forget(feed_url)
        else:
            self._table.put(held)
        return self._outbox.put([self._state(feed_url, held)])

    def _state(self, feed_url: str, held: Subscription | None) -> OutgoingRecord:
        value = None if held is None else held.to_json()
        return OutgoingRecord(topic=self._name(SUBSCRIPTIONS), key=feed_url, value=value)

    def _take(self, message: Message) -> None:
        """Take in one record; of our own topic only what was there at the start, the rest is from here."""
        key, value = message.key or "", message.value
        try:
            if message.topic == self._name(FEED_STATE):
                if value is not None:
                    self._table.learn(FeedState.from_json(value))
            elif message.topic == self._name(FEEDS):
                self._places[key] = message.partition
                self._table.unlist(key) if value is None else self._table.list_feed(Feed.from_json(value))
            elif not self._ready:
                self._table.forget(key) if value is None else self._table.put(Subscription.from_json(value))
        except ValidationError as error:
            # Without the value: it may hold a secret.
            problem = error.errors(include_input=False)[0]["msg"]
            log.error("%s cannot be read and is passed over: %s", message.origin, problem)  # noqa: TRY400 - one line

    def _name(self, topic: Topic) -> str:
        return topic.full_name(self._settings.river.name)


def _count_partitions(bootstrap: str, topic: str) -> int:
    counts: dict[str, int] = patiently(lambda: topics(bootstrap), bootstrap)
    if topic not in counts:
        raise missing([topic])
    return counts[topic]


def _host(url: str) -> str:
    try:
        return host_of(url)
    except FeedFault:  # no address: the request itself will say so
        return url
