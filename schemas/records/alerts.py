"""Searches that people keep, what was found for them and where it was delivered."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field, FieldSerializationInfo, SecretStr, field_serializer

from schemas.records.base import (
    REVEAL,
    Address,
    ClockTime,
    Detail,
    Digest,
    LanguageCode,
    Name,
    Names,
    Record,
    Source,
    Summary,
    Text,
    Title,
)

SavedSearchId = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]


class AlertChannel(StrEnum):
    """How what is found for a saved search is delivered."""

    FEED = "feed"
    """Not at all: its address as a feed is asked by whoever wants to know."""
    WEBHOOK = "webhook"
    EMAIL = "email"
    STDOUT = "stdout"
    """As lines of JSON by `newsriver alerts run`."""


class SavedSearch(Record):
    """A query with a name, and where its new articles are delivered; `to_json` alone writes the secret."""

    id: SavedSearchId
    """Its id, by chance."""
    name: Name
    """Its name, for people."""
    query: Text
    """The query as it was typed."""
    channel: AlertChannel = AlertChannel.FEED
    """How new articles are delivered."""
    target: Address = ""
    """Where to: the webhook's URL, or e-mail addresses with commas between them."""
    secret: SecretStr = SecretStr("")
    """Key that webhooks are signed with, `whsec_` and base64."""
    every_seconds: Annotated[int, Field(ge=0, le=604_800)] = 0
    """Shortest time between two deliveries; what is found meanwhile comes as one digest."""
    created_at: ClockTime
    """When it was saved."""
    since: ClockTime
    """Articles that were written before this are not delivered: when it was saved, or last resumed."""
    paused: bool = False
    """Whether nothing is found or delivered for now."""
    trouble: Detail = ""
    """Why the last delivery or evaluation failed; empty when all is well."""

    def to_json(self) -> bytes:
        """Give the record as JSON with its secret, for its index and nothing else."""
        return self.model_dump_json(exclude_none=True, context=REVEAL).encode()

    @field_serializer("secret", when_used="json")
    def _written(self, value: SecretStr, info: FieldSerializationInfo) -> str:
        return value.get_secret_value() if info.context == REVEAL else str(value)


class AlertDelivery(Record):
    """One version of one article, found for one saved search, as it is or will be delivered."""

    id: Digest
    """Digest of saved search, article and content: the same version is never found twice."""
    search_id: SavedSearchId
    """The saved search."""
    article_id: Digest
    """The article."""
    content_digest: Digest
    """Which text of it."""
    url: Address
    """Canonical URL of the article."""
    title: Title
    """Headline."""
    summary: Summary = ""
    """Standfirst."""
    source: Source
    """Short name of the outlet."""
    language: LanguageCode
    """Language of the body."""
    topics: Names = []
    """Labels of the topics, best first."""
    published_at: AwareDatetime | None = None
    """When the article was published, as its page or feed says."""
    first_seen: ClockTime
    """When the article was discovered: it names the index."""
    indexed_at: ClockTime
    """When this version was written into the index."""
    found_at: ClockTime
    """When it was found for the saved search."""
    message: str = ""
    """The message that it belongs to, whose articles never change; empty before there is one."""
    delivered_at: ClockTime | None = None
    """When the receiver had taken it; None while it is to be delivered."""
    latency_ms: Annotated[int, Field(ge=0)] | None = None
    """Time from `indexed_at` to `delivered_at`."""


class ShardPosition(Record):
    """Up to where one shard of the articles was evaluated."""

    index: str
    """Name of the index."""
    uuid: str
    """The index's own id: one that is made anew under its name has another."""
    shard: Annotated[int, Field(ge=0)]
    """Number of the shard."""
    seq_no: int
    """Sequence number of the last operation that was evaluated; -1 for none."""
    floor: AwareDatetime | None = None
    """Articles that were fetched before are not new, for an index that was filled anew; None for no such bound."""


class AlertProgress(Record):
    """How far new articles were evaluated, and which process does it."""

    id: Name
    """What is done: `evaluator` finds and delivers, `stdout` prints."""
    holder: str = ""
    """The process that does it."""
    until: AwareDatetime
    """Until when no other process takes its place."""
    at: AwareDatetime
    """When this was written."""
    shards: list[ShardPosition] = []
    """Positions, one for each shard that was ever evaluated."""
