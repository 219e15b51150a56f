"""Partitions of pages, and the readers of one process that read and commit them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from pipelines.kafka import PartitionReader
from pipelines.process.refusals import Refusals


class Partition(NamedTuple):
    """One partition to be read, and for whom."""

    topic: str
    number: int
    group: str


class Readers:
    """One reader for each partition in a process, kept between bundles; whoever borrows it has it alone.

    Args:
        bootstrap: Kafka's address.
        refusals: told what Kafka refuses.
    """

    def __init__(self, bootstrap: str, refusals: Refusals) -> None:
        self._bootstrap, self._refusals = bootstrap, refusals
        self._lock = threading.Lock()
        self._committing = threading.Lock()
        self._idle: dict[Partition, PartitionReader] = {}
        self._committed: dict[Partition, int] = {}

    @contextmanager
    def borrow(self, partition: Partition) -> Iterator[PartitionReader]:
        """Have a partition's reader within; it is made where there is none.

        Raises:
            ServiceError: Kafka refuses.
        """
        with self._refusals.noted():
            with self._lock:
                reader = self._idle.pop(partition, None)
            if reader is None:
                name = f"{partition.group}-{partition.number}"
                reader = PartitionReader(
                    self._bootstrap, partition.group, partition.topic, partition.number, client_id=name
                )
            try:
                yield reader
            finally:
                with self._lock:
                    spare = self._idle.pop(partition, None)
                    self._idle[partition] = reader
                if spare is not None:
                    spare.close()

    def commit(self, partition: Partition, offset: int) -> None:
        """Commit, never backwards: finalizers may come late.

        After a refusal the next bundle's commit covers it, or else the next generation reads from the committed offset.
        """
        with self._committing, self.borrow(partition) as reader:
            if self._committed.get(partition, -1) < offset and reader.commit(offset):
                self._committed[partition] = offset

    def close(self) -> None:
        """Hang up; readers that are needed again are made again."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for reader in idle.values():
            reader.close()
