"""Tests of `pipelines.search.bodies`: what Elasticsearch is sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli.queries import query_of
from pipelines.search.bodies import (
    MATCH_END,
    MATCH_START,
    STORY_SOURCES,
    Ranking,
    SortOrder,
    filter_body,
    highlighting,
    ranked_body,
    sorting,
)
from pipelines.search.query import parse_query
from pipelines.search.results import as_html
from pipelines.settings.options import SearchSettings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PLAIN = SearchSettings()


def body(text: str, settings: SearchSettings = PLAIN) -> dict[str, Any]:
    clause: dict[str, Any] = filter_body(parse_query(text, NOW), settings)["bool"]
    return clause


def fields(text: str) -> list[str]:
    found: list[str] = body(text)["must"][0]["multi_match"]["fields"]
    return found


def test_the_language_chooses_the_stemmed_field() -> None:
    assert fields("ferry lang:en") == ["title^3", "body", "stem.english"]
    assert fields("ferry lang:ko") == ["title^3", "body", "stem.cjk"]
    assert fields("ferry lang:pl") == ["title^3", "body"]
    assert fields("ferry lang:en,de") == ["title^3", "body", "stem.english", "stem.german"]
    assert {"stem.english", "stem.cjk", "stem.thai"} < set(fields("ferry"))


@pytest.mark.parametrize("text", ["東京湾", "フェリー", "대중교통"])
def test_a_long_cjk_word_is_a_phrase(text: str) -> None:
    assert body(text)["must"][0]["multi_match"]["type"] == "phrase"
    assert "type" not in body(text[:2])["must"][0]["multi_match"]


def test_only_words_score() -> None:
    clause = body("source:gazette last:7d -lang:de -late ferry")
    assert len(clause["must"]) == 1
    assert clause["filter"] == [
        {"term": {"source": {"value": "gazette", "case_insensitive": True}}},
        {"range": {"dated_at": {"gte": "2026-11-17T12:00:00+00:00"}}},
    ]
    assert len(clause["must_not"]) == 2
    assert body("*")["must"] == [{"match_all": {}}]


@pytest.mark.parametrize(
    ("text", "show", "hidden"),
    [("ferry", True, False), ("ferry", False, True), ("gone:only", False, False), ("gone:with", False, False)],
)
def test_the_setting_holds_where_nothing_is_asked(text: str, show: bool, hidden: bool) -> None:
    removed = {"exists": {"field": "gone_at"}}
    assert (removed in body(text, SearchSettings(show_gone=show))["must_not"]) is hidden


def test_the_weights_are_settings() -> None:
    settings = SearchSettings(title_weight=5, recency_weight=2, recency_days=1, story_weight=4)
    ranked = ranked_body(parse_query("ferry", NOW), Ranking(NOW, settings))
    assert ranked["bool"]["must"][0]["multi_match"]["fields"][0] == "title^5"
    [recency] = ranked["bool"]["should"]
    assert recency["distance_feature"]["boost"] == 2
    assert recency["distance_feature"]["pivot"] == "1d"
    storied = ranked_body(parse_query("ferry", NOW), Ranking(NOW, settings, stories=True))["function_score"]
    assert storied["field_value_factor"] == {"field": STORY_SOURCES, "modifier": "log1p", "factor": 4, "missing": 0}
    assert storied["query"] == ranked


@pytest.mark.parametrize("order", SortOrder)
def test_every_order_is_total(order: SortOrder) -> None:
    assert list(sorting(order)[-1]) == ["id"]


@given(st.text(max_size=40))
def test_any_text_makes_bodies_that_are_json(text: str) -> None:
    query = parse_query(text, NOW)
    for made in (filter_body(query, PLAIN), ranked_body(query, Ranking(NOW, PLAIN)), highlighting(query)):
        assert json.loads(json.dumps(made)) == made
        assert "query_string" not in json.dumps(made)
    json.dumps(filter_body(query, PLAIN)).encode()


def test_highlights_are_safe_html() -> None:
    snippet = f"<script>{MATCH_START}ferry{MATCH_END} & co"
    assert as_html(snippet) == "&lt;script&gt;<em>ferry</em> &amp; co"


def test_an_option_is_a_qualifier_that_must_be_right() -> None:
    asked = {
        "since": "2d",
        "until": "2026-11-23",
        "topic": "politics",
        "lang": "en-GB",
        "rights": "-noai",
        "gone": "only",
    }
    assert str(query_of('ferry "late', asked, NOW)) == (
        'after:"2026-11-22T12:00:00+00:00" before:"2026-11-24T00:00:00+00:00" topic:"medtop:11000000" lang:en '
        'rights:-noai gone:only ferry "late"'
    )
    assert str(query_of("*", {"source": "The Times"}, NOW)) == 'source:"The Times"'
