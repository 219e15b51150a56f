"""The role `record` against real servers: what is an outcome is in the ledger, what is none is set aside."""

from __future__ import annotations

import signal

import pytest

from pipelines.kafka import Sender
from pipelines.ledger.accounts import reconcile
from pipelines.ledger.outcomes import outcome
from pipelines.settings import Settings
from schemas.records import DeadLetter, OutcomeKind, Stage
from schemas.topics import DEAD_LETTERS, OUTCOMES
from tests.rivers import documents, entry, records, role, until, waiting

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
