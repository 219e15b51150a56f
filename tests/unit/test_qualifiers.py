"""Tests of `pipelines.search.qualifiers`."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import UsageError
from pipelines.search.qualifiers import find_topic, parse_language, parse_rights, parse_time
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


@pytest.mark.parametrize(("asked", "near"), [("noia", "noai"), ("-noarchiv", "noarchive"), ("", "tdm-reservation")])
def test_an_unknown_right_is_answered_with_the_nearest(asked: str, near: str) -> None:
    with pytest.raises(UsageError, match=near):
        parse_rights(asked)
