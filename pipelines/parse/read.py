"""Which reader a feed's bytes go to, and which charset they are in. Pure."""

from __future__ import annotations

import codecs
import re
from datetime import datetime

from pipelines.errors import FeedFault, FetchFault
from pipelines.http.content_coding import decode
from pipelines.parse.feed import ParsedFeed
from pipelines.parse.jsonfeed import read_json
from pipelines.parse.sitemap import SITEMAP_ROOTS, read_sitemap
from pipelines.parse.xmlfeed import read_xml

_GZIP = b"\x1f\x8b"
_HTML_DOCTYPE = re.compile(r"<!doctype\s+html\b", re.IGNORECASE)
_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")
_DECLARED = re.compile(r"<\?xml[^>]{1,200}?encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
_BLANK = " \t\r\n\0\ufeff"
_SNIFF_BYTES = 4096
_XML_TYPE = "application/xml"
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)


def parse_feed(
    data: bytes, *, url: str, content_type: str = "", max_bytes: int = 16_000_000, since: datetime | None = None
) -> ParsedFeed:
    """Read a feed.

    Args:
        data: the body, decoded from its content coding; a file in gzip, as sitemaps often are, is unpacked.
        url: where it came from, after redirects: the base of its relative links.
        content_type: the Content-Type header; only its charset is looked at, and only where the bytes agree.
        max_bytes: a larger one, unpacked, is refused unread.
        since: of a sitemap, leave out what is older (see `read_sitemap`); None takes all.

    Raises:
        FeedFault: it is no feed; reason `empty`, `too-large`, `html`, or `not-a-feed`; of one in gzip also
            `bad-encoding` or `truncated`.
    """
    if data.startswith(_GZIP):
        data = _unpacked(data, max_bytes, url)
    if len(data) > max_bytes:
        raise FeedFault(f"feed of {len(data)} bytes; the limit is {max_bytes}", reason="too-large", resource=url)
    head = data[:_SNIFF_BYTES].removeprefix(codecs.BOM_UTF8).lstrip()
    if not head and not data.strip(b" \t\r\n\0"):
        raise FeedFault("feed is empty", reason="empty", resource=url)
    if head.startswith((b"{", b"[")):
        return read_json(data.decode("utf-8-sig", "replace"), url)
    root = root_of(_head_text(data))
    if root == "html":
        raise FeedFault("feed is a web page", reason="html", resource=url)
    if root in SITEMAP_ROOTS:
        return read_sitemap(_text(data, content_type).lstrip(_BLANK), url, since)
    return read_xml(
        data, url, f"{_XML_TYPE}; charset={charset}" if (charset := _charset(data, content_type)) else _XML_TYPE
    )


def root_of(text: str) -> str:
    """Give the local name of the first element, in lower case, or nothing; `html` after its document type, too.

    It looks past declarations and comments step by step: one expression for all of them takes exponential time on
    an unfortunate run of comments.
    """
    place = 0
    while True:
        place += len(text[place:]) - len(text[place:].lstrip(_BLANK))
        if text.startswith("<!--", place):
            end = text.find("-->", place + 4) + 3
        elif text.startswith("<?", place):
            end = text.find("?>", place + 2) + 2
        elif text.startswith("<!", place):
            if _HTML_DOCTYPE.match(text, place):
                return "html"
            end = text.find(">", place) + 1
        else:
            found = _ELEMENT.match(text, place)
            return found[1].lower() if found else ""
        if end <= place:
            return ""
        place = end


def _unpacked(data: bytes, max_bytes: int, url: str) -> bytes:
    try:
        return decode(data, "gzip", max_bytes, url)
    except FetchFault as fault:
        raise FeedFault(fault.message, reason=fault.reason, resource=url) from None


def _head_text(data: bytes) -> str:
    """Give the beginning as text, well enough to know its markup."""
    head = data[:_SNIFF_BYTES]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace")
    return head.replace(b"\0", b"").decode("utf-8-sig", "replace")


def _text(data: bytes, content_type: str) -> str:
    """Decode a sitemap: UTF-8 by the protocol, else by its byte order mark, the header's charset or its declaration."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    declared = _DECLARED.match(data[:_SNIFF_BYTES].decode("latin-1").lstrip(_BLANK))
    for charset in ("utf-8-sig", _charset(data, content_type), declared[1] if declared else ""):
        try:
            if charset:
                return data.decode(charset)
        except (LookupError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def _charset(data: bytes, content_type: str) -> str:
    """Give the charset to read XML by; empty to leave it to the XML declaration.

    Bytes beyond ASCII that are valid UTF-8 are UTF-8, whatever header and declaration say: by chance that does not
    happen to other charsets. Otherwise the header's charset counts (RFC 7303, 3), unless it claims UTF-8.
    """
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return "utf-8"
    match = _CHARSET.search(content_type)
    declared = match[1].lower() if match else ""
    return "" if declared in ("utf-8", "utf8", "us-ascii") else declared
