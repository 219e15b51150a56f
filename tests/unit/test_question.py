"""Tests of `pipelines.search.question` and of the pure part of `pipelines.search.execute`."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli.search import question_of
from pipelines.errors import UsageError
from pipelines.search.qualifiers import find_topic, parse_language, parse_rights, parse_time
from pipelines.search.question import MATCH_END, MATCH_START, Gone, Question, Sort, count_body, search_body
from pipelines.search.results import as_html
from schemas.media_topics import TOP_TOPICS, MediaTopic

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2d", "2026-11-22T12:00:00+00:00"),
        ("12h", "2026-11-24T00:00:00+00:00"),
        ("30m", "2026-11-24T11:30:00+00:00"),
        ("3 W", "2026-11-03T12:00:00+00:00"),
        ("2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("2026-11-01T09:30", "2026-11-01T09:30:00+00:00"),
        (" 2026-11-01T09:30+01:00 ", "2026-11-01T09:30:00+01:00"),
    ],
)
def test_times(text: str, expected: str) -> None:
    assert parse_time(text, NOW).isoformat() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-11-01", "2026-11-02T00:00:00+00:00"), ("2026-11-01T09:30", "2026-11-01T09:30:00+00:00")],
)
def test_a_bare_date_as_an_end_includes_its_day(text: str, expected: str) -> None:
    assert parse_time(text, NOW, end=True).isoformat() == expected


@pytest.mark.parametrize("text", ["", "soon", "2x", "-2d", "2026-13-01", "999999w", "9999-12-31T", "1.5d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"no time.*2d"):
        parse_time(text, NOW)


@given(st.text(max_size=12), st.booleans())
def test_any_text_is_a_time_or_a_usage_error(text: str, end: bool) -> None:
    with suppress(UsageError):
        assert parse_time(text, NOW, end=end).tzinfo is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("medtop:11000000", "medtop:11000000"),
        ("11000000", "medtop:11000000"),
        ("politics", "medtop:11000000"),
        ("Politics", "medtop:11000000"),
        ("polit", "medtop:11000000"),
        ("conflict", "medtop:16000000"),
        ("war", "medtop:16000000"),
        ("law and justice", "medtop:02000000"),
        ("medtop:20000065", "medtop:20000065"),
    ],
)
def test_topics(text: str, expected: str) -> None:
    assert find_topic(text) == expected


@pytest.mark.parametrize("topic", TOP_TOPICS, ids=lambda topic: topic.id)
def test_every_label_is_its_topic(topic: MediaTopic) -> None:
    assert find_topic(topic.label) == topic.id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("politcs", "no topic 'politcs'; did you mean 'politics'"),
        ("ecnomy", "did you mean 'economy, business and finance'"),
        ("and", "may be .*write more"),
        ("", "no topic ''"),
        ("zzzz", "topics are 'arts"),
    ],
)
def test_a_topic_that_is_none_or_several_names_the_nearest(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_topic(text)


@pytest.mark.parametrize(("text", "expected"), [("en", "en"), ("EN", "en"), ("en-GB", "en"), ("pt_BR", "pt")])
def test_languages(text: str, expected: str) -> None:
    assert parse_language(text) == expected


@pytest.mark.parametrize("text", ["", "english", "e", "1a"])
def test_what_is_no_language_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no language code"):
        parse_language(text)


def fields(**asked: object) -> list[str]:
    words = search_body(Question(text="ferry", **asked), NOW)["query"]["bool"]["must"][0]  # type: ignore[arg-type]  # a table of fields
    found: list[str] = words["simple_query_string"]["fields"]
    return found


def test_the_language_chooses_the_stemmed_field() -> None:
    assert fields(language="en") == ["title^3", "body", "stem.english"]
    assert fields(language="ko") == ["title^3", "body", "stem.cjk"]
    assert fields(language="pl") == ["title^3", "body"]
    assert {"stem.english", "stem.cjk", "stem.thai"} < set(fields())


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("東京", "東京"),
        ("東京湾", '"東京湾"'),
        ("-東京湾 フェリー|大阪城", '-"東京湾" "フェリー"|"大阪城"'),
        ('"東京湾の朝"', '"東京湾の朝"'),
        ("東京湾*", "東京湾*"),
        ("대중교통 -시장", '"대중교통" -시장'),
        ("Cafe\u0301", "Café"),
        ("O´Brien комп\u02bcютер", "O'Brien комп'ютер"),
        ("ferry -harbour", "ferry -harbour"),
    ],
)
def test_a_long_cjk_word_is_asked_for_as_a_phrase(typed: str, asked: str) -> None:
    query = count_body(Question(text=typed))["query"]["bool"]["must"][0]["simple_query_string"]["query"]
    assert query == asked


def test_a_star_finds_all_newest_first() -> None:
    body = search_body(Question(text="*"), NOW)
    assert body["query"]["bool"]["must"] == [{"match_all": {}}]
    assert next(iter(body["sort"][0])) == "dated_at"


@pytest.mark.parametrize(("sort", "first"), [(Sort.RELEVANCE, "_score"), (Sort.NEWEST, "dated_at")])
def test_sort(sort: Sort, first: str) -> None:
    assert next(iter(search_body(Question(text="ferry", sort=sort), NOW)["sort"][0])) == first


def test_filters_are_the_same_for_counting_and_finding() -> None:
    asked = Question(
        text="ferry", since=NOW, until=NOW, topic="medtop:11000000", source="gazette", language="en", limit=3
    )
    filters = count_body(asked)["query"]["bool"]["filter"]
    assert search_body(asked, NOW)["query"]["bool"]["filter"] == filters
    assert [next(iter(one["term"].items())) for one in filters[:3]] == [
        ("topics.id", "medtop:11000000"),
        ("source", "gazette"),
        ("language", "en"),
    ]
    assert filters[3] == {"range": {"dated_at": {"gte": NOW.isoformat(), "lt": NOW.isoformat()}}}
    assert count_body(Question(text="ferry"))["query"]["bool"]["filter"] == []


@given(st.text(max_size=30))
def test_any_text_makes_a_body_that_is_json(text: str) -> None:
    body = search_body(Question(text=text), NOW)
    assert json.loads(json.dumps(body)) == body


def test_highlights_are_safe_html() -> None:
    snippet = f"<script>{MATCH_START}ferry{MATCH_END} & co"
    assert as_html(snippet) == "&lt;script&gt;<em>ferry</em> &amp; co"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("noai", {"term": {"rights": "noai"}}),
        (" NoAI", {"term": {"rights": "noai"}}),
        ("-tdm-reservation", {"bool": {"must_not": {"term": {"rights": "tdm-reservation"}}}}),
    ],
)
def test_articles_are_told_by_what_their_publisher_reserves(asked: str, expected: object) -> None:
    body = count_body(Question(text="ferry", rights=parse_rights(asked)))
    assert body["query"]["bool"]["filter"] == [expected]


@pytest.mark.parametrize(("asked", "near"), [("noia", "noai"), ("-noarchiv", "noarchive"), ("", "tdm-reservation")])
def test_an_unknown_right_is_answered_with_the_nearest(asked: str, near: str) -> None:
    with pytest.raises(UsageError, match=near):
        parse_rights(asked)


@pytest.mark.parametrize(
    ("gone", "filters"),
    [
        (Gone.WITH, []),
        (Gone.ONLY, [{"exists": {"field": "gone_at"}}]),
        (Gone.WITHOUT, [{"bool": {"must_not": {"exists": {"field": "gone_at"}}}}]),
    ],
)
def test_what_its_site_removed_is_found_or_not(gone: Gone, filters: list[dict[str, Any]]) -> None:
    assert count_body(Question(text="ferry", gone=gone))["query"]["bool"]["filter"] == filters


@pytest.mark.parametrize(
    ("asked", "show", "gone"),
    [
        (None, True, Gone.WITH),
        (None, False, Gone.WITHOUT),
        ("only", False, Gone.ONLY),
        ("with", False, Gone.WITH),
        ("without", True, Gone.WITHOUT),
    ],
)
def test_the_setting_holds_where_nothing_is_asked(asked: str | None, show: bool, gone: Gone) -> None:
    names = ("since", "until", "topic", "lang", "source")
    assert question_of("ferry", {**dict.fromkeys(names), "gone": asked}, show_gone=show).gone is gone
