"""One GET done right, and one POST: with caps on time, size and redirects, and no way to a private address."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
from yarl import URL

from pipelines.content_coding import ACCEPT_ENCODING, decode
from pipelines.errors import FeedFault, FetchFault
from pipelines.http.addresses import AddressGuard
from pipelines.http.answer import NOT_MODIFIED, PERMANENT, Response
from pipelines.http.connector import LenientConnector
from pipelines.http.cookies import WalkCookies
from pipelines.http.credentials import Credentials
from pipelines.http.faults import fault_of_error, fault_of_status, refused, timed_out
from pipelines.http.guarded import GuardedResolver, GuardedSockets
from pipelines.http.interim import BoundedResponse
from pipelines.settings import Settings
from pipelines.urls import fetchable_url

ACCEPT_PAGE = "text/html,application/xhtml+xml,text/plain;q=0.9,*/*;q=0.1"
ACCEPT_FEED = "application/rss+xml,application/atom+xml,application/feed+json,application/xml;q=0.9,*/*;q=0.1"

_SUCCESS = range(200, 300)
_VALIDATORS = frozenset({"If-None-Match", "If-Modified-Since"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FORM_REDIRECTS = frozenset({307, 308})  # those that keep the method (RFC 9110, 15.4)
_FORM_ANSWER_BYTES = 65_536
_ANSWER_BYTES = 4096
_IDLE_SECONDS = 5.0
_CONNECT_SECONDS = 10.0
_MAX_HEADER_BYTES = 65_536  # news sites send content security policies of 10 KB
_MAX_HEADERS = 1000
_READ_BYTES = 262_144

Show = Callable[[Response], Awaitable[None]]
Hop = Callable[[str], AbstractAsyncContextManager[Show | None]]
"""Opens a block around the request to each URL on the way: where a caller waits for the host's turn.

What the block is given, if anything, is shown the answer before it ends.
"""


class Client:
    """Makes GET requests as the settings say; used as an async context manager.

    Cookies that redirects set are kept until their walk ends, and no others; no proxies are taken from the
    environment, certificates are verified.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._guard = AddressGuard(settings.fetch.allow_networks)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the pool of connections."""
        connector = LenientConnector(
            limit=0,  # the callers bound what is under way
            resolver=GuardedResolver(self._guard),
            socket_factory=GuardedSockets(self._guard),
            ttl_dns_cache=60,
            keepalive_timeout=_IDLE_SECONDS,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": self._settings.user_agent, "Accept-Encoding": ACCEPT_ENCODING},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            auto_decompress=False,  # ours has limits
            response_class=BoundedResponse,
            trust_env=False,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            max_headers=_MAX_HEADERS,
            read_bufsize=_READ_BYTES,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def get(
        self,
        url: str,
        *,
        max_bytes: int,
        accept: str = ACCEPT_PAGE,
        etag: str | None = None,
        last_modified: str | None = None,
        hop: Hop | None = None,
        cut: bool = False,
        credentials: Credentials | None = None,
    ) -> Response:
        """Fetch one URL; credentials in it, or in where it is redirected to, are never sent.

        Args:
            url: as a feed gave it; its fragment is not sent.
            max_bytes: most bytes of the body, received as well as decoded.
            accept: the Accept header.
            etag: validator of what the caller has, for a conditional request.
            last_modified: the same, byte for byte as the server sent it.
            hop: opens a block around the request to each URL on the way; waiting in it is not counted as time.
            cut: whether of a larger body its first `max_bytes` are taken, instead of none.
            credentials: those of one origin; no request to another one carries them.

        Raises:
            AddressRefused: the URL, or a redirect, leads to an address that is not public.
            FetchFault: the URL itself is none (reasons of `fetchable_url`), or reason `dns`, `connect`, `tls`,
                `timeout`, `disconnected`, `bad-http`, `http-<status>`, `bad-redirect`, `redirect-loop`,
                `too-many-redirects`, `too-large`, `truncated` or `bad-encoding`.
        """
        headers = _request_headers(accept, etag, last_modified)
        return await self._walk(url, headers, _Size(max_bytes, cut), hop, credentials=credentials)

    async def post_form(self, url: str, fields: Mapping[str, str], *, hop: Hop | None = None) -> Response:
        """Send a form (`application/x-www-form-urlencoded`, UTF-8) and give the answer, of at most 64 KiB.

        It is sent again only where a redirect keeps the method, 307 or 308, and never from https to http.

        Args:
            url: where to; its fragment is not sent.
            fields: names and values; they are in no error's text.
            hop: as for `get`.

        Raises:
            AddressRefused: as `get`.
            FetchFault: as `get`; a redirect of another kind is reason `http-<status>`.
        """
        headers = {"Accept": "*/*", "Content-Type": "application/x-www-form-urlencoded"}
        return await self._walk(url, headers, _Size(_FORM_ANSWER_BYTES), hop, urlencode(fields).encode())

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float) -> Response:
        """Send a body once; a redirect is not followed, and of the answer the first 4 KiB are read.

        Args:
            url: where to; credentials in it are not sent.
            body: what to send.
            headers: those of the request, with its Content-Type.
            seconds: longest time that it may take.

        Raises:
            AddressRefused, FetchFault: as `get`; a redirect is reason `http-<status>`.
        """
        here = _fetchable(url)
        plain = {"Accept": "*/*", "Accept-Encoding": "identity"}
        answer = await self._once(
            here, {**plain, **headers}, seconds, _Size(_ANSWER_BYTES, cut=True), body, WalkCookies()
        )
        if answer.status in _REDIRECTS:
            raise fault_of_status(answer.status, "a redirect, which is not followed", answer.headers, here)
        return answer

    async def _walk(
        self,
        url: str,
        headers: Mapping[str, str],
        size: _Size,
        hop: Hop | None,
        form: bytes | None = None,
        *,
        credentials: Credentials | None = None,
    ) -> Response:
        """Make a request and follow redirects; with a form it is a POST."""
        seconds = self._settings.fetch.timeout_seconds
        here, spent = _fetchable(url), 0.0
        passed: tuple[str, ...] = ()
        cookies, asked = WalkCookies(), {(here, "")}
        permanent = True
        while True:
            secret = {} if credentials is None else credentials.headers(here)
            async with (hop or _no_hop)(here) as show:
                started = time.monotonic()
                answer = await self._once(here, {**headers, **secret}, seconds - spent, size, form, cookies)
                spent += time.monotonic() - started
                if show is not None:
                    await show(answer)
            if answer.status not in _REDIRECTS:
                moved = permanent and bool(passed) and here != passed[0]  # to the same address: for a cookie
                return replace(answer, redirects=passed, moved=moved, elapsed_ms=int(spent * 1000))
            if form is not None and answer.status not in _FORM_REDIRECTS:
                raise fault_of_status(answer.status, "to a form", answer.headers, here)
            passed = (*passed, here)
            permanent = permanent and answer.status in PERMANENT
            here = self._target(answer, passed)
            if (here, cookies.header(here)) in asked:
                raise refused(answer.url, "redirect-loop", "redirects lead in a circle")
            asked.add((here, cookies.header(here)))
            if form is not None and passed[-1].startswith("https:") and not here.startswith("https:"):
                raise refused(passed[-1], "bad-redirect", "redirect of a form from https to http")
            if spent >= seconds:
                raise timed_out(url, seconds)

    def _target(self, answer: Response, passed: tuple[str, ...]) -> str:
        """Give where a redirect leads, when it may be followed."""
        try:
            target = fetchable_url(urljoin(answer.url, answer.headers.get("location", "")))
        except (FeedFault, ValueError) as error:
            raise refused(answer.url, "bad-redirect", f"redirect to no address: {error}") from None
        if len(passed) > self._settings.fetch.max_redirects:
            raise refused(answer.url, "too-many-redirects", f"more than {len(passed) - 1} redirects")
        return target

    async def _once(
        self,
        url: str,
        headers: Mapping[str, str],
        seconds: float,
        size: _Size,
        form: bytes | None,
        cookies: WalkCookies,
    ) -> Response:
        """Make one request and read its answer, which may be a redirect."""
        if self._session is None:
            raise RuntimeError("Client is used as `async with Client(settings) as client`")
        self._guard.check_host(urlsplit(url).hostname or "", url)
        method = "GET" if form is None else "POST"
        if form is None and (held := cookies.header(url)):
            headers = {**headers, "Cookie": held}
        try:
            async with (
                asyncio.timeout(seconds),
                self._session.request(
                    method, URL(url, encoded=True), headers=headers, data=form, allow_redirects=False
                ) as response,
            ):
                if response.status in _REDIRECTS:
                    cookies.take(response.cookies, url)
                return await _read(response, url, size, conditional=not _VALIDATORS.isdisjoint(headers))
        except FetchFault:
            raise
        except TimeoutError:
            raise timed_out(url, self._settings.fetch.timeout_seconds) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: what aiohttp's parts cannot take
            raise fault_of_error(error, url) from None
        finally:
            await asyncio.sleep(0)  # asyncio closes a connection in its next round: before the host's turn ends


class _Size(NamedTuple):
    """Most bytes of a body, received as well as decoded, and what becomes of a larger one: cut there, or refused."""

    most: int
    cut: bool = False


async def _read(response: aiohttp.ClientResponse, url: str, size: _Size, *, conditional: bool) -> Response:
    headers = _joined(response)
    if response.status in _REDIRECTS or (response.status == NOT_MODIFIED and conditional):
        return Response(url=url, status=response.status, headers=headers)
    if response.status not in _SUCCESS:
        raise fault_of_status(response.status, response.reason or "", headers, url)
    if (response.content_length or 0) > size.most and not size.cut:
        raise refused(url, "too-large", f"{response.content_length} bytes; the limit is {size.most}")
    pieces: list[bytes] = []
    received = 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        received += len(piece)
        if received > size.most and size.cut:
            break
        if received > size.most:
            raise refused(url, "too-large", f"more than {size.most} bytes")
    body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    decoded = decode(body, headers.get("content-encoding", ""), size.most, url, cut=size.cut)
    return Response(url=url, status=response.status, headers=headers, body=decoded)


def _request_headers(accept: str, etag: str | None, last_modified: str | None) -> dict[str, str]:
    validators = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {"Accept": accept} | {name: value for name, value in validators.items() if value}


def _fetchable(url: str) -> str:
    try:
        return fetchable_url(url)
    except FeedFault as fault:
        raise refused(url, fault.reason, fault.message) from None


def _joined(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Give the headers with lower-case names; their bytes are UTF-8 at best."""
    found: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        text = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


@asynccontextmanager
async def _no_hop(url: str) -> AsyncIterator[None]:  # noqa: ARG001 - a hop's signature
    yield
