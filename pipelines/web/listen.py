"""uvicorn within a role: it listens for the length of a block and drains at its end; signals stay the role's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import h11
from fastapi import FastAPI
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipelines.errors import NewsriverError
from pipelines.settings import Settings

_IDLE_SECONDS = 30
_DRAIN_SECONDS = 2
_BACKLOG = 512
_HEADER_BYTES = 32_768
_HEADER_SECONDS = 10.0
_MOST_CONNECTIONS = 1000


class _Server(Server):
    """uvicorn's server without its signal handlers: SIGTERM drains the role, which ends the block."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class TimedHeaders(H11Protocol):
    """uvicorn's connection with a time limit on each request's headers, which uvicorn itself does not have.

    Whoever sends them byte by byte would else hold a connection for ever (CWE-400, "slowloris").

    Attributes:
        header_seconds: longest time from a connection or the first byte of a request to the end of its headers.
    """

    header_seconds = _HEADER_SECONDS
    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes; headers that are whole end the wait."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._cancel()
        elif self._limit is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._limit = self.loop.call_later(self.header_seconds, self.transport.close)

    def _cancel(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None


@asynccontextmanager
async def listening(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    """Serve for the length of the block; requests under way have two seconds to end after it.

    Raises:
        NewsriverError: the address is taken or not this machine's.
    """
    listener = await _bind(settings.serve.host, settings.serve.port)
    config = Config(
        app,
        access_log=False,  # a path may hold a callback's token, a query what somebody looks for
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        http=TimedHeaders,
        ws="none",
        loop="none",
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        h11_max_incomplete_event_size=_HEADER_BYTES,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def _bind(host: str, port: int) -> socket.socket:
    """Take the address before anything is served, so that a refusal is ours to word."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        # With its protocol, or asyncio does not set TCP_NODELAY, and each answer on a kept connection waits 40 ms.
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise NewsriverError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            hint="end what uses the port, or set serve.port",
            resource=f"{host}:{port}",
        ) from None
    listener.setblocking(False)
    return listener
