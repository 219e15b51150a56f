"""What was announced before a copy of `fetch` came: the last records before the committed offsets."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing

from pydantic import ValidationError

from pipelines.errors import NewsriverError
from pipelines.fetch.deduplication import SeenArticles
from pipelines.fetch.partition_queues import Place
from pipelines.kafka import Admin, Message, RangeReader
from pipelines.ledger.dead_letter_rules import REPLAY
from schemas.records import Entry

log = logging.getLogger(__name__)

_MOST_BYTES = 40_000_000
_MOST_SECONDS = 1.5
_STRETCH = 1000
"""Most records of a partition read at a time, the last ones first."""


class WarmUp:
    """Fills the memory of announcements when partitions come to this copy.

    Args:
        bootstrap: Kafka's address.
        group: the consumer group whose committed offsets count.
        known: the memory.
        most: records that are read back at most.
    """

    def __init__(self, bootstrap: str, group: str, known: SeenArticles, most: int = 20_000) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._known = known
        self._most = most
        self._seen_to: dict[Place, int] = {}

    def saw(self, message: Message) -> None:
        """Note that a record went into the memory as it was read."""
        self._seen_to[message.topic, message.partition] = message.offset + 1

    def fill(self, places: Iterable[Place]) -> None:
        """Read back what lies before the committed offsets of partitions, for some 1.5 s at most.

        The memory only spares work: when Kafka does not answer it stays as it is, and that is said.
        """
        began = time.monotonic()
        try:
            with Admin(self._bootstrap) as admin:
                committed = admin.committed(self._group)
            ends = {at: committed[at] for at in places if committed.get(at, 0) > self._seen_to.get(at, 0)}
            found = self._read(ends, began + _MOST_SECONDS) if ends else []
        except NewsriverError as error:
            log.warning("announcements before the start are not known, some may be fetched twice: %s", error)
            return
        for message in sorted(found, key=lambda each: (each.partition, each.offset)):
            self._learn(message)
        self._seen_to.update(ends)
        if found:
            log.info("read back %d announcements in %.1f s", len(found), time.monotonic() - began)

    def _read(self, ends: Mapping[Place, int], until: float) -> list[Message]:
        found: list[Message] = []
        size = 0
        with closing(RangeReader(self._bootstrap, client_id=f"{self._group}-back")) as spans:
            starts = {at: max(start, self._seen_to.get(at, 0)) for at, start in spans.starts(list(ends)).items()}
            stretch = min(_STRETCH, max(1, self._most // len(ends)))
            for message in _backwards(spans, starts, dict(ends), stretch):
                found.append(message)
                size += len(message.value or b"")
                if len(found) >= self._most or size >= _MOST_BYTES or time.monotonic() > until:
                    break
        return found

    def _learn(self, message: Message) -> None:
        if REPLAY in message.headers:
            return
        try:
            entry = Entry.from_json(message.value or b"")
        except ValidationError:  # it was set aside when it was read
            return
        if not entry.visit:
            self._known.take(entry, message.partition, message.offset)


def _backwards(spans: RangeReader, starts: Mapping[Place, int], ends: dict[Place, int], most: int) -> Iterator[Message]:
    """Give what lies between two offsets of each partition, in stretches, the last ones first."""
    while ends:
        stretch = {place: (max(starts[place], end - most), end) for place, end in ends.items()}
        yield from spans.read(stretch)
        ends = {place: start for place, (start, _) in stretch.items() if start > starts[place]}
