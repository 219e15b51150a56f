"""The sample site as a server on loopback."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipelines.demo.outlets import load_outlets
from pipelines.demo.site import HUNG_UP, SampleAccess, SampleSite
from pipelines.demo.timetable import whole_loopback
from pipelines.errors import FetchFault, StackError
from pipelines.feeds.lists import read_feed_list
from pipelines.http.client import Client
from pipelines.settings import load_settings

AGENT = "test-of-the-sample-site/1"
TRAPS = (
    "broken page",
    "too large",
    "redirect loop",
    "redirect to 169.254.169.254",
    "redirect to 127.0.0.1",
    "endless feed",
    "host does not resolve",
    "connection refused",
)


def free_port() -> int:
    """Find a port from which on enough are free, for an address each and for a port each."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1]) % 30_000 + 20_000


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite(free_port()) as running:
        yield running


def get(url: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request(
        "GET", path, headers={"User-Agent": AGENT} | {k.replace("_", "-"): v for k, v in headers.items()}
    )
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


def special(site: SampleSite, name: str) -> str:
    return next(case.url for case in site.expected if case.name == name)


def ordinary(site: SampleSite) -> str:
    """Give an article's page that never changes."""
    corrected = special(site, "corrected after publication")
    return next(case.url for case in site.expected if case.name == "article" and case.url != corrected)


def eventually(fact: Callable[[], SampleAccess | None]) -> SampleAccess:
    """Wait for an entry of the access log, which is written after the answer has gone."""
    ends_at = time.monotonic() + 20
    while time.monotonic() < ends_at:
        if (found := fact()) is not None:
            return found
        time.sleep(0.01)
    raise AssertionError("the access log never got the request")


def logged(site: SampleSite, url: str) -> SampleAccess | None:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    hits = [each for each in site.requests() if (each.host, each.path) == (parts.netloc, path)]
    return hits[-1] if hits else None


def test_every_outlet_answers_at_its_own_place(site: SampleSite) -> None:
    for outlet in load_outlets():
        status, headers, body = get(site.times.base(outlet.address) + "/robots.txt")
        assert (status, headers.get_content_type()) == (200, "text/plain")
        assert b"User-agent: *" in body
        status, _, body = get(site.times.base(outlet.address) + "/")
        assert status == 200
        assert outlet.title in body.decode()


def test_an_article_is_served_with_trackers_or_without_and_logged(site: SampleSite) -> None:
    tracked = special(site, "announced by two feeds")
    bare = tracked.partition("?")[0]
    assert get(tracked)[2] == get(bare)[2]
    entry = eventually(lambda: logged(site, tracked))
    assert (entry.status, entry.user_agent) == (200, AGENT)
    assert 0 <= entry.seconds < 5


def test_a_query_tells_articles_apart(site: SampleSite) -> None:
    outlet = next(outlet for outlet in load_outlets() if "?" in outlet.path)
    urls = [site.times.url(outlet, outlet.article_path(article)) for article in outlet.articles]
    assert len({get(url)[2] for url in urls}) == len(urls)
    assert get(urls[0].partition("?")[0])[0] == 404


def test_conditional_requests_are_answered_with_304(site: SampleSite) -> None:
    url = special(site, "feed not modified")
    _, headers, _ = get(url)
    status, _, body = get(url, If_None_Match=headers["ETag"])
    assert (status, body) == (304, b"")
    assert eventually(lambda: logged(site, url)).status == 304


def test_pages_are_compressed_for_those_who_ask(site: SampleSite) -> None:
    url = ordinary(site)
    _, headers, body = get(url, Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == get(url)[2]


def test_a_busy_server_and_a_corrected_article_change_with_the_second_visit(site: SampleSite) -> None:
    busy, corrected = special(site, "busy server"), special(site, "corrected after publication")
    assert [get(busy)[0], get(busy)[0]] == [503, 200]
    assert get(corrected)[2] != get(corrected)[2]


def test_a_client_may_hang_up_in_the_middle_of_a_page_without_end(site: SampleSite) -> None:
    url = special(site, "too large")
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        assert connection.recv(65_536)
    assert eventually(lambda: logged(site, url)).status == HUNG_UP
    assert get(ordinary(site))[0] == 200


@pytest.mark.parametrize("name", TRAPS)
def test_our_own_client_ends_each_trap_with_the_expected_reason(site: SampleSite, name: str) -> None:
    case = next((case for case in site.expected if case.name == name), None)
    if case is None:  # only where each outlet has an address of its own
        assert not site.times.apart
        return
    options = [f"fetch.allow_networks={site.networks()}".replace("'", '"'), "fetch.timeout_seconds=20"]
    settings = load_settings(assignments=options, environment={})
    most = settings.fetch.max_page_bytes if case.subject == "page" else settings.poll.max_feed_bytes

    async def fetch() -> None:
        async with Client(settings) as client:
            await client.get(case.url, max_bytes=most)

    with pytest.raises(FetchFault) as caught:
        asyncio.run(fetch())
    assert caught.value.reason in case.reasons


def test_the_slow_host_takes_three_seconds_and_its_robots_txt_does_not(site: SampleSite) -> None:
    url = special(site, "slow host")
    assert get(url)[0] == 200
    assert eventually(lambda: logged(site, url)).seconds >= 3
    robots = f"http://{urlsplit(url).netloc}/robots.txt"
    get(robots)
    assert eventually(lambda: logged(site, robots)).seconds < 3


def test_nothing_listens_where_a_connection_must_be_refused(site: SampleSite) -> None:
    parts = urlsplit(special(site, "connection refused"))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)


def test_the_networks_are_the_outlets_own_and_not_all_of_loopback(site: SampleSite) -> None:
    assert ("127.0.0.1/32" in site.networks()) != whole_loopback()
    hosts = {urlsplit(feed.url).hostname for feed in site.feed_list()} - {"missing.invalid"}
    assert {f"{host}/32" for host in hosts} == set(site.networks())


def test_the_feed_list_is_toml_that_holds_every_feed(site: SampleSite, tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    site.feeds_toml(path)
    assert list(read_feed_list(path).feeds) == site.feed_list()


def test_feeds_asked_grows_with_what_is_asked(site: SampleSite) -> None:
    url = next(feed.url for feed in site.feed_list() if feed.source == "waterhoek-courant")
    assert url not in site.feeds_asked()
    get(url)
    eventually(lambda: logged(site, url))
    assert url in site.feeds_asked()
    assert special(site, "host does not resolve") in site.feeds_asked()


def test_a_taken_port_is_named(site: SampleSite) -> None:
    second = SampleSite(site.times.port)
    with pytest.raises(StackError, match=f"{site.times.port}: the port is taken"):
        second.start()
    second.stop()
    assert get(ordinary(site))[0] == 200


def test_it_starts_again_on_the_same_port_at_once() -> None:
    port = free_port()
    for _ in range(2):
        with SampleSite(port) as running:
            assert get(ordinary(running))[0] == 200
