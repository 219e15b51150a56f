"""One GET against a real server on loopback: what it gives, and the name of everything that can go wrong."""

from __future__ import annotations

import asyncio
import base64
import gzip
import http.client
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from pydantic import SecretStr

from pipelines.errors import AddressRefused, FetchFault
from pipelines.http.answer import Response
from pipelines.http.client import Client
from pipelines.http.credentials import Credentials
from pipelines.http.guarded import GuardedResolver, GuardedSockets
from pipelines.settings import Settings, load_settings
from tests.integration.site import Reply, Site

LIMIT = 100_000
TEXT = b"<html><body>" + b"<p>The ferry leaves at nine.</p>" * 500 + b"</body></html>"


def settings(*assignments: str) -> Settings:
    return load_settings(assignments=["fetch.allow_networks=['127.0.0.0/8']", *assignments], environment={})


def get(url: str, *assignments: str, use: Settings | None = None, **options: Any) -> Response:
    async def call() -> Response:
        async with Client(use or settings(*assignments)) as client:
            return await client.get(url, **{"max_bytes": LIMIT, **options})

    return asyncio.run(call())


def fault(url: str, *assignments: str, **options: Any) -> FetchFault:
    with pytest.raises(FetchFault) as caught:
        get(url, *assignments, **options)
    return caught.value


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


def test_a_page_comes_with_its_bytes_and_headers(site: Site) -> None:
    site.routes["/a?b=1"] = Reply(TEXT, headers={"Content-Type": "text/html; charset=x", "ETag": '"1"', "X-A": "ü"})
    answer = get(site.url("/a?b=1#part"))
    assert (answer.status, answer.body, answer.url) == (200, TEXT, site.url("/a?b=1"))
    assert answer.headers["etag"] == '"1"'
    assert answer.content_type == "text/html; charset=x"
    assert answer.redirects == ()
    [asked] = site.log
    assert asked.headers["user-agent"].startswith("newsriver/")
    assert "(+https://" in asked.headers["user-agent"]
    assert "cookie" not in asked.headers
    assert "if-none-match" not in asked.headers


def test_validators_are_sent_and_304_is_an_answer(site: Site) -> None:
    site.routes["/a"] = Reply(status=304)
    answer = get(site.url("/a"), etag='W/"x"', last_modified="Tue, 01 Jan 2030 00:00:00 GMT")
    assert answer.not_modified
    assert answer.body == b""
    assert site.log[0].headers["if-none-match"] == 'W/"x"'
    assert site.log[0].headers["if-modified-since"] == "Tue, 01 Jan 2030 00:00:00 GMT"


def test_304_to_an_unconditional_request_is_a_fault(site: Site) -> None:
    site.routes["/a"] = Reply(status=304)
    assert fault(site.url("/a")).reason == "http-304"


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
        ("br", brotli.compress(TEXT)),
        ("zstd", zstandard.compress(TEXT)),
        ("identity", TEXT),
        ("gzip, br", brotli.compress(gzip.compress(TEXT))),
    ],
)
def test_content_codings_are_undone(site: Site, coding: str, body: bytes) -> None:
    site.routes["/a"] = Reply(body, headers={"Content-Encoding": coding})
    assert get(site.url("/a")).body == TEXT
    assert "gzip" in site.log[0].headers["accept-encoding"]


BOMB = b"\0" * 60_000_000


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(BOMB)),
        ("br", brotli.compress(BOMB, quality=4)),
        ("zstd", zstandard.compress(BOMB)),
    ],
)
def test_a_bomb_is_refused_before_it_grows(site: Site, coding: str, body: bytes) -> None:
    assert len(body) < LIMIT
    site.routes["/a"] = Reply(body, headers={"Content-Encoding": coding})
    found = fault(site.url("/a"))
    assert (found.reason, found.retryable) == ("too-large", False)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "compress"])
def test_a_broken_coding_has_its_name(site: Site, coding: str) -> None:
    site.routes["/a"] = Reply(b"\x07 this is not packed at all", headers={"Content-Encoding": coding})
    assert fault(site.url("/a")).reason == "bad-encoding"


def test_a_packed_body_that_ends_early_may_be_whole_next_time(site: Site) -> None:
    site.routes["/a"] = Reply(gzip.compress(TEXT)[:-30], headers={"Content-Encoding": "gzip"})
    found = fault(site.url("/a"))
    assert (found.reason, found.retryable) == ("truncated", True)


def test_too_large_by_its_own_word_is_not_read(site: Site) -> None:
    site.routes["/a"] = Reply(b"x", headers={"Content-Length": "50000000"})
    assert fault(site.url("/a")).reason == "too-large"


def test_too_large_without_a_word_is_cut_off(site: Site) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
    site.routes["/a"] = Reply(raw=head + b"x" * (LIMIT + 1))
    site.routes["/b"] = Reply(raw=head + b"x" * LIMIT)
    assert fault(site.url("/a")).reason == "too-large"
    assert len(get(site.url("/b")).body) == LIMIT


def test_a_larger_body_can_be_cut_where_its_beginning_is_enough(site: Site) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    site.routes["/a"] = Reply(raw=head + b"\r\n" + b"x" * (3 * LIMIT))
    site.routes["/b"] = Reply(b"x" * (LIMIT + 1))
    site.routes["/c"] = Reply(gzip.compress(BOMB), headers={"Content-Encoding": "gzip"})
    for path in ("/a", "/b", "/c"):
        assert len(get(site.url(path), cut=True).body) == LIMIT


def test_an_interim_answer_may_come_before_the_answer(site: Site) -> None:
    final = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
    site.routes["/a"] = Reply(raw=b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + final)
    assert get(site.url("/a")).body == b"body"


def test_interim_answers_without_an_end_are_refused_soon(site: Site) -> None:
    site.routes["/a"] = Reply(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 400_000)
    found = fault(site.url("/a"))
    assert (found.reason, found.retryable) == ("bad-http", False)
    assert "interim answers" in found.message


def test_redirects_are_followed_and_remembered(site: Site) -> None:
    site.routes["/a"] = Reply(status=301, headers={"Location": "/b?x=ü y"})
    site.routes["/b?x=%C3%BC%20y"] = Reply(status=307, headers={"Location": site.url("/c#top")})
    site.routes["/c"] = Reply(TEXT)
    answer = get(site.url("/a"))
    assert answer.url == site.url("/c")
    assert answer.redirects == (site.url("/a"), site.url("/b?x=%C3%BC%20y"))
    assert not answer.moved


@pytest.mark.parametrize(("statuses", "moved"), [((), False), ((301,), True), ((308, 301), True), ((308, 302), False)])
def test_an_answer_tells_whether_all_redirects_were_permanent(
    site: Site, statuses: tuple[int, ...], moved: bool
) -> None:
    for number, status in enumerate(statuses):
        site.routes[f"/{number}"] = Reply(status=status, headers={"Location": f"/{number + 1}"})
    site.routes[f"/{len(statuses)}"] = Reply(TEXT)
    assert get(site.url("/0")).moved is moved


def test_each_hop_is_announced_before_it_is_made(site: Site) -> None:
    site.routes["/a"] = Reply(status=302, headers={"Location": "/b"})
    site.routes["/b"] = Reply(TEXT)
    hops: list[tuple[str, int]] = []

    @asynccontextmanager
    async def hop(url: str) -> AsyncIterator[None]:
        hops.append((url, len(site.log)))
        yield

    get(site.url("/a"), hop=hop)
    assert hops == [(site.url("/a"), 0), (site.url("/b"), 1)]


@pytest.mark.parametrize(
    ("routes", "reason"),
    [
        ({"/a": "/b", "/b": "/a"}, "redirect-loop"),
        ({"/a": "/a"}, "redirect-loop"),
        ({"/a": "/1", **{f"/{n}": f"/{n + 1}" for n in range(1, 9)}}, "too-many-redirects"),
        ({"/a": "ftp://example.org/x"}, "bad-redirect"),
        ({"/a": "https://"}, "bad-redirect"),
        ({"/a": "file:///etc/passwd"}, "bad-redirect"),
        ({"/a": "http://[::1"}, "bad-redirect"),
    ],
)
def test_redirects_that_lead_nowhere(site: Site, routes: dict[str, str], reason: str) -> None:
    for path, target in routes.items():
        site.routes[path] = Reply(status=302, headers={"Location": target})
    found = fault(site.url("/a"))
    assert (found.reason, found.retryable) == (reason, False)


def test_a_redirect_without_target(site: Site) -> None:
    site.routes["/a"] = Reply(status=302)
    assert fault(site.url("/a")).reason in ("bad-redirect", "redirect-loop")


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        *((status, False) for status in (400, 401, 403, 404, 410, 418, 451, 501)),
        *((status, True) for status in (408, 425, 429, 500, 502, 503, 504, 522)),
    ],
)
def test_statuses_have_names_and_classes(site: Site, status: int, retryable: bool) -> None:
    site.routes["/a"] = Reply(b"<p>sorry", status)
    found = fault(site.url("/a"))
    assert (found.reason, found.retryable, found.status) == (f"http-{status}", retryable, status)
    assert found.retry_after is None


def test_retry_after_is_read_with_the_status(site: Site) -> None:
    site.routes["/a"] = Reply(status=503, headers={"Retry-After": "120"})
    assert fault(site.url("/a")).retry_after == 120


def test_a_missing_host() -> None:
    found = fault("http://missing.invalid/")
    assert (found.reason, found.retryable) == ("dns", True)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    found = fault(f"http://127.0.0.1:{port}/")
    assert (found.reason, found.retryable) == ("connect", True)


def test_a_slow_start_and_a_slow_body_both_time_out(site: Site) -> None:
    never = threading.Event()
    site.routes["/start"] = Reply(TEXT, hold=never)
    site.routes["/body"] = Reply(TEXT, drip=0.05)
    site.routes["/hop"] = Reply(status=302, headers={"Location": "/start"})
    for path in ("/start", "/body", "/hop"):
        began = time.monotonic()
        found = fault(site.url(path), "fetch.timeout_seconds=0.3")
        assert (found.reason, found.retryable) == ("timeout", True)
        assert time.monotonic() - began < 3
    never.set()


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (Reply(wait=1), 0.3),
        (Reply(b"x" * 20, drip=0.1), 0.5),
        (Reply(b"x" * 100 * LIMIT), None),
    ],
)
def test_a_connection_is_closed_before_the_turn_of_its_host_ends(
    site: Site, monkeypatch: pytest.MonkeyPatch, reply: Reply, seconds: float | None
) -> None:
    """A copy that leaves gives up many requests at once: others must not ask while the host still answers them."""
    made: list[socket.socket] = []
    still_open: list[bool] = []
    make = GuardedSockets.__call__

    def kept(self: GuardedSockets, info: Any) -> socket.socket:
        made.append(make(self, info))
        return made[-1]

    @asynccontextmanager
    async def turn(url: str) -> AsyncIterator[None]:  # noqa: ARG001 - a hop's signature
        try:
            yield
        finally:
            still_open.extend(one.fileno() != -1 for one in made)

    async def give_up() -> None:
        async with Client(settings()) as client:
            asking = asyncio.create_task(client.get(site.url("/a"), max_bytes=LIMIT, hop=turn))
            await asyncio.wait([asking], timeout=seconds)
            asking.cancel()
            await asyncio.wait([asking])

    monkeypatch.setattr(GuardedSockets, "__call__", kept)
    site.routes["/a"] = reply
    asyncio.run(give_up())
    assert still_open == [False]


def test_a_body_that_breaks_off(site: Site) -> None:
    site.routes["/a"] = Reply(TEXT[:50], headers={"Content-Length": str(len(TEXT))})
    found = fault(site.url("/a"))
    assert (found.reason, found.retryable) == ("truncated", True)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "disconnected"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "bad-http"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "bad-http"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", "bad-http"),
    ],
    ids=["nothing", "another protocol", "two lengths", "an endless header"],
)
def test_answers_that_are_no_http(site: Site, raw: bytes, reason: str) -> None:
    site.routes["/a"] = Reply(raw=raw)
    assert fault(site.url("/a")).reason == reason


def test_a_certificate_nobody_vouches_for(tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), check=True, capture_output=True, cwd=tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with Site(tls=context) as site:
        assert fault(site.url("/")).reason == "tls"
        assert site.log == []


def test_cookies_outlast_no_walk_and_proxies_are_not_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    site.routes["/a"] = Reply(status=302, headers={"Location": "/b", "Set-Cookie": "id=1; Path=/"})
    site.routes["/b"] = Reply(TEXT)
    get(site.url("/a"))
    get(site.url("/b"))
    assert "cookie" not in site.log[2].headers


@pytest.mark.parametrize("url", ["", "no scheme", "ftp://a.example/", "http://", "http:///x", "javascript:alert(1)"])
def test_what_is_no_address_is_named(url: str) -> None:
    found = fault(url)
    assert found.reason in ("no-scheme", "not-http", "no-host", "bad-url")
    assert not found.retryable


def closed_settings() -> Settings:
    return load_settings(environment={})


PRIVATE = [
    *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "１２７.0.0.1"),
    *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[fd00:ec2::254]", "[fe80::1]"),
    *("0.0.0.0", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "169.254.169.254", "224.0.0.1"),  # noqa: S104 - not bound to
]


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_are_refused_in_every_form(site: Site, host: str) -> None:
    port = site.host.partition(":")[2]
    site.routes["/"] = Reply(TEXT)
    with pytest.raises(AddressRefused):
        get(f"http://{host}:{port}/", use=closed_settings())
    assert site.log == []


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_are_refused_after_a_redirect(host: str) -> None:
    only_first = load_settings(assignments=["fetch.allow_networks=['127.0.0.7/32']"], environment={})
    with Site("127.0.0.7") as outside, Site("127.0.0.1") as inside:
        target = f"http://{host}:{inside.host.partition(':')[2]}/"
        inside.routes["/"] = Reply(TEXT)
        outside.routes["/a"] = Reply(status=302, headers={"Location": target})
        with pytest.raises(AddressRefused):
            get(outside.url("/a"), use=only_first)
        assert [each.path for each in outside.log] == ["/a"]
        assert inside.log == []


def test_a_name_that_leads_inside_is_refused_when_it_is_looked_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *rest: real("127.0.0.1", *rest))
    with pytest.raises(AddressRefused, match=r"inside\.example is 127\.0\.0\.1"):
        get(f"http://inside.example:{site.host.partition(':')[2]}/", use=closed_settings())
    assert site.log == []


def test_a_name_that_changes_after_it_was_looked_up_is_refused_at_the_socket(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: whatever a resolver said, the address that is connected to is looked at."""

    async def rebound(self: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:  # noqa: ARG001 - aiohttp's signature
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    monkeypatch.setattr(GuardedResolver, "resolve", rebound)
    with pytest.raises(AddressRefused):
        get(f"http://rebound.example:{site.host.partition(':')[2]}/", use=closed_settings())
    assert site.log == []


def looking_up(monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, ...]) -> list[str]:
    """Let names be looked up as told, the last answer again and again; gives the list of names asked for."""
    real, asked = socket.getaddrinfo, []

    def getaddrinfo(host: str, *rest: Any) -> list[Any]:
        asked.append(host)
        addresses = answers[min(len(asked), len(answers)) - 1]
        return [found for address in addresses for found in real(address, *rest)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def outside_only() -> Settings:
    """Let 127.0.0.7 play the public internet."""
    return load_settings(assignments=["fetch.allow_networks=['127.0.0.7/32']"], environment={})


def test_a_name_is_looked_up_each_time_and_a_private_second_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with Site("127.0.0.7") as outside:
        outside.routes["/"] = Reply(TEXT)
        url = f"http://rebound.example:{outside.host.partition(':')[2]}/"
        asked = looking_up(monkeypatch, ("127.0.0.7",), ("127.0.0.1",))
        assert get(url, use=outside_only()).body == TEXT
        with pytest.raises(AddressRefused):
            get(url, use=outside_only())
        assert asked == ["rebound.example"] * 2
        assert len(outside.log) == 1


def test_what_was_looked_up_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the check and the connection nobody looks the name up again, on a redirect to it neither."""
    with Site("127.0.0.7") as outside:
        port = outside.host.partition(":")[2]
        outside.routes["/a"] = Reply(status=302, headers={"Location": "/b", "Connection": "close"})
        outside.routes["/b"] = Reply(TEXT)
        asked = looking_up(monkeypatch, ("127.0.0.7",), ("127.0.0.1",))
        assert get(f"http://rebound.example:{port}/a", use=outside_only()).body == TEXT
        assert asked == ["rebound.example"]
        assert [each.path for each in outside.log] == ["/a", "/b"]


def test_of_a_name_with_public_and_private_addresses_only_the_public_ones_are_used(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Site("127.0.0.7") as outside:
        outside.routes["/"] = Reply(TEXT)
        looking_up(monkeypatch, ("127.0.0.1", "10.0.0.1", "127.0.0.7"))
        assert get(f"http://both.example:{outside.host.partition(':')[2]}/", use=outside_only()).body == TEXT
        with pytest.raises(FetchFault) as caught:
            get(f"http://both.example:{site.host.partition(':')[2]}/", use=outside_only())
        assert caught.value.reason == "connect"
        assert site.log == []


def test_what_the_settings_name_is_allowed(site: Site) -> None:
    site.routes["/"] = Reply(TEXT)
    assert get(site.url("/")).status == http.client.OK
    assert get(f"http://localhost:{site.host.partition(':')[2]}/").status == http.client.OK


def test_credentials_open_their_origin_and_are_sent_to_no_other(site: Site) -> None:
    opened = Credentials(site.url("/feed"), SecretStr("reader:päss"))
    with Site("127.0.0.2") as other:
        other.routes["/there"] = Reply(TEXT)
        site.routes["/here"] = Reply(TEXT)
        site.routes["/stays"] = Reply(status=302, headers={"Location": "/here"})
        site.routes["/leaves"] = Reply(status=302, headers={"Location": other.url("/there")})
        site.routes["/back"] = Reply(status=302, headers={"Location": other.url("/away")})
        other.routes["/away"] = Reply(status=302, headers={"Location": site.url("/here")})
        for path in ("/stays", "/leaves", "/back"):
            get(site.url(path), credentials=opened)
        assert {"authorization" in asked.headers for asked in other.log} == {False}
        header = "Basic " + base64.b64encode("reader:päss".encode()).decode()
        assert {asked.headers.get("authorization") for asked in site.log} == {header}
        other.log.clear()
        get(other.url("/there"), credentials=opened)
        assert "authorization" not in other.log[0].headers


def test_credentials_in_an_address_are_never_sent(site: Site) -> None:
    site.routes["/a"] = Reply(TEXT)
    site.routes["/r"] = Reply(status=302, headers={"Location": f"http://reader:hunter2@{site.host}/a"})
    for path in ("/a", "/r"):
        answer = get(f"http://reader:hunter2@{site.host}{path}")
        assert "hunter2" not in repr(answer)
    assert [asked.headers.get("authorization") for asked in site.log] == [None, None, None]
    failed = fault(f"http://reader:hunter2@{site.host}/missing")
    assert "hunter2" not in str(failed) + failed.resource
