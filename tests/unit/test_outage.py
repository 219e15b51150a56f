"""What a process says of a Kafka that is away: once, now and then, and once when it is over."""

from __future__ import annotations

import logging

import pytest

from pipelines.kafka.outage import LastWords, Outage
from pipelines.runtime.heartbeat import Waits


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outage(clock: Clock, caplog: pytest.LogCaptureFixture) -> Outage:
    caplog.set_level("INFO")
    return Outage(clock)


def test_it_is_said_when_it_begins_now_and_then_and_when_it_is_over(
    outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2 * 3600):  # two hours, three clients that try once a second
        for client in ("reader", "sender", "heartbeat"):
            outage.fails(client, f"{client}: refused")
        clock.now += 1
    said = [record.getMessage() for record in caplog.records]
    assert said[:2] == ["waiting for Kafka: reader: refused", "still waiting for Kafka, for 12 s: reader: refused"]
    assert len(said) == 1 + 5 + 11  # after 12, 42, 102, 222, 522 s, then every ten minutes
    caplog.clear()
    for client in ("reader", "sender", "heartbeat"):
        outage.works(client)
        outage.works(client)
    assert [record.getMessage() for record in caplog.records] == ["Kafka works again, after 7200 s"]


def test_what_is_over_at_once_is_not_worth_a_word(
    outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):  # refused and taken in turns
        outage.fails("reader", "refused")
        clock.now += 1
        outage.fails("reader", "refused")
        outage.works("reader")
        clock.now += 1
    assert caplog.records == []


def test_a_call_that_hung_counts_from_its_beginning(
    outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    outage.fails("sender", "timed out", since=clock.now - 10)
    outage.works("sender")
    assert [record.getMessage() for record in caplog.records] == [
        "waiting for Kafka: timed out",
        "Kafka works again, after 10 s",
    ]


def test_the_heartbeat_says_it_too_and_not_instead_of_other_waits(outage: Outage, clock: Clock) -> None:
    waits = Waits()
    outage.tell(waits)
    waits.begin("elasticsearch-busy", "429")
    outage.fails("sender", "not enough replicas", since=clock.now - 10)
    assert waits.now is not None
    assert waits.now[0] == "elasticsearch-busy"  # it waits longer
    waits.end()
    assert waits.now[:2] == ("kafka", "not enough replicas")
    outage.works("sender")
    assert waits.now is None


def test_the_client_library_s_last_complaint_is_kept() -> None:
    words = LastWords()
    logger = logging.getLogger("kafka.producer.test")
    logger.addHandler(words)
    try:
        logger.warning("Got error %s", "NOT_ENOUGH_REPLICAS")
        logger.info("connected")
    finally:
        logger.removeHandler(words)
    assert words.text == "Got error NOT_ENOUGH_REPLICAS"
