"""What feeds and processes last said, as `record` writes it for the dashboards."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from pipelines.index.states import LEFT, feed_health, feed_indices, worker_indices
from pipelines.kafka import Message
from pipelines.ledger.state_recorder import state_documents
from schemas.mapping import fields, mappings
from schemas.records import FeedHealth, FeedState, WorkerState
from schemas.topics import FEED_STATE, WORKERS

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
URL = "https://www.gazette.example.org/feed"


def said(topic: str, key: str, value: bytes | None, offset: int = 0, at: int = 1000) -> Message:
    return Message(topic=f"news.{topic}", partition=0, offset=offset, key=key, value=value, timestamp_ms=at)


def feed(failures: int = 0) -> bytes:
    state = FeedState(url=URL, next_poll_at=NOW, failures=failures, rates=[0.5] * 24, known=["0" * 16] * 50)
    return state.to_json()


def test_of_each_feed_the_last_word_is_written_without_what_poll_remembers_for_itself() -> None:
    records = [said(FEED_STATE.name, URL, feed(failures), failures, 1000 + failures) for failures in range(3)]
    [document] = state_documents(records, "news")
    source = orjson.loads(document.source)
    assert (document.index, document.version, source["failures"], source["new_per_day"]) == (
        "news-feeds-current",
        1002,
        2,
        12.0,
    )
    assert source["site"] == "gazette.example.org"
    assert set(source) <= set(fields(mappings(FeedHealth)["properties"]))
    assert feed_indices("news").has(document.index)


def test_a_process_that_says_goodbye_is_marked_so() -> None:
    state = WorkerState(name="fetch-1@host", role="fetch", host="host", pid=7, started_at=NOW, at=NOW)
    records = [said(WORKERS.name, "fetch-1@host", state.to_json()), said(WORKERS.name, "fetch-1@host", None, 1, 5000)]
    [working] = state_documents(records[:1], "news")
    [left] = state_documents(records, "news")
    assert (left.id, left.index) == (working.id, working.index)
    assert left.version > working.version
    source = orjson.loads(left.source)
    assert (source["role"], source["host"], source["waits_for"]) == ("fetch", "host", LEFT)
    assert worker_indices("news").has(left.index)


def test_what_cannot_be_read_is_said_and_holds_up_nothing(caplog: pytest.LogCaptureFixture) -> None:
    records = [
        said(FEED_STATE.name, "nonsense", b"{"),
        said(FEED_STATE.name, "gone", None),
        said(WORKERS.name, "", None),
        said(FEED_STATE.name, URL, feed()),
    ]
    with caplog.at_level(logging.WARNING):
        assert len(state_documents(records, "news")) == 1
    assert [line.message.split(":")[0] for line in caplog.records] == [
        "news.feed-state/0/0 cannot be shown on dashboards"
    ]


def test_an_address_that_is_none_has_no_site() -> None:
    state = FeedState(url="http://[::1", next_poll_at=NOW + timedelta(days=1))
    assert feed_health(state).site == ""
