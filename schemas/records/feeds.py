"""A feed as people list it, and what is remembered of it between two polls."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field, FieldSerializationInfo, SecretStr, field_serializer

from schemas.records.base import REVEAL, Address, Digest, LanguageCode, Name, Record, Source, Title


class Feed(Record):
    """One feed that the river reads; `to_json` alone writes its credentials, every other way masks them."""

    url: Address
    """Address the feed is fetched from, without credentials."""
    credentials: SecretStr | None = None
    """User name and password as `user:password`, for requests to the feed's own origin only."""
    title: Title = ""
    """Name for people."""
    source: Source = ""
    """Short name of the outlet, what `--source` filters by; empty means the host of the feed."""
    language: LanguageCode | None = None
    """Language the outlet writes in, ISO 639, where its owner says so."""
    paused: bool = False
    """Whether the feed is kept in the list but not asked."""
    interval_seconds: Annotated[float, Field(gt=0)] | None = None
    """Fixed time between two polls; None lets the schedule decide."""
    lists: list[str] = []
    """Feed-list files that hold it, each as `host:path`; empty when it was added by hand."""

    def to_json(self) -> bytes:
        """Give the record as JSON with its credentials, for its topic and nothing else."""
        return self.model_dump_json(exclude_none=True, context=REVEAL).encode()

    @field_serializer("credentials", when_used="json-unless-none")
    def _written(self, value: SecretStr, info: FieldSerializationInfo) -> str:
        return value.get_secret_value() if info.context == REVEAL else str(value)


class SitemapState(Record):
    """What is remembered of one sitemap of an index."""

    asked: int
    """When it was last asked, in seconds since 1970."""
    changed: int | None = None
    """When it had changed last by the index's word at the time, in seconds since 1970."""
    newest: int | None = None
    """Date of its newest entry, in seconds since 1970; None when nothing in it was recent."""
    failures: int = 0
    """Failures in a row."""
    etag: str | None = None
    """Its ETag, where it is asked again although the index says nothing of a change."""
    last_modified: str | None = None
    """Its Last-Modified, kept likewise."""


KEY_DIGITS = 16
"""Hex digits of an article id that `FeedState.known` keeps: 64 bits tell ten million entries apart.

A mark of the entry's guid may follow (`pipelines.poll.guids`).
"""


class FeedState(Record):
    """What is remembered of a feed between two polls."""

    url: Address
    """The feed's address: the key."""
    next_poll_at: AwareDatetime
    """When the feed is due."""
    polled_at: AwareDatetime | None = None
    """When it was last asked."""
    succeeded_at: AwareDatetime | None = None
    """When it last answered with a feed or 304, or its hub pushed."""
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
    last_failure: Name = ""
    """Reason of the last failure, e.g. `http-503`; empty when the last poll succeeded."""
    conditional_polls: int = 0
    """Answers 304 in a row, since the feed's body came last."""
    lies: int = 0
    """Times the feed said 304 although it had new entries."""
    rates: list[float] = []
    """Expected new entries per hour for each hour of the UTC day (24 numbers), or empty before anything is known."""
    fullest: float = 0.0
    """Largest part of its window that was new at one poll, from 0 to 1, fading with each poll."""
    known: list[str] = []
    """Digests of the entries already announced, oldest first, bounded by `poll.max_known_entries`.

    16 hexadecimal digits of each article id, and 20 more where the feed names the entry by more than its link:
    8 of its guid, 6 of its title, 6 of its date or else its summary.
    """
    moved_to: Address | None = None
    """Address that only permanent redirects led to at the last polls; asked instead of `url` once that is certain."""
    moves: int = 0
    """Polls in a row that permanent redirects led to `moved_to`."""
    sitemaps: dict[str, SitemapState] = {}
    """Of a sitemap index: what is remembered of its sitemaps, by the first 16 digits of their address's digest."""
    sitemaps_left: int = 0
    """Of a sitemap index: sitemaps that were to be asked at the last poll and had to wait for the next one."""
    hub: Address | None = None
    """WebSub hub that the feed names (rel=hub)."""
    hub_topic: Address | None = None
    """Address that the feed gives itself (rel=self): what is subscribed to at its hub."""


class FeedHealth(Record):
    """How a feed does, as dashboards show it: what matters of its state, without what `poll` remembers for itself."""

    url: Address
    """The feed's address: the key."""
    site: Name = ""
    """Host of its address, without `www.`."""
    polled_at: AwareDatetime | None = None
    """When it was last asked."""
    succeeded_at: AwareDatetime | None = None
    """When it last answered with a feed or 304, or its hub pushed."""
    next_poll_at: AwareDatetime
    """When it is due; long past for a feed that is paused or no longer in the list."""
    polls: int = 0
    """Polls since the feed is known."""
    failures: int = 0
    """Failures in a row; 0 when the last poll succeeded."""
    last_failure: Name = ""
    """Reason of the last failure; empty when the last poll succeeded."""
    new_per_day: float | None = None
    """New entries expected a day; None before anything is known."""
    lies: int = 0
    """Times the feed said 304 although it had new entries."""
    hub: Address | None = None
    """WebSub hub that the feed names."""
    moved_to: Address | None = None
    """Address that permanent redirects lead to."""
