"""The hostile site in a process of its own: what it makes and sends must not hold up the good one.

It is told what to announce as the good site is, and says `ready` as that does:
`python -m pipelines.lab.chaos.hostile_site ARTICLES SEED PORT`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

from pipelines.demo.timetable import whole_loopback
from pipelines.lab.chaos.hostile import TRICKS, Hostile, answer
from pipelines.lab.chaos.hostile_http import Pieces, whole
from pipelines.lab.chaos.orders import follow
from pipelines.lab.chaos.plan import hostile, plan

_EVERY_SECONDS = 30.0
"""A feed is hostile once in so long and ordinary in between: else it would be a feed of nothing else."""

_PATIENCE_SECONDS = 120.0
_LINGER_SECONDS = 1.0
_REQUEST_BYTES = 262_144
_BROKEN = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError)


class HostileSite:
    """Answers requests.

    Attributes:
        hostile: pages that are announced.
        flooded: poisoned pages that are announced beside them.

    Args:
        plan: addresses, feeds and pages.
    """

    def __init__(self, plan: Hostile) -> None:
        self.hostile = self.flooded = 0
        self._plan = plan
        self._asked: dict[int, float] = {}
        self._feed = lru_cache(maxsize=2)(plan.feed)

    async def listen(self) -> None:
        """Listen at every host.

        Raises:
            OSError: an address or port cannot be used.
        """
        for host in self._plan.hosts():
            await asyncio.start_server(partial(self._serve, host), *self._plan.place(host), limit=_REQUEST_BYTES)

    def take(self, orders: Mapping[str, Any]) -> None:
        """Follow an order: `hostile` and `flooded`."""
        self.hostile = orders.get("hostile", self.hostile)
        self.flooded = orders.get("flooded", self.flooded)

    async def _serve(self, host: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        with suppress(*_BROKEN):
            request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE_SECONDS)
            path = request.split(b"\r\n", 1)[0].decode("latin-1").split(" ")[1].partition("?")[0]
            await asyncio.wait_for(self._send(writer, host, path), _PATIENCE_SECONDS)
        writer.transport.abort()

    async def _send(self, writer: asyncio.StreamWriter, host: int, path: str) -> None:
        sent = await self._answer(host, path)
        for piece in sent.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(sent.pause)
        writer.write_eof()
        await asyncio.sleep(_LINGER_SECONDS)  # what was sent must arrive before the connection is cut

    async def _answer(self, host: int, path: str) -> Pieces:
        if path == "/feed.xml" and host >= len(TRICKS):
            feed = self._feed(self.hostile, self.flooded)
            return Pieces((whole(feed, b"application/rss+xml"),))
        now = time.monotonic()
        due = now - self._asked.get(host, -_EVERY_SECONDS) >= _EVERY_SECONDS
        if path == "/feed.xml" and due:
            self._asked[host] = now
        return await asyncio.to_thread(answer, host, path, hostile_feed=due)  # some take a second to make


async def _run(articles: int, seed: int, port: int) -> None:
    site = HostileSite(hostile(plan(articles, seed), port, apart=whole_loopback()))
    await site.listen()
    await follow(site.take)


def main(arguments: Sequence[str]) -> None:
    """Serve until standard input ends."""
    articles, seed, port = map(int, arguments)
    asyncio.run(_run(articles, seed, port))


if __name__ == "__main__":
    main(sys.argv[1:])
