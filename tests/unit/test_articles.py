"""The writer of articles against an index in memory: one article, one document, whatever is announced, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.backoff import Backoff
from pipelines.errors import ServiceError
from pipelines.index import patience
from pipelines.index.arrival import Arrival
from pipelines.index.articles import ArticleWriter
from pipelines.index.documents import article_indices
from pipelines.index.lookup import Lookup, Recent
from pipelines.index.sink import Sink
from pipelines.index.stored import MOST_CLAIMANTS
from pipelines.runtime.heartbeat import Waits
from pipelines.settings import load_settings
from pipelines.urls import article_id
from tests.arrivals import DECEMBER, NOVEMBER, SITE, TEXTS, TITLES, arrival, ended
from tests.memory_index import MemoryIndex

NEWS = article_indices("news")
SETTINGS = load_settings(assignments=["river.name=news"], environment={})


class River:
    """A process that writes; `restart` forgets what it knew, as a kill does."""

    def __init__(self, limit: int = 1000) -> None:
        self.index = MemoryIndex()
        self.stop, self.waits, self._limit = Event(), Waits(), limit
        self.restart()

    def restart(self) -> None:
        recent = Recent(self._limit)
        lookup = Lookup(self.index, NEWS, recent, self.stop, self.waits)
        self.writer = ArticleWriter(lookup, Sink(self.index, SETTINGS.elasticsearch, self.stop, self.waits), NEWS)

    def write(self, *arrivals: Arrival) -> list[str]:
        """Write articles in one batch, and give how they ended."""
        return [ended(one) for one in self.writer.write(arrivals)]

    def only(self) -> dict[str, Any]:
        """Give the one document that there is."""
        [document] = self.index.documents()
        return document


FEEDS = [f"https://{name}.example/feed" for name in ("feed", "other", "third")]


@pytest.fixture
def river() -> River:
    return River()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "BACKOFF", Backoff(0.001, 0.02, jitter=0.5))


# The same address


@pytest.mark.parametrize("refreshed", [True, False])
@pytest.mark.parametrize("restarted", [True, False])
def test_found_again_in_the_next_month_it_stays_where_it_is(river: River, *, refreshed: bool, restarted: bool) -> None:
    assert river.write(arrival()) == ["indexed"]
    if refreshed:
        river.index.refresh()
    if restarted:
        river.restart()
    again = arrival(first_seen=DECEMBER, feed="other", revision=1)
    assert river.write(again) == ["duplicate-url: known"]
    document = river.only()
    assert document["_index"] == "news-articles-2026.11"
    assert document["first_seen"] == "2026-11-30T23:50:00Z"
    assert document["feeds"] == FEEDS[:2]
    assert document["body"].endswith("revision 1.")
    assert document["_version"] == again.facts.version


def test_found_again_in_the_same_month_it_keeps_its_discovery(river: River) -> None:
    later = NOVEMBER + timedelta(minutes=5)
    assert river.write(arrival(), arrival(first_seen=later, feed="other")) == ["indexed", "duplicate-url: known"]
    assert (river.only()["first_seen"], river.only()["feeds"]) == ("2026-11-30T23:50:00Z", FEEDS[:2])


def test_revisits_of_a_second_discovery_go_where_the_article_is(river: River) -> None:
    river.write(arrival())
    river.restart()
    revisit = arrival(first_seen=DECEMBER, visit=1, after=900, feed="other", revision=2)
    assert river.write(revisit) == ["updated"]
    assert river.only()["_index"] == "news-articles-2026.11"
    same = arrival(first_seen=DECEMBER, visit=2, after=4500, feed="other", revision=2)
    assert river.write(same) == ["unchanged"]
    assert river.only()["_version"] == same.facts.version


def test_a_page_older_than_an_unchanged_one_comes_too_late(river: River) -> None:
    """It was fetched between two visits that found the same text, and must not become the article's."""
    river.write(arrival())
    assert river.write(arrival(visit=1, after=1000)) == ["unchanged"]
    before = river.only()
    assert river.write(arrival(visit=2, after=500, revision=1)) == ["superseded"]
    assert river.only() == before


def test_an_older_page_that_comes_late_adds_its_feed_and_no_text(river: River) -> None:
    river.write(arrival(after=60, revision=1))
    late = arrival(after=30, feed="other", first_seen=NOVEMBER + timedelta(seconds=1))
    assert river.write(late) == ["duplicate-url: known"]
    assert (river.only()["feeds"], river.only()["_version"]) == (FEEDS[:2], arrival(after=60).facts.version + 1)
    assert river.only()["body"].endswith("revision 1.")
    assert river.write(late, arrival(after=60, revision=1)) == ["duplicate-url: known", "indexed: replayed"]
    assert river.only()["feeds"] == FEEDS[:2]


def test_a_page_fetched_twice_is_no_second_announcement(river: River) -> None:
    """As after `fetch` was killed between two commits."""
    assert river.write(arrival(after=1), arrival(after=9), arrival(after=20, revision=1)) == [
        "indexed",
        "updated",
        "updated",
    ]


def test_a_page_that_fetch_compared_with_nothing_counts_as_an_update_though_it_is_the_same(river: River) -> None:
    """As when `reconcile --repair` announces again what the index has in an old version."""
    river.write(arrival())
    revisit = arrival(visit=1, after=900)
    whole = Arrival.of(revisit.entry.model_copy(update={"content_digest": None}), revisit.facts, revisit.article)
    assert river.write(whole) == ["updated"]
    assert river.only()["_version"] == revisit.facts.version


def test_a_page_that_could_not_be_indexed_at_first_is_indexed_by_its_revisit(river: River) -> None:
    assert river.write(arrival(visit=2, after=9000)) == ["indexed"]


# Other addresses


@pytest.mark.parametrize("together", [True, False])
def test_three_addresses_with_one_canonical_are_one_article(river: River, *, together: bool) -> None:
    arrivals = [
        arrival("/a?view=1", canonical="/a"),
        arrival("/a?view=2", canonical="/a", after=2, feed="other"),
        arrival("/a", canonical="/a", after=3, feed="third"),
    ]
    ends = river.write(*arrivals) if together else [end for one in arrivals for end in river.write(one)]
    assert ends == ["indexed", "duplicate-url: canonical", "duplicate-url: known"]
    assert (river.only()["url"], river.only()["addresses"]) == (f"{SITE}/a?view=1", [f"{SITE}/a", f"{SITE}/a?view=2"])
    assert river.only()["feeds"] == FEEDS
    river.restart()
    assert river.write(*arrivals) == ["superseded", "duplicate-url: canonical", "duplicate-url: known"]
    assert len(river.index.documents()) == 1


def test_the_canonical_address_first(river: River) -> None:
    assert river.write(arrival("/a", canonical="/a")) == ["indexed"]
    assert river.write(arrival("/a?view=1", canonical="/a", after=2)) == ["duplicate-url: canonical"]
    [result] = river.writer.write([arrival("/a?view=1", canonical="/a", after=2)])
    assert result.place.id == article_id(f"{SITE}/a")
    assert f"address {SITE}/a" in result.detail


@pytest.mark.parametrize("first", [0, 1])
def test_a_redirect_to_an_address_that_is_known(river: River, first: int) -> None:
    both = [arrival("https://proxy.example/x7", landed="/a", feed="other"), arrival("/a", after=2)]
    ends = [river.write(one)[0] for one in (both if first == 0 else both[::-1])]
    assert ends == ["indexed", "duplicate-url: known" if first == 0 else "duplicate-url: redirect"]
    assert set(river.only()["feeds"]) == set(FEEDS[:2])


def test_http_and_https_are_one_address(river: River) -> None:
    plain = arrival("http://gazette.example.org/a")
    assert river.write(plain) == ["indexed"]
    assert river.write(arrival("/a", first_seen=DECEMBER)) == ["duplicate-url: known"]
    assert river.only()["url"] == "http://gazette.example.org/a"
    assert not river.only().get("addresses")


def test_a_revisit_at_another_address_updates_the_article(river: River) -> None:
    river.write(arrival("/a"), arrival("/a?view=1", canonical="/a", after=2))
    later = arrival("/a?view=1", canonical="/a", visit=1, after=900, revision=1)
    assert river.write(later) == ["updated"]
    rewritten = arrival("/a?view=1", text=1, canonical="/a", visit=2, after=4500)
    assert river.write(rewritten) == ["updated"]  # it was believed before, and says the same as before
    assert river.only()["title"] == TITLES[1]


def test_an_address_that_was_wrongly_taken_for_one_gets_its_own_document(river: River) -> None:
    """A dead link led to the article on the first visit, and shows its own text on the second."""
    assert river.write(arrival("/a"), arrival("/b", landed="/a", after=2)) == ["indexed", "duplicate-url: redirect"]
    assert river.write(arrival("/b", text=1, visit=1, after=900)) == ["indexed"]
    assert [one["title"] for one in river.index.documents()] in (TITLES[:2], TITLES[1::-1])
    assert river.write(arrival("/b", text=2, visit=2, after=4500)) == ["updated"]


# Addresses that are not believed


@pytest.mark.parametrize(
    "wrong",
    [
        {"canonical": "/"},
        {"canonical": "/a"},
        {"landed": "/a"},
        {"landed": "/a", "canonical": "/a"},
        {"landed": "/"},
    ],
)
def test_a_wrong_address_is_not_believed(river: River, wrong: dict[str, Any]) -> None:
    """The home page, or another article: each article keeps its document, whichever comes first."""
    arrivals = [arrival("/b", text=1, **wrong), arrival("/a", after=2), arrival("/c", text=2, after=3, **wrong)]
    assert [river.write(one)[0] for one in arrivals] == ["indexed"] * 3
    assert sorted(one["title"] for one in river.index.documents()) == sorted(TITLES)


@pytest.mark.parametrize("refreshed", [True, False])
def test_who_claims_an_address_wrongly_does_not_part_those_who_claim_it_rightly(
    river: River, *, refreshed: bool
) -> None:
    wrong = [arrival(f"/{name}", text=text, canonical="/a", after=text) for name, text in (("b", 1), ("c", 2))]
    right = [
        arrival("/a?view=1", canonical="/a", after=3),
        arrival("/a", after=4),
        arrival("/a?view=2", canonical="/a"),
    ]
    ends = []
    for one in (*wrong, *right):
        ends += river.write(one)
        if refreshed:
            river.index.refresh()
            river.restart()
    assert ends == ["indexed"] * 3 + ["duplicate-url: known", "duplicate-url: canonical"]


def test_an_address_that_every_page_claims_is_looked_up_for_a_few(river: River) -> None:
    for number in range(20):
        one = arrival(f"/{number}", text=2, canonical="/all", after=number + 1)
        assert one.article is not None
        body = " ".join(str(number * word + 7) for word in range(99))  # nothing in common with any other
        own = one.article.model_copy(update={"body": body})
        assert river.write(Arrival.of(one.entry, one.facts, own)) == ["indexed"]
    claimed = [one for one in river.index.documents() if one.get("addresses")]
    assert len(claimed) == MOST_CLAIMANTS


def test_pages_that_do_not_show_what_was_announced_are_never_merged(river: River) -> None:
    """Dead links that all lead to one login page."""
    lost = [arrival(f"/{n}", text=2, landed="/login", title=TITLES[n], after=n + 1) for n in range(2)]
    assert river.write(*lost) == ["indexed", "indexed"]
    untitled = [arrival(f"/u{n}", text=2, landed="/login", title="", after=n + 1) for n in range(2)]
    assert river.write(*untitled) == ["indexed", "indexed"]


# Removed


def test_what_its_site_removed_is_marked_and_what_comes_back_is_not(river: River) -> None:
    river.write(arrival())
    gone = arrival(visit=1, after=900, gone=True)
    assert river.write(gone) == ["gone: http-410"]
    assert river.only()["gone_at"] == "2026-12-01T00:05:00Z"
    assert river.only()["body"] == TEXTS[0]
    assert river.write(gone, arrival()) == ["gone: http-410", "indexed: replayed"]
    assert river.write(arrival(visit=2, after=4500, gone=True)) == ["gone: http-410"]
    assert river.only()["gone_at"] == "2026-12-01T00:05:00Z"
    assert river.write(arrival(visit=3, after=9000)) == ["updated"]
    assert "gone_at" not in river.only()
    assert river.write(gone, arrival(visit=2, after=4500, gone=True)) == ["superseded", "superseded"]
    assert "gone_at" not in river.only()


def test_what_is_removed_and_was_never_indexed(river: River) -> None:
    [result] = river.writer.write([arrival(visit=1, after=900, gone=True)])
    assert (ended(result), result.stored) == ("gone: http-410", False)
    assert river.index.documents() == []


def test_an_address_that_is_gone_does_not_mark_an_article_that_has_others(river: River) -> None:
    river.write(arrival("/a"), arrival("/a?view=1", canonical="/a", after=2))
    assert river.write(arrival("/a?view=1", visit=1, after=900, gone=True)) == ["gone: http-410"]
    assert "gone_at" not in river.only()


# The server


def test_it_waits_for_the_lookup_and_says_so(river: River) -> None:
    river.index.away = 3
    assert river.write(arrival()) == ["indexed"]
    assert river.waits.now is None
    river.index.away, seen = 10**6, []
    river.index.before_bulk = lambda: seen.append(1)
    river.stop.set()
    with pytest.raises(ServiceError, match=r"stopped while 1 articles to be looked up waited .*no-answer"):
        river.write(arrival("/b"))
    assert river.waits.now is not None
    assert not seen


def test_who_is_overtaken_looks_again(river: River) -> None:
    """Another process, which should not be there, writes the article between look-up and write."""
    other = River()
    other.index = river.index
    other.restart()
    theirs = iter([arrival(after=60, feed="other"), arrival(after=90, feed="third", revision=1)])

    def interfere() -> None:
        river.index.before_bulk = lambda: None
        if (one := next(theirs, None)) is not None:
            other.write(one)
            river.index.before_bulk = interfere

    river.index.before_bulk = interfere
    river.write(arrival(after=30))
    assert set(river.only()["feeds"]) == set(FEEDS)
    assert river.only()["body"].endswith("revision 1.")


def test_one_batch_costs_three_requests_and_articles_of_this_month_none_more(river: River) -> None:
    river.write(arrival("/x"))
    river.index.asked.clear()
    river.write(*(arrival(f"/{number}") for number in range(100)))
    assert [path for _, path in river.index.asked] == ["/_mget", "/news-articles/_search", "/_bulk"]
    river.index.asked.clear()
    river.write(*(arrival(f"/{number}", visit=1, after=900, revision=1) for number in range(100)))
    # Texts that changed take one more, and their index is made once.
    repeated = [path for _, path in river.index.asked if path.startswith("/_")]
    assert repeated == ["/_mget", "/_index_template/news-revisions", "/_bulk", "/_bulk"]


# Former texts


def test_both_texts_of_an_article_that_changes_are_kept(river: River) -> None:
    river.write(arrival())
    assert river.index.documents("revisions") == []
    river.write(arrival(visit=1, after=900))
    assert river.index.documents("revisions") == []
    river.write(arrival(visit=2, after=4500, revision=1))
    kept = {one["content_digest"][-1]: one for one in river.index.documents("revisions")}
    assert sorted(kept) == ["0", "1"]
    assert kept["1"]["body"] == river.only()["body"]
    assert kept["0"]["fetched_at"] < kept["1"]["fetched_at"]
    assert {one["article_id"] for one in kept.values()} == {river.only()["id"]}


def test_a_replay_keeps_no_text_twice(river: River) -> None:
    visits = [arrival(), arrival(visit=1, after=900, revision=1), arrival(visit=2, after=4500, revision=2)]
    for visit in visits:
        river.write(visit)
    before = river.index.documents("revisions"), river.index.documents()
    assert len(before[0]) == 3
    river.restart()
    for visit in visits:
        river.write(visit)
    assert (river.index.documents("revisions"), river.index.documents()) == before


def test_when_the_text_changed_is_told_from_when_it_was_fetched(river: River) -> None:
    river.write(arrival())
    first = river.only()["updated_at"]
    assert first == river.only()["fetched_at"]
    river.write(arrival(visit=1, after=900))
    assert (river.only()["updated_at"], river.only()["fetched_at"] > first) == (first, True)
    river.write(arrival(visit=2, after=4500, revision=1))
    assert river.only()["updated_at"] == river.only()["fetched_at"]
    assert river.only()["indexed_at"]


# Anything


@st.composite
def announcements(draw: st.DrawFn) -> list[Arrival]:
    """Visits of three articles, each at several addresses, in two months, by three feeds; pages in order or not."""
    made = []
    ordered = draw(st.booleans())
    for number in range(draw(st.integers(1, 14))):
        text = draw(st.integers(0, 2))
        way = draw(st.sampled_from(["own", "own", "view", "proxy", "http", "wrong"]))
        known = {
            "text": text,
            "first_seen": (first_seen := draw(st.sampled_from([NOVEMBER, DECEMBER]))),
            "feed": draw(st.sampled_from(["feed", "other", "third"])),
            "after": (DECEMBER - first_seen).total_seconds() * ordered + number + 1,
            "revision": draw(st.integers(0, 1)),
        }
        if way == "own":
            made.append(arrival(f"/{text}", **known))
        elif way == "http":
            made.append(arrival(f"http://gazette.example.org/{text}", **known))
        elif way == "wrong":
            made.append(arrival(f"/{text}", canonical=f"/{(text + 1) % 3}", **known))
        elif way == "view":
            made.append(arrival(f"/{text}?view={number % 3}", canonical=f"/{text}", **known))
        else:
            made.append(arrival(f"https://proxy.example/{text}", landed=f"/{text}", **known))
    return made


@settings(max_examples=300)
@given(announcements(), st.data())
def test_one_article_one_document_whatever_happens(arrivals: Sequence[Arrival], data: st.DataObject) -> None:
    river = River()
    first: dict[str, Any] = {}
    at = 0
    while at < len(arrivals):
        size = data.draw(st.integers(1, 5))
        for _ in range(data.draw(st.sampled_from([1, 1, 2]))):  # a batch may be read again after a kill
            river.write(*arrivals[at : at + size])
            if data.draw(st.booleans()):
                river.restart()
            if data.draw(st.booleans()):
                river.index.refresh()
        at += size
        for one in river.index.documents():
            assert first.setdefault(one["title"], one["first_seen"]) == one["first_seen"]
    documents = {one["title"]: one for one in river.index.documents()}
    assert len(documents) == len(river.index.documents())
    articles = [one.article for one in arrivals if one.article is not None]
    assert set(documents) == {one.title for one in articles}
    for title, document in documents.items():
        ours = [one for one in articles if one.title == title]
        assert set(document["feeds"]) == {feed for one in ours for feed in one.feeds}
        assert document["_index"] == f"news-articles-{document['first_seen'][:7].replace('-', '.')}"
        latest = max((one for one in arrivals if one.article in ours), key=lambda one: one.facts.fetched_at)
        assert latest.article is not None
        assert document["content_digest"] == latest.article.content_digest
    before = river.index.documents()
    river.write(*arrivals)
    after = river.index.documents()
    assert after == before
    frozen = ("_index", "id", "url", "first_seen", "feeds", "addresses")
    assert [[one.get(name) for name in frozen] for one in after] == [
        [one.get(name) for name in frozen] for one in before
    ]
