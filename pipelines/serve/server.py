"""The HTTP server: few paths, small bodies, headers that forbid everything that is not needed.

Nothing is logged of a request: its path may hold a callback's token.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from pipelines.errors import NewsriverError
from pipelines.settings import Settings

Status = Callable[[], dict[str, Any]]
"""Gives what `/healthz` tells beside that the process is up."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_IDLE_SECONDS = 30.0
_SHUTDOWN_SECONDS = 1.0
_SMALL_BODY = 65_536


def application(status: Status, max_body: int = _SMALL_BODY) -> web.Application:
    """Make the application with `/healthz`: 200 while the process is up, with what it waits for as JSON.

    Args:
        status: asked at each request.
        max_body: most bytes of a request's body; a larger one is answered 413.
    """
    app = web.Application(client_max_size=max_body)
    app.on_response_prepare.append(_secure)

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "up", **status()})

    app.router.add_get("/healthz", healthz)
    return app


@asynccontextmanager
async def listening(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    """Serve for the length of the block.

    Raises:
        NewsriverError: the address is taken or not this machine's.
    """
    host, port = settings.serve.host, settings.serve.port
    # Bodies stay as they were sent: a signature is of those bytes, and nothing here takes a compressed one.
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=_IDLE_SECONDS,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise NewsriverError(
                f"cannot listen on {host}:{port}: {error.strerror}",
                hint="end what uses the port, or set serve.port",
                resource=f"{host}:{port}",
            ) from None
        yield
    finally:
        await runner.cleanup()


async def read_body(request: web.Request, seconds: float) -> bytes:
    """Read a request's body within some time.

    Raises:
        web.HTTPException: 408 it does not come in time, 413 it is too large, 415 it is compressed.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise web.HTTPUnsupportedMediaType
    if (request.content_length or 0) > request.client_max_size:
        raise web.HTTPRequestEntityTooLarge(request.client_max_size, request.content_length or 0)
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


async def _secure(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    response.headers.pop("Server", None)
