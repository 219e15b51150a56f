"""The HTTP server on a socket: slow headers are ended, and a HEAD does not read what a GET would stream."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from pipelines.settings import load_settings
from pipelines.web.headers import HeadAsGet
from pipelines.web.listen import TimedHeaders, listening

LINES = 100_000


def served(app: FastAPI, ask: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Run the app on a free port of loopback and hand the port over."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = load_settings(assignments=[f"serve.port={port}"], environment={})

    async def run() -> None:
        async with listening(app, settings):
            await asyncio.wait_for(ask(port), 30)

    asyncio.run(run())


@pytest.fixture
def app() -> FastAPI:
    made = FastAPI()
    made.add_middleware(HeadAsGet)

    @made.get("/short")
    async def short() -> dict[str, str]:
        return {"status": "up"}

    @made.get("/long")
    async def long() -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            for number in range(LINES):
                made.state.read = number
                yield b"line\n"
                await asyncio.sleep(0)

        return StreamingResponse(lines(), media_type="text/plain")

    return made


def test_headers_that_do_not_end_in_time_end_the_connection(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimedHeaders, "header_seconds", 0.3)

    async def ask(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /short HTTP/1.1\r\nHost: x\r\n")
        assert await reader.read() == b""
        silent, held = await asyncio.open_connection("127.0.0.1", port)
        assert await silent.read() == b""
        for each in (writer, held):
            each.close()

    served(app, ask)


def test_a_second_request_has_the_same_limit_and_a_quick_one_none(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TimedHeaders, "header_seconds", 1.0)

    async def ask(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(b"GET /short HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in await reader.readuntil(b'{"status":"up"}')
        writer.write(b"GET /sho")
        assert await reader.read() == b""
        writer.close()

    served(app, ask)


def test_answers_do_not_wait_for_acknowledgements(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Head and body are two small writes: without TCP_NODELAY the second waits some 40 ms on a kept connection."""
    options, made = [], TimedHeaders.connection_made

    def connection_made(self: TimedHeaders, transport: asyncio.Transport) -> None:
        options.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        made(self, transport)

    monkeypatch.setattr(TimedHeaders, "connection_made", connection_made)

    async def ask(port: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        while not options:
            await asyncio.sleep(0.01)

    served(app, ask)
    assert all(options)


def test_a_head_does_not_read_what_is_streamed(app: FastAPI) -> None:
    async def ask(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for path in (b"/long", b"/short"):
            writer.write(b"HEAD " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        writer.write(b"GET /short HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b'{"status":"up"}')
        writer.close()
        assert app.state.read < LINES - 1

    served(app, ask)
