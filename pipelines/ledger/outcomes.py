"""The ledger's lines: what a stage did with an entry, with ids that a replay makes again. Pure."""

from __future__ import annotations

import hashlib
import traceback
from datetime import UTC, datetime
from typing import NamedTuple, Self

from pipelines.redaction import redacted
from schemas.records import DeadLetter, Entry, Outcome, OutcomeKind, Stage
from schemas.records.base import MAX_ADDRESS, shortened

ANNOUNCING = frozenset({Stage.POLL, Stage.FETCH})
"""Where a duplicate is an announcement that no visit follows; later on it is the end of a visit."""


class OutcomeLine(NamedTuple):
    """An Outcome in short, for those who read many; `next_visit` tells that it begins the next visit."""

    article_id: str
    visit: int
    stage: Stage
    kind: OutcomeKind
    reason: str
    feed_url: str
    next_visit: bool
    version: int | None
    document_id: str = ""

    @classmethod
    def of(cls, line: Outcome) -> Self:
        """Take it from a whole Outcome."""
        begins = line.next_visit_at is not None
        return cls(
            line.article_id,
            line.visit,
            line.stage,
            line.kind,
            line.reason,
            line.feed_url,
            begins,
            line.document_version,
            line.document_id,
        )


def outcome_id(article_id: str, visit: int, kind: OutcomeKind, feed_url: str = "") -> str:
    """Give the id of an outcome.

    All terminal kinds of one visit share an id: a visit ends once, and a replay that ends it again writes the same
    line. An announcement that is a duplicate by itself is no visit: it has a line of its own for each feed that makes
    it, and only then is `feed_url` given.
    """
    step = "end" if kind.terminal else kind.value
    if kind is OutcomeKind.DUPLICATE_URL and feed_url:
        step = f"{kind}/{feed_url}"
    return hashlib.blake2b(f"{article_id}/{visit}/{step}".encode(), digest_size=16).hexdigest()


def outcome(
    entry: Entry,
    stage: Stage,
    kind: OutcomeKind,
    *,
    reason: str = "",
    detail: str = "",
    at: datetime | None = None,
    document_id: str = "",
    document_index: str = "",
    document_version: int | None = None,
    next_visit_at: datetime | None = None,
    origin: str = "",
) -> Outcome:
    """Make one line of the ledger.

    Args:
        entry: the entry it is about.
        stage: where it happened.
        kind: what happened.
        reason: why, as a short kebab-case name.
        detail: the same for people, credentials in addresses masked.
        at: when; now by default.
        document_id: id of the document, where it is not the article's own.
        document_index: index that holds the document.
        document_version: its external version.
        next_visit_at: when the article is to be visited again, where this step arranged it.
        origin: Kafka coordinates of the record it was made from.
    """
    return Outcome(
        id=outcome_id(entry.id, entry.visit, kind, entry.feed_url if stage in ANNOUNCING else ""),
        article_id=entry.id,
        url=entry.url,
        feed_url=entry.feed_url,
        source=entry.source,
        visit=entry.visit,
        stage=stage,
        kind=kind,
        terminal=kind.terminal,
        reason=reason,
        detail=redacted(detail),
        at=at or datetime.now(UTC),
        first_seen=entry.first_seen,
        document_id=document_id,
        document_index=document_index,
        document_version=document_version,
        next_visit_at=next_visit_at,
        origin=origin,
    )


def dead_letter(entry: Entry, stage: Stage, error: BaseException, *, reason: str, origin: str) -> DeadLetter:
    """Describe why a payload is set aside, with the error's trace.

    Args:
        entry: the entry the payload belongs to.
        stage: where it failed.
        error: what was raised.
        reason: why, as a short kebab-case name.
        origin: Kafka coordinates of the payload.
    """
    return DeadLetter(
        article_id=entry.id,
        stage=stage,
        reason=reason,
        error=type(error).__name__,
        message=redacted(str(error)),
        stack=redacted("".join(traceback.format_exception(error)))[-8000:],
        origin=origin,
        at=datetime.now(UTC),
    )


def stand_in(key: str, timestamp_ms: int) -> Entry:
    """Make an entry for a record whose own cannot be read, so that it too is accounted for.

    Args:
        key: the record's key, or its Kafka coordinates.
        timestamp_ms: the record's time, milliseconds since 1970.
    """
    name = shortened(key, MAX_ADDRESS)  # it comes from a record nobody can read
    return Entry(
        id=hashlib.blake2b(key.encode(), digest_size=16).hexdigest(),
        url=name,
        link=name,
        feed_url="",
        source="",
        first_seen=datetime.fromtimestamp(timestamp_ms / 1000, UTC),
    )
