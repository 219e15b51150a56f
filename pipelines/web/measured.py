"""What the server tells Prometheus of its requests. Plain ASGI, so that the time runs to a body's last byte."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.metrics.declared import SERVE_REQUESTS, SERVE_SECONDS


class Measured:
    """Counts requests by the pattern of their path: the path itself may hold a token, and there is no end of them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began, status = time.monotonic(), 500

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            SERVE_REQUESTS.add(route=route, status=f"{status // 100}xx")
            SERVE_SECONDS.observe(time.monotonic() - began, route=route)
