"""An article on its way: announced as an entry, fetched as a page, indexed as an article."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from schemas.records.base import (
    Address,
    Addresses,
    ClockTime,
    Digest,
    LanguageCode,
    Name,
    Names,
    Record,
    Source,
    Summary,
    Text,
    Title,
    Unit,
)

REMOVED = frozenset({404, 410})
"""HTTP statuses by which a site says that a page that was there is no more."""


class Entry(Record):
    """One article as a feed announced it, and its way through fetching."""

    id: Digest
    """Article id: a pure function of the canonical URL."""
    url: Address
    """Canonical URL."""
    link: Address
    """URL as the feed gave it: the one that is fetched."""
    feed_url: Address
    """Feed that announced it first."""
    source: Source
    """Short name of the outlet."""
    title: Title = ""
    """Title in the feed, as plain text."""
    summary: Summary = ""
    """Summary in the feed, as plain text."""
    authors: Names = []
    """Authors in the feed."""
    categories: Names = []
    """Categories in the feed."""
    published_at: AwareDatetime | None = None
    """Publication date in the feed."""
    language: LanguageCode | None = None
    """Language that the feed or its list declares."""
    first_seen: ClockTime
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
    origins: Addresses = []
    """Further feeds that announced the same article."""
    further: bool = False
    """Whether another feed had announced the article before: it names an origin, and is fetched where that is lost."""
    page_url: Address = ""
    """Address of the page's last visit, as it gives it itself or was found at: the key of the page on Kafka."""


class PageFacts(Record):
    """What is known of a fetched page beside its body and its entry."""

    url: Address
    """Final URL, after redirects."""
    status: int
    """HTTP status of the answer; 404 and 410, without a body, for an article that its site has removed."""
    content_type: str = ""
    """Content-Type header as sent; its charset is not trusted but used."""
    fetched_at: ClockTime
    """When the body was complete; in milliseconds it is the document's version."""
    redirects: Addresses = []
    """URLs passed on the way, oldest first."""
    headers: dict[str, str] = {}
    """Response headers that were kept, lower-case names: validators, robots tags, language."""
    elapsed_ms: int = 0
    """Time from the request to the last byte."""
    amp_url: Address = ""
    """Address of the AMP copy that the page names; noted, never fetched."""
    canonical_url: Address = ""
    """Address that the page gives itself (rel=canonical), in canonical form; empty where it gives none of its site."""

    @property
    def version(self) -> int:
        """The document's external version: the fetch time in milliseconds."""
        return int(self.fetched_at.timestamp() * 1000)

    @property
    def removed(self) -> bool:
        """Whether the site said that the page is no more (404 or 410): then there is no body."""
        return self.status in REMOVED


class TopicTag(Record):
    """One topic of an article and why it was given."""

    id: Name
    """IPTC Media Topic, e.g. `medtop:11000000`."""
    label: Name
    """The topic's name in English."""
    score: Unit
    """Confidence from 0 to 1."""
    evidence: Names
    """Words of the text that speak for it, strongest first."""


class Right(StrEnum):
    """What a publisher reserves on a page, by the name of the directive that says so."""

    NOINDEX = "noindex"
    NOFOLLOW = "nofollow"
    NOARCHIVE = "noarchive"
    NOSNIPPET = "nosnippet"
    NOIMAGEINDEX = "noimageindex"
    NOTRANSLATE = "notranslate"
    NOAI = "noai"
    NOIMAGEAI = "noimageai"
    UNAVAILABLE = "unavailable"
    """The time of its `unavailable_after` had passed when the page was fetched."""
    TDM_RESERVATION = "tdm-reservation"


class Article(Record):
    """One article as it is indexed, found and shown."""

    id: Digest
    """Article id: the document's id."""
    url: Address
    """Canonical URL."""
    addresses: Addresses = []
    """Canonical URLs of further addresses that it was found at: announced, redirected to, or named by its page."""
    source: Source
    """Short name of the outlet."""
    feeds: Addresses = []
    """Feeds that announced it."""
    title: Title
    """Headline."""
    summary: Summary = ""
    """Standfirst or the feed's summary, as plain text."""
    body: Text
    """Clean text, one paragraph a line."""
    authors: Names = []
    """Names of the authors."""
    language: LanguageCode
    """Language of the body, ISO 639; `und` where it cannot be told."""
    published_at: AwareDatetime | None = None
    """When it was published, as the page or else the feed says."""
    first_seen: ClockTime
    """When it was discovered."""
    fetched_at: ClockTime
    """When this version of the page was fetched."""
    topics: list[TopicTag] = []
    """Topics, best first."""
    words: Annotated[int, Field(ge=0)]
    """Number of words of the body."""
    content_digest: Digest
    """Digest of title, body and what is said of its use: equal means unchanged."""
    rights: Names = []
    """What the publisher reserves: `noindex`, `noarchive`, `noai`, `tdm-reservation` and the like, each once."""
    tdm_policy: Address | None = None
    """Address of the publisher's conditions for text and data mining, where `tdm-reservation` reserves it."""
    license: Address | None = None
    """Address of the licence the page names."""
    free: bool | None = None
    """Whether the page says that it can be read without paying; None where it does not say."""
    gone_at: AwareDatetime | None = None
    """When its site said that it is removed (404 or 410 at a revisit); None while it is there."""


class Revision(Record):
    """One text that an article had, kept when it changed."""

    id: Name
    """Article id, a hyphen and the content digest: the document's id."""
    article_id: Digest
    """The article."""
    content_digest: Digest
    """Digest of title, body and what is said of its use."""
    url: Address
    """Canonical URL of the article."""
    source: Source
    """Short name of the outlet."""
    language: LanguageCode
    """Language of the body."""
    title: Title
    """Headline."""
    summary: Summary = ""
    """Standfirst."""
    body: Text
    """Clean text, one paragraph a line."""
    authors: Names = []
    """Names of the authors."""
    published_at: AwareDatetime | None = None
    """When the article was published, as this text's page says."""
    first_seen: ClockTime
    """When the article was discovered: it names the index."""
    fetched_at: ClockTime
    """When this text was fetched, the last time before it changed or the first time after."""
