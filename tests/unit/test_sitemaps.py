"""Walking a sitemap index: which sitemaps are asked at a poll, and that none waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feed_formats import Child, ParsedEntry, ParsedFeed, RefusedEntry
from pipelines.poll.schedule import first_state
from pipelines.poll.sitemaps import A_POLL, MOST_KNOWN, Asked, Walk, due, is_news, key_of, merged, needs_index, oldest
from schemas.records import FeedState, SitemapState

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAYS = 2.0
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FEED = "https://a.example/index.xml"


def child(name: object, changed_at: datetime | None = None, *, whole_day: bool = False) -> Child:
    return Child(url=f"https://a.example/{name}.xml", changed_at=changed_at, whole_day=whole_day)


def index(*children: Child) -> ParsedFeed:
    return ParsedFeed(entries=(), format="sitemap-index", children=children)


def sitemap(*names: str, at: datetime | None = NOON) -> ParsedFeed:
    return ParsedFeed(entries=tuple(entry(name, at) for name in names), format="sitemap")


def entry(name: str, at: datetime | None = NOON) -> ParsedEntry:
    url = f"https://a.example/{name}"
    empty: tuple[str, ...] = ()
    return ParsedEntry(
        id=name, url=url, link=url, title="", summary="", authors=empty, categories=empty, published_at=at
    )


Site = Callable[[Child, SitemapState | None], Asked]


def empty_site(asked: Child, _: SitemapState | None) -> Asked:
    return Asked(child=asked, parsed=sitemap())


class Poller:
    """Polls one index again and again, as `poll` does."""

    def __init__(self, site: Site = empty_site) -> None:
        self.known: dict[str, SitemapState] = {}
        self.site = site
        self.left = 0

    def poll(self, found: ParsedFeed, at: datetime = NOON) -> list[str]:
        walk = Walk(found, self.known, at, oldest(at, DAYS))
        asked = []
        while step := walk.next():
            asked.append(step[0].url.removeprefix("https://a.example/").removesuffix(".xml"))
            walk.took(self.site(*step))
        self.known, self.left = walk.known(), walk.left
        return asked

    @property
    def state(self) -> FeedState:
        update = {"sitemaps": self.known, "sitemaps_left": self.left}
        return first_state(FEED, NOON).model_copy(update=update)


def test_a_few_are_asked_at_a_poll_and_the_rest_at_the_next() -> None:
    poller, found = Poller(), index(*(child(n, NOON - HOUR) for n in range(12)))
    assert poller.poll(found) == ["0", "1", "2", "3", "4"]
    assert (poller.left, needs_index(poller.state)) == (7, True)
    assert poller.poll(found, NOON + HOUR) == ["5", "6", "7", "8", "9"]
    assert poller.poll(found, NOON + 2 * HOUR) == ["10", "11"]
    assert (poller.left, needs_index(poller.state)) == (0, False)
    assert poller.poll(found, NOON + 3 * HOUR) == []


def test_a_changed_one_is_asked_again_and_an_old_one_never() -> None:
    poller = Poller()
    assert poller.poll(index(child("a", NOON - HOUR), child("b", NOON - 3 * DAY))) == ["a"]
    later = NOON + HOUR
    assert poller.poll(index(child("a", NOON), child("b", NOON - 3 * DAY)), later) == ["a"]
    assert poller.poll(index(child("a", NOON - HOUR)), later) == ["a"]  # its date went back: it is another map


def test_a_bare_day_is_asked_at_each_poll_until_it_is_over_everywhere() -> None:
    today = datetime(2026, 1, 5, tzinfo=UTC)
    poller, found = Poller(), index(child("a", today, whole_day=True))
    assert poller.poll(found) == ["a"]
    assert poller.poll(found, NOON + HOUR) == ["a"]
    assert poller.poll(found, today + timedelta(hours=37)) == ["a"]
    assert poller.poll(found, today + timedelta(hours=38)) == []


def test_without_a_date_recent_entries_decide() -> None:
    def site(asked: Child, _: SitemapState | None) -> Asked:
        return Asked(child=asked, parsed=sitemap("x", at=NOON if "news" in asked.url else None), etag='"e"')

    poller, found = Poller(site), index(child("news"), child("archive"))
    assert poller.poll(found) == ["news", "archive"]
    assert poller.left == 0
    assert needs_index(poller.state)
    assert poller.known[key_of(child("news").url)].etag == '"e"'
    assert poller.poll(found, NOON + HOUR) == ["news"]
    assert poller.poll(found, NOON + 25 * HOUR) == ["archive", "news"]
    assert poller.poll(found, NOON + 3 * DAY) == ["news", "archive"]  # nothing recent any more: once a day
    assert poller.poll(found, NOON + 3 * DAY + HOUR) == []


def test_one_that_fails_is_asked_at_the_next_poll_then_more_rarely_and_holds_up_nobody() -> None:
    def site(asked: Child, _: SitemapState | None) -> Asked:
        return Asked(child=asked, failure="http-404") if "bad" in asked.url else empty_site(asked, None)

    names = [*(f"bad{n}" for n in range(A_POLL)), *(f"good{n}" for n in range(A_POLL))]
    poller, found = Poller(site), index(*(child(name, NOON) for name in names))
    assert poller.poll(found) == names[:A_POLL]
    assert poller.poll(found, NOON + HOUR) == names[A_POLL:]
    assert needs_index(poller.state)
    assert poller.left == 0  # what fails hurries nobody
    assert poller.poll(found, NOON + 2 * HOUR) == names[:A_POLL]
    at, waits = NOON + 2 * HOUR, list[float]()
    while len(waits) < 7:
        before = at
        while not poller.poll(found, at := at + timedelta(minutes=5)):
            pass
        waits.append((at - before).total_seconds())
    assert waits == [300, 600, 1200, 2400, 4800, 9600, 19_200]
    poller.site = empty_site
    poller.poll(found, at := at + 12 * HOUR)
    assert {state.failures for state in poller.known.values()} == {0}
    assert not needs_index(poller.state)


def test_a_sitemap_that_has_not_changed_keeps_what_is_known() -> None:
    def site(asked: Child, known: SitemapState | None) -> Asked:
        return Asked(child=asked) if known else Asked(child=asked, parsed=sitemap("x"), etag='"e"', last_modified="Mon")

    poller, found = Poller(site), index(child("news"))
    poller.poll(found)
    before = poller.known[key_of(child("news").url)]
    assert poller.poll(found, NOON + HOUR) == ["news"]
    after = poller.known[key_of(child("news").url)]
    assert after == before.model_copy(update={"asked": before.asked + 3600})


def test_a_host_on_hold_leaves_its_sitemaps_for_the_next_poll() -> None:
    walk = Walk(index(child("a", NOON), child("b", NOON)), {}, NOON, oldest(NOON, DAYS))
    assert walk.next() is not None
    walk.put_off()
    assert walk.left == 2
    assert walk.known() == {}


def test_an_index_in_the_index_is_walked_and_one_below_it_named() -> None:
    def site(asked: Child, _: SitemapState | None) -> Asked:
        name = asked.url.removeprefix("https://a.example/").removesuffix(".xml")
        if name in ("inner", "deep"):
            below = [child(f"{name}{n}", NOON) for n in range(3)]
            return Asked(child=asked, parsed=index(*below, *([child("deep", NOON)] if name == "inner" else [])))
        return Asked(child=asked, parsed=sitemap(name))

    walk = Walk(index(child("inner", NOON), child("last", NOON)), {}, NOON, oldest(NOON, DAYS))
    asked = []
    while step := walk.next():
        asked.append(step[0].url.removeprefix("https://a.example/"))
        walk.took(site(*step))
    assert asked == ["inner.xml", "inner0.xml", "inner1.xml", "inner2.xml", "deep.xml"]
    assert walk.left == 1
    feed = walk.feed()
    assert [each.id for each in feed.entries] == ["inner0", "inner1", "inner2"]
    assert feed.notes == ("nested-too-deep: https://a.example/deep.xml",)
    poller = Poller(site)
    found = index(child("inner", NOON), child("last", NOON))
    assert [len(poller.poll(found, NOON + n * HOUR)) for n in range(3)] == [5, 3, 2]  # inner and deep each time


def test_an_index_and_its_sitemaps_make_one_feed() -> None:
    refused = RefusedEntry(identity="/x", title="", reason="no-scheme")
    asked = [
        Asked(child=child("a", NOON), parsed=sitemap("one", "two", at=None)),
        Asked(
            child=child("b"), parsed=ParsedFeed(entries=sitemap("two", "three").entries, refused=(refused,), title="T")
        ),
        Asked(child=child("c"), parsed=sitemap("four", at=None)),
        Asked(child=child("d"), failure="http-503"),
        Asked(
            child=child("e", NOON),
            parsed=ParsedFeed(entries=(entry("five"),), notes=("truncated",)),
            failure="truncated",
        ),
    ]
    feed = merged(ParsedFeed(entries=(), notes=("refused-child no-link: 1",), children=(child("a"),)), asked)
    assert [each.id for each in feed.entries] == ["one", "two", "three", "five"]  # nothing dates four
    assert (feed.refused, feed.title) == ((refused,), "T")
    assert feed.notes == (
        "refused-child no-link: 1",
        "http-503 from https://a.example/d.xml",
        "undated: 1 in https://a.example/c.xml",
        "truncated in https://a.example/e.xml",
    )


moments = st.integers(-10 * 24, 24).map(lambda hours: NOON + hours * HOUR)
children = st.builds(child, st.integers(0, 30), st.none() | moments, whole_day=st.booleans()).map(
    lambda each: each if each.changed_at else Child(url=each.url)
)
maps = st.builds(lambda at: sitemap("x", at=at), st.none() | moments)


@given(st.lists(st.lists(children, max_size=40, unique_by=lambda each: each.url), max_size=8), st.data())
def test_whatever_comes_what_is_asked_is_bounded_due_and_remembered(
    indexes: list[list[Child]], data: st.DataObject
) -> None:
    def site(asked: Child, _: SitemapState | None) -> Asked:
        kind = data.draw(st.integers(0, 5))
        if kind == 0:
            return Asked(child=asked, failure="timeout")
        if kind == 1:
            return Asked(child=asked)
        return Asked(child=asked, parsed=data.draw(maps), etag="x" * data.draw(st.integers(0, 400)))

    poller = Poller(site)
    for number, found in enumerate(indexes):
        at = NOON + number * HOUR
        wanted = [each.url for each in due(found, poller.known, at, oldest(at, DAYS))]
        asked = [f"https://a.example/{name}.xml" for name in poller.poll(index(*found), at)]
        assert asked == wanted[:A_POLL]
        assert {key_of(url) for url in asked} <= set(poller.known)
        assert 0 <= poller.left <= len(wanted) - len(asked)
        assert FeedState.from_json(poller.state.to_json()) == poller.state
        for each in found:
            if each.changed_at is not None and each.changed_at < NOON - 5 * DAY:
                assert each.url not in asked


@given(st.lists(children, min_size=1, max_size=31, unique_by=lambda each: each.url))
def test_every_sitemap_that_may_be_new_is_asked_within_a_few_polls(found: list[Child]) -> None:
    poller, asked, at = Poller(), set[str](), NOON
    for number in range(2 + len(found) // A_POLL):
        at = NOON + number * timedelta(minutes=5)
        asked |= {f"https://a.example/{name}.xml" for name in poller.poll(index(*found), at)}
    assert asked <= {each.url for each in due(found, {}, NOON, oldest(NOON, DAYS))}
    assert asked >= {each.url for each in due(found, {}, at, oldest(at, DAYS))}
    assert poller.left == 0


@pytest.mark.parametrize("dated", [True, False])
def test_what_is_remembered_of_a_huge_index_is_bounded(dated: bool) -> None:
    found = index(*(child(number, NOON if dated else None) for number in range(MOST_KNOWN + 100)))
    poller = Poller()
    polls = 0
    while poller.left or not polls:
        polls += 1
        poller.poll(found, NOON + polls * timedelta(minutes=5))
        if polls * A_POLL > MOST_KNOWN:
            break
    assert len(poller.known) <= MOST_KNOWN
    assert len(poller.state.to_json()) < 60_000
    assert polls * A_POLL >= (MOST_KNOWN if dated else 200)
    assert is_news(child("never"), None)
