"""What every Kafka client of the river shares: the message and the options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from kafka import TopicPartition
from kafka.errors import UnknownTopicOrPartitionError

from pipelines.kafka.access import access_options
from schemas.records import LATEST

_LATEST_MS = int((LATEST - timedelta(days=2)).timestamp() * 1000)
"""A foreign producer may stamp a record with any number, or with none (-1); what is made from it must have a date."""


@dataclass(frozen=True, slots=True)
class Message:
    """One record as read from a topic."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes | None
    headers: dict[str, bytes] = field(default_factory=dict)
    timestamp_ms: int = 0

    @property
    def origin(self) -> str:
        """Kafka coordinates as `topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def options(bootstrap: str, client_id: str) -> dict[str, Any]:
    """Give the options that every client takes, security included.

    Raises:
        SettingsError: a file of a secret or a certificate cannot be used.
    """
    # By itself the library waits up to 30 s between two tries to connect: longer than a broker takes to restart.
    return {
        "bootstrap_servers": bootstrap.split(","),
        "client_id": client_id,
        "reconnect_backoff_max_ms": 1000,
        **access_options(bootstrap),
    }


def message(record: Any) -> Message:  # noqa: ANN401 - kafka-python's record has no type
    """Turn kafka-python's record into ours."""
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=None if record.key is None else record.key.decode("utf-8", "replace"),
        value=record.value,
        headers=dict(record.headers or ()),
        timestamp_ms=min(max(record.timestamp, 0), _LATEST_MS),
    )


def offsets_of(
    ask: Callable[[list[TopicPartition]], Mapping[TopicPartition, int]], places: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """Ask a consumer for the first or last offsets of places.

    Raises:
        UnknownTopicOrPartitionError: the topic of one is being deleted; kafka-python 3.0.12 raises a KeyError then.
    """
    wanted = list(places)
    try:
        return {place: int(offset) for place, offset in ask(wanted).items()} if wanted else {}
    except KeyError as error:
        raise UnknownTopicOrPartitionError(str(error)) from None
