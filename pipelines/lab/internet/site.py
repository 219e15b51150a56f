"""The simulated internet as a process of its own: one socket for each host, HTTP by hand, a log of every request.

`python -m pipelines.lab.internet.site LOG` reads its orders as one JSON line from standard input (`Orders`), says
`ready` when it listens, and serves until standard input ends, whatever became of who started it.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Protocol, TextIO

from pipelines.lab.internet.answers import Internet, Reply
from pipelines.lab.internet.items import Streams
from pipelines.lab.internet.log import GAVE_UP, LoggedRequest
from pipelines.lab.internet.plan import plan
from pipelines.lab.internet.traits import Host, Life

READY = b"ready\n"

_SECOND = 1.0
_BACKLOG = 128


@dataclass(frozen=True)
class Orders:
    """What the site is to be.

    Attributes:
        feeds: number of feeds.
        hosts: number of hosts.
        seconds: length of the run.
        speed: factor on the rates.
        seed: of the plan.
        pause: seconds between two requests that the clients keep.
        history: seconds before the run for which windows are planned.
        port: where all hosts listen.
        opened_at: second 0 of the run, as seconds since 1970.
    """

    feeds: int
    hosts: int
    seconds: float
    speed: float
    seed: int
    pause: float
    history: float
    port: int
    opened_at: float

    def internet(self) -> Internet:
        """Make it."""
        made = plan(
            feeds=self.feeds,
            hosts=self.hosts,
            seconds=self.seconds,
            speed=self.speed,
            seed=self.seed,
            pause=self.pause,
        )
        return Internet(made, Streams(made, self.history), self.port, self.opened_at)

    def line(self) -> bytes:
        """Give them as the line that the site reads."""
        return json.dumps(asdict(self)).encode() + b"\n"


class Answers(Protocol):
    """What stands behind the sockets."""

    def answer(self, host: Host, path: str, asked: Mapping[str, str], at: float) -> Reply | None:
        """Answer a request; None never."""


class Log:
    """Collects requests and writes them once a second."""

    def __init__(self, file: TextIO, opened_at: float) -> None:
        self._file = file
        self._lines: list[str] = []
        self._offset = time.time() - time.monotonic() - opened_at

    def now(self) -> float:
        """Give the second of the run; it never goes back."""
        return time.monotonic() + self._offset

    def add(self, request: LoggedRequest) -> None:
        """Take in a request that has ended."""
        self._lines.append(request.line())

    def flush(self) -> None:
        """Write what has come."""
        self._file.write("".join(self._lines))
        self._file.flush()
        self._lines.clear()


class Connection(asyncio.Protocol):
    """One connection; answers one request after the other.

    Attributes:
        alive: whether it is open.

    Args:
        host: who is asked here.
        answers: what stands behind it.
        log: where requests are noted.
    """

    def __init__(self, host: Host, answers: Answers, log: Log) -> None:
        self._host, self._answers, self._log = host, answers, log
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._open: tuple[float, str] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.alive = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport  # type: ignore[assignment]  # asyncio hands stream protocols a Transport

    def data_received(self, data: bytes) -> None:
        """Take in a request, whole or in parts."""
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        self._buffer = rest
        request, *lines = head.decode("latin-1").split("\r\n")
        path = request.split(" ")[1]
        asked = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        at = self._log.now()
        self._open = (at, path)
        reply = self._answers.answer(self._host, path, asked, at)
        if reply is None:
            return
        if self._host.reply_seconds:
            self._timer = asyncio.get_running_loop().call_later(self._host.reply_seconds, self._send, reply)
        else:
            self._send(reply)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Note a request that the client gave up."""
        self.alive = False
        self.end()

    def end(self) -> None:
        """Close the book on a request that has no answer."""
        if self._timer is not None:
            self._timer.cancel()
        if self._open is not None:
            start, path = self._open
            self._log.add(LoggedRequest(start, self._log.now(), self._host.address, path, GAVE_UP))
            self._open = None

    def _send(self, reply: Reply) -> None:
        if self._transport is None or self._open is None:
            return
        start, path = self._open
        self._open = self._timer = None
        lines = [f"HTTP/1.1 {reply.status} Answer", *(f"{name}: {value}" for name, value in reply.headers.items())]
        if reply.status != 304:
            lines.append(f"Content-Length: {len(reply.body)}")
        # Before the bytes leave: the client may be at its next request before we look at the clock again. A wait in
        # seconds counts from the answer, which a slow host gives later than it was asked.
        ended = self._log.now()
        wait = reply.wait_until
        if wait is not None and reply.headers.get("Retry-After", "").isdigit():
            wait += ended - start
        self._log.add(LoggedRequest(start, ended, self._host.address, path, reply.status, wait))
        self._transport.writelines(("\r\n".join([*lines, "", ""]).encode(), reply.body))


async def serve(hosts: Sequence[Host], port: int, answers: Answers, log: Log, ready: Callable[[], None]) -> None:
    """Serve until standard input ends.

    Raises:
        OSError: an address or the port cannot be used.
    """
    loop = asyncio.get_running_loop()
    connections: list[Connection] = []

    def connection(host: Host) -> Connection:
        made = Connection(host, answers, log)
        connections.append(made)
        return made

    for host in hosts:
        if host.life is not Life.REFUSES:
            listening = socket.create_server((host.address, port), backlog=_BACKLOG)
            await loop.create_server(lambda host=host: connection(host), sock=listening)  # type: ignore[misc]  # mypy knows no such lambda
    ready()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    reading = asyncio.ensure_future(orders.read())
    while not reading.done():
        await asyncio.wait([reading], timeout=_SECOND)
        connections[:] = [one for one in connections if one.alive]
        log.flush()
    for one in connections:
        one.end()
    log.flush()


def allow_many_sockets() -> None:
    """Take all the open files that the system grants."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems call the limit unlimited and grant less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def say_ready() -> None:
    """Tell whoever started this process that it listens."""
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()


def main(arguments: Sequence[str]) -> None:
    """Read the orders and serve."""
    [path] = arguments
    allow_many_sockets()
    orders = Orders(**json.loads(sys.stdin.buffer.readline()))
    internet = orders.internet()
    with open(path, "w", encoding="utf-8") as file:
        log = Log(file, orders.opened_at)
        asyncio.run(serve(internet.plan.hosts, orders.port, internet, log, say_ready))


if __name__ == "__main__":
    main(sys.argv[1:])
