"""Answers that a hostile server sends: what is wrong with them is wrong with their HTTP (RFC 9112). Pure.

An answer is made of pieces, with a pause after each where it is to come slowly; without an end where that is the point.
None asks us to stay away for days: that is minded, and a run would not come to an end.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import count, repeat
from typing import NamedTuple

from pipelines.lab.chaos.hostile_pages import page

_MB = 1_000_000
_HTML = b"Content-Type: text/html; charset=utf-8\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\n" + _HTML + b"Transfer-Encoding: chunked\r\n\r\n"
_ENDLESS = b"HTTP/1.1 200 OK\r\n" + _HTML + b"\r\n<html><body><p>"


class Pieces(NamedTuple):
    """An answer as it is sent.

    Attributes:
        pieces: its bytes; may have no end.
        pause: seconds after each piece.
    """

    pieces: Iterable[bytes]
    pause: float = 0.0


def whole(
    body: bytes, kind: bytes = b"text/html; charset=utf-8", status: bytes = b"200 OK", more: bytes = b""
) -> bytes:
    """Give an answer with nothing wrong but its body or what is added to its headers."""
    length = b"Connection: close\r\nContent-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 " + status + b"\r\nContent-Type: " + kind + b"\r\n" + length + more + b"\r\n" + body


def _promised(length: bytes, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + _HTML + more + b"Content-Length: " + length + b"\r\n\r\n" + page()


def _coded(name: bytes, body: bytes) -> bytes:
    return whole(body, more=b"Content-Encoding: " + name + b"\r\n")


def _sends_to(place: bytes) -> bytes:
    return whole(b"", status=b"302 Found", more=b"Location: " + place + b"\r\n")


@cache
def bomb(times: int) -> bytes:
    """Give 200 MB of zeros in gzip, so many times over."""
    body = bytes(200 * _MB)
    for _ in range(times):
        body = gzip.compress(body, mtime=0)
    return body


def _headers(lines: Iterator[bytes]) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    for line in lines:
        yield line * 1000


def _endless(piece: bytes, before: bytes = _ENDLESS) -> Iterator[bytes]:
    yield before
    yield from repeat(piece)


def _one(make: Callable[[], bytes]) -> Callable[[], Pieces]:
    return lambda: Pieces((make(),))


ANSWERS: dict[str, Callable[[], Pieces]] = {
    name: _one(make)
    for name, make in {
        "headers-100000": lambda: whole(page(), more=b"".join(b"X-%d: y\r\n" % n for n in range(100_000))),
        "header-of-1-mb": lambda: whole(page(), more=b"X: " + b"a" * _MB + b"\r\n"),
        "cookies-10000": lambda: whole(page(), more=b"".join(b"Set-Cookie: c%d=v\r\n" % n for n in range(10_000))),
        "reason-escapes": lambda: b"HTTP/1.1 404 \x1b]0;owned\x07\x1b[31mred\xc2\x9b31m\r\nContent-Length: 0\r\n\r\n",
        "reason-markup": lambda: b"HTTP/1.1 404 [bold red]boo[/bold red] [/x]\r\nContent-Length: 0\r\n\r\n",
        "reason-bidi": lambda: b"HTTP/1.1 404 \xe2\x80\xaegnp.exe\r\nContent-Length: 0\r\n\r\n",
        "reason-of-60-kb": lambda: b"HTTP/1.1 404 " + b"R" * 60_000 + b"\r\nContent-Length: 0\r\n\r\n",
        "no-http": lambda: b"\x00\x01\x02 nothing of the kind\r\n\r\n",
        "http-0.9": page,
        "status-999": lambda: whole(page(), status=b"999 Odd"),
        "status-0": lambda: whole(page(), status=b"000 Zero"),
        "status-negative": lambda: whole(page(), status=b"-1 No"),
        "status-206": lambda: whole(page(), status=b"206 Partial"),
        "status-304-unasked": lambda: whole(b"", status=b"304 Not Modified"),
        "chunk-bad": lambda: _CHUNKED + b"ZZZ\r\nhello\r\n0\r\n\r\n",
        "chunk-negative": lambda: _CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
        "chunk-huge": lambda: _CHUNKED + b"FFFFFFFFFFFFFFFFFF\r\nhello",
        "length-negative": lambda: _promised(b"-1"),
        "length-of-letters": lambda: _promised(b"abc"),
        "length-huge": lambda: _promised(b"%d" % 10**18),
        "length-too-short": lambda: _promised(b"50"),
        "length-twice": lambda: _promised(b"5", b"Content-Length: 70\r\n"),
        "length-and-chunks": lambda: _promised(b"5", b"Transfer-Encoding: chunked\r\n"),
        "gzip-that-is-none": lambda: _coded(b"gzip", b"none"),
        "gzip-cut": lambda: _coded(b"gzip", gzip.compress(page() * 50, mtime=0)[:200]),
        "gzip-four-times": lambda: _coded(b"gzip, gzip, gzip, gzip", page()),
        "gzip-members": lambda: _coded(b"gzip", gzip.compress(b"", mtime=0) * 50_000),
        "coding-of-escapes": lambda: _coded(b"\x1b[31mred\x1b[0m", page()),
        "coding-of-60-kb": lambda: _coded(b"x" * 60_000, page()),
        "charset-of-escapes": lambda: whole(page(), b"text/html; charset=\x1b[31m"),
        "charset-base64": lambda: whole(page(), b"text/html; charset=base64"),
        "charset-escape": lambda: whole(page(), b"text/html; charset=unicode_escape"),
        "redirect-to-itself": lambda: _sends_to(b"?again"),
        "redirect-nowhere": lambda: b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        "redirect-to-file": lambda: _sends_to(b"file:///etc/passwd"),
        "redirect-to-metadata": lambda: _sends_to(b"http://169.254.169.254/latest/meta-data/"),
        "redirect-inside": lambda: _sends_to(b"http://127.0.0.1:9/"),
        "redirect-inside-mapped": lambda: _sends_to(b"http://[::ffff:127.0.0.1]:9/"),
        "redirect-inside-hex": lambda: _sends_to(b"http://0x7f000001:9/"),
        "redirect-of-60-kb": lambda: _sends_to(b"/" + b"a" * 60_000),
        "redirect-folded": lambda: _sends_to(b"/x\r\n\tX: 1"),
        "redirect-bad-port": lambda: _sends_to(b"http://127.0.2.1:99999/"),
        "consent-150-fields": lambda: _sends_to(b"/consent/page?" + b"&".join(b"a%d=1" % n for n in range(150))),
    }.items()
}
"""Answers that come at once."""

COSTLY: dict[str, Callable[[], Pieces]] = {
    "gzip-bomb": lambda: Pieces((_coded(b"gzip", bomb(1)),)),
    "gzip-bomb-twice": lambda: Pieces((_coded(b"gzip, gzip", bomb(2)),)),
    "deflate-bomb": lambda: Pieces((_coded(b"deflate", zlib.compress(bytes(200 * _MB))),)),
    "body-endless": lambda: Pieces(_endless(b"a" * 65_536)),
    "body-of-an-error-endless": lambda: Pieces(_endless(b"a" * 65_536, b"HTTP/1.1 500 Oops\r\n\r\n")),
    "body-of-a-redirect-endless": lambda: Pieces(
        _endless(b"a" * 65_536, b"HTTP/1.1 302 Found\r\nLocation: /page\r\n\r\n")
    ),
    "headers-endless": lambda: Pieces(
        _headers(b"X-%d: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" % n for n in count())
    ),
    "status-line-endless": lambda: Pieces(_endless(b"OK " * 20_000, b"HTTP/1.1 200 ")),
    "status-100-endless": lambda: Pieces(repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)),
    "chunks-of-one-byte": lambda: Pieces((_CHUNKED, b"1\r\na\r\n" * 2_000_000, b"0\r\n\r\n")),
    "chunk-extension-endless": lambda: Pieces(_endless(b"x" * 65_536, _CHUNKED + b"5;")),
    "trailers-endless": lambda: Pieces(_endless(b"T: aaaaaaaa\r\n" * 5000, _CHUNKED + b"5\r\nhello\r\n0\r\n")),
    "drip": lambda: Pieces(_endless(b"a"), 1.0),
    "drip-of-headers": lambda: Pieces(_endless(b"a", b"HTTP/1.1 200 OK\r\nX: "), 1.0),
    "silence": lambda: Pieces(repeat(b""), 1.0),
    "length-too-long": lambda: Pieces((whole(page())[:-1], *[b""] * 10), 1.0),
}
"""Answers that take time or much to send: a run has a few of each."""
