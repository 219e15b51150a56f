"""Puts the broker in memory in the place of the network, below `pipelines.kafka` and all that is built on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from unittest.mock import patch

from pipelines.kafka import admin, patience, reader, scan, sender
from pipelines.kafka.outage import Outage
from tests.memory_kafka.broker import Broker
from tests.memory_kafka.consumer import MemoryConsumer
from tests.memory_kafka.producer import MemoryAdmin, MemoryProducer

NOWHERE = "memory:9092"


@contextmanager
def memory_kafka() -> Iterator[Broker]:
    """Have all clients that are made within talk to one broker in memory, and nobody wait for anything."""
    broker = Broker()
    time = SimpleNamespace(sleep=broker.clock.sleep, monotonic=broker.clock.monotonic)
    outage = Outage(broker.clock.monotonic)
    consumer = partial(MemoryConsumer, broker)
    with (
        patch.object(reader, "KafkaConsumer", consumer),
        patch.object(scan, "KafkaConsumer", consumer),
        patch.object(sender, "KafkaProducer", partial(MemoryProducer, broker)),
        patch.object(admin, "KafkaAdminClient", partial(MemoryAdmin, broker)),
        patch.object(patience, "time", time),
        patch.object(sender, "time", time),
        patch.object(admin, "time", time),
        patch.object(patience, "outage", outage),
        patch.object(reader, "outage", outage),
        patch.object(sender, "outage", outage),
    ):
        yield broker
