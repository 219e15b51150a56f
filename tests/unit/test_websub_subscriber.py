"""What a hub is told when things are not as they should be; the good way is tested with a hub and a broker."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import cast

import pytest

from pipelines.http.client import Client
from pipelines.runtime.heartbeat import Waits
from pipelines.settings import Settings
from pipelines.websub import subscriber as module
from pipelines.websub.lifecycle import asked, begun, left, verified
from pipelines.websub.protocol import Intent
from pipelines.websub.subscriber import GONE, NOT_FOUND, TAKEN, TRY_AGAIN, Subscriber
from schemas.records import Subscription

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BODY = b"<rss/>"


def active() -> Subscription:
    texts = iter(("token", "secret"))
    held = asked(begun("https://ferry.example/feed", ("https://hub.example/", "t"), lambda: next(texts), NOW), NOW)
    found = verified(held, Intent(mode="subscribe", topic="t", challenge="c", lease_seconds=86_400), 1, NOW)
    assert found is not None
    return found


def run(story: Callable[[Subscriber, Waits], Awaitable[None]], *, ready: bool = True) -> None:
    async def whole() -> None:
        waits = Waits()
        subscriber = Subscriber(Settings(), cast("Client", None), waits)
        subscriber._ready, subscriber._partitions = ready, 2
        subscriber._table.put(active())
        await story(subscriber, waits)

    asyncio.run(whole())


def push(subscriber: Subscriber, signature: str | None = None) -> Awaitable[int]:
    right = "sha256=" + hmac.new(b"secret", BODY, "sha256").hexdigest()
    return subscriber.push("token", BODY, signature=right if signature is None else signature, content_type="x")


def test_a_hub_is_told_to_come_back_while_kafka_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.02)

    async def story(subscriber: Subscriber, waits: Waits) -> None:
        assert await push(subscriber) == TRY_AGAIN
        assert waits.now is not None
        assert subscriber.status()["pushes"] == {"put-off": 1}
        assert subscriber._outbox.take() == []  # nobody waits for it any more

    run(story)


def test_a_push_is_answered_when_kafka_has_it() -> None:
    async def story(subscriber: Subscriber, _: Waits) -> None:
        answer = asyncio.ensure_future(push(subscriber))
        await asyncio.sleep(0)
        [parcel] = subscriber._outbox.take()
        assert [draft.topic for draft in parcel.drafts] == ["news.pushes", "news.websub"]
        assert not answer.done()
        subscriber._outbox.settle([parcel])
        assert await answer == TAKEN

    run(story)


@pytest.mark.parametrize(("signature", "fault"), [("", "unsigned"), ("sha256=" + "0" * 64, "wrong-signature")])
def test_what_is_not_signed_well_is_answered_alike_and_goes_nowhere(signature: str, fault: str) -> None:
    async def story(subscriber: Subscriber, _: Waits) -> None:
        assert await push(subscriber, signature) == TAKEN
        assert subscriber._outbox.take() == []
        assert subscriber.status()["pushes"] == {fault: 1}

    run(story)


def test_a_callback_that_is_left_is_gone_and_one_that_never_was_is_not_found() -> None:
    async def story(subscriber: Subscriber, _: Waits) -> None:
        assert subscriber.known("token") == TAKEN
        subscriber._table.put(left(active(), NOW))
        assert subscriber.known("token") == GONE
        assert subscriber.known("secret") == NOT_FOUND
        assert await subscriber.verify("secret", {"hub.mode": "subscribe"}) == (NOT_FOUND, "")

    run(story)


def test_nothing_is_refused_before_all_is_read() -> None:
    async def story(subscriber: Subscriber, _: Waits) -> None:
        assert subscriber.known("unknown") == TRY_AGAIN
        assert await subscriber.verify("unknown", {}) == (TRY_AGAIN, "")

    run(story, ready=False)
