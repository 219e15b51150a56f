"""Hosts that answer at once: pages of one size, no robots.txt. A process of its own, for `newsriver bench fetch`.

`python -m pipelines.lab.internet.fast LOG` reads its orders as one JSON line from standard input and serves as
`pipelines.lab.internet.site` does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from pipelines.lab.bench.pages import page
from pipelines.lab.internet.answers import Reply
from pipelines.lab.internet.site import Log, allow_many_sockets, say_ready, serve
from pipelines.lab.internet.traits import Host

BODIES = 40
"""Different bodies; a longer run sends them again."""


@dataclass(frozen=True)
class FastSiteOrders:
    """What the site is to be.

    Attributes:
        hosts: number of hosts.
        port: where all hosts listen.
        page_bytes: size of each page.
        seed: of the pages.
    """

    hosts: int
    port: int
    page_bytes: int
    seed: int

    def line(self) -> bytes:
        """Give them as the line that the site reads."""
        return json.dumps(asdict(self)).encode() + b"\n"


class Fast:
    """Answers with a page at once."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self._pages = [Reply(200, {"Content-Type": "text/html; charset=utf-8"}, body) for body in bodies]
        self._none = Reply(404)

    def answer(self, host: Host, path: str, asked: Mapping[str, str], at: float) -> Reply:  # noqa: ARG002 - as `Answers`
        """Answer with the page of a path's number."""
        number = path.rpartition("/")[2]
        return self._pages[int(number) % len(self._pages)] if number.isdigit() else self._none


def sized(body: bytes, size: int) -> bytes:
    """Give a page of exactly so many bytes: cut off, or gone through again."""
    return (body * (size // len(body) + 1))[:size]


def main(arguments: Sequence[str]) -> None:
    """Read the orders and serve."""
    [path] = arguments
    allow_many_sockets()
    orders = FastSiteOrders(**json.loads(sys.stdin.buffer.readline()))
    fast = Fast([sized(page(orders.seed, number).body, orders.page_bytes) for number in range(BODIES)])
    hosts = [Host(number) for number in range(orders.hosts)]
    with open(path, "w", encoding="utf-8") as file:
        asyncio.run(serve(hosts, orders.port, fast, Log(file, time.time()), say_ready))


if __name__ == "__main__":
    main(sys.argv[1:])
