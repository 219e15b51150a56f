"""Readers of strangers' bytes for the sandbox, beside `pipelines.extraction.make_article`.

Each imports what it needs when it is called: the parent only names it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.discovery.candidates import Candidate
    from pipelines.feed_formats import ParsedFeed
    from pipelines.feeds.lists import FeedList
    from pipelines.http.robots import Robots


def read_feed(data: bytes, *, url: str, content_type: str, max_bytes: int, since: datetime | None) -> ParsedFeed:
    """Read a feed, a sitemap or a sitemap index: `pipelines.feed_formats.parse_feed`."""
    from pipelines.feed_formats import parse_feed

    return parse_feed(data, url=url, content_type=content_type, max_bytes=max_bytes, since=since)


def read_robots(body: bytes) -> Robots:
    """Read a robots.txt: `pipelines.http.robots.read_robots`."""
    from pipelines.http import robots

    return robots.read_robots(body)


def feeds_of_page(body: bytes, url: str) -> list[Candidate]:
    """Find what may be a feed in a web page: `pipelines.discovery.candidates.of_page`."""
    from pipelines.discovery.candidates import of_page

    return of_page(body, url)


def sitemaps_of_robots(body: bytes, url: str) -> list[Candidate]:
    """Find the sitemaps that a robots.txt names: `pipelines.discovery.candidates.of_robots`."""
    from pipelines.discovery.candidates import of_robots

    return of_robots(body, url)


def read_feed_list(data: bytes, name: str) -> FeedList:
    """Read a feed list, TOML or OPML: `pipelines.feeds.lists.from_bytes`."""
    from pipelines.feeds.lists import from_bytes

    return from_bytes(data, name)
