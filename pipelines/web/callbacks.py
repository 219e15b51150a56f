"""The callbacks of WebSub as paths of the server: a hub asks with GET and pushes with POST."""

from __future__ import annotations

import asyncio
import re

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipelines.web.body import read_body
from pipelines.websub.protocol import CALLBACKS
from pipelines.websub.subscriber import NOT_FOUND, OK, TAKEN, TRY_AGAIN, Subscriber

_BODY_SECONDS = 30.0
_BODIES_AT_ONCE = 4
_TRY_AGAIN_SECONDS = "60"
_GONE = 410
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}")


def callbacks(subscriber: Subscriber, most_bytes: int) -> APIRouter:
    """Give the callbacks' routes; a token that belongs to no subscription is answered like a path that is not there.

    Args:
        subscriber: whose callbacks they are.
        most_bytes: most bytes of a push.
    """
    router = APIRouter(include_in_schema=False)
    bodies = asyncio.Semaphore(_BODIES_AT_ONCE)  # a body may have 16 MB

    @router.get(CALLBACKS + "{token}")
    async def verify(request: Request, token: str) -> Response:
        status, challenge = await subscriber.verify(_known_form(token), request.query_params)
        if status != OK:
            raise _refusal(status)
        # A type that no browser shows (8, Subscriptions): the challenge is a stranger's text.
        return Response(challenge, media_type="application/octet-stream")

    @router.post(CALLBACKS + "{token}")
    async def push(request: Request, token: str) -> Response:
        status = subscriber.known(_known_form(token))
        if status == TAKEN:
            async with bodies:
                body = await read_body(request, most_bytes, _BODY_SECONDS)
            status = await subscriber.push(
                token,
                body,
                signature=request.headers.get("X-Hub-Signature"),
                content_type=request.headers.get("Content-Type", ""),
            )
        if status != TAKEN:
            raise _refusal(status)
        return Response(status_code=TAKEN)

    return router


def _known_form(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise HTTPException(NOT_FOUND)
    return token


def _refusal(status: int) -> HTTPException:
    if status == NOT_FOUND:
        return HTTPException(NOT_FOUND)
    if status == TRY_AGAIN:
        return HTTPException(TRY_AGAIN, headers={"Retry-After": _TRY_AGAIN_SECONDS})
    return HTTPException(_GONE)
