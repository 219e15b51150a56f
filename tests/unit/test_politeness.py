"""Good manners: Retry-After, and the gate before each host."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.http.politeness import HostGate, HostOnHold, retry_after

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
WEEK = 7 * 86_400


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        ("1.5", 1.5),
        ("99999999999", WEEK),
        ("Mon, 05 Jan 2026 12:10:00 GMT", 600),
        ("Monday, 05-Jan-26 12:10:00 GMT", 600),
        ("Mon Jan  5 12:10:00 2026", 600),
        ("Mon, 05 Jan 2026 13:10:00 +0100", 600),
        ("Mon, 05 Jan 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", WEEK),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("٣", None),
        ("1e9", None),
    ],
)
def test_both_forms_of_retry_after_are_read(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOON) == seconds


@given(st.text())
def test_no_header_breaks_it(header: str) -> None:
    found = retry_after(header, NOON)
    assert found is None or 0 <= found <= WEEK


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def in_time(main: Callable[[HostGate, Clock], Coroutine[Any, Any, None]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run with a clock that moves only when the gate sleeps."""
    clock = Clock()
    real: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def sleep(seconds: float) -> None:
        clock.now += seconds
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(main(HostGate(1.0, patience=60.0, clock=clock), clock))


def test_one_at_a_time_with_a_pause_between(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(gate: HostGate, clock: Clock) -> None:
        spans: list[tuple[float, float]] = []

        async def ask() -> None:
            async with gate.turn("a.example"):
                began = clock.now
                await asyncio.sleep(0.25)
                spans.append((began, clock.now))

        await asyncio.gather(*(ask() for _ in range(4)))
        assert [later[0] - earlier[1] for earlier, later in pairwise(spans)] == [1.0] * 3

    in_time(main, monkeypatch)


def test_a_site_may_want_a_longer_pause_but_not_a_shorter_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(gate: HostGate, clock: Clock) -> None:
        for asked_for, pause in ((5.0, 5.0), (0.1, 1.0), (None, 1.0)):
            gate.set_delay("a.example", asked_for)
            async with gate.turn("a.example"):
                left = clock.now
            async with gate.turn("a.example"):
                assert clock.now - left == pytest.approx(pause)
            clock.now += 100

    in_time(main, monkeypatch)


def test_a_pause_that_is_learned_counts_from_the_last_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(gate: HostGate, clock: Clock) -> None:
        async with gate.turn("a.example"):  # its robots.txt
            ended = clock.now
        gate.set_delay("a.example", 5.0)
        assert gate.expected_wait("a.example") == 5
        async with gate.turn("a.example"):
            assert clock.now - ended == pytest.approx(5.0)

    in_time(main, monkeypatch)


def test_a_hold_is_waited_for_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(gate: HostGate, clock: Clock) -> None:
        gate.hold("a.example", 30)
        began = clock.now
        async with gate.turn("a.example"):
            assert clock.now - began == 30
        gate.hold("a.example", 3600)
        with pytest.raises(HostOnHold) as caught:
            async with gate.turn("a.example"):
                pytest.fail("let through")
        assert caught.value.retry_after == 3600
        assert gate.expected_wait("a.example") == 3600
        async with gate.turn("b.example"):
            assert gate.expected_wait("b.example") == 1.0

    in_time(main, monkeypatch)


def test_a_turn_that_fails_or_is_cancelled_frees_the_host() -> None:
    async def main() -> None:
        gate = HostGate(0.0)
        with pytest.raises(ValueError, match="broken"):
            async with gate.turn("a.example"):
                raise ValueError("broken")

        async def hang() -> None:
            async with gate.turn("a.example"):
                await asyncio.Event().wait()

        tasks = [asyncio.create_task(hang()) for _ in range(3)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with gate.turn("a.example"):
            pass
        assert gate.expected_wait("a.example") == 0

    asyncio.run(main())


def test_memory_stays_flat_over_any_number_of_hosts() -> None:
    async def main() -> None:
        clock = Clock()
        gate = HostGate(1.0, clock=clock)
        for number in range(50_000):
            async with gate.turn(f"{number}.example"):
                clock.now += 0.01
        assert len(gate._hosts) <= 20_000

    asyncio.run(main())
