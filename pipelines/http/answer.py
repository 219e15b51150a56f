"""What a GET brought, free of any client library. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NOT_MODIFIED = 304
MAX_VALIDATOR = 1000
"""Characters of an ETag or a Last-Modified; a longer one is not kept: it is sent with every request, never cut."""
PERMANENT = frozenset({301, 308})
"""Redirects that say that the old address is to be used no more (RFC 9110, 15.4.2 and 15.4.9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A server's answer with a body, or 304 to a conditional request.

    Attributes:
        url: the URL that answered, after redirects.
        status: 200 to 299, or 304.
        headers: all headers, names in lower case, repeated ones joined with a comma (RFC 9110, 5.3).
        body: decoded from its content coding; empty for 304.
        redirects: URLs passed on the way, oldest first.
        moved: whether there were redirects and all of them are permanent.
        elapsed_ms: time of all requests on the way, without the waits for turns.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    redirects: tuple[str, ...] = ()
    moved: bool = False
    elapsed_ms: int = 0

    @property
    def not_modified(self) -> bool:
        """Whether nothing changed since the validators that were sent."""
        return self.status == NOT_MODIFIED

    @property
    def etag(self) -> str | None:
        """The validator to send with If-None-Match, where it can be kept."""
        return self._validator("etag")

    @property
    def last_modified(self) -> str | None:
        """The validator to send with If-Modified-Since, byte for byte, where it can be kept."""
        return self._validator("last-modified")

    def _validator(self, name: str) -> str | None:
        found = self.headers.get(name)
        return found if found and len(found) <= MAX_VALIDATOR else None

    @property
    def content_type(self) -> str:
        """The Content-Type header as sent."""
        return self.headers.get("content-type", "")
