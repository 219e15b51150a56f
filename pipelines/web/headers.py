"""What stands around every request: security headers on each answer, and HEAD as a GET without its body.

Plain ASGI (https://asgi.readthedocs.io): bodies pass through unbuffered.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.websub.protocol import CALLBACKS

POLICY = "default-src 'none'; frame-ancestors 'none'"
"""What a browser may do with an answer that is no page: nothing."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer says where its handler does not say otherwise."""


class SecurityHeaders:
    """Adds the headers that forbid what is not needed, where a handler has not set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_secured)


class HeadAsGet:
    """Answers HEAD like GET, without the body; not at WebSub's callbacks, where a GET has effects.

    A body that comes in parts is ended at its first one, as if the caller had hung up: nobody waits for the rest.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].startswith(CALLBACKS):
            await self._app(scope, receive, send)
            return
        ended = False

        async def send_head(message: Message) -> None:
            nonlocal ended
            if message["type"] != "http.response.body":
                await send(message)
                return
            ended = True
            await send({"type": "http.response.body", "body": b""})
            if message.get("more_body"):
                raise OSError("the head is answered")

        try:
            await self._app({**scope, "method": "GET"}, receive, send_head)
        except (OSError, ClientDisconnect):
            if not ended:
                raise
