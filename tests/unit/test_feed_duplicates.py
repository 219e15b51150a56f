"""The same feed under two addresses, and which feed is meant by a name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import NewsriverError
from pipelines.feeds.duplicates import Duplicate, Sameness, address_key, duplicates, same_entries
from pipelines.feeds.feed_status import FeedStatus, standings
from pipelines.feeds.selection import nearest, select
from schemas.records import Feed, FeedState

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
A, B, C = (f"https://{name}.example/feed" for name in "abc")


def keys(*numbers: int) -> list[str]:
    return [f"{number:016x}" for number in numbers]


def state(url: str, **fields: object) -> FeedState:
    return FeedState(url=url, next_poll_at=NOW, **fields)  # type: ignore[arg-type]  # a test's shorthand


SPELLINGS = [
    "https://www.ferry.example/feed",
    "http://ferry.example/feed/",
    "http://ferry.example:80/feed",
    "https://ferry.example:443/feed",
    "https://ferry.example:80/feed",
    "HTTPS://Ferry.Example/feed?utm_source=rss",
    "https://ferry.example./feed#top",
    "https://ferry.example/x/../feed",
    "https://user@ferry.example/feed?",
]
OTHERS = [
    "https://ferry.example/Feed",
    "https://ferry.example/feed?p=2",
    "https://ferry.example:8443/feed",
    "https://news.ferry.example/feed",
    "https://ferry.example/feed.xml",
    "https://ferry.example/",
]


@pytest.mark.parametrize("url", SPELLINGS)
def test_spellings_of_one_address(url: str) -> None:
    assert address_key(url) == "ferry.example/feed"


@pytest.mark.parametrize("url", OTHERS)
def test_other_addresses(url: str) -> None:
    assert address_key(url) != "ferry.example/feed"


def test_what_is_no_address_is_its_own_key() -> None:
    assert address_key("nonsense") == "nonsense"


hosts = st.from_regex(r"[a-z]{1,8}\.example", fullmatch=True)
paths = st.from_regex(r"(/[a-z0-9.-]{1,6}){0,3}", fullmatch=True)
queries = st.sampled_from(["", "?p=2", "?b=1&a=2"])


@given(hosts, paths, queries, st.data())
def test_every_spelling_has_the_same_key(host: str, path: str, query: str, data: st.DataObject) -> None:
    scheme = data.draw(st.sampled_from(["http", "https", "HTTP"]))
    spelled = data.draw(st.sampled_from([host, host.upper(), f"www.{host}", f"{host}:80", f"www.{host}:443"]))
    slash = data.draw(st.sampled_from(["", "/"]))
    tracker = data.draw(st.sampled_from(["", "&utm_medium=feed", "&fbclid=x"]))
    extra = (query + tracker) if query else tracker.replace("&", "?", 1)
    assert address_key(f"{scheme}://{spelled}{path}{slash}{extra}") == address_key(f"https://{host}{path}{query}")


def test_entries_of_one_feed_at_different_times() -> None:
    old, new = keys(*range(100)), keys(*range(80, 102))
    assert same_entries(old, new)
    assert same_entries(new, old)
    assert not same_entries(old, keys(*range(90, 110)))
    assert not same_entries(old[:7], old[:7])
    # A section whose articles are all in the whole feed, among others.
    assert not same_entries(keys(*range(100)), keys(*range(0, 100, 4)))


def test_why_feeds_are_one() -> None:
    spelled = "http://www.a.example/feed/"
    assert duplicates([A, B, spelled], {}) == [Duplicate((spelled, A), (Sameness.SPELLING,))]
    same = {A: state(A, known=keys(*range(30))), B: state(B, known=keys(*range(2, 31)))}
    assert duplicates([A, B, C], same) == [Duplicate((A, B), (Sameness.ENTRIES,))]
    assert duplicates([A, C], same) == []
    assert duplicates([A, B], {A: state(A), B: state(B)}) == []


def test_a_feed_that_moved_is_the_one_where_it_went() -> None:
    moved = {A: state(A, moved_to="http://www.b.example/feed")}
    assert duplicates([A, B, C], moved) == [Duplicate((A, B), (Sameness.MOVED,))]
    both = {A: state(A, moved_to="https://new.example/x"), C: state(C, moved_to="https://new.example/x/")}
    assert duplicates([A, B, C], both) == [Duplicate((A, C), (Sameness.MOVED,))]
    assert duplicates([A, B], {A: state(A, moved_to="http://a.example/feed")}) == []


def test_all_reasons_of_a_group_are_given_once() -> None:
    spelled = "http://a.example/feed"
    states = {
        A: state(A, known=keys(*range(10))),
        spelled: state(spelled, known=keys(*range(10))),
        B: state(B, moved_to=A),
    }
    assert duplicates([A, spelled, B], states) == [
        Duplicate((spelled, A, B), (Sameness.SPELLING, Sameness.MOVED, Sameness.ENTRIES))
    ]


addresses = st.builds(
    "{}{}.example{}".format,
    st.sampled_from(["https://", "http://", "https://www."]),
    st.sampled_from("abcde"),
    st.sampled_from(["/feed", "/feed/", "/x"]),
)
known = st.tuples(st.integers(0, 60), st.integers(0, 40)).map(lambda span: keys(*range(span[0], span[0] + span[1])))


@given(st.lists(addresses, unique=True, max_size=12), st.data())
def test_groups_are_apart_and_complete(urls: list[str], data: st.DataObject) -> None:
    states = {url: state(url, known=data.draw(known)) for url in urls if data.draw(st.booleans())}
    groups = duplicates(urls, states)
    listed = [url for group in groups for url in group.urls]
    assert len(listed) == len(set(listed))
    assert set(listed) <= set(urls)
    group_of = {url: group for group in groups for url in group.urls}
    for group in groups:
        assert len(group.urls) > 1
        assert group.why
        assert list(group.urls) == sorted(group.urls)
    for one in urls:
        for other in urls:
            alike = address_key(one) == address_key(other)
            shared = one in states and other in states and same_entries(states[one].known, states[other].known)
            if one != other and (alike or shared):
                assert group_of[one] is group_of[other]
    assert duplicates(reversed(urls), states) == groups


def test_a_name_is_an_address_or_a_pattern() -> None:
    listed = {A, B, "https://a.example/list?page=1"}
    assert select([B, A, A], listed) == [A, B]
    assert select(["https://a.*"], listed) == [A, "https://a.example/list?page=1"]
    assert select(["*"], listed) == sorted(listed)
    assert select(["*/list?page=*"], listed) == ["https://a.example/list?page=1"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("http://www.a.example/feed/", f"did you mean {A}?"),
        ("https://a.example/fed", f"did you mean {A}?"),
        ("qqqq", "`newsriver feeds list` shows the list"),
        ("*.org", "`newsriver feeds list` shows the list"),
        ("https://a.exampl?/feed", f"did you mean {A}?"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(NewsriverError, match="no feed ") as caught:
        select([A, name], [A, B])
    assert caught.value.exit_code == 1
    assert caught.value.hint == hint


def test_nothing_is_near_in_an_empty_list() -> None:
    assert nearest(A, []) is None


def test_standings() -> None:
    states = {
        A: state(A, polled_at=NOW, polls=3, rates=[0.5] * 24),
        B: state(B, polled_at=NOW, failures=2, last_failure="http-503"),
        C: state(C, polled_at=NOW, failures=5, last_failure="dns"),
    }
    new = "https://d.example/feed"
    feeds = [Feed(url=new), Feed(url=C, paused=True), Feed(url=A, title="A"), Feed(url=B)]
    rows = standings(feeds, states)
    assert [row.feed.url for row in rows] == [A, B, C, new]
    assert [row.feed.url for row in standings(feeds, states, failing=True)] == [C, B]
    assert (rows[0].per_day, rows[0].next_poll_at, rows[0].failing) == (12.0, NOW, False)
    assert (rows[2].next_poll_at, rows[3].next_poll_at, rows[3].per_day) == (None, None, None)
    assert rows[1].as_json() == {
        "url": B,
        "title": "",
        "source": "",
        "paused": False,
        "lists": [],
        "last_poll": NOW.isoformat(),
        "last_success": None,
        "next_poll": NOW.isoformat(),
        "polls": 0,
        "failures": 2,
        "reason": "http-503",
        "moved_to": None,
        "per_day": None,
    }
    assert FeedStatus(Feed(url=new), None).as_json()["polls"] == 0
