"""Responses that servers get wrong, as browsers and curl read them: head, framing, chunks; and those they get right."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.http.lenient import MAX_HEAD, ResponseNormalizer

BODY = b"<p>The ferry sails.</p>"
SIZE = str(len(BODY)).encode()
LENGTH = b"Content-Length: " + SIZE
CHUNKS = b"%x\r\n%b\r\n5\r\nagain\r\n0\r\n\r\n" % (len(BODY), BODY)


def response(*fields: bytes, status: bytes = b"HTTP/1.1 200 OK", body: bytes = BODY) -> bytes:
    return b"\r\n".join([status, *fields, b"", b""]) + body


def normalized(data: bytes, *cuts: int) -> bytes:
    normalizer = ResponseNormalizer()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [normalizer.feed(data[start:end]) for start, end in pairwise(places)]
    return b"".join(parts) + normalizer.end()


PROPER = [
    response(b"Content-Length: " + SIZE, b'ETag: "a"', b"X-Long:   spaced   "),
    response(b"Content-Length: " + SIZE, b"Connection: keep-alive", status=b"HTTP/1.0 200"),
    response(b"Transfer-Encoding: chunked", body=CHUNKS),
    response(b"Transfer-Encoding: CHUNKED", b"Set-Cookie: a=b", b"Set-Cookie: c=d", body=CHUNKS),
    response(b"Connection: close"),
    response(b"Content-Length: 0", body=b""),
    response(status=b"HTTP/1.1 304 Not Modified", body=b""),
    response(b"Content-Length: 500", status=b"HTTP/1.1 304 Not Modified", body=b""),
    response(status=b"HTTP/1.1 100 Continue", body=b"") + response(b"Content-Length: " + SIZE),
    response(b"Link: </a>; rel=preload", status=b"HTTP/1.1 103 Early Hints", body=b"")
    + response(b"Transfer-Encoding: chunked", body=CHUNKS),
]


@given(st.sampled_from(PROPER), st.lists(st.integers(0, 400), max_size=6))
def test_a_proper_response_passes_unchanged_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    assert normalized(data, *cuts) == data


CLOSED = b"HTTP/1.1 200 OK\r\n%bContent-Length: " + SIZE + b"\r\nConnection: close\r\n\r\n" + BODY
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
MENDED = [
    (response(b"X Powered By: x", b"Content-Length: " + SIZE), CLOSED % b""),
    (response(b"Server : x", b"Content-Length : " + SIZE), CLOSED % b"Server: x\r\n"),
    (response(b": x", b"Content-Length: " + SIZE), CLOSED % b""),
    (response(b"a line of its own", b"Content-Length: " + SIZE), CLOSED % b""),
    (response(b"X-A: nul\0", b"Content-Length: " + SIZE), CLOSED % b""),
    (response(b"X-A: folded", b"\tfurther", b"Content-Length: " + SIZE), CLOSED % b"X-A: folded further\r\n"),
    (response(b"Content-Length: " + SIZE, b"Content-Length: " + SIZE), CLOSED % b""),
    (response(b"Content-Length: " + SIZE + b", " + SIZE, b"Connection: keep-alive"), CLOSED % b""),
    (response(b"Content-Length: " + SIZE, status=b"HTTP/2 200 OK"), CLOSED % b""),
    (response(b"Content-Length: " + SIZE, status=b"ICY 200 OK"), CLOSED % b""),
    (response(b"Transfer-Encoding: identity", b"Content-Length: " + SIZE), CLOSED % b""),
    (response(b"Content-Length: 7", b"Transfer-Encoding: chunked", body=CHUNKS), CHUNKED + CHUNKS),
    (response(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=CHUNKS), CHUNKED + CHUNKS),
    (response(b"Content-Length: -1"), b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY),
    (response(b"Content-Length:"), b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY),
    (b"\xef\xbb\xbf\r\n" + response(b"Content-Length: " + SIZE), response(b"Content-Length: " + SIZE)),
    # chunks
    *(
        (response(b"Transfer-Encoding: chunked", body=b), response(b"Transfer-Encoding: chunked", body=CHUNKS))
        for b in (
            CHUNKS.replace(b"5\r\n", b"5; x=y\r\n"),
            CHUNKS.replace(b"5\r\n", b'5;a="b;c" ; d\r\n'),
            CHUNKS.replace(b"5\r\n", b"0005  \r\n"),
            CHUNKS.replace(b"5\r\n", b"5\n"),
            CHUNKS.replace(b"\r\n", b"\n"),
            CHUNKS.replace(b"0\r\n\r\n", b"0\r\nX-Sum: 1\r\nX-More : 2\r\n\r\n"),
            CHUNKS.removesuffix(b"\r\n"),
        )
    ),
    # more than was announced
    (
        response(b"Content-Length: 5", b"Connection: close"),
        response(b"Content-Length: 5", b"Connection: close", body=BODY[:5]),
    ),
    (response(b"Content-Length : 5"), (CLOSED % b"").replace(b": " + SIZE, b": 5").removesuffix(BODY[5:])),
]


@pytest.mark.parametrize(("data", "means"), MENDED)
def test_what_servers_get_wrong_is_read_as_browsers_read_it(data: bytes, means: bytes) -> None:
    assert normalized(data) == means
    for cut in range(len(data)):
        assert normalized(data, cut) == means


@pytest.mark.parametrize(
    "body",
    [b"1\r\nx\r\n" * 200_000, b"1\nx\n" * 200_000, b"1;" + b"x" * 1_000_000, b"0\r\n" + b"X: y\r\n" * 200_000],
    ids=["chunks", "bare ends", "an extension", "trailers"],
)
def test_a_million_tiny_parts_take_no_longer_than_their_number(body: bytes) -> None:
    data, normalizer = response(b"Transfer-Encoding: chunked", body=body), ResponseNormalizer()
    began = time.process_time()
    for start in range(0, len(data), 65_536):
        normalizer.feed(data[start : start + 65_536])
    assert time.process_time() - began < 5


def test_a_head_in_single_bytes_is_read() -> None:
    data = response(b"Server : x", LENGTH)
    assert normalized(data, *range(len(data))) == CLOSED % b"Server: x\r\n"


def test_many_headers_pass() -> None:
    data = response(*(b"X-%d: %d" % (at, at) for at in range(300)), b"Content-Length: " + SIZE)
    assert normalized(data, 1000, 2000) == data


@pytest.mark.parametrize(
    "data",
    [
        response(b"Content-Length: 5", b"Content-Length: 6"),  # two lengths: the parser refuses it
        response(b"Transfer-Encoding: gzip, chunked", body=CHUNKS),
        response(b"Transfer-Encoding: chunked", body=b"zz\r\n" + BODY),
        response(b"Transfer-Encoding: chunked", body=b"-5\r\nagain\r\n0\r\n\r\n"),
        response(b"Transfer-Encoding: chunked", body=b"5\r\nagain and more\r\n0\r\n\r\n"),
        b"no HTTP at all\r\n\r\n" + BODY,
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"A" * (MAX_HEAD + 10),
    ],
)
def test_what_cannot_be_told_is_left_to_the_parser(data: bytes) -> None:
    found = normalized(data)
    assert found == data or (b"chunked" in data and found.startswith(data.partition(b"\r\n\r\n")[0]))


def test_what_follows_on_a_kept_connection_is_the_parsers_to_refuse() -> None:
    data = response(b"Content-Length: " + SIZE) + response(b"Content-Length: 3", body=b"bad")
    assert normalized(data) == data


@given(
    st.lists(st.sampled_from([b"HTTP/1.1 200 OK", b"\r\n", b"\n", b"\r", b":", b" ", b"Content-Length: 5",
                              b"Transfer-Encoding: chunked", b"5", b"0", b";", b"x", b"\0", b"\xff"]), max_size=40),
    st.lists(st.integers(0, 200), max_size=5),
)  # fmt: skip
def test_any_bytes_give_the_same_however_they_are_cut(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces)
    assert normalized(data, *cuts) == normalized(data)
