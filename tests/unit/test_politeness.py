"""Good manners: Retry-After, robots.txt as RFC 9309 wants it, and the gate before each host."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import FetchFault
from pipelines.pull.politeness import HostGate, HostOnHold, Robots, RobotsCache, read_robots, retry_after, robots_after

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


ROBOTS = b"""
User-agent: *
Disallow: /private/
Crawl-delay: 2

User-agent: Newsriver
Disallow: /no-news/
Allow: /no-news/but-this
Disallow: /*.pdf$
Crawl-delay: 0.5
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/private/a", True),  # the group that names us counts, not the one for all
        ("/no-news/a", False),
        ("/no-news/but-this/b", True),
        ("/a.pdf", False),
        ("/a.pdf?x=1", True),
        ("/No-News/a", True),
    ],
)
def test_our_own_group_of_rules_counts(path: str, allowed: bool) -> None:
    robots = read_robots(ROBOTS)
    assert robots.allows(f"https://ferry.example{path}") is allowed
    assert robots.delay_seconds == 0.5


def test_rules_for_all_count_where_none_are_ours() -> None:
    robots = read_robots(b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /\r\nCrawl-delay: 3\r\n")
    assert not robots.allows("https://ferry.example/")
    assert robots.delay_seconds == 3


@pytest.mark.parametrize("body", [b"", b"<html>not here</html>", b"\x00\xff\xfe", b"Crawl-delay: soon", b"Disallow: /"])
def test_what_is_no_rule_allows_all(body: bytes) -> None:
    robots = read_robots(body)
    assert robots.allows("https://ferry.example/a")
    assert robots.delay_seconds is None


@given(st.binary(), st.text())
def test_any_bytes_are_robots(body: bytes, path: str) -> None:
    robots = read_robots(body)
    robots.allows(f"https://ferry.example/{path}")
    assert robots.delay_seconds is None or robots.delay_seconds >= 0


def status(code: int, wait: float | None = None) -> FetchFault:
    return FetchFault("no", reason=f"http-{code}", retryable=code >= 500, status=code, retry_after=wait)


def fault(reason: str) -> FetchFault:
    return FetchFault("no", reason=reason, retryable=True)


@pytest.mark.parametrize("found", [status(401), status(403), status(404), status(410), fault("redirect-loop")])
def test_a_site_without_robots_allows_all(found: FetchFault) -> None:
    assert robots_after(found) == Robots()
    assert robots_after(found).allows("https://ferry.example/")


@pytest.mark.parametrize("found", [status(429), status(500), status(503), fault("dns"), fault("timeout"), fault("tls")])
def test_a_site_whose_robots_cannot_be_had_allows_nothing_for_now(found: FetchFault) -> None:
    robots = robots_after(found)
    assert robots.fault is found
    assert not robots.allows("https://ferry.example/")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def cache(clock: Clock, answers: list[bytes | Exception], limit: int = 5000) -> tuple[RobotsCache, list[str]]:
    asked: list[str] = []

    async def get(url: str) -> bytes:
        asked.append(url)
        await asyncio.sleep(0)
        answer = answers[min(len(asked), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return RobotsCache(get, clock, limit), asked


def test_robots_are_asked_for_once_a_day_and_shared() -> None:
    clock = Clock()

    async def main() -> list[str]:
        robots, asked = cache(clock, [ROBOTS])
        found = await asyncio.gather(*(robots.of("https://ferry.example") for _ in range(5)))
        assert len({id(each) for each in found}) == 1
        clock.now += 86_000
        await robots.of("https://ferry.example")
        assert len(asked) == 1
        clock.now += 1000
        await robots.of("https://ferry.example")
        await robots.of("http://ferry.example:8080")
        return asked

    assert asyncio.run(main()) == [
        *["https://ferry.example/robots.txt"] * 2,
        "http://ferry.example:8080/robots.txt",
    ]


@pytest.mark.parametrize(
    ("found", "again_after"), [(status(500), 600), (status(503, 5000.0), 5000), (status(404), 86_400)]
)
def test_what_failed_is_asked_again_in_its_time(found: FetchFault, again_after: float) -> None:
    clock = Clock()

    async def main() -> None:
        robots, asked = cache(clock, [found, b""])
        assert (await robots.of("https://a.example")).fault is (found if found.status != 404 else None)
        clock.now += again_after - 1
        await robots.of("https://a.example")
        assert len(asked) == 1
        clock.now += 2
        assert (await robots.of("https://a.example")).allows("https://a.example/")
        assert len(asked) == 2

    asyncio.run(main())


@pytest.mark.parametrize("error", [HostOnHold("a.example", 900), RuntimeError("a fault of ours")])
def test_what_says_nothing_about_the_file_is_not_remembered(error: Exception) -> None:
    async def main() -> None:
        robots, asked = cache(Clock(), [error, b""])
        with pytest.raises(type(error)):
            await robots.of("https://a.example")
        assert (await robots.of("https://a.example")).fault is None
        assert len(asked) == 2

    asyncio.run(main())


def test_with_more_sites_than_it_may_keep_the_older_ones_are_asked_again() -> None:
    async def main() -> None:
        robots, asked = cache(Clock(), [ROBOTS], limit=10)
        sites = [f"https://{number}.example" for number in range(11)]
        for site in [*sites, sites[-1], sites[0]]:
            await robots.of(site)
        assert asked == [f"{site}/robots.txt" for site in [*sites, sites[0]]]

    asyncio.run(main())


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
        robots, _ = cache(clock, [b""])
        for number in range(12_000):
            await robots.of(f"https://{number}.example")
        assert len(robots._found) <= 5000

    asyncio.run(main())
