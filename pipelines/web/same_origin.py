"""Refuses what another site's page makes a browser send: changes are made by our own pages and by programs alone."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

_FORBIDDEN = 403
_OURS = ("same-origin", "none")


def check_same_origin(request: Request, *, browser: bool = False) -> None:
    """Let a request that changes something pass or not.

    Browsers say where a request comes from, in `Sec-Fetch-Site` (W3C Fetch Metadata) where the connection is secure or
    local, and in `Origin` (RFC 6454) of each POST. Programs say neither; what they send as JSON no form can.

    Args:
        request: the request.
        browser: whether only a browser sends such a request, so that one which says neither is refused.

    Raises:
        HTTPException: 403, it comes from somewhere else.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None and site not in _OURS:
        raise HTTPException(_FORBIDDEN, "this request comes from another site")
    if origin is not None and urlsplit(origin).netloc not in _hosts(request):
        raise HTTPException(_FORBIDDEN, "this request comes from another site")
    if browser and site is None and origin is None:
        raise HTTPException(_FORBIDDEN, "this form is sent by our own page only; programs use /v1/alerts")


def _hosts(request: Request) -> set[str]:
    """Give the names, with their ports, under which browsers know this server."""
    public = request.app.state.public_url
    return {request.headers.get("Host", ""), *([urlsplit(public).netloc] if public else [])}
