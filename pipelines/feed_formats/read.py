"""Which reader a feed's bytes go to, and which charset they are in. Pure."""

from __future__ import annotations

from datetime import datetime

from pipelines import charset
from pipelines.content_coding import decode
from pipelines.errors import FeedFault, FetchFault
from pipelines.feed_formats.feed import ParsedFeed
from pipelines.feed_formats.jsonfeed import read_json
from pipelines.feed_formats.sitemap import SITEMAP_ROOTS, read_sitemap
from pipelines.feed_formats.xmlfeed import read_xml
from pipelines.markup import BLANK, root_of

_GZIP = b"\x1f\x8b"


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
    text = charset.decode(data, content_type).lstrip(BLANK)
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


def _unpacked(data: bytes, max_bytes: int, url: str) -> bytes:
    try:
        return decode(data, "gzip", max_bytes, url)
    except FetchFault as fault:
        raise FeedFault(fault.message, reason=fault.reason, resource=url) from None
