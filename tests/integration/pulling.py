"""What the tests of poll and fetch share: feeds of our own making, and rivers that may read loopback quickly."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipelines.settings import Settings
from schemas.records import Feed
from tests.integration.site import Reply

RSS = "application/rss+xml"


def rss(*links: str, title: str = "The Ferry Post") -> bytes:
    """Make an RSS feed with one item for each link."""
    items = "".join(
        f"<item><title>News of {link.rpartition('/')[2]}</title><link>{link}</link>"
        "<pubDate>Mon, 05 Jan 2026 10:00:00 GMT</pubDate></item>"
        for link in links
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{items}</channel></rss>'.encode()


def feed_reply(*links: str, **headers: str) -> Reply:
    """Serve such a feed."""
    return Reply(rss(*links), headers={"Content-Type": RSS, **{k.replace("_", "-"): v for k, v in headers.items()}})


def html(title: str) -> bytes:
    """Make a page."""
    return f"<!doctype html><html><head><title>{title}</title></head><body><p>{title}</p></body></html>".encode()


def pulling(river: Settings, **changes: Any) -> Settings:
    """Let a river read loopback without pauses; changes are options of `fetch` and `poll`, e.g. `fetch_delay=1`."""
    fetch: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "delay_seconds": 0.0, "timeout_seconds": 5.0}
    poll: dict[str, Any] = {}
    for name, value in changes.items():
        section, _, key = name.partition("_")
        {"fetch": fetch, "poll": poll}[section][key] = value
    return river.model_copy(
        update={
            "fetch": type(river.fetch)(**fetch),
            "poll": type(river.poll)(**poll),
        }
    )


def feed_file(folder: Path, feeds: Iterable[Feed | str]) -> str:
    """Write a feed list and give its path."""
    from pipelines.feeds.lists import to_toml

    path = folder / "feeds.toml"
    path.write_text(to_toml(feed if isinstance(feed, Feed) else Feed(url=feed) for feed in feeds))
    return str(path)
