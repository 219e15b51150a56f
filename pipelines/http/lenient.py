"""Responses as servers write them -> as the grammar has them (RFC 9112), the way browsers and curl read them. Pure.

It sits between connection and parser, so one request is one request, and whatever guards the connection guards this.
A proper response passes unchanged. One that was mended, or has more to say than it announced, ends its connection:
what follows on it can be told from nothing. Lengths that contradict each other stay, for the parser to refuse.
"""

from __future__ import annotations

import re
from enum import Enum, auto

MAX_HEAD = 262_144
"""Bytes of a head; a longer one is handed on as it is, and refused."""

MAX_CHUNKS = 50_000
"""Chunks that are looked at, at some 10 us each; those behind them are handed on as they are."""

_MAX_SIZE_LINE = 4096
_STATUS = re.compile(rb"(?:HTTP/(\d(?:\.\d)?)|ICY)[ \t]+(\d{3})(?:[ \t]+(.*?))?[ \t]*", re.IGNORECASE | re.DOTALL)
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = re.compile(rb"\d{1,18}")
_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_HEAD_END = re.compile(rb"\n\r?\n")
_BEFORE = b"\r\n\t \xef\xbb\xbf"
_NO_BODY = frozenset({b"204", b"304"})

Fields = list[tuple[bytes, bytes]]


class _At(Enum):
    HEAD = auto()
    BODY = auto()  # of a known length
    SIZE = auto()  # of a chunk
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILER = auto()
    OVER = auto()  # what comes now is no part of the response
    AS_IT_IS = auto()


class ResponseNormalizer:
    """Normalizes the bytes of one response as they come."""

    def __init__(self) -> None:
        self._at = _At.HEAD
        self._data = b""
        self._place = 0  # in the data; what stands before it is done, and it is cut off once for all of `feed`
        self._left = 0
        self._chunks = 0
        self._closing = False

    def feed(self, data: bytes) -> bytes:
        """Give what the parser is to read for the bytes that came; what cannot be told yet is held back."""
        self._data += data
        out: list[bytes] = []
        while self._place < len(self._data):
            before = (self._at, self._place)
            out.append(self._step())
            if before == (self._at, self._place):
                break
        self._data, self._place = self._data[self._place :], 0
        return b"".join(out)

    def end(self) -> bytes:
        """Give what is held when the connection ends; an end without its last empty line is an end."""
        held, self._data = self._data, b""
        return b"0\r\n\r\n" if self._at is _At.TRAILER else held

    def _step(self) -> bytes:
        if self._at is _At.HEAD:
            return self._head()
        if self._at in (_At.BODY, _At.CHUNK):
            return self._body()
        if self._at is _At.SIZE:
            return self._size()
        if self._at is _At.CHUNK_END:
            return self._chunk_end()
        if self._at is _At.TRAILER:
            return self._trailer()
        beyond = self._take(len(self._data))
        return b"" if self._at is _At.OVER and self._closing else beyond

    def _take(self, count: int) -> bytes:
        taken = self._data[self._place : self._place + count]
        self._place += len(taken)
        return taken

    def _line(self, most: int) -> bytes | None:
        """Take one line without its end; None where there is no end yet, and a line that is too long stays for ever."""
        end = self._data.find(b"\n", self._place, self._place + most)
        if end < 0:
            if len(self._data) - self._place >= most:
                self._at = _At.AS_IT_IS
            return None
        return self._take(end + 1 - self._place).removesuffix(b"\n").removesuffix(b"\r")

    def _head(self) -> bytes:
        self._data, self._place = self._data[self._place :].lstrip(_BEFORE), 0
        end = _HEAD_END.search(self._data)
        if end is None:
            first, line_end, _ = self._data.partition(b"\n")
            if len(self._data) > MAX_HEAD or (line_end and not _STATUS.fullmatch(first.removesuffix(b"\r"))):
                self._at = _At.AS_IT_IS
            return b""
        raw = self._take(end.end())
        status, *lines = raw[: end.start()].split(b"\n")
        line = _STATUS.fullmatch(status.removesuffix(b"\r"))
        fields, clean = _fields(lines)
        if line is None:
            self._at = _At.AS_IT_IS
            return raw
        framed = self._framing(line[2], fields)
        if clean and framed == fields and line[1] in (b"1.0", b"1.1"):
            self._closing = self._closes(line[1], fields)
            return raw
        self._closing = True
        kept = [field for field in framed if field[0].lower() not in (b"connection", b"keep-alive")]
        if not line[2].startswith(b"1"):
            kept.append((b"Connection", b"close"))
        version = line[1] if line[1] in (b"1.0", b"1.1") else b"1.1"
        first = b"HTTP/%b %b %b" % (version, line[2], line[3] or b"")
        return b"\r\n".join([first, *(b"%b: %b" % field for field in kept), b"", b""])

    @staticmethod
    def _closes(version: bytes, fields: Fields) -> bool:
        said = b",".join(value for name, value in fields if name.lower() == b"connection").lower()
        return b"close" in said or (version == b"1.0" and b"keep-alive" not in said)

    def _framing(self, status: bytes, fields: Fields) -> Fields:
        """Say what comes next, and give the fields with what frames the body said once and in one way."""
        if status.startswith(b"1"):  # another head follows (RFC 9110, 15.2)
            return fields
        codings = _listed(fields, b"transfer-encoding")
        lengths = _listed(fields, b"content-length")
        sizes = {int(length) for length in lengths if _LENGTH.fullmatch(length)}
        others = [field for field in fields if field[0].lower() not in (b"transfer-encoding", b"content-length")]
        self._at = _At.AS_IT_IS
        if status in _NO_BODY or len(sizes) > 1 or (codings[-1:] == [b"chunked"] and set(codings) != {b"chunked"}):
            return fields
        if codings[-1:] == [b"chunked"]:
            self._at = _At.SIZE
            return fields if len(codings) == 1 and not lengths else [*others, (b"Transfer-Encoding", b"chunked")]
        if sizes:
            self._left = sizes.pop()
            self._at = _At.BODY if self._left else _At.OVER
            proper = len(lengths) == 1 and not codings
            return fields if proper else [*others, (b"Content-Length", b"%d" % self._left)]
        return others if codings or lengths or len(others) != len(fields) else fields

    def _body(self) -> bytes:
        part = self._take(self._left)
        self._left -= len(part)
        if not self._left:
            self._at = _At.OVER if self._at is _At.BODY else _At.CHUNK_END
        return part

    def _size(self) -> bytes:
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            self._at = _At.AS_IT_IS
            return b""
        begin, line = self._place, self._line(_MAX_SIZE_LINE)
        if line is None:
            return b""
        found = _SIZE.fullmatch(line)
        if found is None:
            self._at, self._place = _At.AS_IT_IS, begin
            return b""
        self._left = int(found[1], 16)
        self._at = _At.CHUNK if self._left else _At.TRAILER
        return b"%x\r\n" % self._left if self._left else b""

    def _chunk_end(self) -> bytes:
        ending = self._data[self._place : self._place + 2]
        if ending == b"\r":
            return b""
        length = 2 if ending == b"\r\n" else 1 if ending.startswith(b"\n") else 0
        self._take(length)
        self._at = _At.SIZE if length else _At.AS_IT_IS
        return b"\r\n" if length else b""

    def _trailer(self) -> bytes:
        """Drop the fields behind the last chunk: they say nothing that is needed."""
        line = self._line(MAX_HEAD)
        if line is None or line.strip():
            return b""
        self._at = _At.OVER
        return b"0\r\n\r\n"


def _fields(lines: list[bytes]) -> tuple[Fields, bool]:
    """Read header lines as browsers do, and tell whether all of them were proper; those that are none are dropped."""
    fields: Fields = []
    clean = True
    for raw in lines:
        line = raw.removesuffix(b"\r")
        if line[:1] in (b" ", b"\t"):  # folded (RFC 9112, 5.2)
            clean = False
            if fields:
                fields[-1] = (fields[-1][0], fields[-1][1] + b" " + line.strip())
            continue
        name, colon, value = line.partition(b":")
        bare = name.rstrip(b" \t")
        if not colon or not _TOKEN.fullmatch(bare) or b"\0" in value or b"\r" in value:
            clean = False
            continue
        clean = clean and bare == name
        fields.append((bare, value.strip(b" \t")))
    return fields, clean


def _listed(fields: Fields, name: bytes) -> list[bytes]:
    """Give the members of a list field in all its lines, in lower case."""
    values = b",".join(value for field, value in fields if field.lower() == name)
    return [member for part in values.split(b",") if (member := part.strip().lower())]
