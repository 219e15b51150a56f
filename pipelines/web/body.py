"""A request's body, read under limits of size and time, its bytes as they were sent."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request


async def read_body(request: Request, most_bytes: int, seconds: float) -> bytes:
    """Read a request's body.

    Args:
        request: the request; nothing of its body was read.
        most_bytes: most bytes that it may have.
        seconds: longest time that it may take to come.

    Raises:
        HTTPException: 408 it does not come in time, 413 it is too large, 415 it is compressed, 400 it is not whole.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise HTTPException(415)
    declared = request.headers.get("Content-Length", "0")
    if declared.isdecimal() and int(declared) > most_bytes:
        raise HTTPException(413)
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, most_bytes)
    except TimeoutError:
        raise HTTPException(408) from None
    except ClientDisconnect:
        raise HTTPException(400) from None


async def _read(request: Request, most_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > most_bytes:
            raise HTTPException(413)
        body += chunk
    return bytes(body)
