"""Tests of `pipelines.index.merge`: two documents of one article become one, in any order and any number of times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipelines.index.merge import MOST_ADDRESSES, further, merged, moment
from pipelines.urls import identity_url

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADDRESSES = [f"{scheme}://gazette.example.org/{page}" for scheme in ("http", "https") for page in "abc"]


def stored(**fields: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "id": "0" * 32,
        "url": ADDRESSES[0],
        "source": "gazette",
        "first_seen": "2026-11-20T12:00:00Z",
        "fetched_at": "2026-11-20T12:00:05.250Z",
        "title": "Ferry runs again",
        "body": "The ferry is back.",
        "feeds": ["https://gazette.example.org/feed"],
    }
    return {**known, **fields}


def at(minutes: float) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def test_the_first_document_names_the_article_and_the_newest_text_is_shown() -> None:
    second = stored(
        id="1" * 32,
        url=ADDRESSES[1],
        source="herald",
        first_seen=at(60),
        fetched_at=at(61),
        title="Ferry runs, fares rise",
        feeds=["https://herald.example.org/feed"],
        stem={"english": "Ferry runs, fares rise"},
    )
    assert merged(stored(), second) == {
        **second,
        "id": "0" * 32,
        "url": ADDRESSES[0],
        "source": "gazette",
        "first_seen": "2026-11-20T12:00:00Z",
        "feeds": ["https://gazette.example.org/feed", "https://herald.example.org/feed"],
        "addresses": [ADDRESSES[1]],
    }
    assert merged(stored(), {**second, "fetched_at": at(0)})["title"] == "Ferry runs again"


def test_an_address_in_another_scheme_is_no_other_address() -> None:
    assert "addresses" not in merged(stored(), stored(url=ADDRESSES[3]))


def test_what_a_later_visit_found_again_is_not_gone() -> None:
    gone = stored(gone_at=at(30))
    assert merged(gone, stored(fetched_at=at(20)))["gone_at"] == at(30)
    assert "gone_at" not in merged(gone, stored(fetched_at=at(40)))
    assert "gone_at" not in merged(stored(fetched_at=at(40)), gone)
    assert merged(stored(fetched_at=at(20)), gone)["gone_at"] == at(30)


def test_addresses_are_bounded() -> None:
    many = [f"https://gazette.example.org/a?session={number}" for number in range(200)]
    assert further(many[0], many) == many[1 : MOST_ADDRESSES + 1]


minutes = st.integers(0, 5)
documents = st.builds(
    lambda first, fetched, gone, url, addresses, feeds: stored(
        url=url,
        first_seen=at(first),
        fetched_at=at(fetched),
        body=f"fetched after {fetched} minutes",
        addresses=addresses,
        feeds=feeds,
        **({"gone_at": at(gone)} if gone is not None else {}),
    ),
    minutes,
    minutes,
    st.none() | minutes,
    st.sampled_from(ADDRESSES),
    st.lists(st.sampled_from(ADDRESSES), max_size=3),
    st.lists(st.sampled_from(["f1", "f2", "f3"]), unique=True, max_size=3),
)


@given(documents, documents)
def test_merging_again_changes_nothing(older: dict[str, Any], newer: dict[str, Any]) -> None:
    once = merged(older, newer)
    assert merged(once, newer) == once
    assert merged(once, once) == once


@given(documents, st.lists(documents, min_size=1, max_size=4), st.randoms())
def test_whatever_the_order_the_same_is_shown_and_nothing_is_forgotten(
    first: dict[str, Any], others: list[dict[str, Any]], random: Any
) -> None:
    def all_of(rest: list[dict[str, Any]]) -> dict[str, Any]:
        found = first
        for one in rest:
            found = merged(found, one)
        return found

    found = all_of(others)
    shuffled = all_of(random.sample(others, len(others)))
    shown = ("id", "url", "source", "first_seen", "fetched_at", "body", "gone_at")
    assert [found.get(field) for field in shown] == [shuffled.get(field) for field in shown]
    assert (found["url"], found["first_seen"]) == (first["url"], first["first_seen"])
    assert moment(found["fetched_at"]) == max(moment(one["fetched_at"]) for one in (first, *others))
    names = {identity_url(address) for address in (found["url"], *found.get("addresses", ()))}
    for one in (first, *others):
        assert set(one["feeds"]) <= set(found["feeds"])
        for address in (one["url"], *one["addresses"]):
            assert identity_url(address) in names
    assert set(found["feeds"]) == set(shuffled["feeds"])
