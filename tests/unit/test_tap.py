"""A topic's records as people read them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import UsageError
from pipelines.tap import find_topic, headers_as_json, holds, value_as_json
from schemas.topics import ENTRIES, PAGES, TOPICS, Topic
from tests.rivers import entry, facts


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_is_found_with_and_without_the_rivers_name(topic: Topic) -> None:
    assert find_topic(topic.name, "news") is topic
    assert find_topic(topic.full_name("news"), "news") is topic


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("pagse", "did you mean pages?"), ("dead-leters", "did you mean dead-letters?"), ("xyzzy", "topics are feeds, ")],
)
def test_a_typo_is_answered_with_the_nearest(typed: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint.replace("?", r"\?")):
        find_topic(typed, "news")


def test_headers_are_the_records_they_are_declared_as() -> None:
    found = headers_as_json({"entry": entry(1).to_json(), "page": facts(1).to_json(), "traceparent": b"00-\xff"})
    assert found["entry"]["url"] == entry(1).url
    assert found["page"]["status"] == 200
    assert found["traceparent"] == "00-\ufffd"


@pytest.mark.parametrize(
    ("topic", "value", "expected"),
    [
        (ENTRIES, entry(1).to_json(), entry(1).model_dump(mode="json", exclude_none=True)),
        (PAGES, b"<p>caf\xc3\xa9", {"bytes": 8, "begins": "<p>café"}),
        (PAGES, None, None),
    ],
    ids=["record", "bytes", "removal"],
)
def test_a_value_is_what_the_topic_declares(topic: Topic, value: bytes | None, expected: Any) -> None:
    assert value_as_json(topic, value) == expected


def test_a_record_that_cannot_be_read_says_why_and_shows_its_bytes() -> None:
    found = value_as_json(ENTRIES, b'{"id": "x"}')
    assert found["unreadable"].startswith("no Entry: id: ")
    assert (found["bytes"], found["begins"]) == (11, '{"id": "x"}')


@given(st.binary(max_size=3000), st.sampled_from(TOPICS))
def test_any_bytes_can_be_shown(value: bytes, topic: Topic) -> None:
    shown = json.dumps([value_as_json(topic, value), headers_as_json({"entry": value, "x": value})])
    assert len(shown) < 40_000


@pytest.mark.parametrize(("text", "found"), [("dunLOW", True), ("FERRY", True), ("vote", True), ("castle", False)])
def test_a_text_is_looked_for_in_all_parts(text: str, found: bool) -> None:
    assert holds(text, "https://dunlow.example.org/", {"entry": b"the vote"}, b"\xff a ferry") is found
