"""The role `record` against real servers: what is an outcome is in the ledger, what is none is set aside."""

from __future__ import annotations

import signal

import pytest

from pipelines.kafka import Sender
from pipelines.ledger.accounts import reconcile
from pipelines.ledger.outcomes import outcome
from pipelines.settings import Settings
from schemas.records import DeadLetter, FeedState, OutcomeKind, Stage
from schemas.topics import DEAD_LETTERS, FEED_STATE, OUTCOMES
from tests.rivers import NOON, documents, entry, records, role, until, waiting

pytestmark = pytest.mark.servers


def test_a_record_that_is_no_outcome_becomes_a_dead_letter_and_its_neighbours_are_recorded(river: Settings) -> None:
    topic = OUTCOMES.full_name(river.river.name)
    good = [outcome(entry(number), Stage.POLL, OutcomeKind.SKIPPED, reason="not-http") for number in range(3)]
    endless = (
        good[0].to_json().replace(b'"first_seen":"2026-11-20T12:00:00Z"', b'"first_seen":"0001-01-01T00:00+14:00"')
    )
    assert endless != good[0].to_json()
    bad = {"nonsense": b"\xff{", "endless": endless}
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        sender.send(topic, "nonsense", bad["nonsense"], {"x": b"\x00"})
        for line in good:
            sender.send(topic, line.article_id, line.to_json())
        sender.send(topic, "endless", bad["endless"])
    with role(river, "record") as process:
        until(lambda: waiting(river, "record") == 0, what="all outcomes recorded")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    letters = {message.headers.get("x"): message for message in records(river, DEAD_LETTERS)}
    described = {
        letter.key: (letter.stage, letter.reason, message.value)
        for message in letters.values()
        if (letter := DeadLetter.from_json(message.headers["dead-letter"]))
    }
    assert described == {key: ("record", "bad-outcome", value) for key, value in bad.items()}
    assert set(letters) == {None, b"\x00"}

    def lines() -> list[tuple[str, str, str]]:
        return sorted((one["stage"], one["kind"], one["reason"]) for one in documents(river, "outcomes").values())

    until(lambda: len(lines()) == 5, what="a line for each record")
    assert lines() == [("poll", "skipped", "not-http")] * 3 + [("record", "dead", "bad-outcome")] * 2
    report = reconcile(river)
    assert report.suspects == []
    assert {(row.name, row.reason): count for row, count in report.balance.counts.items() if row.side == "begun"} == {
        ("refused by poll", ""): 3,
        ("unreadable record", ""): 2,
    }


def test_what_feeds_and_processes_said_last_is_there_for_the_dashboards(river: Settings) -> None:
    states = [
        FeedState(url=f"https://example.org/{number}", next_poll_at=NOON, failures=number) for number in (0, 1, 0)
    ]
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        for state in states:
            sender.send(FEED_STATE.full_name(river.river.name), state.url, state.to_json())
    with role(river, "record") as process:

        def feeds() -> dict[str, int]:
            return {one["url"]: one.get("failures", 0) for one in documents(river, "feeds").values()}

        until(lambda: len(feeds()) == 2, what="both feeds")
        assert feeds() == {"https://example.org/0": 0, "https://example.org/1": 1}
        until(
            lambda: any(w["role"] == "record" for w in documents(river, "workers").values()), what="the process itself"
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
