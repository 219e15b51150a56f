"""The records that cross between stages: frozen, typed, documented; JSON Schema and mapping come from here.

Producers forbid unknown fields; consumers read with `from_json`, which ignores them, so that versions can roll.
All times are aware UTC datetimes; all URLs are text that `pipelines.urls` has made canonical where it says so.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Unit = Annotated[float, Field(ge=0, le=1)]


class Record(BaseModel):
    """Base of every record."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Read a record as a consumer does: fields of newer versions are ignored.

        Raises:
            pydantic.ValidationError: a field is missing or has a wrong type.
        """
        return cls.model_validate_json(data, extra="ignore")

    def to_json(self) -> bytes:
        """Give the record as compact JSON in UTF-8, without fields that are None."""
        return self.model_dump_json(exclude_none=True).encode()


class Feed(Record):
    """One feed that the river reads."""

    url: str
    """Address the feed is fetched from."""
    title: str = ""
    """Name for people."""
    source: str = ""
    """Short name of the outlet, what `--source` filters by; empty means the host of the feed."""
    language: LanguageCode | None = None
    """Language the outlet writes in, ISO 639, where its owner says so."""
    paused: bool = False
    """Whether the feed is kept in the list but not asked."""
    interval_seconds: Annotated[float, Field(gt=0)] | None = None
    """Fixed time between two polls; None lets the schedule decide."""


class FeedState(Record):
    """What is remembered of a feed between two polls."""

    url: str
    """The feed's address: the key."""
    next_poll_at: AwareDatetime
    """When the feed is due."""
    polled_at: AwareDatetime | None = None
    """When it was last asked."""
    succeeded_at: AwareDatetime | None = None
    """When it last answered with a feed or 304."""
    etag: str | None = None
    """Its last ETag, sent back as If-None-Match."""
    last_modified: str | None = None
    """Its last Last-Modified, sent back as If-Modified-Since, byte for byte."""
    content_digest: Digest | None = None
    """Digest of the last body, to tell an unchanged feed that ignores validators."""
    polls: int = 0
    """Polls since the feed is known."""
    failures: int = 0
    """Failures in a row; 0 when the last poll succeeded."""
    last_failure: str = ""
    """Reason of the last failure, e.g. `http-503`; empty when the last poll succeeded."""
    conditional_polls: int = 0
    """Conditional polls since the last unconditional one."""
    lies: int = 0
    """Times the feed said 304 although it had new entries."""
    rates: list[float] = []
    """Expected new entries per hour for each hour of the UTC day (24 numbers), or empty before anything is known."""
    known: list[str] = []
    """Digests of the entries already announced, oldest first, bounded by `poll.max_known_entries`."""


class Entry(Record):
    """One article as a feed announced it, and its way through fetching."""

    id: Digest
    """Article id: a pure function of the canonical URL."""
    url: str
    """Canonical URL."""
    link: str
    """URL as the feed gave it: the one that is fetched."""
    feed_url: str
    """Feed that announced it first."""
    source: str
    """Short name of the outlet."""
    title: str = ""
    """Title in the feed, as plain text."""
    summary: str = ""
    """Summary in the feed, as plain text."""
    authors: list[str] = []
    """Authors in the feed."""
    categories: list[str] = []
    """Categories in the feed."""
    published_at: AwareDatetime | None = None
    """Publication date in the feed."""
    language: LanguageCode | None = None
    """Language that the feed or its list declares."""
    first_seen: AwareDatetime
    """When the article was first discovered: frozen, it names the index."""
    visit: Annotated[int, Field(ge=0)] = 0
    """0 for the first fetch, then one more for each revisit."""
    attempt: Annotated[int, Field(ge=0)] = 0
    """Failed tries of this visit so far."""
    due_at: AwareDatetime | None = None
    """For a later-tier: not to be fetched before this."""
    etag: str | None = None
    """ETag of the page's last visit, for a conditional revisit."""
    last_modified: str | None = None
    """Last-Modified of the page's last visit."""
    content_digest: Digest | None = None
    """Digest of the page's body at its last visit, to tell an unchanged page."""
    origins: list[str] = []
    """Further feeds that announced the same article."""


class PageFacts(Record):
    """What is known of a fetched page beside its body and its entry."""

    url: str
    """Final URL, after redirects."""
    status: int
    """HTTP status of the answer."""
    content_type: str = ""
    """Content-Type header as sent; its charset is not trusted but used."""
    fetched_at: AwareDatetime
    """When the body was complete; in milliseconds it is the document's version."""
    redirects: list[str] = []
    """URLs passed on the way, oldest first."""
    headers: dict[str, str] = {}
    """Response headers that were kept, lower-case names: validators, robots tags, language."""
    elapsed_ms: int = 0
    """Time from the request to the last byte."""

    @property
    def version(self) -> int:
        """The document's external version: the fetch time in milliseconds."""
        return int(self.fetched_at.timestamp() * 1000)


class TopicTag(Record):
    """One topic of an article and why it was given."""

    id: str
    """IPTC Media Topic, e.g. `medtop:11000000`."""
    label: str
    """The topic's name in English."""
    score: Unit
    """Confidence from 0 to 1."""
    evidence: list[str]
    """Words of the text that speak for it, strongest first."""


class Article(Record):
    """One article as it is indexed, found and shown."""

    id: Digest
    """Article id: the document's id."""
    url: str
    """Canonical URL."""
    source: str
    """Short name of the outlet."""
    feeds: list[str] = []
    """Feeds that announced it."""
    title: str
    """Headline."""
    summary: str = ""
    """Standfirst or the feed's summary, as plain text."""
    body: str
    """Clean text, one paragraph a line."""
    authors: list[str] = []
    """Names of the authors."""
    language: LanguageCode
    """Language of the body, ISO 639; `und` where it cannot be told."""
    published_at: AwareDatetime | None = None
    """When it was published, as the page or else the feed says."""
    first_seen: AwareDatetime
    """When it was discovered."""
    fetched_at: AwareDatetime
    """When this version of the page was fetched."""
    topics: list[TopicTag] = []
    """Topics, best first."""
    words: Annotated[int, Field(ge=0)]
    """Number of words of the body."""
    content_digest: Digest
    """Digest of title and body: equal means unchanged."""


class Stage(StrEnum):
    """Where something happened."""

    POLL = "poll"
    FETCH = "fetch"
    CLEAN = "clean"
    TAG = "tag"
    INDEX = "index"


class OutcomeKind(StrEnum):
    """What happened to an entry; the first two are steps, all others end a visit."""

    DISCOVERED = "discovered"
    FETCHED = "fetched"
    INDEXED = "indexed"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
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
    url: str
    """Its canonical URL."""
    feed_url: str
    """Feed that announced it."""
    source: str
    """Short name of the outlet."""
    visit: int
    """The visit it belongs to."""
    stage: Stage
    """Where it happened."""
    kind: OutcomeKind
    """What happened."""
    terminal: bool
    """Whether the visit ends here."""
    reason: str = ""
    """Why, as a short name: `robots`, `no-text`, `http-404`; empty where the kind says it all."""
    detail: str = ""
    """The same for people, one line."""
    at: AwareDatetime
    """When."""
    first_seen: AwareDatetime
    """When the article was discovered."""
    document_index: str = ""
    """Index that holds the document, for indexed and updated."""
    document_version: int | None = None
    """The document's external version."""
    next_visit_at: AwareDatetime | None = None
    """When the article is to be visited again, where this step arranged it: the beginning of the next visit."""
    origin: str = ""
    """Kafka coordinates of the record it was made from, as `topic/partition/offset`."""


class DeadLetter(Record):
    """Why a payload was set aside; travels as a header beside the original payload and headers."""

    article_id: Digest
    """The article."""
    stage: Stage
    """Where it failed."""
    reason: str
    """Short name, counted in the ledger."""
    error: str
    """Class of the error."""
    message: str
    """The error in one line."""
    stack: str = ""
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


class WorkerState(Record):
    """One process of the river as it tells of itself: where it runs and what it waits for."""

    name: str
    """Name with the host, e.g. `process-1@reading-room`: the key; a process started in its place has the same."""
    role: str
    """What it is, e.g. `process`."""
    host: str
    """Machine it runs on."""
    pid: int
    """Its process id there."""
    started_at: AwareDatetime
    """When it started."""
    at: AwareDatetime
    """When it said this; one that is silent for minutes hangs or was killed."""
    waits_for: str = ""
    """Why its work waits, as a short name, e.g. `no-answer` or `index-closed`; empty while work goes on."""
    detail: str = ""
    """The same for people, one line."""
    waits_since: AwareDatetime | None = None
    """Since when it waits."""


RECORDS: tuple[type[Record], ...] = (
    Feed,
    FeedState,
    Entry,
    PageFacts,
    TopicTag,
    Article,
    Outcome,
    DeadLetter,
    DeadLetterMark,
    WorkerState,
)
