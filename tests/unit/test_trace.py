from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines.errors import UsageError
from pipelines.ledger.lookup import StoredArticle
from pipelines.ledger.outcomes import outcome
from pipelines.ledger.trace import Berth, Hop, Trace, hop_of, identify, summary
from pipelines.urls import article_id
from schemas.records import Entry, Outcome, OutcomeKind, Stage

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
URL = "https://gazette.example.org/ferry"
ENTRY = Entry(
    id=article_id(URL),
    url=URL,
    link=f"{URL}?utm_source=rss",
    feed_url="https://gazette.example.org/feed",
    source="gazette",
    first_seen=NOON,
)
DISCOVERED = outcome(ENTRY, Stage.POLL, OutcomeKind.DISCOVERED, at=NOON)
FETCHED = outcome(
    ENTRY,
    Stage.FETCH,
    OutcomeKind.FETCHED,
    at=NOON + timedelta(seconds=1),
    next_visit_at=NOON + timedelta(minutes=15),
    origin="news.entries/3/7",
)
INDEXED = outcome(
    ENTRY,
    Stage.INDEX,
    OutcomeKind.INDEXED,
    at=NOON + timedelta(seconds=2),
    document_index="news-articles-2026.11",
    document_version=5,
    origin="news.pages/1/9",
)


@pytest.mark.parametrize(
    "text", [URL, f" {URL}#top", f"{URL}?utm_source=rss", "HTTPS://GAZETTE.example.org:443/ferry", article_id(URL)]
)
def test_an_article_is_known_by_any_spelling_and_by_its_id(text: str) -> None:
    assert identify(text) == (article_id(URL), "" if text == article_id(URL) else URL)
    assert identify(article_id(URL).upper())[0] == article_id(URL)


@pytest.mark.parametrize("text", ["", "ferry", "0123", "ftp://gazette.example.org/", "g" * 32])
def test_what_is_neither_url_nor_id_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="32 hex digits"):
        identify(text)


@pytest.mark.parametrize(
    ("line", "what", "why"),
    [
        (DISCOVERED, "discovered", "announced by https://gazette.example.org/feed"),
        (FETCHED, "fetched", "robots.txt allows it; next visit 2026-11-20 12:15:00 UTC"),
        (INDEXED, "indexed", "news-articles-2026.11, version 5"),
        (
            outcome(ENTRY, Stage.FETCH, OutcomeKind.SKIPPED, reason="robots", detail="robots.txt keeps us out"),
            "skipped: robots",
            "robots.txt keeps us out",
        ),
        (
            outcome(ENTRY, Stage.POLL, OutcomeKind.DUPLICATE_URL, reason="other-feed", detail="first announced by x"),
            "duplicate-url: other-feed",
            "repeated by https://gazette.example.org/feed; first announced by x",
        ),
    ],
)
def test_each_step_says_what_was_decided(line: Outcome, what: str, why: str) -> None:
    hop = hop_of(line)
    assert (hop.what, hop.why) == (what, why)


def traced(**known: Any) -> Trace:
    fields: dict[str, Any] = {key: [] for key in ("outcomes", "waiting", "documents", "letters", "problems")}
    return Trace(id=ENTRY.id, url=URL, **{**fields, "unrecorded": set(), **known})


def test_the_state_says_where_the_article_is_now() -> None:
    revisit = Berth("news.entries-later-15m/3/4", "entries-later-15m", 1, 0, NOON)
    retry = Berth("news.entries-later-1h/3/4", "entries-later-1h", 0, 2, NOON)
    assert traced(outcomes=[DISCOVERED, FETCHED, INDEXED]).state() == "visit 0 ended as indexed"
    assert traced(outcomes=[DISCOVERED, FETCHED, INDEXED], waiting=[revisit]).state() == (
        "visit 0 ended as indexed; visit 1 waits in entries-later-15m, due 2026-11-20 12:00:00 UTC"
    )
    assert traced(outcomes=[DISCOVERED], waiting=[retry]).state() == (
        "visit 0 waits in entries-later-1h after 2 failed tries, due 2026-11-20 12:00:00 UTC"
    )
    assert traced(outcomes=[DISCOVERED], problems=["no-end: gone"]).state() == "unaccounted: no-end: gone"


def test_lines_that_wait_on_kafka_are_marked() -> None:
    hops = traced(outcomes=[DISCOVERED, FETCHED], unrecorded={FETCHED.id}).hops()
    assert [(hop.what, hop.recorded) for hop in hops] == [("discovered", True), ("fetched", False)]
    assert isinstance(hops[0], Hop)


def test_a_document_is_shown_without_its_text() -> None:
    found = StoredArticle(
        ENTRY.id, "news-articles-2026.11", 5, {"title": "Ferry", "body": "long", "stem": {"english": "long"}}
    )
    assert summary(found) == {"title": "Ferry"}
    [document] = traced(documents=[found]).as_json()["documents"]
    assert document == {"index": "news-articles-2026.11", "version": 5, "title": "Ferry"}
