"""What every Kafka client of the river shares: the message, the options, the patience to connect."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kafka.errors import KafkaError

from pipelines.errors import ServiceError

log = logging.getLogger(__name__)


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
    """Give the options that every client takes."""
    # By itself the library waits up to 30 s between two tries to connect: longer than a broker takes to restart.
    return {"bootstrap_servers": bootstrap.split(","), "client_id": client_id, "reconnect_backoff_max_ms": 1000}


def message(record: Any) -> Message:  # noqa: ANN401 - kafka-python's record has no type
    """Turn kafka-python's record into ours."""
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=None if record.key is None else record.key.decode("utf-8", "replace"),
        value=record.value,
        headers=dict(record.headers or ()),
        timestamp_ms=record.timestamp,
    )


def away(bootstrap: str, error: Exception) -> ServiceError:
    """Say that a broker does not answer."""
    return ServiceError(
        f"Kafka at {bootstrap} does not answer: {error}", hint="start it with `newsriver stack up`", resource=bootstrap
    )


def patiently(connect: Callable[[], Any], bootstrap: str) -> Any:  # noqa: ANN401 - kafka-python's clients have no type
    """Connect; while the broker is away wait for it, for ever and visibly."""
    waits = 0
    while True:
        try:
            return connect()
        except (KafkaError, OSError) as error:
            waits += 1
            log.warning("Kafka at %s does not answer, waiting (try %d): %s", bootstrap, waits, error)
            time.sleep(min(0.5 * 2**waits, 10.0))
