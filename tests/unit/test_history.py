"""Tests of `pipelines.search.history`."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.search.history import ChangeKind, KnownText, history_of, word_changes
from tests.unit.linear import operations

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TEXTS = st.lists(st.sampled_from(["The", " ", "ferry", "\n", "is", "back.", "não", "\n\n"]), max_size=30).map("".join)


def text(number: int, body: str, title: str = "Ferry", published: datetime | None = NOW) -> KnownText:
    return KnownText(NOW + timedelta(hours=number), f"{hash((title, body)) & 0xFFFF:x}", title, body, published)


def test_words_that_changed_are_told_from_those_that_did_not() -> None:
    changes = word_changes("The ferry is late.\nFares stay.", "The ferry is very early.\nFares stay.")
    assert [(str(change.kind), change.text) for change in changes] == [
        ("same", "The ferry is "),
        ("removed", "late"),
        ("added", "very early"),
        ("same", ".\nFares stay."),
    ]


@given(st.one_of(TEXTS, st.text(max_size=50)), st.one_of(TEXTS, st.text(max_size=50)))
def test_both_texts_can_be_put_together_again(before: str, after: str) -> None:
    changes = word_changes(before, after)
    assert "".join(c.text for c in changes if c.kind is not ChangeKind.ADDED) == before
    assert "".join(c.text for c in changes if c.kind is not ChangeKind.REMOVED) == after


def test_silent_edits_and_headline_changes_are_marked() -> None:
    later = NOW + timedelta(hours=5)
    texts = [
        text(3, "Two are hurt.", title="Ferry sinks", published=later),
        text(1, "Nobody is hurt."),
        text(2, "One is hurt."),
        text(4, "Two are hurt.", title="Ferry sinks", published=later),
    ]
    versions = history_of("a", "https://gazette.example.org/1", texts).versions
    assert [(v.headline_changed, v.silent) for v in versions] == [(False, False), (False, True), (True, False)]
    assert [change.kind for change in versions[0].changes] == [ChangeKind.SAME]


def test_a_text_that_comes_back_is_a_change() -> None:
    versions = history_of("a", "u", [text(1, "One."), text(2, "Two."), text(3, "One.")]).versions
    assert len(versions) == 3


def test_long_texts_take_no_long_time() -> None:
    began = time.process_time()
    changes = word_changes("a b " * 50_000, "b a " * 50_000)
    assert time.process_time() - began < 5
    assert [str(change.kind) for change in changes] == ["removed", "added", "same"]


@pytest.mark.parametrize(
    "pieces", [(("the ", "a "), ("a ", "the ", "x ")), (("a\n",), ("b\n",)), (("a ", "b "), ("b ", "a "))]
)
def test_words_that_repeat_cost_no_more_than_others(pieces: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    """The standard library's matcher takes 8 s for the first at half of this size, and eight times as long at twice."""
    before, after = (("".join(side) * 1990)[:3990] for side in pieces)
    assert operations(lambda: word_changes(before, after)) < 10_000_000


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_no_more_is_changed_than_the_standard_matcher_says(old: list[str], new: list[str]) -> None:
    changes = word_changes(" ".join(old), " ".join(new))
    same = sum(len(c.text.split()) for c in changes if c.kind is ChangeKind.SAME)
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    assert same >= sum(block.size for block in blocks)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("Eighty houses.", "Two houses.", [("removed", "Eighty"), ("added", "Two"), ("same", " houses.")]),
        ("a b c d", "d x y z", [("removed", "a b c "), ("same", "d"), ("added", " x y z")]),
        ("late now", "late, now", [("same", "late"), ("removed", " "), ("added", ", "), ("same", "now")]),
        ("one  two", "one two", [("same", "one"), ("removed", "  "), ("added", " "), ("same", "two")]),
    ],
)
def test_a_change_is_told_in_words_and_not_in_spaces(before: str, after: str, changes: list[tuple[str, str]]) -> None:
    assert [(str(change.kind), change.text) for change in word_changes(before, after)] == changes
