"""The robots.txt of each host that is asked: read once a day, kept within bounds."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from pipelines.errors import FetchFault
from pipelines.http.politeness import HostOnHold
from pipelines.http.robots import Robots, robots_after

MOST_BYTES = 64_000_000
"""Most memory that all of them take: some 20,000 ordinary ones."""

_KEEP_SECONDS = 86_400.0  # RFC 9309, 2.4: not longer than a day
_KEEP_UNREACHABLE_SECONDS = 600.0
_KEEP_STALE_SECONDS = 30 * 86_400.0  # RFC 9309, 2.3.1.4: what was read last counts while there is nothing newer


class _Known(NamedTuple):
    robots: Robots
    expires: float
    read_at: float  # when its rules were read


class RobotsCache:
    """The robots.txt of each origin, asked for once a day; of an unreachable one, every ten minutes.

    Of one that was read before and cannot be had now, what it said last counts, for 30 days at most.

    Args:
        get: fetches a robots.txt by its URL and reads it.
        clock: gives seconds that never go back.
        limit: most origins; the ones asked for longest ago are forgotten first.
        most_bytes: most memory of all of them together.
    """

    def __init__(
        self,
        get: Callable[[str], Awaitable[Robots]],
        clock: Callable[[], float] = time.monotonic,
        limit: int = 20_000,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._get = get
        self._clock = clock
        self._limit = limit
        self._most_bytes = most_bytes
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Robots]] = {}
        self.size = 0
        """About how many bytes they take."""

    async def of(self, origin: str) -> Robots:
        """Give the robots of an origin such as `https://example.org`; those who ask at once share one request.

        Raises:
            HostOnHold: the host may not be asked now.
        """
        known = self._known.get(origin)
        if known is not None and known.expires > self._clock():
            self._known.move_to_end(origin)
            return known.robots
        task = self._asking.get(origin)
        if task is None:
            task = self._asking[origin] = asyncio.create_task(self._ask(origin))
            task.add_done_callback(lambda _: self._asking.pop(origin, None))
        return await asyncio.shield(task)

    async def _ask(self, origin: str) -> Robots:
        try:
            robots = await self._get(f"{origin}/robots.txt")
        except HostOnHold:  # says nothing about the file: whoever asks next asks again
            raise
        except FetchFault as fault:
            robots = robots_after(fault)
        now = self._clock()
        if robots.fault is None:
            self._keep(origin, _Known(robots, now + _KEEP_SECONDS, now))
            return robots
        again = now + max(robots.fault.retry_after or 0.0, _KEEP_UNREACHABLE_SECONDS)
        before = self._known.get(origin)
        if before is not None and before.robots.fault is None and before.read_at > now - _KEEP_STALE_SECONDS:
            robots, read_at = before.robots, before.read_at
        else:
            read_at = now
        self._keep(origin, _Known(robots, again, read_at))
        return robots

    def _keep(self, origin: str, known: _Known) -> None:
        self._drop(origin)
        self._known[origin] = known
        self.size += _size(origin, known)
        while len(self._known) > max(1, self._limit) or (self.size > self._most_bytes and len(self._known) > 1):
            self._drop(next(iter(self._known)))

    def _drop(self, origin: str) -> None:
        known = self._known.pop(origin, None)
        if known is not None:
            self.size -= _size(origin, known)


def _size(origin: str, known: _Known) -> int:
    return 2 * len(origin) + 300 + known.robots.size
