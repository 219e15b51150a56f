"""What a hub is asked for and what it sends: the subscriber's side of WebSub (W3C Recommendation, 2018)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field, FieldSerializationInfo, SecretStr, field_serializer

from schemas.records.base import REVEAL, Address, Detail, Record


class SubscriptionStatus(StrEnum):
    """How a subscription stands."""

    ASKED = "asked"
    ACTIVE = "active"
    DENIED = "denied"
    LEAVING = "leaving"


class HubMode(StrEnum):
    """What a hub is asked to do, by the protocol's own words."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


class Subscription(Record):
    """One feed's subscription at its hub; `to_json` alone writes the secrets, every other way masks them."""

    feed_url: Address
    """The feed: the key."""
    hub: Address
    """Address of the hub, as the feed names it."""
    topic: Address
    """What is subscribed to: the address the feed gives itself."""
    callback: SecretStr
    """Last part of the callback's path: whoever knows it may speak as the hub."""
    secret: SecretStr
    """Key that the hub signs its pushes with."""
    status: SubscriptionStatus
    """How it stands."""
    pending: HubMode | None = None
    """What the hub was asked for and has yet to verify."""
    tries: Annotated[int, Field(ge=0)] = 0
    """Requests since the hub last verified one."""
    next_at: AwareDatetime
    """When the hub is to be asked next: for a renewal, or once more."""
    lease_until: AwareDatetime | None = None
    """Until when the hub has promised to push; None before its first promise."""
    last_push_at: AwareDatetime | None = None
    """When the last push with a good signature came."""
    reason: Detail = ""
    """Why the hub denied, or the last request failed; empty when all is well."""

    def to_json(self) -> bytes:
        """Give the record as JSON with its secrets, for its topic and nothing else."""
        return self.model_dump_json(exclude_none=True, context=REVEAL).encode()

    @field_serializer("callback", "secret", when_used="json")
    def _written(self, value: SecretStr, info: FieldSerializationInfo) -> str:
        return value.get_secret_value() if info.context == REVEAL else str(value)


class PushFacts(Record):
    """What is known of a push beside its body."""

    received_at: AwareDatetime
    """When its last byte came: the time of discovery of what is new in it."""
    content_type: str = ""
    """Content-Type header as the hub sent it; the signature does not cover it."""
    lease_until: AwareDatetime | None = None
    """Until when the hub has promised to push."""
