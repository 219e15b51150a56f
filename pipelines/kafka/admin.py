"""The looking-on side: topics, their settings, their ends, what groups have committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from kafka import KafkaAdminClient, OffsetSpec, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from pipelines.kafka.client import options
from pipelines.kafka.faults import answering, away, refusal

_START_SECONDS = 5.0
_PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.2


class Admin:
    """Looks at and creates topics.

    Raises:
        ServiceError: the broker does not answer, or refuses.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        with answering(bootstrap):
            self._client = KafkaAdminClient(
                **options(bootstrap, "newsriver-admin"), bootstrap_timeout_ms=int(_START_SECONDS * 1000)
            )

    def __enter__(self) -> Self:
        """Enter a block that ends with hanging up."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        self._client.close()

    def topics(self) -> dict[str, int]:
        """Give the number of partitions of every topic."""
        return {topic["name"]: len(topic["partitions"]) for topic in self._ask(self._client.describe_topics)}

    def create(self, name: str, partitions: int, replication: int, config: Mapping[str, str]) -> None:
        """Create a topic and wait until it can be used."""
        options = {"num_partitions": partitions, "replication_factor": replication, "configs": dict(config)}
        self._ask(self._client.create_topics, {name: options}, wait_for_metadata=True)

    def config(self, name: str) -> dict[str, str]:
        """Give a topic's settings that differ from the broker's defaults."""
        found = self._ask(self._client.describe_configs, [ConfigResource(ConfigResourceType.TOPIC, name)])
        entries = next(iter(next(iter(found.values())).values()))
        return {key: entry["value"] for key, entry in entries.items()}

    def set_config(self, name: str, config: Mapping[str, str]) -> None:
        """Change some of a topic's settings."""
        self._ask(self._client.alter_configs, [ConfigResource(ConfigResourceType.TOPIC, name, dict(config))])

    def delete(self, names: Sequence[str]) -> None:
        """Delete topics with all they hold."""
        self._ask(self._client.delete_topics, list(names))

    def ends(self, topic: str, partitions: int) -> dict[int, int]:
        """Give the offset after the last record of each partition."""
        places = {TopicPartition(topic, number): OffsetSpec.LATEST for number in range(partitions)}
        return {
            place.partition: at.offset for place, at in self._ask(self._client.list_partition_offsets, places).items()
        }

    def committed(self, group: str) -> dict[tuple[str, int], int]:
        """Give the committed offsets of a group; empty for a group that never committed."""
        offsets = self._ask(self._client.list_group_offsets, group).get(group, {})
        return {(place.topic, place.partition): at.offset for place, at in offsets.items() if at.offset >= 0}

    def members(self, group: str) -> int:
        """Count the members that share a group's topics; 0 while they are agreeing who gets what."""
        found = self._ask(self._client.describe_groups, [group])[group]
        return len(found["members"]) if found["group_state"] == "Stable" else 0

    def _ask(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:  # noqa: ANN401 - kafka-python is untyped
        """Ask the broker; what passes by itself, such as a coordinator that is only just chosen, is asked again."""
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return call(*args, **options)
            except KafkaError as error:
                if not error.retriable:
                    raise refusal(error, self._bootstrap) from None
                if time.monotonic() > ends_at:
                    raise away(self._bootstrap, error) from None
                time.sleep(_PAUSE_SECONDS)


def topics(bootstrap: str) -> dict[str, int]:
    """Give the number of partitions of every topic.

    Raises:
        ServiceError: the broker does not answer, or refuses.
    """
    with Admin(bootstrap) as admin:
        return admin.topics()


def is_reachable(bootstrap: str, seconds: float = 2.0) -> bool:
    """Tell whether a broker answers there."""
    try:
        KafkaAdminClient(**options(bootstrap, "newsriver-probe"), bootstrap_timeout_ms=int(seconds * 1000)).close()
    except (KafkaError, OSError, ValueError):
        return False
    return True
