"""Articles on their way to the index, made up: what was announced, where it was found, what was found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipelines.index.arrival import Arrival, WritePlan
from pipelines.urls import article_id, canonical_url
from schemas.records import Article, Entry, PageFacts

NOVEMBER = datetime(2026, 11, 30, 23, 50, tzinfo=UTC)
DECEMBER = NOVEMBER + timedelta(minutes=20)
SITE = "https://gazette.example.org"
TEXTS = [
    "The ferry to Aldermere is back on its old route after the storm that tore the pier away. Fares stay as they were.",
    "Brackwater votes on Sunday about the new school by the harbour, which costs twice what the council had planned.",
    "Rain will reach the coast on Thursday and last until the weekend, the weather service of Corriefield expects.",
]
TITLES = ["Ferry to Aldermere is back", "Brackwater votes about new school", "Rain will reach the coast"]


def arrival(
    path: str = "/a",
    text: int = 0,
    *,
    first_seen: datetime = NOVEMBER,
    after: float = 1,
    feed: str = "feed",
    visit: int = 0,
    landed: str = "",
    canonical: str = "",
    revision: int = 0,
    title: str | None = None,
    gone: bool = False,
) -> Arrival:
    """Make the arrival of a page: `path` was announced, `text` found, so many seconds `after` the discovery."""
    url = canonical_url(SITE + path) if path.startswith("/") else canonical_url(path)
    fetched_at = first_seen + timedelta(seconds=after)
    entry = Entry(
        id=article_id(url),
        url=url,
        link=url,
        feed_url=f"https://{feed}.example/feed",
        source="gazette",
        title=TITLES[text] if title is None else title,
        first_seen=first_seen,
        visit=visit,
        content_digest="0" * 32 if visit else None,
    )
    facts = PageFacts(
        url=SITE + landed if landed else url,
        status=410 if gone else 200,
        fetched_at=fetched_at,
        canonical_url=SITE + canonical if canonical else "",
    )
    article = Article(
        id=entry.id,
        url=url,
        source="gazette",
        feeds=[entry.feed_url, *entry.origins],
        title=TITLES[text],
        body=TEXTS[text] + f" This is revision {revision}." * bool(revision),
        language="en",
        first_seen=first_seen,
        fetched_at=fetched_at,
        words=20,
        content_digest=f"{text:016x}{revision:016x}",
    )
    return Arrival.of(entry, facts, None if gone else article)


def ended(result: WritePlan) -> str:
    """Say how a visit ended, as the ledger does."""
    return f"{result.kind}: {result.reason}" if result.reason else str(result.kind)
