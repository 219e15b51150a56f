"""Cursors: where the next page begins, as text without a meaning to its reader, checked when it comes back. Pure.

A cursor holds sort values of the last article, and the present of the first page, so that the rank of an article is
the same on every page. It names the query it belongs to; it carries nothing that its reader may not know.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.errors import UsageError

_CHECK_BYTES = 8
_MOST_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins.

    Attributes:
        now: the present of the first page.
        after: sort values of the article before, as Elasticsearch gave them.
    """

    now: datetime
    after: tuple[str | int | float, ...]


def to_text(cursor: Cursor, asked: str) -> str:
    """Write a cursor.

    Args:
        cursor: where the page begins.
        asked: the query and the order in canonical form: a cursor serves no other.
    """
    payload = json.dumps([int(cursor.now.timestamp() * 1000), *cursor.after], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_check(payload, asked) + payload).decode().rstrip("=")


def from_text(text: str, asked: str) -> Cursor:
    """Read a cursor.

    Raises:
        UsageError: it is none, or one of another query or order; `resource` is `cursor`.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        check, payload = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
        if len(text) > _MOST_CHARACTERS or check != _check(payload, asked):
            raise _refused()
        now, *after = json.loads(payload)
        return Cursor(datetime.fromtimestamp(now / 1000, UTC), tuple(after))
    except (binascii.Error, ValueError, TypeError, OverflowError):
        raise _refused() from None


def _check(payload: bytes, asked: str) -> bytes:
    return hashlib.blake2b(payload, digest_size=_CHECK_BYTES, key=hashlib.sha256(asked.encode()).digest()).digest()


def _refused() -> UsageError:
    return UsageError(
        "the cursor does not belong to this query and order",
        hint="take `next` of the page before, with the same query, or begin without a cursor",
        resource="cursor",
    )
