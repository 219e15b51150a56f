"""What happened to an entry, and what was set aside: outcomes, dead letters and their marks."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime

from schemas.records.base import Address, ClockTime, Detail, Digest, Message, Name, Record, Source, Text


class Stage(StrEnum):
    """Where something happened."""

    POLL = "poll"
    FETCH = "fetch"
    CLEAN = "clean"
    TAG = "tag"
    INDEX = "index"
    RECORD = "record"


class OutcomeKind(StrEnum):
    """What happened to an entry; the first two are steps, all others end a visit."""

    DISCOVERED = "discovered"
    FETCHED = "fetched"
    INDEXED = "indexed"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    GONE = "gone"
    SUPERSEDED = "superseded"
    DUPLICATE_URL = "duplicate-url"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    DEAD = "dead"

    @property
    def terminal(self) -> bool:
        """Whether a visit ends with it."""
        return self not in (OutcomeKind.DISCOVERED, OutcomeKind.FETCHED)


class Outcome(Record):
    """One line of the ledger: what a stage did with an entry."""

    id: Digest
    """Pure function of article id, visit, and step or terminal: a replay writes the same line again."""
    article_id: Digest
    """The article."""
    url: Address
    """Its canonical URL."""
    page_url: Address = ""
    """Address that the page gives itself or was found at, where that is another one: the key of the page on Kafka."""
    feed_url: Address
    """Feed that announced it."""
    source: Source
    """Short name of the outlet."""
    visit: int
    """The visit it belongs to."""
    stage: Stage
    """Where it happened."""
    kind: OutcomeKind
    """What happened."""
    terminal: bool
    """Whether the visit ends here."""
    reason: Name = ""
    """Why, as a short name: `robots`, `no-text`, `http-404`; empty where the kind says it all."""
    detail: Detail = ""
    """The same for people, one line."""
    at: ClockTime
    """When."""
    first_seen: ClockTime
    """When the article was discovered."""
    document_id: Name = ""
    """Id of the document, where it is not the article's own: it was found at another address before."""
    document_index: Name = ""
    """Index that holds the document, where there is one."""
    document_version: int | None = None
    """The document's external version."""
    next_visit_at: AwareDatetime | None = None
    """When the article is to be visited again, where this step arranged it: the beginning of the next visit."""
    origin: Name = ""
    """Kafka coordinates of the record it was made from, as `topic/partition/offset`."""


class DeadLetter(Record):
    """Why a payload was set aside; travels as a header beside the original payload and headers."""

    article_id: Digest
    """The article."""
    stage: Stage
    """Where it failed."""
    reason: Name
    """Short name, counted in the ledger."""
    error: Name
    """Class of the error."""
    message: Message
    """The error in one line."""
    stack: Text = ""
    """Its trace."""
    origin: str
    """Kafka coordinates of the record, as `topic/partition/offset`."""
    key: str = ""
    """Key of the record, so that a replay sends the same one again."""
    at: AwareDatetime
    """When."""


class MarkKind(StrEnum):
    """What was done with a dead letter."""

    REPLAYED = "replayed"
    PARKED = "parked"


class DeadLetterMark(Record):
    """What was done with a dead letter, so that it need not be listed any more."""

    origin: str
    """The letter's `origin`: the key."""
    kind: MarkKind
    """What was done."""
    letter_at: AwareDatetime
    """The letter's `at`: a replay settles no letter that is written later for the same record."""
    at: AwareDatetime
    """When it was done."""
    by: str = ""
    """Who did it."""
    note: str = ""
    """Why."""
