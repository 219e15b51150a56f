"""Dead letters: which are open, how they group, what a replay sends, what today's code would make of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extraction import ArticleContext, Page, make_article
from pipelines.ledger.dead_letter_rules import (
    HEADER,
    REPLAY,
    DeadLetterState,
    DeadLetterView,
    Forecast,
    Selection,
    foresee,
    groups,
    latest,
    read_letter,
    replay_of,
    unknown_names,
)
from pipelines.ledger.outcomes import outcome
from pipelines.settings import CleanSettings
from schemas.records import Article, DeadLetter, DeadLetterMark, Entry, MarkKind, OutcomeKind, Right, Stage
from schemas.topics import ENTRIES, OUTCOMES, PAGES
from tests.rivers import NOON, entry, facts, page

MINUTE = timedelta(minutes=1)


def died(number: int = 1, **fields: Any) -> DeadLetter:
    known: dict[str, Any] = {
        "article_id": entry(number).id,
        "stage": Stage.CLEAN,
        "reason": "too-large",
        "error": "Poison",
        "message": "the page is larger than clean.max_html_bytes",
        "origin": f"news.pages/0/{number}",
        "key": entry(number).url,
        "at": NOON + number * MINUTE,
    }
    return DeadLetter(**{**known, **fields})


def letter(number: int = 1, mark: DeadLetterMark | None = None, **fields: Any) -> DeadLetterView:
    return DeadLetterView(
        place=f"news.dead-letters/1/{number}", facts=died(number, **fields), url=entry(number).url, size=9, mark=mark
    )


def mark(number: int, kind: MarkKind, after: timedelta = timedelta(0)) -> DeadLetterMark:
    return DeadLetterMark(
        origin=f"news.pages/0/{number}", kind=kind, letter_at=NOON + number * MINUTE + after, at=NOON, by="ada"
    )


def headers(number: int = 1, **others: bytes) -> dict[str, bytes]:
    return {"entry": entry(number).to_json(), "page": facts(number).to_json(), HEADER: b"{}", **others}


def extracted(of: Page) -> Article:
    return make_article(of, ArticleContext(CleanSettings()))


class TestReading:
    def test_a_page_has_its_entry_in_a_header(self) -> None:
        found = read_letter("news.dead-letters/0/5", headers(3) | {HEADER: died(3).to_json()}, b"<p>text")
        assert found == DeadLetterView(place="news.dead-letters/0/5", facts=died(3), url=entry(3).url, size=7)

    def test_a_fetchers_payload_is_the_entry(self) -> None:
        record = died(3, stage=Stage.FETCH, key="dunlow.example.org").to_json()
        found = read_letter("news.dead-letters/0/5", {HEADER: record}, entry(3).to_json())
        assert found is not None
        assert found.url == entry(3).url

    def test_without_a_readable_entry_it_is_called_by_its_key(self) -> None:
        found = read_letter("news.dead-letters/0/5", {HEADER: died(3).to_json(), "entry": b"{"}, None)
        assert found is not None
        assert (found.url, found.size) == (entry(3).url, 0)

    @pytest.mark.parametrize("content", [{}, {HEADER: b"{"}, {HEADER: b'{"stage": "clean"}'}])
    def test_what_is_no_letter_is_none(self, content: dict[str, bytes]) -> None:
        assert read_letter("news.dead-letters/0/5", content, b"x") is None


class TestState:
    @pytest.mark.parametrize(
        ("done", "state"),
        [
            (None, DeadLetterState.OPEN),
            (mark(1, MarkKind.PARKED), DeadLetterState.PARKED),
            (mark(1, MarkKind.REPLAYED), DeadLetterState.REPLAYED),
            # The same record died again after that replay: the topic of pages was read from its start, say.
            (mark(1, MarkKind.REPLAYED, after=-MINUTE), DeadLetterState.OPEN),
            (mark(1, MarkKind.PARKED, after=-MINUTE), DeadLetterState.PARKED),
        ],
    )
    def test_a_mark_decides(self, done: DeadLetterMark | None, state: DeadLetterState) -> None:
        assert letter(1, done).state is state

    def test_a_record_buried_twice_is_one_letter_the_last(self) -> None:
        twice = [letter(2), letter(1, at=NOON + 9 * MINUTE), letter(1)]
        found = latest(twice, {})
        assert [(one.facts.origin, one.facts.at) for one in found] == [
            ("news.pages/0/2", NOON + 2 * MINUTE),
            ("news.pages/0/1", NOON + 9 * MINUTE),
        ]

    @given(st.lists(st.integers(0, 5), max_size=20), st.sets(st.integers(0, 5)))
    def test_each_origin_is_there_once_with_its_mark(self, numbers: list[int], parked: set[int]) -> None:
        marks = {f"news.pages/0/{number}": mark(number, MarkKind.PARKED) for number in parked}
        found = latest([letter(number) for number in numbers], marks)
        states = {one.facts.origin: one.state for one in found}
        assert len(states) == len(found)
        assert states == {
            f"news.pages/0/{number}": DeadLetterState.PARKED if number in parked else DeadLetterState.OPEN
            for number in numbers
        }
        assert [one.facts.at for one in found] == sorted(one.facts.at for one in found)


class TestSelection:
    @pytest.mark.parametrize(
        ("wanted", "picked"),
        [
            (Selection(), True),
            (Selection(stage=Stage.CLEAN, reason="too-large"), True),
            (Selection(stage=Stage.INDEX), False),
            (Selection(reason="too-deep"), False),
            (Selection(since=NOON + MINUTE), True),
            (Selection(since=NOON + 2 * MINUTE), False),
            (Selection(names=frozenset({entry(1).id})), True),
            (Selection(names=frozenset({entry(1).url})), True),
            (Selection(names=frozenset({"news.pages/0/1"})), True),
            (Selection(names=frozenset({"news.dead-letters/1/1", "else"})), True),
            (Selection(names=frozenset({entry(2).id})), False),
            (Selection(states=frozenset({DeadLetterState.PARKED})), False),
        ],
    )
    def test_everything_set_must_hold(self, wanted: Selection, picked: bool) -> None:
        assert wanted.picks(letter(1)) is picked

    def test_names_that_nobody_has_are_named(self) -> None:
        assert unknown_names(["news.pages/0/2", "x", entry(1).url], [letter(1), letter(2)]) == ["x"]


class TestGroups:
    def test_by_stage_and_reason_the_largest_first(self) -> None:
        found = groups([letter(3), letter(4, reason="too-deep"), letter(1), letter(2, stage=Stage.TAG)])
        assert [(one.stage, one.reason, one.count) for one in found] == [
            (Stage.CLEAN, "too-large", 2),
            (Stage.CLEAN, "too-deep", 1),
            (Stage.TAG, "too-large", 1),
        ]
        assert (found[0].first, found[0].last) == (NOON + MINUTE, NOON + 3 * MINUTE)
        assert found[0].as_json()["sample"] == {
            "url": entry(3).url,
            "origin": "news.pages/0/3",
            "message": "the page is larger than clean.max_html_bytes",
        }

    @given(st.lists(st.tuples(st.sampled_from(list(Stage)), st.sampled_from(["a", "b"])), max_size=30))
    def test_no_letter_is_lost_in_them(self, kinds: list[tuple[Stage, str]]) -> None:
        found = groups(letter(number, stage=stage, reason=reason) for number, (stage, reason) in enumerate(kinds))
        assert {(one.stage, one.reason): one.count for one in found} == {kind: kinds.count(kind) for kind in kinds}


class TestReplay:
    @pytest.mark.parametrize("stage", [Stage.CLEAN, Stage.TAG, Stage.INDEX])
    def test_a_page_is_the_record_it_was(self, stage: Stage) -> None:
        again = replay_of(died(stage=stage), headers(foreign=b"\xff"), b"body")
        assert (again.topic, again.key, again.value) == (PAGES, entry(1).url, b"body")
        assert again.headers == {"entry": entry(1).to_json(), "page": facts(1).to_json(), "foreign": b"\xff"}

    def test_an_entry_starts_its_visit_afresh(self) -> None:
        tired = entry(1).model_copy(update={"attempt": 4, "due_at": NOON, "visit": 2, "etag": '"1"'})
        record = died(stage=Stage.FETCH, key="dunlow.example.org")
        again = replay_of(record, {HEADER: record.to_json()}, tired.to_json())
        assert (again.topic, again.key) == (ENTRIES, "dunlow.example.org")
        assert again.headers == {REPLAY: record.origin.encode()}  # or fetch takes it for a second announcement
        assert Entry.from_json(again.value or b"") == tired.model_copy(update={"attempt": 0, "due_at": None})

    def test_an_entry_that_cannot_be_read_goes_back_as_it_is(self) -> None:
        again = replay_of(died(stage=Stage.FETCH, key="host"), {}, b"{")
        assert (again.topic, again.key, again.value) == (ENTRIES, "host", b"{")

    def test_an_outcome_goes_back_to_the_outcomes_as_it_is(self) -> None:
        again = replay_of(died(stage=Stage.RECORD, key="id"), {"x": b"1", HEADER: b"{}"}, b"{")
        assert (again.topic, again.key, again.value, again.headers) == (OUTCOMES, "id", b"{", {"x": b"1"})


class TestForecast:
    @pytest.mark.parametrize(
        ("body", "expected", "words"),
        [
            (page(1), Forecast(OutcomeKind.INDEXED), "would be indexed"),
            (b"<html><p>Too few words</p></html>", Forecast(OutcomeKind.REJECTED, "too-short"), "rejected: too-short"),
            (b"", Forecast(OutcomeKind.REJECTED, "empty-body"), "rejected: empty-body"),
            (
                b"<html>" + b"<div>" * 9000 + b"deep" + b"</div>" * 9000,
                Forecast(OutcomeKind.DEAD, "too-deep"),
                "still dead: too-deep",
            ),
        ],
        ids=["good", "short", "empty", "deep"],
    )
    def test_a_page_is_cleaned_by_todays_code(self, body: bytes, expected: Forecast, words: str) -> None:
        found = foresee(died(), headers(), body, extracted)
        assert found == expected
        assert str(found) == words

    def test_an_outcome_would_be_the_line_it_is_or_is_none_still(self) -> None:
        line = outcome(entry(1), Stage.FETCH, OutcomeKind.SKIPPED, reason="robots")
        letter = died(stage=Stage.RECORD)
        assert foresee(letter, {}, line.to_json(), extracted) == Forecast(OutcomeKind.SKIPPED, "robots")
        assert foresee(letter, {}, b"{", extracted) == Forecast(OutcomeKind.DEAD, "bad-outcome")

    def test_a_page_that_the_settings_skip_would_be_skipped(self) -> None:
        def skipping(of: Page) -> Article:
            return make_article(of, ArticleContext(CleanSettings(skip_rights=(Right.NOAI,))))

        reserved = facts(1, headers={"x-robots-tag": "noai"}).to_json()
        found = foresee(died(), headers(page=reserved), page(1), skipping)
        assert found == Forecast(OutcomeKind.SKIPPED, "rights-noai")

    def test_a_page_without_its_facts_dies_again(self) -> None:
        assert foresee(died(), headers(page=b"{"), page(1), extracted) == Forecast(OutcomeKind.DEAD, "unreadable-facts")

    def test_a_page_without_its_entry_is_dead_as_in_the_job(self) -> None:
        assert foresee(died(), headers(entry=b"{"), page(1), extracted) == Forecast(OutcomeKind.DEAD, "bad-entry")

    def test_an_entry_would_be_fetched(self) -> None:
        record = died(stage=Stage.FETCH)
        assert str(foresee(record, {}, entry(1).to_json(), extracted)) == "would be fetched"
        assert foresee(record, {}, b"{", extracted) == Forecast(OutcomeKind.DEAD, "bad-entry")
