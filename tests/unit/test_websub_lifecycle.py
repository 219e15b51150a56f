"""How a subscription lives: what is asked when, what a hub's words make of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.websub.lifecycle import (
    Act,
    agrees,
    asked,
    begun,
    come_back,
    decide,
    denied,
    denies,
    left,
    pushes,
    refused,
    verified,
)
from pipelines.websub.protocol import Intent
from schemas.records import HubMode, Subscription, SubscriptionStatus

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FEED, HUB = "https://ferry.example/feed", ("https://hub.example/", "https://ferry.example/feed.xml")
DAY = 86_400


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def new() -> Subscription:
    return begun(FEED, HUB, lambda: "x" * 43, NOW)


def intent(mode: str = "subscribe", topic: str = HUB[1], **fields: Any) -> Intent:
    return Intent(mode=mode, topic=topic, **{"challenge": "c", "lease_seconds": 10 * DAY, **fields})


def active(lease: int = 10 * DAY) -> Subscription:
    found = verified(asked(new(), NOW), intent(lease_seconds=lease), 10 * DAY, NOW)
    assert found is not None
    return found


def leaving() -> Subscription:
    return asked(left(active(), NOW), NOW)


@pytest.mark.parametrize(
    ("held", "said", "agreed"),
    [
        (asked(new(), NOW), intent(), True),
        (asked(new(), NOW), intent("unsubscribe"), False),
        (asked(new(), NOW), intent("denied"), False),
        (asked(new(), NOW), intent("publish"), False),
        (asked(new(), NOW), intent(topic="https://ferry.example/other"), False),
        (asked(new(), NOW), intent(challenge=""), False),
        (new(), intent(), False),  # nothing was asked yet
        (active(), intent(), False),  # what was asked is verified already
        (active(), intent("unsubscribe"), False),  # a stranger would end it
        (asked(active(), NOW), intent(), True),  # a renewal
        (leaving(), intent(), False),
        (leaving(), intent("unsubscribe"), True),
        (asked(come_back(leaving(), NOW), NOW), intent(), True),
        (asked(come_back(leaving(), NOW), NOW), intent("unsubscribe"), False),
    ],
)
def test_only_what_is_pending_is_confirmed(held: Subscription, said: Intent, agreed: bool) -> None:
    assert agrees(held, said) is agreed


def test_a_verified_unsubscription_leaves_nothing() -> None:
    assert verified(leaving(), intent("unsubscribe"), DAY, NOW) is None


@pytest.mark.parametrize(
    ("said", "lease"),
    [(10 * DAY, 10 * DAY), (None, 5 * DAY), (0, 60), (1, 60), (10 * 365 * DAY, 30 * DAY)],
)
def test_a_lease_is_renewed_when_four_fifths_are_over(said: int | None, lease: int) -> None:
    held = verified(asked(new(), NOW), intent(lease_seconds=said), 5 * DAY, NOW)
    assert held is not None
    assert held.lease_until == after(lease)
    assert after(0.72 * lease) <= held.next_at <= after(0.8 * lease)
    assert (held.status, held.pending, held.tries, held.reason) == (SubscriptionStatus.ACTIVE, None, 0, "")
    assert decide(held, HUB, held.next_at - timedelta(seconds=1)) is Act.NOTHING
    assert decide(held, HUB, held.next_at) is Act.ASK


def test_renewals_are_spread() -> None:
    times = set()
    for number in range(50):
        found = verified(
            asked(begun(f"https://f.example/{number}", HUB, lambda: "x" * 43, NOW), NOW), intent(), DAY, NOW
        )
        assert found is not None
        times.add(found.next_at)
    assert len(times) == 50


def test_a_renewal_keeps_callback_secret_and_lease_until_it_is_verified() -> None:
    before = active()
    held = asked(before, before.next_at)
    assert (held.callback, held.secret, held.lease_until) == (before.callback, before.secret, before.lease_until)
    assert held.status is SubscriptionStatus.ACTIVE
    assert pushes(held, before.next_at)


def test_a_silent_hub_is_asked_after_growing_pauses_for_ever() -> None:
    held, now, pauses = new(), NOW, []
    for _ in range(40):
        held = asked(held, now)
        pauses.append((held.next_at - now).total_seconds())
        now = held.next_at
    assert 540 <= pauses[0] <= 600
    assert 1080 <= pauses[1] <= 1200
    assert all(0.9 * DAY <= pause <= DAY for pause in pauses[10:])


@given(st.integers(0, 10_000), st.one_of(st.none(), st.floats(0, 7 * DAY)))
def test_a_refusal_is_never_followed_before_its_retry_after(tries: int, wait: float | None) -> None:
    held = refused(asked(new().model_copy(update={"tries": tries}), NOW), "http-429", wait, NOW)
    assert held.next_at >= after(wait or 0)
    assert held.next_at >= after(540)
    assert held.reason == "http-429"


def test_a_denial_is_noted_and_tried_again_after_days() -> None:
    said = intent("denied", challenge="", reason="members only")
    for held in (asked(new(), NOW), active()):
        assert denies(held, said)
        after_it = denied(held, said, NOW)
        assert after_it is not None
        assert (after_it.status, after_it.reason) == (SubscriptionStatus.DENIED, "members only")
        assert not pushes(after_it, NOW)
        assert decide(after_it, HUB, after(2 * DAY)) is Act.NOTHING
        assert decide(after_it, HUB, after(3 * DAY)) is Act.ASK
        assert asked(after_it, after(3 * DAY)).pending is HubMode.SUBSCRIBE
    assert not denies(active(), intent("denied", topic="https://else.example/"))
    assert denied(leaving(), said, NOW) is None


@pytest.mark.parametrize(
    ("held", "wanted", "act"),
    [
        (None, None, Act.NOTHING),
        (None, HUB, Act.BEGIN),
        (new(), HUB, Act.ASK),
        (new(), None, Act.LEAVE),
        (asked(new(), NOW), HUB, Act.NOTHING),
        (asked(new(), NOW), None, Act.LEAVE),
        (active(), HUB, Act.NOTHING),
        (active(), None, Act.LEAVE),
        (active(), ("https://other.example/", HUB[1]), Act.LEAVE),
        (active(), (HUB[0], "https://ferry.example/new"), Act.LEAVE),
        (active().model_copy(update={"lease_until": NOW}), None, Act.FORGET),
        (denied(active(), intent("denied"), NOW), None, Act.FORGET),
        (denied(active(), intent("denied"), NOW), HUB, Act.NOTHING),
        (left(active(), NOW), None, Act.ASK),
        (leaving(), None, Act.NOTHING),
        (leaving(), HUB, Act.COME_BACK),
        (leaving(), ("https://other.example/", HUB[1]), Act.NOTHING),  # first the one, then the other
        (leaving().model_copy(update={"tries": 5}), None, Act.FORGET),
        (leaving().model_copy(update={"lease_until": NOW}), None, Act.FORGET),
    ],
)
def test_what_is_done_about_a_feed(held: Subscription | None, wanted: tuple[str, str] | None, act: Act) -> None:
    assert decide(held, wanted, NOW) is act


def test_a_lease_that_ran_out_is_asked_for_again() -> None:
    held = active(3600)
    assert not pushes(held, after(3600))
    assert decide(held, HUB, after(3 * DAY)) is Act.ASK
