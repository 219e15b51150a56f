"""What sites send, parsed in child processes: limits have names, neighbours are on time, the loop never waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from pipelines.errors import FeedFault
from pipelines.feed_formats import ParsedFeed
from pipelines.http.answer import Response
from pipelines.http.site_parser import LARGE_BYTES, Parser, took_too_much
from pipelines.sandbox import work
from pipelines.settings import SandboxSettings
from tests.integration.pulling import rss
from tests.unit import hostile, hostile_documents
from tests.unit.test_sandbox import until_gone

pytestmark = pytest.mark.timeout(120)

T = TypeVar("T")
URL = "https://ferry.example/feed"
GOOD = rss("https://ferry.example/1")
LARGE = hostile_documents.FEEDS["items-without-links"](4000)
"""Takes the parser many seconds, and the look before it sees nothing odd."""

SMALL = hostile_documents.FEEDS["open-items"](LARGE_BYTES // 1100)
"""The same, and no larger than many an honest feed."""


@pytest.fixture
def parser() -> Iterator[Parser]:
    made = Parser(SandboxSettings(processes=2, cpu_seconds=1, memory_mb=256))
    yield made
    made.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def feed(parser: Parser, body: bytes, *, slow: bool = False) -> ParsedFeed:
    answer = Response(url=URL, status=200, headers={"content-type": "application/rss+xml"}, body=body)
    return await parser.feed(answer, max_bytes=16_000_000, since=None, slow=slow)


def fault(parser: Parser, body: bytes) -> FeedFault:
    with pytest.raises(FeedFault) as caught:
        run(feed(parser, body))
    return caught.value


def test_feeds_are_parsed_one_after_the_other_in_the_same_child(parser: Parser) -> None:
    for _ in range(3):
        found = run(feed(parser, GOOD))
        assert [entry.url for entry in found.entries] == ["https://ferry.example/1"]
    assert len(parser._isolation._idle) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (LARGE, "killed-cpu"),
        (SMALL, "killed-cpu"),
        (hostile_documents.FEEDS["attributes"](300), "too-many-attributes"),
        (b"<!doctype html><html>", "html"),
        (b"nothing", "not-a-feed"),
        (b"", "empty"),
        (b"\x1f\x8bno gzip", "bad-encoding"),
    ],
)
def test_whatever_it_is_it_ends_by_its_name_and_the_next_one_is_read(parser: Parser, body: bytes, reason: str) -> None:
    found = fault(parser, body)
    assert (found.reason, found.resource) == (reason, URL)
    assert len(run(feed(parser, GOOD)).entries) == 1


def test_memory_has_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "read_feed", hostile.eat_up)
    parser = Parser(SandboxSettings(processes=1, cpu_seconds=60, memory_mb=256))
    assert fault(parser, GOOD).reason == "killed-memory"
    parser.close()


def test_a_fault_of_the_parser_is_the_feed_s_failure(parser: Parser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "read_feed", hostile.raise_anything)
    found = fault(parser, GOOD)
    assert found.reason == "unexpected-error"
    assert "Local" in found.message


def test_the_loop_and_good_feeds_never_wait_for_a_hostile_one(parser: Parser) -> None:
    async def main() -> None:
        run_ahead = [asyncio.create_task(feed(parser, LARGE)) for _ in range(3)]
        await asyncio.sleep(0)
        for _ in range(20):
            await feed(parser, GOOD)
        assert not all(task.done() for task in run_ahead)
        ends = await asyncio.gather(*run_ahead, return_exceptions=True)
        assert {end.reason for end in ends if isinstance(end, FeedFault)} == {"killed-cpu"}

    assert len(LARGE) > LARGE_BYTES
    run(main())


def test_what_took_too_much_before_leaves_a_child_to_the_others(parser: Parser) -> None:
    async def main() -> None:
        run_ahead = [asyncio.create_task(feed(parser, SMALL, slow=True)) for _ in range(3)]
        await asyncio.sleep(0)
        await feed(parser, GOOD)
        assert not any(task.done() for task in run_ahead[1:])
        await asyncio.gather(*run_ahead, return_exceptions=True)

    assert len(SMALL) < LARGE_BYTES
    run(main())


def test_no_more_children_than_were_asked_for(parser: Parser) -> None:
    async def main() -> None:
        await asyncio.gather(*(feed(parser, GOOD) for _ in range(30)))

    run(main())
    assert len(parser._isolation._idle) <= 2


def test_robots_that_cannot_be_read_keep_us_out_by_name(parser: Parser, monkeypatch: pytest.MonkeyPatch) -> None:
    robots = run(parser.robots(b"User-agent: *\nDisallow: /a\nCrawl-delay: 3\n"))
    assert robots.refusal("https://ferry.example/a") == "robots"
    assert (robots.refusal("https://ferry.example/b"), robots.delay_seconds) == (None, 3)
    assert run(parser.robots(b"\x00\xff\xfe")).refusal("https://ferry.example/b") == "not-text"
    monkeypatch.setattr(work, "read_robots", hostile.burn_on)
    assert run(parser.robots(b"x")).refusal("https://ferry.example/b") == "killed-cpu"


def test_pages_and_robots_lead_to_feeds(parser: Parser, monkeypatch: pytest.MonkeyPatch) -> None:
    page = b'<link rel=alternate type="application/rss+xml" href=/feed>'
    assert [each.url for each in run(parser.feeds_of_page(page, URL))] == [URL]
    text = b"Sitemap: https://ferry.example/news.xml"
    assert [each.url for each in run(parser.sitemaps_of_robots(text, URL))] == ["https://ferry.example/news.xml"]
    monkeypatch.setattr(work, "feeds_of_page", hostile.burn_on)
    assert run(parser.feeds_of_page(page, URL)) == []


def test_closing_ends_the_children() -> None:
    parser = Parser(SandboxSettings())
    run(feed(parser, GOOD))
    [child] = parser._isolation._idle
    parser.close()
    until_gone(child._process.pid)


def test_what_counts_as_too_much() -> None:
    assert [took_too_much(reason) for reason in ("killed-cpu", "killed-memory", "crashed")] == [True] * 3
    assert [took_too_much(reason) for reason in (None, "", "html", "http-503")] == [False] * 4
