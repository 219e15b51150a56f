"""Who may ask: this machine freely, others with a key, and nobody without end.

What looks local is taken for local only where no proxy can stand between: the server listens on loopback, has no
public address, and the request names a loopback host and nobody it was forwarded for. A name of somebody else's that
leads here (DNS rebinding) is none of those.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import math
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pipelines.settings import ServeSettings
from pipelines.web.keys import KeyStore
from pipelines.web.limiter import RateLimiter
from pipelines.web.problems import HttpFault, problem
from pipelines.websub.protocol import CALLBACKS

_OPEN = ("/healthz", "/static/", CALLBACKS)
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_ASK_FOR_KEY = 'Basic realm="Newsriver: any user name, an API key as password", charset="UTF-8"'
_IPV6_SITE = 64


class Gate:
    """Decides about requests.

    Args:
        settings: who needs a key, and how much one may ask.
        clock: seconds that never go back.
    """

    def __init__(self, settings: ServeSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = settings.keys
        self._alone = _is_loopback(settings.host) and not settings.public_url
        self._keys = KeyStore(settings.keys_file)
        self._limiter = RateLimiter(settings.requests_per_minute)
        self._clock = clock

    def refusal(self, request: Request) -> Response | None:
        """Give the answer to a request that may not be made: 401 without a good key, 429 too soon; else None."""
        if request.url.path.startswith(_OPEN) or (self._policy != "always" and self._is_local(request)):
            return None
        key = _presented(request)
        name = self._keys.name_of(key) if key else None
        wait = self._limiter.wait(f"key {name}" if name else _network(request), self._clock())
        if wait:
            seconds = str(math.ceil(wait))
            detail = f"too many requests; ask again in {seconds} s"
            return problem(HttpFault(429, detail, headers={"Retry-After": seconds}))
        if name is None and self._policy != "never":
            detail = "this key is not known here" if key else "an API key is needed: Authorization: Bearer KEY"
            hint = "`newsriver keys add NAME` on the server makes one"
            return problem(HttpFault(401, detail, hint=hint, headers={"WWW-Authenticate": _ASK_FOR_KEY}))
        return None

    def _is_local(self, request: Request) -> bool:
        forwarded = any(name in request.headers for name in _FORWARDED)
        asked, client = request.url.hostname or "", request.client.host if request.client else ""
        return self._alone and not forwarded and _is_loopback(asked) and _is_loopback(client)


class Access:
    """Puts a gate before an application."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        refusal = self._gate.refusal(Request(scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)


def _presented(request: Request) -> str:
    """Give the key of a request: as bearer, in `X-API-Key`, or as the password that browsers and feed readers send."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return request.headers.get("X-API-Key", "")


def _network(request: Request) -> str:
    """Give the client's address; of IPv6 its network, since one client has all of that."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((int(address), _IPV6_SITE), strict=False))


def _is_loopback(host: str) -> bool:
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
