"""Feed-list files merged into the one list: all of every file is polled, and what was done by hand stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import FeedListError
from pipelines.feeds.lists import feed_of, from_opml, from_toml, to_opml, to_toml
from pipelines.feeds.sync import list_name, merge
from schemas.records import Feed

A, B, C = (Feed(url=f"https://{name}.example/feed") for name in "abc")


def apply(before: dict[str, Feed], files: dict[str, list[Feed]]) -> dict[str, Feed]:
    changed = before | merge(before, files).records
    return {url: feed for url, feed in changed.items() if feed is not None}


def test_two_rivers_with_different_lists_poll_the_feeds_of_both() -> None:
    river = apply({}, {"one:a.toml": [A]})
    second = merge(river, {"two:b.toml": [B, C]})
    assert set(apply(river, {"two:b.toml": [B, C]})) == {A.url, B.url, C.url}
    assert str(second) == (
        "2 feeds in the files, 2 new; 1 more in the river's list are polled too (`newsriver feeds list`)"
    )


def test_a_feed_taken_out_of_its_last_file_leaves_the_list() -> None:
    river = apply({}, {"one:a.toml": [A, B], "one:b.toml": [B, C]})
    river = apply(river, {"one:a.toml": [A]})
    assert set(river) == {A.url, B.url, C.url}  # B is in the other file still
    assert river[B.url].lists == ["one:b.toml"]
    river = apply(river, {"one:b.toml": [C]})
    assert set(river) == {A.url, C.url}


def test_another_machine_s_file_at_the_same_path_takes_nothing_away() -> None:
    river = apply(apply({}, {"one:/feeds.toml": [A, B]}), {"two:/feeds.toml": [B, C]})
    assert set(river) == {A.url, B.url, C.url}
    assert river[B.url].lists == ["one:/feeds.toml", "two:/feeds.toml"]
    assert list_name(Path("feeds.toml")).endswith(f":{Path.cwd()}/feeds.toml")


def test_a_feed_added_by_hand_stays_when_a_file_that_has_it_too_drops_it() -> None:
    river = apply({A.url: A}, {"one:a.toml": [A.model_copy(update={"title": "The A"}), B]})
    assert river[A.url].title == "The A"
    assert set(apply(river, {"one:a.toml": []})) == {A.url}


def test_a_pause_by_hand_outlasts_the_file_and_a_pause_in_the_file_counts() -> None:
    river = apply({}, {"f": [A, B.model_copy(update={"paused": True})]})
    assert (river[A.url].paused, river[B.url].paused) == (False, True)
    river[A.url] = river[A.url].model_copy(update={"paused": True})
    again = merge(river, {"f": [A.model_copy(update={"title": "new"}), B]})
    assert apply(river, {"f": [A, B]})[A.url].paused
    assert [(feed.title, feed.paused, feed.lists) for feed in again.changed] == [("new", True, ["f"])]


def test_an_unchanged_list_writes_nothing() -> None:
    river = apply({}, {"f": [A, B]})
    assert merge(river, {"f": [A, B]}).records == {}


LISTS = st.lists(st.sampled_from([A, B, C]), unique_by=lambda feed: feed.url)


@given(st.lists(st.tuples(st.sampled_from(["f", "g", "h"]), LISTS), min_size=1, max_size=12))
def test_the_list_holds_at_any_time_what_each_file_held_when_it_was_read_last(
    starts: list[tuple[str, list[Feed]]],
) -> None:
    river: dict[str, Feed] = {}
    files: dict[str, list[Feed]] = {}
    for name, feeds in starts:
        river = apply(river, {name: feeds})
        files[name] = feeds
    wanted = {feed.url: sorted(name for name in files if feed in files[name]) for feed in (A, B, C)}
    assert {url: feed.lists for url, feed in river.items()} == {url: names for url, names in wanted.items() if names}


def test_what_the_river_keeps_for_itself_is_in_no_list() -> None:
    mine = A.model_copy(update={"lists": ["one:/feeds.toml"]})
    assert from_toml(to_toml([mine]).encode(), "f") == [A]
    assert from_opml(to_opml([mine]).encode(), "f").feeds == (A,)
    with pytest.raises(FeedListError, match="unknown key lists"):
        feed_of({"url": A.url, "lists": ["x"]})
