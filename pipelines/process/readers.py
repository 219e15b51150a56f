"""Partitions of pages, and the readers of one process that read and commit them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from pipelines.kafka import PartitionReader
from pipelines.process.refusals import Refusals

FOREVER = 2**62
"""End of a partition that has none; larger than any offset."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A topic of pages to be read.

    Attributes:
        topic: its full name.
        group: the consumer group under which offsets are committed.
        share: how much of a bundle's pages each of its partitions may take, above 0, at most 1.
        spans: for some partitions the first offset to read and the one after the last, where less than all is wanted.
    """

    topic: str
    group: str
    share: float = 1.0
    spans: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def partitions(self, numbers: Iterable[int]) -> list[Partition]:
        """Give some of its partitions."""
        whole = (0, FOREVER)
        return [Partition(self.topic, one, self.group, self.share, *self.spans.get(one, whole)) for one in numbers]


class Partition(NamedTuple):
    """One partition to be read, for whom, and from where to where: never before what the group has committed."""

    topic: str
    number: int
    group: str
    share: float = 1.0
    start: int = 0
    end: int = FOREVER


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

    def finished(self, partition: Partition) -> bool:
        """Tell whether all is committed that is to be read of a partition.

        Raises:
            ServiceError: Kafka refuses.
        """
        if partition.end >= FOREVER:
            return False
        with self.borrow(partition) as reader:
            return reader.committed() >= partition.end

    def close(self) -> None:
        """Hang up; readers that are needed again are made again."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for reader in idle.values():
            reader.close()
