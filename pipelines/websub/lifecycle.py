"""The life of a subscription: asked, verified, renewed, denied, left. Pure: each step gives the next record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import SecretStr

from pipelines.backoff import Backoff
from pipelines.poll.schedule import jitter
from pipelines.websub.protocol import DENIED, Intent
from schemas.records import HubMode, Subscription, SubscriptionStatus

Hub = tuple[str, str]
"""Address of a hub, and the topic to subscribe to there."""

_RENEW_SHARE = 0.8
_JITTER = 0.1
_LEAST_LEASE, _LONGEST_LEASE = 60, 30 * 86_400  # a hub that says less would be asked all the time, or never again
_BACKOFF = Backoff(600.0, 86_400.0, _JITTER)
_DENIED_WAIT = 3 * 86_400.0
_MOST_FAREWELLS = 5


class Act(StrEnum):
    """What is to be done about a feed's subscription."""

    NOTHING = "nothing"
    BEGIN = "begin"
    ASK = "ask"
    LEAVE = "leave"
    COME_BACK = "come-back"
    FORGET = "forget"


def decide(held: Subscription | None, wanted: Hub | None, now: datetime) -> Act:
    """Say what is to be done.

    Args:
        held: the feed's subscription, or None.
        wanted: where the feed is to be subscribed to; None when it is removed, paused or names no hub.
        now: the present.
    """
    if held is None:
        return Act.BEGIN if wanted else Act.NOTHING
    same = wanted == (held.hub, held.topic)
    if held.status is SubscriptionStatus.LEAVING:
        if same:
            return Act.COME_BACK
        if held.tries >= _MOST_FAREWELLS or not live(held, now):
            return Act.FORGET
    elif not same:
        # Of a request that is under way the hub may yet make a subscription, so that one is left as well.
        gone = held.status is SubscriptionStatus.DENIED or not (live(held, now) or held.pending)
        return Act.FORGET if gone else Act.LEAVE
    return Act.ASK if held.next_at <= now else Act.NOTHING


def live(held: Subscription, now: datetime) -> bool:
    """Tell whether a hub may still have the subscription: its lease runs, or it was never told of one."""
    return held.lease_until is None or held.lease_until > now


def pushes(held: Subscription, now: datetime) -> bool:
    """Tell whether a hub has promised to push at present."""
    return held.status is SubscriptionStatus.ACTIVE and held.lease_until is not None and held.lease_until > now


def begun(feed_url: str, hub: Hub, token: Callable[[], str], now: datetime) -> Subscription:
    """Give a subscription that is to be asked for.

    Args:
        feed_url: the feed.
        hub: where, and what.
        token: makes random text that nobody can guess, under 200 bytes (5.1).
        now: the present.
    """
    return Subscription(
        feed_url=feed_url,
        hub=hub[0],
        topic=hub[1],
        callback=SecretStr(token()),
        secret=SecretStr(token()),
        status=SubscriptionStatus.ASKED,
        next_at=now,
    )


def asked(held: Subscription, now: datetime) -> Subscription:
    """Note that the hub is asked: until it verifies, it is asked again after pauses that double, up to a day."""
    leaving = held.status is SubscriptionStatus.LEAVING
    wait = _BACKOFF.pause(held.tries + 1, jitter(held.feed_url, held.tries))
    return held.model_copy(
        update={
            "status": SubscriptionStatus.ASKED if held.status is SubscriptionStatus.DENIED else held.status,
            "pending": HubMode.UNSUBSCRIBE if leaving else HubMode.SUBSCRIBE,
            "tries": held.tries + 1,
            "next_at": now + timedelta(seconds=wait),
        }
    )


def refused(held: Subscription, reason: str, retry_after: float | None, now: datetime) -> Subscription:
    """Note that a request failed, and not to ask before `retry_after` seconds have passed.

    It stays pending: a hub that took the request and answered too late still verifies it.
    """
    earliest = now + timedelta(seconds=retry_after or 0.0)
    return held.model_copy(update={"reason": reason, "next_at": max(held.next_at, earliest)})


def agrees(held: Subscription, intent: Intent) -> bool:
    """Tell whether a hub's verification is of what was asked (5.3): the pending mode, the topic, a fit challenge."""
    return (
        held.pending is not None
        and intent.mode == held.pending
        and intent.topic == held.topic
        and bool(intent.challenge)
    )


def verified(held: Subscription, intent: Intent, default_lease: int, now: datetime) -> Subscription | None:
    """Give the subscription that a verification makes; None when it ends one.

    Args:
        held: the subscription, which agrees with `intent`.
        intent: what the hub asked.
        default_lease: seconds to count on where the hub names none, as before the Recommendation.
        now: the present.
    """
    if held.pending is HubMode.UNSUBSCRIBE:
        return None
    lease = default_lease if intent.lease_seconds is None else intent.lease_seconds
    lease = min(max(lease, _LEAST_LEASE), _LONGEST_LEASE)
    return held.model_copy(
        update={
            "status": SubscriptionStatus.ACTIVE,
            "pending": None,
            "tries": 0,
            "next_at": now + timedelta(seconds=lease * _RENEW_SHARE * _early(held)),
            "lease_until": now + timedelta(seconds=lease),
            "reason": "",
        }
    )


def denies(held: Subscription, intent: Intent) -> bool:
    """Tell whether a hub denies this subscription (5.2), which it may do at any time."""
    return intent.mode == DENIED and intent.topic == held.topic


def denied(held: Subscription, intent: Intent, now: datetime) -> Subscription | None:
    """Give the subscription that a denial leaves, asked for again after days; None when it was to end anyway."""
    if held.status is SubscriptionStatus.LEAVING:
        return None
    return held.model_copy(
        update={
            "status": SubscriptionStatus.DENIED,
            "pending": None,
            "tries": 0,
            "next_at": now + timedelta(seconds=_DENIED_WAIT * _early(held)),
            "lease_until": None,
            "reason": intent.reason or "denied",
        }
    )


def left(held: Subscription, now: datetime) -> Subscription:
    """Give the subscription once it is to end: the hub is asked at once."""
    return held.model_copy(update={"status": SubscriptionStatus.LEAVING, "pending": None, "tries": 0, "next_at": now})


def come_back(held: Subscription, now: datetime) -> Subscription:
    """Give the subscription when the feed is wanted again before the hub has let it go."""
    return held.model_copy(update={"status": SubscriptionStatus.ASKED, "pending": None, "tries": 0, "next_at": now})


def _early(held: Subscription) -> float:
    """Give a factor just below 1, another for each feed and try: what began together does not come back together."""
    return 1 - _JITTER * jitter(held.feed_url, held.tries)
