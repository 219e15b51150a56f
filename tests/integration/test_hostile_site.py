"""The hostile site's process: it announces what it is told to, and no trick keeps it from the next request."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.demo.timetable import whole_loopback
from pipelines.errors import StackError
from pipelines.feed_formats import parse_feed
from pipelines.lab.chaos.hostile import TRICKS, Hostile
from pipelines.lab.chaos.orders import SiteProcess
from pipelines.lab.chaos.plan import hostile, plan
from pipelines.stack.ports import choose


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Hostile, SiteProcess]]:
    where = hostile(plan(20_000, 1), choose(), apart=whole_loopback())
    arguments = ["20000", "1", str(where.port)]
    with SiteProcess("pipelines.lab.chaos.hostile_site", arguments, tmp_path / "site.log") as process:
        yield where, process


def ask(where: Hostile, host: int, path: str, most: int = 10_000_000, seconds: float = 10.0) -> bytes:
    """Ask, and give what comes until the site hangs up, there is enough, or no time is left."""
    data = b""
    ends_at = time.monotonic() + seconds
    with socket.create_connection(where.place(host), timeout=seconds) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        while len(data) < most and time.monotonic() < ends_at:
            connection.settimeout(max(0.01, ends_at - time.monotonic()))
            try:
                more = connection.recv(65_536)
            except TimeoutError:
                break
            if not more:
                break
            data += more
    return data


def named(name: str) -> int:
    return next(place for place, trick in enumerate(TRICKS) if trick.name == name)


def announced(where: Hostile) -> int:
    listing = max(host for host in where.hosts() if host < 200)
    feed = ask(where, listing, "/feed.xml").partition(b"\r\n\r\n")[2]
    return len(parse_feed(feed, url="http://x/", content_type="", max_bytes=10**7).entries)


def test_it_announces_what_it_is_told_to(site: tuple[Hostile, SiteProcess]) -> None:
    where, process = site
    assert announced(where) == 0
    process.order(hostile=20)
    ends_at = time.monotonic() + 20
    while announced(where) != 20:
        assert time.monotonic() < ends_at
    process.order(flooded=5)
    while announced(where) != 25:
        assert time.monotonic() < ends_at


def test_a_feed_is_hostile_once_in_a_while(site: tuple[Hostile, SiteProcess]) -> None:
    where, _ = site
    first, second = (ask(where, named("author-pattern"), "/feed.xml") for _ in range(2))
    assert len(first) > 100_000 > len(second) > 100


def test_no_trick_holds_up_the_others(site: tuple[Hostile, SiteProcess]) -> None:
    where, _ = site
    assert len(ask(where, named("body-endless"), "/page/1", most=1_000_000)) >= 1_000_000
    assert 50 < len(ask(where, named("drip"), "/page/1", seconds=2.5)) < 100
    assert ask(where, named("silence"), "/page/1", seconds=0.5) == b""
    assert ask(where, named("reason-escapes"), "/page/1").startswith(b"HTTP/1.1 404 \x1b")
    assert ask(where, 200, "/flood/1").startswith(b"HTTP/1.1 200")


def test_a_site_that_does_not_start_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"does not start.*site\.log"):
        SiteProcess("pipelines.lab.chaos.hostile_site", ["no number", "1", "1"], tmp_path / "site.log")
    assert "ValueError" in (tmp_path / "site.log").read_text()
