"""What can go wrong with a GET, by name: statuses, and the client library's errors as ours."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import UTC, datetime

import aiohttp

from pipelines.errors import FetchFault
from pipelines.http.politeness import retry_after

_SERVER_ERROR = 500
# The request may succeed later: RFC 9110 for the first, RFC 8470 and RFC 6585 for the others.
_RETRYABLE = frozenset({408, 425, 429})
_NEVER_BETTER = frozenset({501, 505})

# The first class that fits names the fault. A connection error is also an OSError, so the order matters.
_FAULTS: tuple[tuple[tuple[type[BaseException], ...], str, bool, str], ...] = (
    ((aiohttp.InvalidURL,), "bad-url", False, "no address"),
    ((aiohttp.ClientConnectorDNSError, socket.gaierror), "dns", True, "host not found"),
    ((aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError), "tls", True, "no secure connection"),
    ((aiohttp.ClientConnectorError,), "connect", True, "no connection"),
    ((aiohttp.ClientPayloadError,), "truncated", True, "body ends early"),
    ((aiohttp.ClientConnectionError, OSError), "disconnected", True, "connection lost"),
)


def fault_of_error(error: Exception, url: str) -> FetchFault:
    """Turn an error of the client library into ours."""
    for kinds, reason, retryable, what in _FAULTS:
        if isinstance(error, kinds):
            return FetchFault(f"{what}: {error}", reason=reason, retryable=retryable, resource=url)
    return FetchFault(f"no HTTP: {error}", reason="bad-http", retryable=False, resource=url)


def fault_of_status(status: int, phrase: str, headers: Mapping[str, str], url: str) -> FetchFault:
    """Turn a status that brings no body into a fault, with the server's Retry-After; header names in lower case."""
    return FetchFault(
        f"answered {status} {phrase}".rstrip(),
        reason=f"http-{status}",
        retryable=status in _RETRYABLE or (status >= _SERVER_ERROR and status not in _NEVER_BETTER),
        status=status,
        retry_after=retry_after(headers.get("retry-after"), datetime.now(UTC)),
        resource=url,
    )


def timed_out(url: str, seconds: float) -> FetchFault:
    """Say that the whole answer did not come in time."""
    return FetchFault(f"no whole answer in {seconds:g} s", reason="timeout", retryable=True, resource=url)


def refused(url: str, reason: str, why: str) -> FetchFault:
    """Say that an answer is not taken, for good."""
    return FetchFault(why, reason=reason, retryable=False, resource=url)
