"""Which reader a feed's bytes go to, and which charset they are in. Pure."""

from __future__ import annotations

import codecs
import re

from pipelines.errors import FeedFault
from pipelines.parse.feed import ParsedFeed
from pipelines.parse.jsonfeed import read_json
from pipelines.parse.xmlfeed import read_xml

_HTML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_SNIFF_BYTES = 4096
_XML_TYPE = "application/xml"
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)


def parse_feed(data: bytes, *, url: str, content_type: str = "", max_bytes: int = 16_000_000) -> ParsedFeed:
    """Read a feed.

    Args:
        data: the body, decoded from its content coding.
        url: where it came from, after redirects: the base of its relative links.
        content_type: the Content-Type header; only its charset is looked at, and only where the bytes agree.
        max_bytes: a larger one is refused unread.

    Raises:
        FeedFault: it is no feed; reason `empty`, `too-large`, `html`, or `not-a-feed`.
    """
    if len(data) > max_bytes:
        raise FeedFault(f"feed of {len(data)} bytes; the limit is {max_bytes}", reason="too-large", resource=url)
    head = data[:_SNIFF_BYTES].removeprefix(codecs.BOM_UTF8).lstrip()
    if not head and not data.strip(b" \t\r\n\0"):
        raise FeedFault("feed is empty", reason="empty", resource=url)
    if _HTML.match(head):
        raise FeedFault("feed is a web page", reason="html", resource=url)
    if head.startswith((b"{", b"[")):
        return read_json(data.decode("utf-8-sig", "replace"), url)
    return read_xml(
        data, url, f"{_XML_TYPE}; charset={charset}" if (charset := _charset(data, content_type)) else _XML_TYPE
    )


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
