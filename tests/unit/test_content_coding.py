"""Content codings: what goes in comes out, and nothing comes out that is larger than allowed."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipelines.content_coding import MAX_RATIO, decode
from pipelines.errors import FetchFault


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


def fault(body: bytes, codings: str, limit: int = 10_000_000) -> FetchFault:
    with pytest.raises(FetchFault) as caught:
        decode(body, codings, limit, "http://a.example/")
    return caught.value


@given(st.binary(min_size=1), st.lists(st.sampled_from(list(PACKERS)), max_size=3))
def test_what_was_packed_comes_out(data: bytes, codings: list[str]) -> None:
    packed = data
    for coding in codings:
        packed = PACKERS[coding](packed)
    assert decode(packed, ", ".join(codings), 1_000_000) == data


def test_old_and_odd_forms_are_read() -> None:
    assert decode(bare_deflate(b"bare"), "deflate", 100) == b"bare"
    assert decode(gzip.compress(b"one") + gzip.compress(b"two"), "X-GZIP", 100) == b"onetwo"
    assert decode(gzip.compress(b"padded") + b"\0" * 40, "gzip", 100) == b"padded"
    assert decode(b"as it is", "identity", 100) == b"as it is"
    assert decode(b"", "gzip", 100) == b""
    stream = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    assert decode(stream.compress(b"streamed") + stream.flush(), "zstd", 100) == b"streamed"


@pytest.mark.parametrize("coding", PACKERS)
def test_a_larger_body_can_be_cut_instead_of_refused(coding: str) -> None:
    data = bytes(range(256)) * 4000
    assert decode(PACKERS[coding](data), coding, 1000, cut=True) == data[:1000]
    assert decode(PACKERS[coding](data), coding, len(data), cut=True) == data
    bomb = PACKERS[coding](bytes(300_000_000))
    assert decode(bomb, coding, 500_000, cut=True) == bytes(500_000)
    assert decode(b"bare", "", 3, cut=True) == b"bar"


@pytest.mark.parametrize("coding", PACKERS)
def test_the_limit_is_exact(coding: str) -> None:
    data = bytes(range(256)) * 400
    packed = PACKERS[coding](data)
    assert decode(packed, coding, len(data)) == data
    assert fault(packed, coding, len(data) - 1).reason == "too-large"


@pytest.mark.parametrize("coding", PACKERS)
def test_a_bomb_costs_nothing(coding: str) -> None:
    packed = PACKERS[coding](b"\0" * 100_000_000)
    began = time.monotonic()
    found = fault(packed, coding, 90_000_000)
    assert (found.reason, found.retryable) == ("too-large", False)
    assert str(MAX_RATIO) in found.message
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("coding", PACKERS)
def test_a_body_that_ends_early_is_never_taken_for_whole(coding: str) -> None:
    packed = PACKERS[coding](bytes(range(256)) * 20)
    for cut in range(1, len(packed)):
        found = fault(packed[:cut], coding)
        assert found.reason in ("truncated", "bad-encoding")
    assert fault(packed[:-1], coding).retryable


@pytest.mark.parametrize("codings", ["gzip", "br", "zstd", "compress", "gzip, gzip, gzip, gzip"])
def test_what_is_not_packed_so_is_named(codings: str) -> None:
    assert fault(b"\x01no markup" + bytes(range(256)), codings).reason in ("bad-encoding", "truncated")


@pytest.mark.parametrize(
    "codings", ["gzip", "x-gzip", "br", "zstd", "deflate", "compress", "utf-8", "none", "gzip, br"]
)
@pytest.mark.parametrize(
    "text",
    [b"<html>plain as day</html>", "\ufeff<p>Größe".encode(), b'{"version": 1}', b"User-agent: *\nDisallow: /x\n"],
)
def test_plain_text_under_any_name_is_taken_as_it_is(codings: str, text: bytes) -> None:
    assert decode(text, codings, 1000) == text


@given(st.binary(), st.text())
def test_any_bytes_under_any_name_end_by_name(data: bytes, codings: str) -> None:
    for name in (codings, *PACKERS):
        try:
            assert len(decode(data, name, 100_000)) <= 100_000
        except FetchFault as found:
            assert found.reason in {"bad-encoding", "truncated", "too-large"}  # noqa: PT017 - a body is as good an end
