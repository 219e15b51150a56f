"""The schedule: when a feed is due, what of it is new, and whether its 304 can be believed."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.poll.schedule import (
    PollSighting,
    after_failure,
    after_success,
    conditional,
    entry_key,
    expected,
    first_state,
    jitter,
    new_keys,
    put_off,
)
from pipelines.settings import PollSettings
from pipelines.urls import article_id
from schemas.records import Feed, FeedState

SETTINGS = PollSettings()
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
FEED = Feed(url="https://ferry.example/feed")
HOUR = timedelta(hours=1)


def keys(*numbers: int) -> tuple[str, ...]:
    return tuple(entry_key(article_id(f"https://ferry.example/{number}")) for number in numbers)


def seen(at: datetime, *numbers: int, new: int = 0, **fields: object) -> PollSighting:
    return replace(PollSighting(at=at, keys=keys(*numbers), new=new), **fields)  # type: ignore[arg-type]  # the fields of PollSighting


def polled(*steps: PollSighting, feed: Feed = FEED, settings: PollSettings = SETTINGS, before: int = 20) -> FeedState:
    """Give the state after these polls of a feed that had some before; without any its first pauses are short."""
    state = first_state(feed.url, steps[0].at).model_copy(update={"polls": before})
    for step in steps:
        state = after_success(feed, state, step, settings)
    return state


def wait(state: FeedState) -> float:
    assert state.polled_at is not None
    return (state.next_poll_at - state.polled_at).total_seconds()


def test_a_new_feed_is_due_at_once() -> None:
    state = first_state(FEED.url, NOON)
    assert (state.next_poll_at, state.polls, state.known) == (NOON, 0, [])


def test_a_busy_feed_is_asked_often_and_a_silent_one_twice_a_day() -> None:
    busy = polled(seen(NOON, dates=tuple(NOON - timedelta(minutes=number) for number in range(100))))
    assert wait(busy) == SETTINGS.min_interval_seconds
    silent = polled(seen(NOON, dates=(NOON - timedelta(days=400), NOON - timedelta(days=300))))
    assert 0.9 * SETTINGS.max_interval_seconds <= wait(silent) <= SETTINGS.max_interval_seconds
    hourly = polled(seen(NOON, dates=tuple(NOON - number * HOUR for number in range(25))))
    assert 0.9 * 3600 / 1.4 <= wait(hourly) <= 3600 / 1.4
    dates = tuple(NOON - number * HOUR / 4 for number in range(101))
    assert wait(polled(seen(NOON, dates=dates))) == pytest.approx(wait(hourly) / 2)  # the root of four times as many
    dates = tuple(NOON - number * HOUR / 10 for number in range(101))
    assert wait(polled(seen(NOON, dates=dates))) <= 540  # at most one and a half entries are expected


def test_a_new_feed_is_asked_often_at_first() -> None:
    dates = tuple(NOON - timedelta(days=number) for number in range(10))
    steps, waits = [seen(NOON, dates=dates)], list[float]()
    for _ in range(8):
        state = polled(*steps, before=0)
        waits.append(wait(state))
        steps.append(seen(state.next_poll_at, dates=dates))
    minutes = [pause / 60 for pause in waits]
    assert all(0.9 * at <= pause <= at for at, pause in zip((5, 10, 20, 40, 80), minutes, strict=False) if at > 5)
    assert minutes[0] == 5
    assert minutes[-1] > 150  # by then the feed's own rate counts
    hinted = polled(seen(NOON, dates=dates, hint_seconds=3600.0), before=0)
    assert wait(hinted) == 3600  # what the feed says of itself counts from the start


def test_the_hours_of_the_day_are_learned() -> None:
    """A feed that publishes four times an hour from 8 to 10 and never else."""
    state = first_state(FEED.url, NOON)
    published = [NOON.replace(hour=8) + timedelta(days=day, minutes=15 * n) for day in range(1, 22) for n in range(8)]
    number = 0
    while state.next_poll_at < NOON + timedelta(days=21):
        now = state.next_poll_at
        new = sum(1 for at in published[number:] if at <= now)
        number += new
        state = after_success(FEED, state, seen(now, *range(max(0, number - 20), number), new=new), SETTINGS)
    morning, night = sum(state.rates[8:10]) / 2, sum(state.rates[14:22]) / 8
    assert morning > 10 * night
    dawn = NOON.replace(hour=0) + timedelta(days=22)
    assert expected(state.rates, dawn.replace(hour=8), 7200) == pytest.approx(8, rel=0.5)


def test_a_simulated_feed_misses_nothing_and_is_not_asked_too_often() -> None:
    """Ten entries a day at random times, a window of ten: twenty polls a day are aimed at."""
    dice = random.Random(3)
    moment, published = NOON, list[datetime]()
    while moment < NOON + timedelta(days=60):
        moment += timedelta(hours=dice.expovariate(10 / 24))
        published.append(moment)
    state, found, polls = first_state(FEED.url, NOON), set[int](), 0
    while state.next_poll_at < published[-1]:
        now, polls = state.next_poll_at, polls + 1
        count = sum(1 for at in published if at <= now)
        window = range(max(0, count - 10), count)
        new = new_keys(state, keys(*window))
        found |= set(window)
        state = after_success(FEED, state, seen(now, *reversed(window), new=len(new)), SETTINGS)
    assert len(found) >= len(published) - 1
    assert 15 <= polls / 60 <= 26


def test_when_the_whole_window_was_new_the_pause_is_halved_and_no_hint_believed() -> None:
    dates = tuple(NOON - 2 * number * HOUR for number in range(12))
    first = seen(NOON, *range(10), new=10, dates=dates, hint_seconds=36_000.0)
    then = NOON + 10 * HOUR
    calm = polled(first, seen(then, *range(1, 11), new=1, hint_seconds=36_000.0))
    assert wait(calm) == 36_000
    usual = polled(first, seen(then, *range(1, 11), new=1))
    lost = polled(first, seen(then, *range(10, 20), new=10, hint_seconds=36_000.0))
    assert wait(lost) <= wait(usual) / 2


def test_what_filled_its_window_once_is_asked_more_often_until_that_is_forgotten() -> None:
    state = polled(seen(NOON, *range(10), new=10), seen(NOON + HOUR, *range(8, 18), new=8))
    assert state.fullest == pytest.approx(0.8)
    busy = state
    while state.fullest > 0.2:
        state = after_success(FEED, state, seen(state.next_poll_at, hint_seconds=36_000.0), SETTINGS)
        assert state.fullest >= 0.3 or wait(state) >= 36_000  # only then its hint is believed again
    assert wait(state) >= 36_000
    assert wait(after_success(FEED, busy, seen(busy.next_poll_at), SETTINGS)) < SETTINGS.max_interval_seconds / 4
    index = polled(seen(NOON, *range(10), new=10), seen(NOON + HOUR, *range(10, 20), new=10, walked=True))
    assert index.fullest == 0


@pytest.mark.parametrize(("new", "most"), [(10, 5400.0), (5, 10_800.0), (2, 27_000.0)])
def test_were_the_last_pace_to_go_on_an_eighth_of_the_window_may_come(new: int, most: float) -> None:
    state = polled(seen(NOON, *range(10), new=10), seen(NOON + 12 * HOUR, *range(new, 10 + new), new=new))
    assert wait(state) <= most


def test_retry_after_is_obeyed_always() -> None:
    assert wait(polled(seen(NOON, retry_after=100_000.0))) == 100_000
    state = after_failure(FEED, first_state(FEED.url, NOON), NOON, "http-503", 86_400.0, SETTINGS)
    assert wait(state) == 86_400


def test_a_fixed_interval_replaces_the_model() -> None:
    feed = Feed(url=FEED.url, interval_seconds=20.0)
    assert 18 <= wait(polled(seen(NOON), feed=feed)) <= 20


def test_failures_of_a_feed_that_never_answered_double_the_pause_up_to_a_week() -> None:
    state = first_state(FEED.url, NOON)
    waits = []
    for _ in range(30):
        state = after_failure(FEED, state, state.next_poll_at, "timeout", None, SETTINGS)
        waits.append(wait(state))
    assert all(0.9 * 300 * 2**n <= waits[n] <= 300 * 2**n for n in range(10))
    assert all(0.9 * 604_800 <= each <= 604_800 for each in waits[12:])


def test_a_pause_after_failures_is_a_part_of_the_outage_up_to_a_week_and_a_success_ends_them() -> None:
    state, fails = polled(seen(NOON, 1, new=1, etag='"a"')), 0
    while state.next_poll_at < NOON + timedelta(days=400):
        before, doubled = state.next_poll_at, 300 * 2.0**fails
        state, fails = after_failure(FEED, state, before, "timeout", None, SETTINGS), fails + 1
        most = min(max((before - NOON).total_seconds() / 16, 300.0), doubled, 604_800)
        assert 0.9 * most - 1e-3 <= wait(state) <= most + 1e-3
    assert wait(state) >= 0.9 * 604_800
    assert fails < 250  # few requests for a server that is away for a year
    assert (state.failures, state.last_failure, state.etag, state.known) == (fails, "timeout", '"a"', list(keys(1)))
    state = after_success(FEED, state, seen(state.next_poll_at, 1), SETTINGS)
    assert (state.failures, state.last_failure) == (0, "")
    assert wait(state) <= SETTINGS.max_interval_seconds


def test_putting_off_is_no_failure() -> None:
    before = polled(seen(NOON, 1, new=1))
    after = put_off(before, NOON, 500)
    assert after == before.model_copy(update={"next_poll_at": NOON + timedelta(seconds=500)})


def test_what_is_known_is_not_new() -> None:
    state = polled(seen(NOON, 3, 2, 1, new=3))
    assert new_keys(state, keys(4, 3, 2)) == set(keys(4))
    again = after_success(FEED, state, seen(NOON + HOUR, 4, 3, 2, new=1), SETTINGS)
    assert new_keys(again, keys(1, 2, 3, 4)) == set()
    unchanged = after_success(FEED, again, seen(NOON + 2 * HOUR, not_modified=True), SETTINGS)
    assert unchanged.known == again.known


@given(st.lists(st.lists(st.integers(0, 400), max_size=300), min_size=1, max_size=6), st.integers(100, 300))
def test_the_known_entries_are_bounded_and_never_lose_the_window(windows: list[list[int]], limit: int) -> None:
    settings = PollSettings(max_known_entries=limit)
    state, now = first_state(FEED.url, NOON), NOON
    for window in windows:
        now += HOUR
        state = after_success(FEED, state, seen(now, *window), settings)
        assert set(keys(*window)) <= set(state.known)
        assert len(state.known) == len(set(state.known)) <= max(limit, len(set(window)))


def test_what_the_sitemaps_of_an_index_announced_outlasts_polls_that_show_others() -> None:
    first = seen(NOON, *range(1000), new=1000, walked=True)
    later = [seen(NOON + number * HOUR, 5000 + number, new=1, walked=True) for number in range(1, 20)]
    assert set(keys(*range(1000))) <= set(polled(first, *later).known)
    assert not set(keys(*range(1000))) <= set(polled(*(replace(each, walked=False) for each in (first, *later))).known)
    many = [
        seen(NOON + number * HOUR, *range(number * 1000, number * 1000 + 1000), walked=True) for number in range(30)
    ]
    assert len(polled(*many).known) == 5 * SETTINGS.max_known_entries


def test_an_index_that_has_not_changed_is_no_liar_when_its_sitemaps_have() -> None:
    steps = [seen(NOON + number * HOUR, number, new=1, etag='"a"') for number in range(3)]
    assert polled(*steps).lies == 2
    assert polled(*(replace(step, walked=True) for step in steps)).lies == 0


def test_a_poll_keeps_what_is_none_of_its_business() -> None:
    kept = {"moved_to": "https://new.example/", "moves": 2, "hub": "https://h.example/", "hub_topic": FEED.url}
    state = first_state(FEED.url, NOON).model_copy(update=kept)
    for after in (
        after_success(FEED, state, seen(NOON, 1), SETTINGS),
        after_failure(FEED, state, NOON, "timeout", None, SETTINGS),
    ):
        assert {name: getattr(after, name) for name in kept} == kept


def test_validators_are_kept_over_304_and_dropped_when_the_feed_was_cut_off() -> None:
    first = seen(NOON, 1, etag='"a"', last_modified="Mon", digest="0" * 32)
    kept = polled(first, seen(NOON + HOUR, not_modified=True, conditional=True))
    assert (kept.etag, kept.last_modified, kept.content_digest) == ('"a"', "Mon", "0" * 32)
    moved = polled(first, seen(NOON + HOUR, 2, etag='"b"', digest="1" * 32))
    assert (moved.etag, moved.last_modified, moved.content_digest) == ('"b"', None, "1" * 32)
    cut = polled(first, seen(NOON + HOUR, 2, etag='"b"', digest="1" * 32, whole=False))
    assert (cut.etag, cut.last_modified, cut.content_digest) == (None, None, None)
    assert set(cut.known) == set(keys(1, 2))


def test_after_six_304_in_a_row_a_feed_is_asked_without_validators() -> None:
    state = polled(seen(NOON, 1, etag='"a"'))
    asked = []
    for number in range(1, 60):
        asks = conditional(state)
        asked.append(asks)
        state = after_success(FEED, state, seen(NOON + number * HOUR, not_modified=True, conditional=asks), SETTINGS)
    assert "".join("c" if asks else "u" for asks in asked[:15]) == "ccccccuccccccuc"
    changing = after_success(FEED, state, seen(NOON, 2, etag='"b"', digest="1" * 32, conditional=True), SETTINGS)
    assert changing.conditional_polls == 0  # its validators work
    assert not conditional(polled(seen(NOON, 1)))  # no validators, nothing to send


def test_a_feed_caught_lying_is_remembered_and_in_the_end_not_believed() -> None:
    state = polled(seen(NOON, 1, etag='"a"'))
    honest = after_success(FEED, state, seen(NOON + HOUR, 2, new=1, etag='"b"'), SETTINGS)
    assert honest.lies == 0
    for number in range(3):
        assert conditional(state)
        state = after_success(FEED, state, seen(NOON + HOUR, 2 + number, new=1, etag='"a"'), SETTINGS)
    assert state.lies == 3
    assert not conditional(state)
    dated = polled(seen(NOON, 1, last_modified="Mon"), seen(NOON + HOUR, 2, new=1, last_modified="Mon"))
    assert dated.lies == 1


moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - a zone follows


@given(
    moments,
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 500), st.booleans(), st.floats(0, 1e6)), max_size=20),
    st.text(max_size=20),
)
def test_every_next_poll_is_within_its_bounds(
    start: datetime, steps: list[tuple[float, int, bool, float]], name: str
) -> None:
    feed = Feed(url=f"https://ferry.example/{name}")
    state, now = first_state(feed.url, start), start
    for gap, new, fails, hint in steps:
        now = max(now, state.next_poll_at) + timedelta(seconds=gap)
        if fails:
            state = after_failure(feed, state, now, "timeout", None, SETTINGS)
            assert 0.9 * SETTINGS.min_interval_seconds <= wait(state) <= SETTINGS.max_failure_interval_seconds
        else:
            state = after_success(feed, state, seen(now, new=new, hint_seconds=hint), SETTINGS)
            assert SETTINGS.min_interval_seconds <= wait(state) <= SETTINGS.max_interval_seconds
            hinted = min(hint, SETTINGS.max_interval_seconds)
            assert wait(state) >= hinted - 1e-3 or expected(state.rates, now, hinted) > 5
        assert len(state.rates) in (0, 24)
        assert all(math.isfinite(rate) and rate >= 0 for rate in state.rates)
        assert FeedState.from_json(state.to_json()) == state


@given(st.text(max_size=50), st.integers(0, 10_000))
def test_jitter_is_the_same_every_time_and_between_0_and_1(url: str, polls: int) -> None:
    assert 0 <= jitter(url, polls) <= 1
    assert jitter(url, polls) == jitter(url, polls)


def test_jitter_spreads_feeds() -> None:
    found = sorted(jitter(f"https://ferry.example/{number}", 1) for number in range(1000))
    assert all(abs(found[number * 100] - number / 10) < 0.06 for number in range(10))
