"""A message of found articles: its JSON, its signature, its e-mail, and when to try again. Pure.

Webhooks follow Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks, specification 1.0.0), so that
receivers can check them with a library: `webhook-id`, `webhook-timestamp` and `webhook-signature` with HMAC-SHA256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

import orjson

from pipelines.backoff import Backoff
from pipelines.printable import escaped_line
from schemas.records import AlertDelivery, SavedSearch

Json = dict[str, Any]

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix that Standard Webhooks give a secret
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 3600.0
_PAUSES = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, jitter=0.5)
_SUBJECT = 150


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """What a receiver gets at once.

    Attributes:
        id: what names it: the same articles have the same id, however often they are sent.
        search: the saved search.
        articles: what was found; empty for nothing but a greeting.
        kind: `alert`, or `test` for one that was asked for by hand.
    """

    id: str
    search: SavedSearch
    articles: tuple[AlertDelivery, ...]
    kind: str = "alert"

    def to_json(self) -> Json:
        """Give it as JSON: the same each time it is sent."""
        search = {"id": self.search.id, "name": self.search.name, "query": self.search.query}
        articles = [article_json(one) for one in self.articles]
        return {"id": self.id, "type": self.kind, "search": search, "count": len(articles), "articles": articles}


def article_json(found: AlertDelivery) -> Json:
    """Give one found article as JSON; its `id` names this version of it for this saved search."""
    left_out = {"search_id", "message", "delivered_at", "latency_ms", "found_at"}
    return found.model_dump(mode="json", exclude=left_out)


def message_lines(message: AlertMessage) -> str:
    """Give each article as a line of JSON with the saved search's id and name."""
    search = {"id": message.search.id, "name": message.search.name}
    lines = (orjson.dumps({"search": search, **article_json(one)}).decode() for one in message.articles)
    return "".join(f"{line}\n" for line in lines)


def webhook_headers(message_id: str, body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """Give the headers that let a receiver check a message and drop repeats.

    Args:
        message_id: names the message.
        body: what is sent, byte for byte.
        secret: the key: `whsec_` and base64.
        now: the time of this try; receivers refuse old ones, so that nobody can send a message once more.
    """
    timestamp = int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(message_id, timestamp, body, secret),
    }


def signature(message_id: str, timestamp: int, body: bytes, secret: str) -> str:
    """Give `v1,` and the HMAC-SHA256 of id, timestamp and body with dots between them, in base64."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = secret.encode()
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def mail(message: AlertMessage, sender: str) -> EmailMessage:
    """Give the message as an e-mail of plain text; mail programs know one that comes again by its Message-ID."""
    count, name = len(message.articles), escaped_line(message.search.name)
    made = EmailMessage()
    what = "a test" if message.kind == "test" else f"{count} article{'' if count == 1 else 's'}"
    made["Subject"] = f"{name}: {what}"[:_SUBJECT]
    made["From"] = sender
    made["To"] = ", ".join(message.search.target.split(","))
    made["Date"] = format_datetime(datetime.now(UTC))
    made["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2].strip('<> ') or 'newsriver'}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    head = f"{name}\n{escaped_line(message.search.query)}\n"
    made.set_content("\n".join([head, *map(_mailed, message.articles)]) + "\n")
    return made


def _mailed(found: AlertDelivery) -> str:
    when = (found.published_at or found.first_seen).astimezone(UTC)
    facts = f"{escaped_line(found.source)}, {when:%Y-%m-%d %H:%M} UTC"
    return f"{escaped_line(found.title) or found.url}\n{facts}\n{found.url}\n"


def pause_after(failures: int, retry_after: float | None, part: float | None = None) -> float:
    """Give the seconds to wait before the next try.

    Args:
        failures: tries that failed in a row, 1 or more.
        retry_after: seconds that the receiver asked for; None for no word.
        part: how much of the jitter to take off; None leaves it to chance.
    """
    return max(_PAUSES.pause(failures, part), min(retry_after or 0.0, LONGEST_PAUSE_SECONDS))
