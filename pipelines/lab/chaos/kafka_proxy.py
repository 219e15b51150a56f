"""A proxy in front of a real Kafka that refuses, delays and cuts, by plan.

Clients are given its address as that of every broker. A broker answers the requests of a connection one after the
other, so the proxy takes them one after the other, too.
"""

from __future__ import annotations

import asyncio
import random
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self

from pipelines.kafka import wire
from pipelines.kafka.wire import WireRequest

Fault = Callable[["KafkaExchange"], Awaitable[None]]

_BROKEN = (OSError, EOFError, struct.error)  # either side is away; asyncio's incomplete reads are EOFErrors


class KafkaExchange:
    """One request; a fault is given the exchange and answers, or fails to.

    Attributes:
        request: what was asked.
    """

    def __init__(self, request: WireRequest, connection: _Connection) -> None:
        self.request = request
        self._connection = connection

    async def forward(self) -> bytes:
        """Ask the broker, and give the frame of its answer.

        Raises:
            OSError: it is away.
            EOFError: it hangs up.
        """
        return await self._connection.ask(self.request)

    async def reply(self, frame: bytes) -> None:
        """Answer."""
        await self._connection.send(wire.framed(frame))

    async def reply_in_part(self, frame: bytes) -> None:
        """Send half of an answer, and hang up."""
        await self._connection.send(wire.framed(frame)[: len(frame) // 2])
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection after this exchange."""
        self._connection.over = True


async def forwarded(exchange: KafkaExchange) -> None:
    """No fault."""
    await exchange.reply(await exchange.forward())


def refused(codes: Mapping[int, Sequence[int]], chance: random.Random) -> Fault:
    """Refuse some kinds of request with one of their error codes; the broker never hears of them."""

    async def fault(exchange: KafkaExchange) -> None:
        if exchange.request.api in codes:
            await exchange.reply(wire.refusal(exchange.request, chance.choice(codes[exchange.request.api])))
        else:
            await forwarded(exchange)

    return fault


def delayed(longest: float, chance: random.Random) -> Fault:
    """Ask the broker late, by up to so many seconds."""

    async def fault(exchange: KafkaExchange) -> None:
        await asyncio.sleep(chance.uniform(0, longest))
        await forwarded(exchange)

    return fault


def cut(share: float, chance: random.Random) -> Fault:
    """Cut a share of the exchanges: before the broker hears of it, before its answer, or in the middle of that."""

    async def fault(exchange: KafkaExchange) -> None:
        if chance.random() > share:
            await forwarded(exchange)
            return
        where = chance.randrange(3)
        answer = await exchange.forward() if where else b""
        if where == 1:
            await exchange.reply_in_part(answer)
        exchange.hang_up()

    return fault


class KafkaProxy:
    """The proxy; runs for as long as its block lasts, in a thread of its own.

    Attributes:
        fault: what every request meets.
        address: host:port for the clients.

    Args:
        upstream: the broker's host:port.
    """

    def __init__(self, upstream: str) -> None:
        self.fault: Fault = forwarded
        self.address = ""
        self.upstream = upstream
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="kafka-proxy")
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        """Start.

        Raises:
            OSError: no port is free.
        """
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up on everybody, and stop."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def place(self) -> tuple[str, int]:
        """Host and port for the clients."""
        host, _, port = self.address.rpartition(":")
        return host, int(port)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await _Connection(self, reader, writer).run()

    async def _close(self) -> None:
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Connection:
    def __init__(self, proxy: KafkaProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.over = False
        self._proxy = proxy
        self._reader, self._writer = reader, writer
        self._broker: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self) -> None:
        with suppress(*_BROKEN):
            while not self.over:
                request = wire.request_of(await _frame(self._reader))
                await self._proxy.fault(KafkaExchange(request, self))
        for writer in (self._writer, self._broker[1] if self._broker else None):
            if writer is not None:
                writer.close()

    async def ask(self, request: WireRequest) -> bytes:
        if self._broker is None:
            host, _, port = self._proxy.upstream.rpartition(":")
            self._broker = await asyncio.open_connection(host, int(port))
        reader, writer = self._broker
        writer.write(wire.framed(request.frame))
        await writer.drain()
        return wire.readdressed(request, await _frame(reader), *self._proxy.place)

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(length)
