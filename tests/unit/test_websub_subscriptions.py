"""The table of subscriptions: who wants one, who has one, whose callback a token is; and what waits for Kafka."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.websub.lifecycle import asked, verified
from pipelines.websub.outbox import Full, Outbox, OutgoingRecord
from pipelines.websub.protocol import Intent
from pipelines.websub.subscriptions import Subscriptions
from schemas.records import Feed, FeedState, Subscription, SubscriptionStatus

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HUB = "https://hub.example/"


def url(number: int) -> str:
    return f"https://ferry.example/{number}"


def state(number: int, hub: str | None = HUB, topic: str | None = None) -> FeedState:
    return FeedState(url=url(number), next_poll_at=NOW, hub=hub, hub_topic=topic)


@pytest.fixture
def table() -> Subscriptions:
    numbers = count()
    return Subscriptions(lambda: f"token-{next(numbers)}")


def settled(table: Subscriptions, now: datetime = NOW) -> dict[str, Subscription | None]:
    return dict(table.settle(now))


def activate(table: Subscriptions, held: Subscription) -> Subscription:
    held = asked(held, NOW)
    found = verified(held, Intent(mode="subscribe", topic=held.topic, challenge="c", lease_seconds=86_400), 1, NOW)
    assert found is not None
    table.put(found)
    return found


def test_a_listed_feed_with_a_hub_is_subscribed_to_once(table: Subscriptions) -> None:
    table.list_feed(Feed(url=url(1)))
    assert settled(table) == {}  # its hub is not known yet
    table.learn(state(1, topic="https://ferry.example/self"))
    table.learn(state(2))  # nobody has it in the list
    table.list_feed(Feed(url=url(3), paused=True))
    table.learn(state(3))
    table.list_feed(Feed(url=url(4)))
    table.learn(state(4, hub=None))
    [(feed, held)] = settled(table).items()
    assert held is not None
    assert (feed, held.topic, held.hub) == (url(1), "https://ferry.example/self", HUB)
    assert table.due(NOW) == [held]
    assert settled(table) == {}
    assert table.of_callback(held.callback.get_secret_value()) == held
    assert held.secret != held.callback


def test_a_feed_that_gives_itself_no_address_is_subscribed_to_by_ours(table: Subscriptions) -> None:
    table.list_feed(Feed(url=url(1)))
    table.learn(state(1))
    assert table.wanted(url(1)) == (HUB, url(1))


@pytest.mark.parametrize("change", ["removed", "paused", "no hub"])
def test_a_feed_that_goes_is_unsubscribed(table: Subscriptions, change: str) -> None:
    table.list_feed(Feed(url=url(1)))
    table.learn(state(1))
    begun = settled(table)[url(1)]
    assert begun is not None
    activate(table, begun)
    if change == "removed":
        table.unlist(url(1))
    elif change == "paused":
        table.list_feed(Feed(url=url(1), paused=True))
    else:
        table.learn(state(1, hub=None))
    held = settled(table)[url(1)]
    assert held is not None
    assert held.status is SubscriptionStatus.LEAVING
    assert table.due(NOW) == [held]
    table.forget(url(1))
    assert table.of_callback(held.callback.get_secret_value()) is None
    assert settled(table) == {}


def test_a_new_hub_gets_a_new_callback_after_the_old_one_is_left(table: Subscriptions) -> None:
    table.list_feed(Feed(url=url(1)))
    table.learn(state(1))
    first = settled(table)[url(1)]
    assert first is not None
    activate(table, first)
    table.learn(state(1, hub="https://other.example/"))
    leaving = settled(table)[url(1)]
    assert leaving is not None
    assert (leaving.status, leaving.hub) == (SubscriptionStatus.LEAVING, HUB)
    assert settled(table) == {}
    table.forget(url(1))  # the hub has verified it
    second = settled(table)[url(1)]
    assert second is not None
    assert second.hub == "https://other.example/"
    assert not {first.callback, first.secret} & {second.callback, second.secret}


def test_those_who_wait_longest_are_asked_first(table: Subscriptions) -> None:
    for number in range(5):
        table.list_feed(Feed(url=url(number)))
        table.learn(state(number))
        list(table.settle(NOW + timedelta(seconds=5 - number)))
    assert [held.feed_url for held in table.due(NOW + timedelta(minutes=1))] == [url(n) for n in (4, 3, 2, 1, 0)]


@given(st.lists(st.tuples(st.sampled_from("lpurfa"), st.integers(0, 3)), max_size=40))
def test_tokens_lead_to_the_present_subscriptions_and_no_others(steps: list[tuple[str, int]]) -> None:
    numbers = count()
    table = Subscriptions(lambda: f"token-{next(numbers)}")
    given_out: set[str] = set()
    for step, number in steps:
        if step in "lp":
            table.list_feed(Feed(url=url(number), paused=step == "p"))
        elif step == "u":
            table.unlist(url(number))
        elif step == "r":
            table.learn(state(number, hub=HUB if number % 2 else f"{HUB}{len(given_out)}"))
        elif step == "f":
            table.forget(url(number))
        elif (held := table.of(url(number))) is not None and held.status is not SubscriptionStatus.LEAVING:
            activate(table, held)
        for _, changed in table.settle(NOW):
            if changed is not None:
                given_out.add(changed.callback.get_secret_value())
        present = {held.callback.get_secret_value() for n in range(4) if (held := table.of(url(n))) is not None}
        assert {token for token in given_out if table.of_callback(token) is not None} == present & given_out
        assert sum(v for k, v in table.counts(NOW).items() if k != "live") == len(present)


def drafts(size: int) -> list[OutgoingRecord]:
    return [OutgoingRecord(topic="t", key="k", value=b"x" * size)]


def test_what_waits_for_kafka_is_bounded_and_those_who_gave_up_are_left_out() -> None:
    async def story() -> None:
        outbox = Outbox(100)
        first, second = outbox.put(drafts(101), bounded=True), outbox.put(drafts(50))
        with pytest.raises(Full):
            outbox.put(drafts(1), bounded=True)
        first.cancel()
        [parcel] = outbox.take()
        assert parcel.size == 50
        await asyncio.sleep(0)
        outbox.put(drafts(1), bounded=True)  # what was given up counts no more
        assert not second.done()
        outbox.settle([parcel])
        await asyncio.wait_for(second, 5)
        assert [left.size for left in outbox.take()] == [1]

    asyncio.run(story())
