"""A page's entry and facts: read, refused by name, and always accountable, whatever times a record claims."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import Poison
from pipelines.index.documents import outcome_document
from pipelines.kafka import Message
from pipelines.kafka.client import message as as_message
from pipelines.ledger.outcomes import outcome
from pipelines.process.pages import AHEAD, accountable_entry, read_page
from schemas.records import Entry, OutcomeKind, PageFacts, Stage

SENT = datetime(2026, 11, 20, 12, tzinfo=UTC)
URL = "https://gazette.example.org/ferry"
KNOWN = Entry(id="0" * 32, url=URL, link=URL, feed_url="https://gazette.example.org/feed", source="g", first_seen=SENT)
FACTS = PageFacts(url=URL, status=200, fetched_at=SENT)


def page(entry: bytes | None = None, facts: bytes | None = None, sent: datetime = SENT) -> Message:
    headers = {
        "entry": KNOWN.to_json() if entry is None else entry,
        "page": FACTS.to_json() if facts is None else facts,
    }
    return Message("news.pages", 0, 7, URL, b"<p>", headers, int(sent.timestamp() * 1000))


def entry_seen(moment: str) -> bytes:
    return KNOWN.to_json().replace(b"2026-11-20T12:00:00Z", moment.encode())


def facts_of(moment: str) -> bytes:
    return FACTS.to_json().replace(b"2026-11-20T12:00:00Z", moment.encode())


def test_a_page_is_read() -> None:
    assert read_page(page()) == (KNOWN, FACTS)


IMPOSSIBLE = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z"]


@pytest.mark.parametrize(
    ("message", "reason", "says"),
    [
        (page(entry=b"{"), "bad-entry", "entry header"),
        (page(facts=b"no facts"), "unreadable-facts", "page header"),
        *[(page(entry=entry_seen(moment)), "bad-entry", "first_seen") for moment in IMPOSSIBLE],
        *[(page(facts=facts_of(moment)), "unreadable-facts", "fetched_at") for moment in IMPOSSIBLE],
        (page(entry=entry_seen("2031-01-01T00:00:00Z")), "impossible-time", "first_seen 2031-01-01"),
        (page(facts=facts_of("2031-01-01T00:00:00Z")), "impossible-time", "fetched_at 2031-01-01"),
    ],
)
def test_what_cannot_be_read_or_be_true_is_refused_by_name(message: Message, reason: str, says: str) -> None:
    with pytest.raises(Poison) as caught:
        read_page(message)
    assert caught.value.reason == reason
    assert says in caught.value.message
    end = outcome(accountable_entry(message), Stage.CLEAN, OutcomeKind.DEAD, reason=reason, at=SENT)
    assert outcome_document(end, "news").index <= f"news-outcomes-{SENT + AHEAD:%Y.%m.%d}"


def test_clocks_may_differ_by_hours() -> None:
    later = KNOWN.model_copy(update={"first_seen": SENT + timedelta(hours=14)})
    assert read_page(page(entry=later.to_json()))[0] == later


@given(st.binary(max_size=200) | st.datetimes().map(lambda at: entry_seen(at.isoformat() + "+00:00")), st.integers())
def test_every_page_can_be_accounted_for(entry: bytes, stamp: int) -> None:
    """Whatever its headers hold and whatever its producer stamped it with."""

    class Record:
        topic, partition, offset, key, value = "news.pages", 0, 7, None, b""
        headers = (("entry", entry),)
        timestamp = stamp

    message = as_message(Record)
    known = accountable_entry(message)
    end = outcome(known, Stage.CLEAN, OutcomeKind.DEAD, reason="bad-entry", at=SENT)
    document = outcome_document(end, "news")
    assert document.index.startswith("news-outcomes-")
    assert 0 < document.version < 1 << 63
