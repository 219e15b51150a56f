"""The producer and the admin client of kafka-python as the river uses them, on a broker in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from kafka import TopicPartition
from kafka.admin import ConfigResource
from kafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from kafka.structs import OffsetAndMetadata

from pipelines.kafka import partition_of
from tests.memory_kafka.broker import Broker


class Future:
    """The answer to one record."""

    def __init__(self) -> None:
        self.is_done = False
        self.exception: KafkaError | None = None

    def failed(self) -> bool:
        """Tell whether it was refused."""
        return self.exception is not None

    def settle(self, error: KafkaError | None = None) -> None:
        """Answer."""
        self.is_done, self.exception = True, error


class MemoryProducer:
    """A producer that sends what it holds when it is flushed."""

    def __init__(self, broker: Broker, max_request_size: int = 1_048_576, **_: Any) -> None:
        broker.reach()
        self._broker = broker
        self._most = max_request_size
        self._held: list[tuple[TopicPartition, Any, Any, tuple[tuple[str, bytes], ...], Future]] = []
        self._sender = SimpleNamespace(force_close=self._held.clear, join=lambda _: None)

    def _unregister_cleanup(self) -> None:
        """Nothing is to be done when Python ends."""

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes,
        headers: Iterable[tuple[str, bytes]] | None = None,
        partition: int | None = None,
    ) -> Future:
        """Take a record.

        Raises:
            KafkaError: it is too large, or the topic is not known.
        """
        if len(value or b"") > self._most:
            raise MessageSizeTooLargeError
        future = Future()
        if topic in self._broker.unauthorized:
            future.settle(TopicAuthorizationFailedError({topic}))
            return future
        numbers = self._broker.partitions(topic)
        if not numbers or self._broker.away:
            raise KafkaTimeoutError("Failed to update metadata")
        number = partition_of(key.decode(), len(numbers)) if partition is None else partition
        self._held.append((TopicPartition(topic, number), key, value, tuple(headers or ()), future))
        return future

    def flush(self, timeout: float | None = None) -> None:  # noqa: ARG002 - nothing to wait for
        """Send what is held.

        Raises:
            KafkaTimeoutError: the broker is away.
        """
        if self._broker.away and self._held:
            raise KafkaTimeoutError("Timeout waiting for future")
        held, self._held[:] = list(self._held), []
        for place, key, value, headers, future in held:
            try:
                self._broker.reach("produce")
                if place not in self._broker.logs:
                    raise UnknownTopicOrPartitionError(place.topic)
                self._broker.append(place, key, value, headers)
                self._broker.reach("append")
            except KafkaError as error:
                future.settle(error)
            else:
                future.settle()

    def close(self, timeout: float | None = None) -> None:
        """Flush and hang up."""
        self.flush(timeout)


class MemoryAdmin:
    """Looks at and changes topics."""

    def __init__(self, broker: Broker, **_: Any) -> None:
        broker.reach()
        self._broker = broker

    def close(self) -> None:
        """Hang up."""

    def describe_topics(self) -> list[dict[str, Any]]:
        """Give the topics that may be seen."""
        self._broker.reach()
        names = sorted({place.topic for place in self._broker.logs} - self._broker.unauthorized)
        return [{"name": name, "partitions": sorted(self._broker.partitions(name))} for name in names]

    def create_topics(self, topics: Mapping[str, Mapping[str, Any]], wait_for_metadata: bool = False) -> None:  # noqa: ARG002 - as the client's
        """Create topics."""
        for name, options in topics.items():
            self._broker.create(name, options["num_partitions"], dict(options["configs"]))

    def delete_topics(self, names: Iterable[str]) -> None:
        """Delete topics."""
        for name in names:
            self._broker.delete(name)

    def describe_configs(self, resources: Iterable[ConfigResource]) -> dict[str, dict[str, dict[str, Any]]]:
        """Give settings that were made."""
        made = {each.name: self._broker.configs[each.name] for each in resources}
        return {"topic": {name: {key: {"value": value} for key, value in made[name].items()} for name in made}}

    def list_partition_offsets(self, places: Mapping[TopicPartition, Any]) -> dict[TopicPartition, Any]:
        """Give the offsets behind the last records."""
        self._broker.reach()
        return {place: SimpleNamespace(offset=len(self._broker.logs[place])) for place in places}

    def list_group_offsets(self, group: str) -> dict[str, dict[TopicPartition, OffsetAndMetadata]]:
        """Give what a group has committed."""
        self._broker.reach()
        found = self._broker.groups[group].committed
        return {group: {place: OffsetAndMetadata(at, "", -1) for place, at in found.items()}}
