"""Which robots.txt is asked for when, and how many are kept."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.errors import FetchFault
from pipelines.http.politeness import HostOnHold
from pipelines.http.robots import Robots, read_robots, robots_after
from pipelines.http.robots_cache import RobotsCache

CLOSED = b"User-agent: *\nDisallow: /\n"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def cache(
    clock: Clock, answers: list[bytes | Exception], limit: int = 10**6, most_bytes: int = 10**9
) -> tuple[RobotsCache, list[str]]:
    asked: list[str] = []

    async def get(url: str) -> Robots:
        asked.append(url)
        await asyncio.sleep(0)
        answer = answers[min(len(asked), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return read_robots(answer)

    return RobotsCache(get, clock, limit, most_bytes), asked


def status(code: int, wait: float | None = None) -> FetchFault:
    return FetchFault("no", reason=f"http-{code}", retryable=code >= 500, status=code, retry_after=wait)


def test_robots_are_asked_for_once_a_day_and_shared() -> None:
    clock = Clock()

    async def main() -> list[str]:
        robots, asked = cache(clock, [CLOSED])
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


def test_a_file_that_cannot_be_read_keeps_us_out_by_its_name() -> None:
    async def main() -> None:
        async def get(_: str) -> Robots:
            return robots_after(FetchFault("no text", reason="not-text", retryable=True))

        robots = await RobotsCache(get, Clock()).of("https://a.example")
        assert robots.refusal("https://a.example/") == "not-text"

    asyncio.run(main())


def test_what_was_read_last_counts_while_there_is_nothing_newer_but_not_for_ever() -> None:
    clock = Clock()

    async def main() -> None:
        robots, asked = cache(clock, [CLOSED, status(503)])
        await robots.of("https://a.example")
        for day in range(1, 30):
            clock.now = 1000.0 + day * 86_401
            found = await robots.of("https://a.example")
            assert found.fault is None
            assert not found.allows("https://a.example/")
            assert len(asked) == 1 + day
        clock.now += 601  # of one that cannot be had it is soon asked again
        await robots.of("https://a.example")
        assert len(asked) == 31
        clock.now = 1000.0 + 31 * 86_400
        found = await robots.of("https://a.example")
        assert found.fault is not None

    asyncio.run(main())


def test_with_more_sites_than_it_may_keep_the_older_ones_are_asked_again() -> None:
    async def main() -> None:
        robots, asked = cache(Clock(), [CLOSED], limit=10)
        sites = [f"https://{number}.example" for number in range(11)]
        for site in [*sites, sites[-1], sites[0]]:
            await robots.of(site)
        assert asked == [f"{site}/robots.txt" for site in [*sites, sites[0]]]

    asyncio.run(main())


def test_memory_is_bounded_over_any_number_of_hosts_and_those_in_use_stay() -> None:
    async def main() -> None:
        robots, asked = cache(Clock(), [CLOSED], most_bytes=1_000_000)
        for number in range(3000):
            await robots.of(f"https://{number}.example")
            await robots.of("https://0.example")
        assert robots.size <= 1_000_000
        assert 200 < len(robots._known) < 1000
        assert asked.count("https://0.example/robots.txt") == 1

    asyncio.run(main())


def test_one_that_is_larger_than_all_may_be_is_used_all_the_same() -> None:
    async def main() -> None:
        robots, _ = cache(Clock(), [CLOSED], most_bytes=10)
        assert not (await robots.of("https://a.example")).allows("https://a.example/")
        await robots.of("https://b.example")
        assert len(robots._known) == 1

    asyncio.run(main())
