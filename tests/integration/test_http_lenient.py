"""Servers that do not keep to the grammar of HTTP, on loopback: read as browsers and curl read them, in one request."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from pipelines.errors import AddressRefused, FetchFault
from pipelines.http.answer import Response
from pipelines.http.client import Client
from pipelines.settings import load_settings

TEXT = b"<html><body>" + b"<p>The ferry leaves at nine.</p>" * 30 + b"</body></html>"
LENGTH = b"Content-Length: %d" % len(TEXT)
Respond = Callable[[str, dict[str, str]], bytes]


class RawServer:
    """Answers each connection's one request with bytes of the test's, and ends it."""

    def __init__(self) -> None:
        self.respond: Respond = lambda _path, _headers: b""
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += (more := connection.recv(65536))
            if not more:
                return
        first, *lines = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.requests.append((first.split(" ")[1], headers))
        connection.sendall(self.respond(*self.requests[-1]))


@pytest.fixture
def server() -> Iterator[RawServer]:
    running = RawServer()
    yield running
    running.close()


def get(url: str, *, networks: str = "127.0.0.0/8") -> Response:
    settings = load_settings(
        assignments=[f"fetch.allow_networks=['{networks}']", "fetch.timeout_seconds=20"], environment={}
    )

    async def call() -> Response:
        async with Client(settings) as client:
            return await client.get(url, max_bytes=100_000)

    return asyncio.run(call())


def head(*fields: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join([status, *fields, b"", b""])


CHUNK = b"%x" % len(TEXT)


@pytest.mark.parametrize(
    "raw",
    [
        *(
            head(b"Content-Encoding: " + coding, LENGTH) + TEXT
            for coding in (b"none", b"utf-8", b"UTF8", b"binary", b"8bit", b"aws-chunked", b"identity", b"windows-1251")
        ),
        *(head(b"Content-Encoding: " + coding, LENGTH) + TEXT for coding in (b"gzip", b"br", b"deflate", b"zstd")),
        head(b"Content-Encoding: gzip, aws-chunked", b"Connection: close") + gzip.compress(TEXT),
        head(b"X Powered By: x", LENGTH) + TEXT,
        head(b"Server : x", LENGTH) + TEXT,
        head(b": no name", LENGTH) + TEXT,
        head(LENGTH, LENGTH) + TEXT,
        head(b"Content-Length: 12", b"Transfer-Encoding: chunked") + CHUNK + b"\r\n" + TEXT + b"\r\n0\r\n\r\n",
        head(LENGTH, status=b"HTTP/2 200") + TEXT,
        head(*(b"X-Header-%d: some value" % at for at in range(200)), LENGTH) + TEXT,
        head(b"Transfer-Encoding: chunked") + CHUNK + b"; x=y\r\n" + TEXT + b"\r\n0\r\n\r\n",
        head(b"Transfer-Encoding: chunked") + CHUNK + b"\n" + TEXT + b"\r\n0\r\n\r\n",
        head(LENGTH, b"Connection: close") + TEXT + b"<!-- more than was announced -->",
        head(LENGTH).replace(b"\r\n", b"\n") + TEXT,
    ],
)
def test_it_is_read_in_one_request(server: RawServer, raw: bytes) -> None:
    server.respond = lambda _path, _headers: raw
    assert get(server.url()).body == TEXT
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (head(LENGTH, b"Content-Length: 12") + TEXT, "bad-http"),
        (head(b"Content-Encoding: gzip", b"Connection: close") + gzip.compress(TEXT)[:-20], "truncated"),
        (head(b"Content-Encoding: gzip", b"Connection: close") + b"\x1f\x8b\x08\0" + bytes(range(256)), "bad-encoding"),
        (head(b"Content-Encoding: rot13", b"Connection: close") + bytes(range(256)), "bad-encoding"),
        (head(b"Content-Length: 5000", b"Connection: close") + TEXT, "truncated"),
        (head(b"Transfer-Encoding: chunked") + b"5\r\nhal", "truncated"),
        (head(b"Transfer-Encoding: chunked") + b"zz\r\n", "bad-http"),
        (head(b"Content-Length : 500000") + b"x" * 500_000, "too-large"),
        (head(b"Transfer-Encoding : chunked") + b"fffff\n" + b"x" * 0xFFFFF + b"\n0\n\n", "too-large"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "bad-http"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Endless: x\r\n" * 100_000, "bad-http"),
    ],
)
def test_what_cannot_be_believed_has_a_name(server: RawServer, raw: bytes, reason: str) -> None:
    server.respond = lambda _path, _headers: raw
    with pytest.raises(FetchFault) as caught:
        get(server.url())
    assert caught.value.reason == reason


def test_no_broken_answer_is_a_way_to_a_private_address(server: RawServer) -> None:
    server.respond = lambda _path, _headers: head(
        b"Location : http://10.0.0.1/x", b"Content-Length: 0", status=b"HTTP/2 302"
    )
    with pytest.raises(AddressRefused):
        get(server.url())
    with pytest.raises(AddressRefused):
        get(server.url(), networks="192.0.2.0/24")


def to(path: str, *cookies: bytes, status: bytes = b"HTTP/1.1 302 Found") -> bytes:
    return head(
        b"Location: " + path.encode(),
        b"Content-Length: 0",
        b"Connection: close",
        *(b"Set-Cookie: " + cookie for cookie in cookies),
        status=status,
    )


def test_a_cookie_that_a_redirect_sets_comes_back_within_the_walk(server: RawServer) -> None:
    def respond(path: str, headers: dict[str, str]) -> bytes:
        held = headers.get("cookie", "")
        return head(LENGTH, b"Connection: close") + TEXT if "seen=1" in held else to(path, b"seen=1; Path=/", b"b=2")

    server.respond = respond
    answer = get(server.url("/news"))
    assert (answer.body, answer.redirects, answer.moved) == (TEXT, (server.url("/news"),), False)
    assert [headers.get("cookie") for _, headers in server.requests] == [None, "seen=1; b=2"]
    get(server.url("/news"))
    assert server.requests[2][1].get("cookie") is None  # the next walk knows nothing of it


def test_a_permanent_redirect_to_the_same_address_is_no_move(server: RawServer) -> None:
    server.respond = lambda path, headers: (
        head(LENGTH, b"Connection: close") + TEXT
        if headers.get("cookie")
        else to(path, b"a=b", status=b"HTTP/1.1 301 Moved Permanently")
    )
    assert get(server.url("/news")).moved is False


@pytest.mark.parametrize(
    ("cookies", "reason"), [((), "redirect-loop"), ((b"a=same",), "redirect-loop"), ((b"a=%d",), "too-many-redirects")]
)
def test_redirects_in_a_circle_end_with_and_without_cookies(
    server: RawServer, cookies: tuple[bytes, ...], reason: str
) -> None:
    server.respond = lambda path, _headers: to(path, *(c.replace(b"%d", b"%d" % len(server.requests)) for c in cookies))
    with pytest.raises(FetchFault) as caught:
        get(server.url("/news"))
    assert caught.value.reason == reason
    assert len(server.requests) <= 12


def test_cookies_stay_with_their_host_and_within_bounds(server: RawServer) -> None:
    other = RawServer()
    other.respond = lambda _path, _headers: head(LENGTH, b"Connection: close") + TEXT
    try:
        server.respond = lambda _path, _headers: to(
            f"http://localhost:{other.port}/", b"secret=1", b"big=" + b"x" * 20_000, b"d=1; Domain=example.org"
        )
        assert get(server.url("/a")).body == TEXT
        assert "cookie" not in other.requests[0][1]
    finally:
        other.close()
