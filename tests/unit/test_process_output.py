"""What the job sends for a page that it cannot process: one letter, one line, and a word to the breaker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from pipelines.breaker.guard import Breaker
from pipelines.breaker.window import LEAST_FAULTS
from pipelines.errors import NewsriverError, Poison, RecordsRefused, ServiceError
from pipelines.kafka import Message
from pipelines.process.failures import Failure, failure_of
from pipelines.process.output import OutputWriter
from schemas.records import BreakerState, DeadLetter, Entry, Outcome, Stage

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Kafka:
    """A sender that keeps what it is given, and refuses payloads that are too large for it."""

    def __init__(self, most: int = 1 << 30, *, at_once: bool = False) -> None:
        self.sent: list[tuple[str, str, bytes | None, dict[str, bytes]]] = []
        self._pending: list[tuple[str, str, bytes | None, dict[str, bytes]]] = []
        self._most, self._at_once = most, at_once

    def send(self, topic: str, key: str, value: bytes | None, headers: Mapping[str, bytes] | None = None) -> None:
        record = topic, key, value, dict(headers or {})
        if self._at_once and self._large(record):
            raise Poison("too large for the producer", reason="too-large")
        self._pending.append(record)

    def flush(self) -> None:
        pending, self._pending = self._pending, []
        self.sent += [record for record in pending if not self._large(record)]
        refused = tuple((topic, key) for topic, key, value, headers in filter(self._large, pending))
        if refused:
            raise RecordsRefused("too large for the topic", records=refused)

    def _large(self, record: tuple[str, str, bytes | None, dict[str, bytes]]) -> bool:
        return len(record[2] or b"") + sum(map(len, record[3].values())) > self._most

    def of(self, topic: str) -> list[Any]:
        read: dict[str, Any] = {"outcomes": Outcome, "breaker": BreakerState}
        return [read[topic].from_json(value or b"") for name, _, value, _ in self.sent if name == f"news.{topic}"]

    def letters(self) -> list[tuple[bytes | None, DeadLetter]]:
        found = [(value, headers) for name, _, value, headers in self.sent if name == "news.dead-letters"]
        return [(value, DeadLetter.from_json(headers["dead-letter"])) for value, headers in found]


def page(number: int, body: bytes = b"<p>") -> Message:
    url = f"https://site-{number % 7}.example.org/{number}"
    entry = Entry(id=f"{number:032x}", url=url, link=url, feed_url=url, source="s", first_seen=NOON)
    return Message("news.pages", 0, number, url, body, {"entry": entry.to_json()}, int(NOON.timestamp() * 1000))


def failed(number: int, reason: str, body: bytes = b"<p>", stack: str = "") -> Failure:
    return Failure(page(number, body), Stage.CLEAN, reason, "Poison", "why it failed", stack)


def output(kafka: Kafka, breaker: Breaker | None = None) -> OutputWriter:
    return OutputWriter(kafka, "news", breaker or Breaker(), 0.5)  # type: ignore[arg-type] - a stand-in


def test_a_letter_keeps_payload_and_headers_and_has_its_line() -> None:
    kafka = Kafka()
    made = output(kafka)
    made.dead(failed(1, "too-deep", b"<div>" * 9, stack="Traceback"))
    made.flush()
    [(payload, letter)] = kafka.letters()
    assert payload == b"<div>" * 9
    assert (letter.reason, letter.origin, letter.stack) == ("too-deep", "news.pages/0/1", "Traceback")
    [line] = kafka.of("outcomes")
    assert (line.kind, line.reason, line.article_id) == ("dead", "too-deep", letter.article_id)
    assert line.at == letter.at


def test_faults_of_sites_never_trip_the_breaker_and_ours_do_once() -> None:
    kafka, breaker = Kafka(), Breaker()
    made = output(kafka, breaker)
    for number in range(600):
        made.dead(failed(number, ("too-many-attributes", "killed-cpu", "too-large")[number % 3]))
    made.flush()
    assert breaker.tripped is None
    for number in range(600, 700):
        made.dead(failed(number, "unexpected-error"))
    made.flush()
    [state] = kafka.of("breaker")
    assert breaker.tripped == state
    assert state.origin == f"news.pages/0/{600 + LEAST_FAULTS - 1}"
    assert len(kafka.letters()) == 700


@pytest.mark.parametrize("at_once", [True, False], ids=["by the producer", "by the broker"])
def test_a_letter_that_is_larger_than_kafka_takes_goes_without_its_payload(at_once: bool) -> None:
    """The page itself just fitted; a trace on top must not keep its partition standing still."""
    kafka = Kafka(1000, at_once=at_once)
    made = output(kafka)
    made.dead(failed(1, "too-deep", b"x" * 990))
    made.dead(failed(2, "too-deep", b"small"))
    made.flush()
    letters = {letter.origin: (payload, letter) for payload, letter in kafka.letters()}
    payload, letter = letters["news.pages/0/1"]
    assert payload is None
    assert "payload of 990 bytes left out" in letter.message
    assert letters["news.pages/0/2"][0] == b"small"
    assert len(letters) == len(kafka.letters()) == len(kafka.of("outcomes")) == 2


def test_outcomes_that_kafka_refuses_are_an_error() -> None:
    made = output(Kafka(10))
    made.outcome(Outcome.from_json(_line()))
    with pytest.raises(RecordsRefused):
        made.flush()


def _line() -> bytes:
    kafka = Kafka()
    made = output(kafka)
    made.dead(failed(1, "too-deep"))
    made.flush()
    line: bytes = kafka.of("outcomes")[0].to_json()
    return line


def test_a_fault_of_the_record_is_a_failure_and_what_nobody_foresaw_too() -> None:
    known = failure_of(Poison("too deep", reason="too-deep", resource="https://x"), page(1), Stage.CLEAN)
    assert (known.reason, known.error, known.text) == ("too-deep", "Poison", "too deep [https://x]")
    strange = failure_of(KeyError("headline"), page(1), Stage.TAG)
    assert (strange.reason, strange.error, strange.text) == ("unexpected-error", "KeyError", "KeyError: 'headline'")
    assert "KeyError" in strange.stack


def test_a_trace_from_the_sandbox_is_kept() -> None:
    fault = Poison("KeyError: 'headline'", reason="unexpected-error")
    fault.add_note("Traceback of the child")
    assert "Traceback of the child" in failure_of(fault, page(1), Stage.CLEAN).stack


@pytest.mark.parametrize(
    "error", [NewsriverError("no child"), ServiceError("no Kafka"), OSError("no memory"), MemoryError()]
)
def test_what_is_not_the_page_s_fault_is_raised_again(error: Exception) -> None:
    with pytest.raises(type(error)):
        failure_of(error, page(1), Stage.CLEAN)
