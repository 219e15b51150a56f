"""The callbacks of WebSub as paths of the server: a hub asks with GET and pushes with POST."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import web

from pipelines.serve.server import read_body
from pipelines.websub.protocol import CALLBACKS
from pipelines.websub.subscriber import NOT_FOUND, OK, TAKEN, TRY_AGAIN, Subscriber

_BODY_SECONDS = 30.0
_BODIES_AT_ONCE = 4
_TRY_AGAIN_SECONDS = "60"


def add_callbacks(app: web.Application, subscriber: Subscriber) -> None:
    """Add the callbacks; a token that belongs to no subscription is answered like any path that is not there."""
    bodies = asyncio.Semaphore(_BODIES_AT_ONCE)  # a body may have 16 MB

    async def verify(request: web.Request) -> web.Response:
        status, challenge = await subscriber.verify(request.match_info["token"], request.query)
        if status != OK:
            raise _refusal(status)
        # A type that no browser shows (8, Subscriptions): the challenge is a stranger's text.
        return web.Response(body=challenge.encode(), content_type="application/octet-stream")

    async def push(request: web.Request) -> web.Response:
        token = request.match_info["token"]
        status = subscriber.known(token)
        if status == TAKEN:
            async with bodies:
                body = await read_body(request, _BODY_SECONDS)
            status = await subscriber.push(
                token,
                body,
                signature=request.headers.get("X-Hub-Signature"),
                content_type=request.headers.get("Content-Type", ""),
            )
        if status != TAKEN:
            raise _refusal(status)
        return web.Response(status=TAKEN)

    path = CALLBACKS + "{token:[A-Za-z0-9_-]{20,100}}"
    app.router.add_get(path, verify, allow_head=False)
    app.router.add_post(path, push)


def _refusal(status: int) -> web.HTTPException:
    if status == NOT_FOUND:
        return web.HTTPNotFound()
    if status == TRY_AGAIN:
        return web.HTTPServiceUnavailable(headers={"Retry-After": _TRY_AGAIN_SECONDS})
    return web.HTTPGone(reason=HTTPStatus(status).phrase)
