"""Which reader a feed's bytes go to, and which charset they are in. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from pipelines import charset
from pipelines.errors import FeedFault, FetchFault
from pipelines.http.content_coding import decode
from pipelines.parse.feed import ParsedFeed
from pipelines.parse.jsonfeed import read_json
from pipelines.parse.sitemap import SITEMAP_ROOTS, read_sitemap
from pipelines.parse.xmlfeed import read_xml

_GZIP = b"\x1f\x8b"
_HTML_DOCTYPE = re.compile(r"<!doctype\s+html\b", re.IGNORECASE)
_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")
_SNIFF = 16_384
_BLANK = " \t\r\n\0\ufeff"
_BLANKS = re.compile(f"[{_BLANK}]*+")


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
            `bad-encoding` or `truncated`; of one in XML also `too-many-attributes`, `too-many-categories` or
            `name-too-long`.
    """
    if data.startswith(_GZIP):
        data = _unpacked(data, max_bytes, url)
    if len(data) > max_bytes:
        raise FeedFault(f"feed of {len(data)} bytes; the limit is {max_bytes}", reason="too-large", resource=url)
    text = charset.decode(data, content_type).lstrip(_BLANK)
    if not text:
        raise FeedFault("feed is empty", reason="empty", resource=url)
    if text.startswith(("{", "[")):
        return read_json(text, url)
    root = root_of(text)
    if root == "html":
        raise FeedFault("feed is a web page", reason="html", resource=url)
    if root in SITEMAP_ROOTS:
        return read_sitemap(text, url, since)
    return read_xml(text, url)


def root_of(text: str) -> str:
    """Give the local name of a text's first element, in lower case, or nothing; `html` after its document type, too.

    It looks past declarations and comments step by step: one expression for all of them takes exponential time on
    an unfortunate run of comments.
    """
    place, text = 0, text[:_SNIFF]
    while True:
        blank = _BLANKS.match(text, place)
        place = blank.end() if blank else place
        if text.startswith("<!--", place):
            end = text.find("-->", place + 4) + 3
        elif text.startswith("<?", place):
            end = text.find("?>", place + 2) + 2
        elif text.startswith("<!", place):
            if _HTML_DOCTYPE.match(text, place):
                return "html"
            end = _declaration_end(text, place)
        else:
            found = _ELEMENT.match(text, place)
            return found[1].lower() if found else ""
        if end <= place:
            return ""
        place = end


def _declaration_end(text: str, place: int) -> int:
    """Give where a document type ends, an internal subset in brackets included; 0 where it has no end."""
    end = text.find(">", place)
    subset = text.find("[", place, end)
    return text.find(">", max(text.find("]", subset), end) if subset >= 0 else place) + 1


def _unpacked(data: bytes, max_bytes: int, url: str) -> bytes:
    try:
        return decode(data, "gzip", max_bytes, url)
    except FetchFault as fault:
        raise FeedFault(fault.message, reason=fault.reason, resource=url) from None
