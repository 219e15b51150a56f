"""What the tests of poll and fetch share: feeds of our own making, and rivers that may read loopback quickly."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipelines.kafka import Sender
from pipelines.settings import Settings
from pipelines.urls import article_id, canonical_url, host_of
from schemas.records import Entry, Feed, Outcome
from schemas.topics import ENTRIES, OUTCOMES, Topic
from tests.integration.site import Reply
from tests.rivers import NOON, records

RSS = "application/rss+xml"
HTML = {"Content-Type": "text/html; charset=utf-8"}


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
    fetch: dict[str, Any] = {
        "allow_networks": ["127.0.0.0/8"],
        "delay_seconds": 0.0,
        "timeout_seconds": 5.0,
        "gate_directory": river.fetch.gate_directory,
    }
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


def entry(link: str, **fields: Any) -> Entry:
    """Make an announcement."""
    url = canonical_url(link)
    known = {"id": article_id(url), "url": url, "link": link, "feed_url": "https://news.example/feed"}
    return Entry(**{**known, "source": "news.example", "first_seen": NOON, **fields})


def send(settings: Settings, entries: Iterable[Entry], topic: Topic = ENTRIES) -> None:
    """Put entries on Kafka as poll does, or as fetch does in a later-tier."""
    with Sender(settings.kafka.bootstrap_servers, client_id="test") as sender:
        for each in entries:
            sender.send(topic.full_name(settings.river.name), host_of(each.link), each.to_json())


def outcomes(settings: Settings) -> list[Outcome]:
    """Give all lines that were written for the ledger."""
    return [Outcome.from_json(message.value or b"") for message in records(settings, OUTCOMES)]
