"""What a copy of poll says it waits for."""

from __future__ import annotations

from pipelines.poll.idle_reason import IdleReason
from pipelines.runtime.heartbeat import Waits


def reason(waits: Waits) -> str:
    return waits.now[0] if waits.now else ""


def test_without_partitions_or_feeds_it_waits_for_them() -> None:
    waits = Waits()
    standstill = IdleReason(waits)
    for feeds, has_partitions, expected in ((0, False, "no-partition"), (0, True, "no-feed"), (3, True, "")):
        standstill.look(feeds, has_partitions=has_partitions)
        assert reason(waits) == expected


def test_when_many_feeds_fail_in_a_row_nobody_answers() -> None:
    waits = Waits()
    standstill = IdleReason(waits)

    def look() -> str:
        standstill.look(100, has_partitions=True)
        return reason(waits)

    for _ in range(50):
        standstill.polled("https://one.example/", "http-404")
    assert look() == ""  # one feed, however often
    for number in range(50):
        standstill.polled(f"https://{number}.example/", "dns")
    assert look() == "no-answer"
    assert waits.now is not None
    assert "dns" in waits.now[1]
    standstill.polled("https://one.example/", "")
    assert look() == ""
