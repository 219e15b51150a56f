"""Entries that were read: which wait for their time or for room, and which are already in hand. Pure.

A partition with entries that wait is to be paused, so that the waiting stays on Kafka. In a later-tier every record
waits equally long, so the first is always the next one due, and one record of look-ahead is enough.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")
Place = tuple[str, int]
"""Topic and partition."""


class PartitionQueues(Generic[T]):
    """One queue for each partition; what is due is handed out in turns, so that no partition waits for another."""

    def __init__(self) -> None:
        self._lanes: dict[Place, deque[tuple[T, datetime | None]]] = {}

    def add(self, place: Place, item: T, due_at: datetime | None) -> None:
        """Queue an item behind those of its partition; without a time it is due at once."""
        self._lanes.setdefault(place, deque()).append((item, due_at))

    def drop(self, places: Iterable[Place]) -> list[T]:
        """Forget partitions that went to another copy, and give what waited in them."""
        return [item for place in places for item, _ in self._lanes.pop(place, ())]

    def ready(self, now: datetime, room: int) -> Iterator[T]:
        """Hand out items that are due, at most `room`, one from each partition in turn."""
        while room > 0:
            heads = [lane for lane in self._lanes.values() if lane and _is_due(lane[0][1], now)]
            if not heads:
                return
            for lane in heads[:room]:
                yield lane.popleft()[0]
            room -= len(heads[:room])

    def waiting(self) -> set[Place]:
        """Give the partitions with items that wait."""
        return {place for place, lane in self._lanes.items() if lane}

    def __len__(self) -> int:
        """Give the number of items that wait."""
        return sum(map(len, self._lanes.values()))


def _is_due(due_at: datetime | None, now: datetime) -> bool:
    return due_at is None or due_at <= now


class InFlight:
    """Records that are in hand, and the last ones that were finished, by their Kafka coordinates.

    A rebalance hands out again what is not committed yet, also to the copy that has it in hand: it is not done twice.

    Args:
        limit: most finished records remembered.
    """

    def __init__(self, limit: int = 20_000) -> None:
        self._limit = limit
        self._in_hand: set[str] = set()
        self._finished: OrderedDict[str, None] = OrderedDict()

    def in_hand(self, origin: str) -> bool:
        """Tell whether a record is being worked on."""
        return origin in self._in_hand

    def finished(self, origin: str) -> bool:
        """Tell whether a record was finished not long ago."""
        return origin in self._finished

    def take(self, origin: str) -> None:
        """Note that a record is being worked on."""
        self._in_hand.add(origin)

    def let_go(self, origin: str) -> None:
        """Note that a record is not worked on any more, and not finished."""
        self._in_hand.discard(origin)

    def finish(self, origin: str) -> None:
        """Note that all effects of a record are acknowledged."""
        self._in_hand.discard(origin)
        self._finished[origin] = None
        while len(self._finished) > self._limit:
            self._finished.popitem(last=False)
