"""The first record of an article or a visit counts, however often and by whomever it comes again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipelines.fetch.deduplication import Announcement, SeenArticles, SeenAttempts
from pipelines.urls import article_id
from schemas.records import Entry

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
A, B, C = (f"https://{name}.example/feed" for name in "abc")
FIRST, AGAIN, FURTHER = Announcement
HOUR = ("news.entries-later-1h", 0)
QUARTER = ("news.entries-later-15m", 0)


def entry(number: int = 0, feed: str = A, **fields: Any) -> Entry:
    url = f"https://ferry.example/{number}"
    known = {"id": article_id(url), "url": url, "link": url, "feed_url": feed, "source": "x", "first_seen": NOON}
    return Entry(**{**known, **fields})


def take(known: SeenArticles, offset: int, feed: str, number: int = 0, partition: int = 0) -> Announcement:
    return known.take(entry(number, feed), partition, offset)


def test_the_first_record_counts_and_stays_the_first() -> None:
    known = SeenArticles()
    assert [take(known, offset, feed) for offset, feed in enumerate((A, A, B, C, B))] == [
        FIRST,
        AGAIN,
        FURTHER,
        FURTHER,
        FURTHER,
    ]
    assert take(known, 0, A) is FIRST  # a rebalance hands it out once more
    assert take(known, 9, A, number=1) is FIRST
    assert take(known, 0, A, partition=1) is AGAIN
    assert known.first_feed(entry().id) == A
    assert known.first_feed(entry(7).id) == ""


def test_further_feeds_join_the_origins() -> None:
    known = SeenArticles()
    for offset, feed in enumerate((A, B, C, B)):
        take(known, offset, feed)
    assert known.joined(entry()).origins == [B, C]
    assert known.joined(entry(origins=[C, "x"])).origins == [C, "x", B]
    assert known.joined(entry(feed=B)).origins == [A, C]  # when the first record is forgotten, the second is fetched
    alone = entry(1)
    assert known.joined(alone) is alone


def test_what_is_announced_again_after_the_last_revisit_is_fetched_again() -> None:
    known = SeenArticles(seconds=3600)
    soon, late = NOON + timedelta(hours=1), NOON + timedelta(hours=1, seconds=1)
    assert take(known, 0, A) is FIRST
    assert known.take(entry(feed=B, first_seen=soon), 0, 1) is FURTHER
    assert known.take(entry(feed=C, first_seen=late), 0, 2) is FIRST
    assert known.joined(entry(feed=C)).origins == []
    assert known.take(entry(feed=C, first_seen=late), 0, 2) is FIRST
    assert known.take(entry(feed=A, first_seen=late + timedelta(hours=1)), 0, 3) is FURTHER
    assert take(known, 0, A) is FURTHER  # a record of long ago says nothing new


def test_what_is_read_after_the_last_revisit_is_fetched_again_however_early_it_was_discovered() -> None:
    """As when a partition moved: the revisit went to its host before the second feed's record was read."""
    known = SeenArticles(seconds=10)
    read_at = NOON + timedelta(days=2)  # after a long outage
    assert known.take(entry(), 0, 0, read_at) is FIRST
    assert known.take(entry(feed=B), 0, 1, read_at + timedelta(seconds=10)) is FURTHER
    assert known.take(entry(feed=C), 0, 2, read_at + timedelta(seconds=11)) is FIRST


def test_what_is_forgotten_keeps_the_feeds_that_its_revisit_has_yet_to_bring() -> None:
    known = SeenArticles(limit=3)
    take(known, 0, A)
    take(known, 1, B)
    for number in range(1, 9):
        take(known, 1 + number, A, number=number)
    assert known.first_feed(entry().id) == ""
    revisit = entry(visit=1, content_digest="a" * 32)
    assert known.for_visit(revisit).origins == [B]
    assert known.for_visit(revisit) is revisit  # brought
    assert take(known, 20, C) is FIRST


def test_a_revisit_goes_without_validators_when_feeds_joined_since() -> None:
    known = SeenArticles()
    take(known, 0, A)
    carried = {"etag": '"1"', "last_modified": "Mon", "content_digest": "a" * 32}
    revisit = entry(visit=1, **carried)
    assert known.for_visit(revisit) is revisit
    take(known, 1, B)
    bare = known.for_visit(revisit)
    assert (bare.origins, bare.etag, bare.last_modified, bare.content_digest) == ([B], None, None, None)
    later = entry(visit=2, origins=[B], **carried)
    assert known.for_visit(later) is later
    assert known.for_visit(entry()).origins == [B]


records = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([A, B, C])), max_size=30)


@given(records, st.integers(0, 30))
def test_whoever_reads_the_partition_from_anywhere_comes_to_the_same(log: list[tuple[int, str]], start: int) -> None:
    """A new copy that has read back what was before its start says the same of all that comes after."""
    one, other = SeenArticles(), SeenArticles()
    said = [take(one, offset, feed, number) for offset, (number, feed) in enumerate(log)]
    for offset, (number, feed) in enumerate(log[:start]):
        take(other, offset, feed, number)
    assert [take(other, start + i, feed, number) for i, (number, feed) in enumerate(log[start:])] == said[start:]
    assert [take(one, offset, feed, number) for offset, (number, feed) in enumerate(log)] == said  # read once more


@given(records)
def test_each_article_is_fetched_once_and_all_its_feeds_are_known(log: list[tuple[int, str]]) -> None:
    known = SeenArticles()
    said = [(number, take(known, offset, feed, number)) for offset, (number, feed) in enumerate(log)]
    for number in {number for number, _ in log}:
        assert [standing for of, standing in said if of == number].count(FIRST) == 1
        feeds = [feed for of, feed in log if of == number]
        joined = known.joined(entry(number, feeds[0]))
        assert [joined.feed_url, *joined.origins] == list(dict.fromkeys(feeds))


def test_memory_is_bounded() -> None:
    known = SeenArticles(limit=100)
    for number in range(1000):
        take(known, number, f"https://{number}.example/feed", number)
    assert (len(known._taken), len(known._feeds) <= 101) == (100, True)
    assert take(known, 1000, A, 999) is FURTHER
    assert take(known, 1001, A, 0) is FIRST
    chains = SeenAttempts(limit=100)
    for number in range(1000):
        assert chains.take(HOUR, number, entry(number, visit=1))
    assert len(chains._taken) == 100


def test_a_visit_is_made_for_the_first_of_its_records() -> None:
    chains = SeenAttempts()
    assert chains.take(QUARTER, 0, entry(visit=1))
    assert not chains.take(QUARTER, 1, entry(visit=1))
    assert chains.take(QUARTER, 0, entry(visit=1))  # the same record
    assert chains.take(QUARTER, 2, entry(visit=1, attempt=1))
    assert not chains.take(QUARTER, 3, entry(visit=1, attempt=1))
    assert not chains.take(QUARTER, 4, entry(visit=0, attempt=3))
    assert chains.take(HOUR, 0, entry(visit=2))
    assert chains.take(QUARTER, 5, entry(1, visit=1))


def test_what_was_put_off_comes_again() -> None:
    chains = SeenAttempts()
    assert chains.take(QUARTER, 0, entry(visit=1))
    chains.put_off(QUARTER, entry(visit=1))
    assert chains.take(QUARTER, 1, entry(visit=1))
    assert not chains.take(QUARTER, 2, entry(visit=1))
    chains.put_off(HOUR, entry(visit=1))


def test_partitions_that_go_away_are_forgotten() -> None:
    chains = SeenAttempts()
    other = (QUARTER[0], 1)
    for place in (QUARTER, other):
        assert chains.take(place, 0, entry(visit=1))
    chains.drop([QUARTER])
    assert chains.take(QUARTER, 1, entry(visit=1))
    assert not chains.take(other, 1, entry(visit=1))


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2), st.booleans()), max_size=40))
def test_no_chain_ever_breaks(steps: list[tuple[int, int, bool]]) -> None:
    """Of records that go on as fetch makes them, with second ones in between, each step is taken at least once."""
    chains, taken = SeenAttempts(), set()
    plan = sorted({(visit, attempt) for visit, attempt, _ in steps})
    twice = {(visit, attempt) for visit, attempt, again in steps if again}
    offset = 0
    for step in plan:
        for _ in range(2 if step in twice else 1):
            if chains.take(QUARTER, offset, entry(visit=step[0], attempt=step[1])):
                assert step not in taken
                taken.add(step)
            offset += 1
    assert sorted(taken) == plan
