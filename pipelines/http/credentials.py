"""The credentials of one origin, as the Authorization header that only requests to that origin carry. Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Self

from pydantic import SecretStr

from pipelines.redaction import same_origin
from schemas.records import Feed


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens one origin: scheme, host and port of `url`, and nothing else.

    Attributes:
        url: any address of the origin.
        secret: `user:password`.
    """

    url: str
    secret: SecretStr = field(repr=False)

    @classmethod
    def of(cls, feed: Feed) -> Self | None:
        """Give what opens a feed's origin, or None where its list names no credentials."""
        return None if feed.credentials is None else cls(feed.url, feed.credentials)

    def headers(self, url: str) -> dict[str, str]:
        """Give the header (RFC 7617, in UTF-8) for a request to a URL; none where it is of another origin."""
        if not same_origin(self.url, url):
            return {}
        user, _, password = self.secret.get_secret_value().partition(":")
        return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}
