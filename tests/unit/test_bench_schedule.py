"""The benchmark of the schedule: every item is seen, missed or pending, and the figures say what happened."""

from __future__ import annotations

import json
from array import array
from bisect import bisect_right
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.lab.bench import schedule
from pipelines.lab.bench.publishers import DAY, Publisher, publisher
from pipelines.lab.bench.report import schedule_tables
from pipelines.lab.bench.rules import OURS, RULES, Fixed, PollingRule
from pipelines.lab.bench.schedule import ScheduleResult, Tally, follow

HOUR = 3600.0
rules = st.sampled_from(sorted(RULES))
sources = st.builds(publisher, st.integers(0, 1000), st.integers(0, 1000), st.just(2.0))


def feed(*items: float, window: int = 10, **fields: object) -> Publisher:
    return replace(Publisher(url="https://ferry.example/feed", items=array("d", items), window=window), **fields)  # type: ignore[arg-type]  # a table of fields


def quiet(what: str, done: int, total: int) -> None:
    assert what == "feeds"
    assert done <= total


class Lines:
    """A rule that keeps what it was told."""

    def __init__(self, rule: PollingRule) -> None:
        self._rule = rule
        self.told: list[tuple[float, int, int]] = []

    def etag(self) -> str | None:
        return self._rule.etag()

    def answered(self, at: float, count: int, new: int, etag: str | None, *, same: bool) -> float:
        self.told.append((at, count, new))
        return self._rule.answered(at, count, new, etag, same=same)

    def failed(self, at: float) -> float:
        return self._rule.failed(at)


@settings(max_examples=60, deadline=None)
@given(sources, rules)
def test_every_item_is_seen_missed_or_pending(source: Publisher, name: str) -> None:
    rule = Lines(RULES[name](source))
    tally = follow(source, rule, 2 * DAY)
    appeared = bisect_right(source.items, 2 * DAY) - bisect_right(source.items, source.first_poll)
    assert tally.items == appeared == len(tally.delays) + tally.missed + tally.pending
    assert tally.pending <= source.window
    assert 0 <= tally.out_of_reach <= tally.missed
    assert all(delay >= 0 for delay in tally.delays)
    assert len(rule.told) == tally.polls - tally.failed
    assert tally.wasted == tally.failed + sum(1 for _, _, new in rule.told if not new)
    assert all(0 <= new <= min(count, source.window) for _, count, new in rule.told)
    assert [at for at, _, _ in rule.told] == sorted(at for at, _, _ in rule.told)


@given(st.lists(st.floats(0, DAY), max_size=60).map(sorted), st.integers(1, 20), st.sampled_from([60.0, 900.0, 7200.0]))
def test_a_fixed_interval_bounds_the_delay(items: list[float], window: int, interval: float) -> None:
    tally = follow(feed(*items, window=window), Fixed(interval), DAY)
    assert all(delay <= interval + 1e-6 for delay in tally.delays)
    assert tally.polls == DAY / interval
    if interval <= 300:
        assert tally.missed == tally.out_of_reach


def test_what_leaves_the_window_between_two_polls_is_missed() -> None:
    source = feed(10, 20, 30, 40, 3700, window=2)
    tally = follow(source, Fixed(HOUR), 2 * HOUR + 1)
    assert (tally.polls, tally.items, tally.missed, tally.out_of_reach, tally.pending) == (3, 5, 2, 2, 0)
    assert list(tally.delays) == [3570, 3560, 3500]
    assert tally.wasted == 1
    assert tally.mean_delay == pytest.approx((3570 + 3560 + 3500) / 3)
    assert tally.p95_delay == 3570
    assert (tally.missed_share, tally.missed_in_reach_share, tally.wasted_share) == (0.4, 0, pytest.approx(1 / 3))


def test_what_is_still_in_the_window_at_the_end_is_pending_and_counts_for_no_share() -> None:
    tally = follow(feed(10, 20, 30, window=2), Fixed(HOUR), HOUR)
    assert (tally.items, tally.missed, tally.pending, tally.missed_share) == (3, 1, 2, 1.0)


def test_what_appears_in_an_outage_waits_from_its_end_on() -> None:
    source = feed(150.0, 4000.0, outages=((100.0, 3000.0),))
    tally = follow(source, Fixed(500.0), 5000)
    assert list(tally.delays) == [0.0, 0.0]
    assert (tally.failed, tally.wasted) == (5, 8)
    assert [source.up(at) for at in (99, 100, 2999, 3000)] == [True, False, False, True]


@pytest.mark.parametrize(
    ("outages", "seconds"),
    [
        ((), 1000),
        (((0.0, 400.0),), 600),
        (((300.0, 400.0),), 600),
        (((700.0, 2000.0),), 700),
        (((200.0, 500.0), (600.0, 900.0)), 200),
        (((-5.0, 2000.0),), 0),
    ],
)
def test_an_item_is_visible_while_the_server_answers(outages: tuple[tuple[float, float], ...], seconds: float) -> None:
    assert feed(0, 1000, window=1, outages=outages).visible(0) == seconds


def test_a_liar_says_304_until_it_is_asked_without_validators() -> None:
    source = feed(*(HOUR * number for number in range(1, 200)), window=100, validators=True)
    truth = follow(source, RULES[OURS](source), 6 * DAY)
    lies = follow(replace(source, stale_seconds=1000 * DAY), RULES[OURS](source), 6 * DAY)
    assert lies.missed == truth.missed == 0
    assert max(lies.delays) > 1.5 * max(truth.delays)  # an item is hidden for some polls
    assert lies.mean_delay < 2 * truth.mean_delay  # then it is found out, and not asked so any more


def test_our_rule_is_the_schedule_with_its_bounds() -> None:
    source = publisher(1, 3, 5.0)
    rule = Lines(RULES[OURS](source))
    follow(replace(source, outages=()), rule, 5 * DAY)
    gaps = [after[0] - before[0] for before, after in zip(rule.told, rule.told[1:], strict=False)]
    assert min(gaps) >= 300
    assert max(gaps) <= 43_200


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    first, again, other = (schedule.run(feeds=12, days=2.0, seed=seed, tell=quiet).as_json() for seed in (1, 1, 2))
    assert first == again != other
    json.dumps(first)
    assert [row["rule"] for row in first["rules"]] == list(RULES)
    assert len({row["items"] for row in first["rules"]}) == 1
    assert sum(row["feeds"] for row in first["kinds"]) == 12
    assert sum(row["items"] for row in first["kinds"]) == first["rules"][0]["items"]


def test_feeds_are_as_they_are_described() -> None:
    made = [publisher(1, number, 14.0) for number in range(150)]
    counts = sorted(len(source.items) / 28 for source in made)
    assert 1.5 <= counts[75] <= 8  # a few a day in the middle
    assert counts[-1] > 60
    assert {source.kind for source in made} == {"steady", "bursts", "silences", "lies", "long outage"}
    for source in made:
        assert 10 <= source.window <= 100
        assert list(source.items) == sorted(source.items)
        assert all(begin < over for begin, over in source.outages)
        assert all(one[1] < two[0] for one, two in zip(source.outages, source.outages[1:], strict=False))


def test_on_two_hundred_feeds_ours_beats_the_hourly_poll_with_fewer_polls() -> None:
    result = schedule.run(feeds=200, days=6.0, seed=1, tell=quiet, rules=[OURS, "fixed 60 min"])
    ours, hourly = result.tallies[OURS], result.tallies["fixed 60 min"]
    assert ours.polls < hourly.polls
    assert ours.mean_delay < hourly.mean_delay
    assert ours.missed_in_reach_share < 0.001


def test_the_tables_show_every_rule_and_kind() -> None:
    tally = Tally(polls=48, wasted=12, items=10, missed=1, delays=array("d", [60.0] * 9))
    result = ScheduleResult(feeds=2, days=1.0, seed=1, tallies={"some rule": tally}, kinds={"steady": (2, tally)})
    rows, kinds = schedule_tables(result)
    assert [list(column.cells) for column in rows.columns] == [
        ["some rule"],
        ["24.0"],
        ["1.0"],
        ["1.0"],
        ["10.000%"],
        ["10.000%"],
        ["25%"],
    ]
    assert list(kinds.columns[1].cells) == ["2"]
