"""The site that the river reads, in a process of its own that no fault touches.

HTTP by hand (RFC 9112): half of its work is to send what no server library would. Orders on its standard input
(`pipelines.lab.chaos.orders`) say how many articles are out and which hosts are slow; when that ends, so does the site,
whatever became of who started it. `python -m pipelines.lab.chaos.site ARTICLES SEED PORT` says `ready` when it listens.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

from pipelines.demo.timetable import whole_loopback
from pipelines.lab.chaos.orders import follow
from pipelines.lab.chaos.pages import ChaosAnswer, Press
from pipelines.lab.chaos.plan import FaultKind, plan

_ROBOTS = b"User-agent: *\nDisallow: /private/\n"
_BROKEN = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)


def press(articles: int, seed: int, port: int, only: Collection[FaultKind] = ()) -> Press:
    """Give the feeds and pages as the site serves them on this machine; the faults alone depend on `only`."""
    return Press(plan(articles, seed, only), port, apart=whole_loopback())


class ChaosSite:
    """Answers requests.

    Attributes:
        revealed: articles that are out.
        slow: seconds that some hosts take for a page, by the host's number.
    """

    def __init__(self, served: Press) -> None:
        self.revealed = 0
        self.slow: dict[int, float] = {}
        self._press = served
        self._earlier: Counter[int] = Counter()
        self._feed = lru_cache(maxsize=2 * served.feeds)(served.feed)

    async def listen(self) -> None:
        """Listen at every host.

        Raises:
            OSError: an address or port cannot be used.
        """
        for host in range(self._press.hosts):
            await asyncio.start_server(partial(self._serve, host), *self._press.place(host))

    def take(self, orders: Mapping[str, Any]) -> None:
        """Follow an order: `revealed`, or `slow` with a list of hosts and `seconds`."""
        self.revealed = orders.get("revealed", self.revealed)
        if "slow" in orders:
            self.slow = dict.fromkeys(orders["slow"], orders["seconds"])

    async def _serve(self, host: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """ChaosAnswer the requests of one connection until either side hangs up."""
        with suppress(*_BROKEN):
            while True:
                request, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                path = request.split(" ")[1]
                if path.startswith("/news/"):
                    await asyncio.sleep(self.slow.get(host, 0.0))
                answer = self._answer(path, headers.get("if-none-match", ""))
                writer.write(_on_the_wire(answer))
                await writer.drain()
                if answer.raw or answer.promised is not None:
                    break
        writer.close()

    def _answer(self, path: str, etag: str) -> ChaosAnswer:
        _, folder, name = (*path.split("/", 2), "", "")[:3]
        if path == "/robots.txt":
            return ChaosAnswer(_ROBOTS, headers={"Content-Type": "text/plain"})
        if folder == "feed":
            return self._feed_answer(int(name.removesuffix(".xml")), etag)
        if folder in ("news", "private"):
            number = int(name)
            self._earlier[number] += 1
            return self._press.answer(number, self._earlier[number] - 1)
        return ChaosAnswer(b"not found", 404)

    def _feed_answer(self, feed: int, etag: str) -> ChaosAnswer:
        shown = self._press.shown(feed, self.revealed)
        current = f'"{len(shown)}"'
        headers = {"Content-Type": "application/rss+xml", "ETag": current}
        if etag == current:
            return ChaosAnswer(status=304, headers=headers)
        return ChaosAnswer(self._feed(feed, self.revealed), headers=headers)


def _on_the_wire(answer: ChaosAnswer) -> bytes:
    if answer.raw:
        return answer.raw
    length = len(answer.body) if answer.promised is None else answer.promised
    lines = [f"HTTP/1.1 {answer.status} ChaosAnswer", *(f"{name}: {value}" for name, value in answer.headers.items())]
    if answer.status != 304:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode() + answer.body


async def _run(served: Press) -> None:
    site = ChaosSite(served)
    await site.listen()
    await follow(site.take)


def main(arguments: Sequence[str]) -> None:
    """Serve until standard input ends."""
    articles, seed, port = map(int, arguments)
    asyncio.run(_run(press(articles, seed, port)))


if __name__ == "__main__":
    main(sys.argv[1:])
