"""The simulated internet as a process: real sockets, real clients, and a log of what happened."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.errors import FetchFault
from pipelines.feed_formats import parse_feed
from pipelines.http.answer import Response
from pipelines.http.client import Client
from pipelines.lab.internet.answers import Internet
from pipelines.lab.internet.log import GAVE_UP, LoggedRequest, read
from pipelines.lab.internet.site import Orders
from pipelines.lab.internet.traits import Host, Life, Rules
from pipelines.settings import FetchSettings, Settings
from tests.rivers import until


def get(*urls: str, seconds: float = 10.0, etag: str | None = None) -> list[Response]:
    """Fetch one URL after the other, over one pool of connections."""

    async def work() -> list[Response]:
        settings = Settings(fetch=FetchSettings(allow_networks=["127.64.0.0/16"], timeout_seconds=seconds))
        async with Client(settings) as client:
            return [await client.get(url, max_bytes=1_000_000, etag=etag) for url in urls]

    return asyncio.run(work())


def host_that(of: Internet, life: Life) -> Host:
    found = [host for host in of.plan.hosts if host.life is life and host.rules is Rules.OPEN]
    assert found, "the seed gives no such host"
    return min(found, key=lambda host: host.phases is not None)  # one that is never in trouble, if there is one


def logged(folder: Path, count: int) -> list[LoggedRequest]:
    """Wait until so many requests are in the log, which is written once a second."""
    log = folder / "requests.log"

    def entries() -> list[LoggedRequest]:
        return list(read(log.read_text(encoding="utf-8").splitlines(keepends=True)))

    until(lambda: len(entries()) >= count, seconds=15, what=f"{count} requests in the log")
    return entries()


def test_feeds_and_pages_are_served_and_logged(internet: Orders, tmp_path: Path) -> None:
    of = internet.internet()
    host = host_that(of, Life.ALIVE)
    source = next(source for source in of.plan.sources if source.host == host.number and not source.moved)
    feed, robots = of.feed_url(source), f"{of.base(host.number)}/robots.txt"
    answers = get(robots, feed)
    parsed = parse_feed(answers[1].body, url=feed, content_type=answers[1].content_type)
    assert len(parsed.entries) == source.window
    [page] = get(parsed.entries[0].link)
    [same] = get(page.url, etag=page.headers["etag"])
    assert (page.status, same.not_modified) == (200, True)
    found = logged(tmp_path, 4)
    assert [(one.host, one.status) for one in found] == [(host.address, status) for status in (200, 200, 200, 304)]
    assert (found[0].for_robots, found[1].for_feed, found[2].for_page) == (True, True, True)
    assert all(0 <= one.start <= one.end for one in found)
    assert all(before.end <= after.start for before, after in pairwise(found))


def test_a_slow_host_takes_its_time(internet: Orders, tmp_path: Path) -> None:
    of = internet.internet()
    host = host_that(of, Life.SLOW)
    [answer] = get(f"{of.base(host.number)}/robots.txt")
    [request] = logged(tmp_path, 1)
    assert request.end - request.start == pytest.approx(host.reply_seconds, abs=0.5)
    assert answer.elapsed_ms >= 1000 * host.reply_seconds - 50


def test_a_silent_host_is_given_up_and_the_log_says_so(internet: Orders, tmp_path: Path) -> None:
    of = internet.internet()
    host = host_that(of, Life.SILENT)
    with pytest.raises(FetchFault) as caught:
        get(f"{of.base(host.number)}/robots.txt", seconds=0.5)
    assert caught.value.reason == "timeout"
    [request] = logged(tmp_path, 1)
    assert (request.status, request.path) == (GAVE_UP, "/robots.txt")
    assert 0.4 < request.end - request.start < 3


def test_a_dead_host_refuses_the_connection(internet: Orders) -> None:
    host = next(host for host in internet.internet().plan.hosts if host.life is Life.REFUSES)
    with closing(socket.socket()) as client, pytest.raises(ConnectionRefusedError):
        client.connect((host.address, internet.port))


def test_a_request_in_two_parts_from_a_client_that_hangs_up(internet: Orders, tmp_path: Path) -> None:
    host = host_that(internet.internet(), Life.SILENT)
    with closing(socket.create_connection((host.address, internet.port))) as client:
        client.sendall(b"GET /feed/1 HTTP/1.1\r\nHost: x\r\n")
        client.sendall(b"\r\n")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
    [request] = logged(tmp_path, 1)
    assert (request.status, request.path) == (GAVE_UP, "/feed/1")
