"""What a worker's last word means, by how long ago it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipelines.runtime.heartbeat import Waits
from pipelines.status import SILENT, worker
from schemas.records import WorkerState

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
STARTED, WAITING_SINCE = NOW - timedelta(hours=3), NOW - timedelta(minutes=7)


def state(age: timedelta, waits_for: str = "") -> WorkerState:
    return WorkerState(
        name="process-1@reading-room",
        role="process",
        host="reading-room",
        pid=4711,
        started_at=STARTED,
        at=NOW - age,
        waits_for=waits_for,
        waits_since=WAITING_SINCE if waits_for else None,
    )


@pytest.mark.parametrize(
    ("age", "waits_for", "word", "since"),
    [
        (timedelta(0), "", "working", STARTED),
        (SILENT, "", "working", STARTED),
        (timedelta(seconds=2), "index-closed", "waiting", WAITING_SINCE),
        (SILENT + timedelta(seconds=1), "", "silent", NOW - SILENT - timedelta(seconds=1)),
        (SILENT + timedelta(seconds=1), "busy", "silent", NOW - SILENT - timedelta(seconds=1)),
    ],
)
def test_a_worker_works_waits_or_is_silent(age: timedelta, waits_for: str, word: str, since: datetime) -> None:
    found = worker(state(age, waits_for), NOW)
    assert (found.state, found.since, found.waits_for, found.pid) == (word, since, waits_for, 4711)


def test_waiting_counts_from_its_beginning_whatever_the_reasons() -> None:
    waits = Waits()
    assert waits.now is None
    waits.begin("busy", "queue is full")
    first = waits.now
    waits.begin("no-answer", "timed out")
    assert waits.now is not None
    assert first is not None
    assert waits.now == ("no-answer", "timed out", first[2])
    waits.end()
    assert waits.now is None
