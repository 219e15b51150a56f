"""Records on their way to Kafka: put in on the event loop, taken out in the thread that speaks to the broker."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRecord:
    """One record to be written; `value` is None for a removal, `partition` None where the key decides."""

    topic: str
    key: str
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict)
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """Records that are acknowledged together; `arrived` ends when they are."""

    drafts: tuple[OutgoingRecord, ...]
    arrived: asyncio.Future[None]

    @property
    def size(self) -> int:
        """Bytes of the values."""
        return sum(len(draft.value or b"") for draft in self.drafts)


class Full(Exception):
    """So much waits for Kafka that nothing more is taken."""


class Outbox:
    """What waits for the broker, in order and bounded; made on the event loop that puts in.

    Args:
        limit_bytes: most bytes of values that wait at a time.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit_bytes
        self._size = 0
        self._waiting: deque[Parcel] = deque()

    def put(self, drafts: Sequence[OutgoingRecord], *, bounded: bool = False) -> asyncio.Future[None]:
        """Hand records over; the future ends when the broker has acknowledged them all.

        Raises:
            Full: with `bounded`, so much waits already.
        """
        if bounded and self._size > self._limit:
            raise Full
        parcel = Parcel(tuple(drafts), self._loop.create_future())
        self._size += parcel.size
        self._waiting.append(parcel)
        return parcel.arrived

    def take(self) -> list[Parcel]:
        """Take out all that waits; what nobody waits for any more is left out. Called in another thread."""
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        gone = [parcel for parcel in taken if parcel.arrived.cancelled()]
        self.settle(gone)
        return [parcel for parcel in taken if not parcel.arrived.cancelled()]

    def settle(self, parcels: Sequence[Parcel]) -> None:
        """Say that parcels are acknowledged. Called in another thread."""
        if parcels and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._settle, parcels)

    def _settle(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            self._size -= parcel.size
            if not parcel.arrived.done():
                parcel.arrived.set_result(None)
