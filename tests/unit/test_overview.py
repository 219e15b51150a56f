# ruff: noqa: E501, ISC004 - tables are read across
"""What `newsriver run` says while it runs: the line, when it is said, and that a silent server is said once."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines import overview
from pipelines.errors import ServiceError
from pipelines.overview import Overview, View, line_of, view_of
from pipelines.settings import Settings
from pipelines.status import TopicStatus, WorkerStatus

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def worker(name: str, **fields: Any) -> WorkerStatus:
    given: dict[str, Any] = {
        "name": f"{name}@desk", "role": name, "pid": 1, "started_at": NOW, "state": "working", "since": NOW,
        "waits_for": "", "detail": "",
    }  # fmt: skip
    return WorkerStatus(**(given | fields))


TOPICS = [
    TopicStatus("news.entries", 8, 100, {"fetch": 12}),
    TopicStatus("news.entries-later-15m", 8, 100, {"fetch": 80}),
    TopicStatus("news.pages", 8, 100, {"process": 3}),
]


def test_the_servers_words_are_put_together() -> None:
    soon, later = NOW + timedelta(minutes=4), NOW + timedelta(hours=1)
    workers = [
        worker("poll", feeds=30, failing=2, worst=("https://a.example: http-503",), next_poll_at=later),
        worker("poll-2", feeds=10, failing=0, worst=(), next_poll_at=soon),
        worker("poll-3", feeds=99, state="silent"),
        worker("process-0", state="waiting", waits_for="no-answer", detail="Elasticsearch does not answer"),
        worker("poll-4", state="waiting", waits_for="no-partition", detail="other copies have it"),
    ]
    view = view_of(TOPICS, workers, 1234, "news")
    assert view == View(
        articles=1234, entries=12, pages=3, feeds=40, failing=2, worst=("https://a.example: http-503",),
        next_poll_at=soon,
        troubles=("process-0@desk waits: Elasticsearch does not answer", "poll-3@desk is silent"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("view", "before", "line"),
    [
        (View(articles=0, feeds=0), View(), "0 articles; nothing waits; no feed yet: `newsriver feeds add URL` adds one"),
        (View(articles=1, feeds=1), View(articles=0), "1 article (+1); nothing waits; 1 feed"),
        (
            View(articles=1234, entries=12, pages=3, feeds=40, failing=2, worst=("https://a.example: http-503",),
                 next_poll_at=NOW + timedelta(minutes=4)),
            View(articles=1200),
            "1,234 articles (+34); 12 to fetch, 3 to index; 40 feeds, 2 failing (https://a.example: http-503, ...),"
            " next poll in 4 min",
        ),
        (View(articles=5, feeds=2, next_poll_at=NOW), View(articles=5), "5 articles; nothing waits; 2 feeds, next poll now"),
        (
            View(entries=2, feeds=2, troubles=("process-0@desk waits: no answer",)),
            View(articles=5),
            "2 to fetch; 2 feeds; process-0@desk waits: no answer",
        ),
    ],
)  # fmt: skip
def test_the_line(view: View, before: View, line: str) -> None:
    assert line_of(view, before, NOW) == line


def said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, views: list[View | Exception]) -> list[str]:
    """Give what is said of these looks, one after the other."""
    stop, coming = threading.Event(), iter(views)
    monkeypatch.setattr(overview, "_FIRST_LOOKS", (0.0,) * len(views))
    one = Overview(Settings())

    def look() -> View:
        found = next(coming)
        if found is views[-1]:
            stop.set()
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(one, "_look", look)
    with caplog.at_level(logging.INFO, "pipelines.overview"):
        one.run(stop)
    return [record.getMessage() for record in caplog.records if record.name == "pipelines.overview"]


def test_what_has_not_changed_is_not_said_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    still = View(articles=5, feeds=2, next_poll_at=datetime.now(UTC) + timedelta(hours=2))
    later = View(articles=5, feeds=2, next_poll_at=datetime.now(UTC) + timedelta(hours=3))
    more = View(articles=7, feeds=2)
    lines = said(monkeypatch, caplog, [View(), still, later, still, more])
    assert [line.partition(";")[0] for line in lines] == ["5 articles", "7 articles (+2)"]
    assert {"articles": 7, "feeds": 2}.items() <= vars(caplog.records[-1]).items()


def test_a_server_that_is_away_is_said_once_and_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away, view = ServiceError("Kafka does not answer"), View(articles=5, feeds=2)
    lines = said(monkeypatch, caplog, [view, away, away, away, view, View(articles=6, feeds=2)])
    assert [line.partition(";")[0].partition(": ")[0] for line in lines] == [
        "5 articles",
        "nothing can be said of the river for now",
        "the servers answer again",
        "6 articles (+1)",
    ]
