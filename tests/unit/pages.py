"""Entries and fetches for the tests of the cleaner: what a feed and a fetch say of a page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.clean import clean
from pipelines.settings import CleanSettings
from schemas.records import Article, Entry, PageFacts

DATA = Path(__file__).parents[1] / "data" / "pages"
FETCHED = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
URL = "https://post.example/2026/ferry"
SENTENCE = "The council passed its budget on Monday evening after a long debate about the harbour."


def entry(**fields: Any) -> Entry:
    given: dict[str, Any] = {
        "id": "0123456789abcdef0123456789abcdef",
        "url": URL,
        "link": URL,
        "feed_url": "https://post.example/feed",
        "source": "post",
        "first_seen": FETCHED,
    }
    return Entry(**(given | fields))


def facts(content_type: str = "text/html", **fields: Any) -> PageFacts:
    return PageFacts(**({"url": URL, "status": 200, "content_type": content_type, "fetched_at": FETCHED} | fields))


def cleaned(body: bytes | str, content_type: str = "text/html", min_words: int = 25, **fields: Any) -> Article:
    body = body.encode() if isinstance(body, str) else body
    return clean(body, entry(**fields), facts(content_type), CleanSettings(min_words=min_words))


def page(inside: str, head: str = "") -> str:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{inside}</body></html>"


def prose(paragraphs: int = 5) -> str:
    return "".join(f"<p>Part {number}. {SENTENCE}</p>" for number in range(paragraphs))
