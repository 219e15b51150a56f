"""Content codings of HTTP bodies (RFC 9110, 8.4.1): decoded in bounded pieces, so that a bomb costs nothing. Pure."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Callable, Iterator

import brotli
import zstandard

from pipelines.errors import FetchFault

ACCEPT_ENCODING = "gzip, deflate, br, zstd"
"""What a request offers to take."""

MAX_RATIO = 200
"""A body that grows by more than this is no page; markup compresses 4 to 30 times, repeated rows some 100 times."""

# What servers say that mean nothing by it: no coding, a charset, a transfer encoding of mail, the way of an upload.
_NO_CODING = frozenset({"", "identity", "none", "null", "utf-8", "utf8", "binary", "8bit", "7bit", "aws-chunked"})
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\f\r\x1b")
_PIECE = 262_144
_SMALL = 1_000_000  # below this many decoded bytes the ratio does not matter
_MAX_CODINGS = 3
_MAX_MEMBERS = 100  # a gzip body may be several members one after the other
_ZSTD_INPUT = 256
_WINDOW = 8 * 1024 * 1024  # RFC 9659: what a zstd decoder for HTTP must take


def decode(body: bytes, codings: str, limit: int, url: str = "", *, cut: bool = False) -> bytes:
    """Undo the content codings of a whole body.

    Args:
        body: as received.
        codings: the Content-Encoding header; the last one named is undone first.
        limit: most bytes that may come out.
        url: where it came from, for the error.
        cut: whether of a larger body the first `limit` bytes are given, instead of an error.

    Raises:
        FetchFault: more than `limit` bytes or a growth beyond MAX_RATIO (`too-large`), a broken body or an unknown
            coding (`bad-encoding`), a body that ends early (`truncated`, which may succeed later).
    """
    names = [name.strip().lower() for name in codings.split(",")]
    names = [name for name in names if name not in _NO_CODING]
    if len(names) > _MAX_CODINGS:
        raise _fault("bad-encoding", f"{len(names)} content codings", url)
    if not body:  # answers without a body often name a coding all the same
        return body
    for name in reversed(names):
        if name not in _DECODERS:
            if _is_text(body):
                continue
            raise _fault("bad-encoding", f"unknown content coding {name[:40]}", url)
        try:
            body = _undo(body, name, limit, url, cut=cut)
        except FetchFault as fault:
            if fault.reason == "too-large" or not _is_text(body):
                raise
    return body[:limit] if cut else body


def _is_text(body: bytes) -> bool:
    """Tell whether a body that claims a coding has none: it begins as markup, or is ASCII without controls."""
    start = body[:1024]
    if start.translate(None, _CONTROLS) != start:
        return False
    return start.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"<", b"{", b"[") or (
        len(start) > 16 and start.isascii()
    )


def _undo(body: bytes, name: str, limit: int, url: str, *, cut: bool) -> bytes:
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in _DECODERS[name](body):
            pieces.append(piece)
            size += len(piece)
            if size >= limit and cut:
                break
            if size > limit:
                raise _fault("too-large", f"more than {limit} bytes when decoded", url)
            if size > _SMALL and size > MAX_RATIO * len(body):
                raise _fault("too-large", f"grows more than {MAX_RATIO} times when decoded", url)
    except (zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise _fault("bad-encoding", f"broken {name}: {error}", url) from None
    except EOFError:
        raise _fault("truncated", f"{name} body ends early", url, retryable=True) from None
    return b"".join(pieces)


def _gzip(body: bytes) -> Iterator[bytes]:
    for _ in range(_MAX_MEMBERS):
        decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
        yield from _inflate(decoder, body)
        body = decoder.unused_data
        if not body.startswith(b"\x1f\x8b"):  # the end, or padding that browsers ignore too
            return


def _deflate(body: bytes) -> Iterator[bytes]:
    # RFC 9110 means zlib, some servers send the bare stream; the low four bits of a zlib header are 8.
    wrapped = body[:1] and body[0] & 0x0F == 8
    yield from _inflate(zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS), body)


def _inflate(decoder: zlib._Decompress, body: bytes) -> Iterator[bytes]:
    while not decoder.eof:
        piece = decoder.decompress(body, _PIECE)
        body = decoder.unconsumed_tail
        if not piece and not body and not decoder.eof:
            raise EOFError
        yield piece


def _brotli(body: bytes) -> Iterator[bytes]:
    decoder = brotli.Decompressor()
    piece = decoder.process(body, output_buffer_limit=_PIECE)
    while not decoder.is_finished():
        yield piece
        if not piece and decoder.can_accept_more_data():
            raise EOFError
        piece = decoder.process(b"", output_buffer_limit=_PIECE)
    yield piece


def _zstd(body: bytes) -> Iterator[bytes]:
    # The decoder has no limit of its own: 256 bytes of input can become 8 MB at the very most.
    decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
    for start in range(0, len(body), _ZSTD_INPUT):
        yield decoder.decompress(body[start : start + _ZSTD_INPUT])
        if decoder.eof:
            return
    raise EOFError


_DECODERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}


def _fault(reason: str, why: str, url: str, *, retryable: bool = False) -> FetchFault:
    return FetchFault(f"body not taken: {why}", reason=reason, retryable=retryable, resource=url)
