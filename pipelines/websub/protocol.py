"""What passes between a subscriber and a hub: the request, the verification of intent, the signature. Pure.

Section numbers are those of https://www.w3.org/TR/websub/.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from schemas.records import HubMode, Subscription

CALLBACKS = "/websub/"
"""Path below which the callbacks are; what follows is one subscription's token."""

DENIED = "denied"
"""The mode by which a hub says that there will be no subscription (5.2)."""

_LONGEST_REASON = 200
# 8, Subscriptions: what is echoed is to be short and no binary data.
_CHALLENGE = re.compile(r"[\x21-\x7e]{1,1024}")
_SIGNATURE = re.compile(r"\s*(sha1|sha256|sha384|sha512)=([0-9a-fA-F]{40,128})\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a hub says or asks at a callback (5.2, 5.3).

    Attributes:
        mode: `subscribe`, `unsubscribe`, `denied`, or whatever else was sent.
        topic: the topic's address.
        challenge: what is to be echoed; empty where it is missing or not fit to be echoed.
        lease_seconds: for how long the hub will push; None where it does not say.
        reason: why it denied, one printable line.
    """

    mode: str
    topic: str
    challenge: str = ""
    lease_seconds: int | None = None
    reason: str = ""


def hub_address(hub: str, *, plain: bool) -> str:
    """Give the address to ask a hub at: over TLS even where the feed names it without (8), unless `plain` allows."""
    parts = urlsplit(hub)
    if plain or parts.scheme != "http":
        return hub
    return urlunsplit(parts._replace(scheme="https", netloc=parts.netloc.removesuffix(":80")))


def request_fields(subscription: Subscription, mode: HubMode, public_url: str, lease_seconds: int) -> dict[str, str]:
    """Give the fields of the form that asks a hub (5.1); an unsubscription names no lease and no secret."""
    fields = {
        "hub.mode": str(mode),
        "hub.topic": subscription.topic,
        "hub.callback": f"{public_url}{CALLBACKS}{subscription.callback.get_secret_value()}",
    }
    if mode is HubMode.SUBSCRIBE:
        fields["hub.lease_seconds"] = str(lease_seconds)
        fields["hub.secret"] = subscription.secret.get_secret_value()
    return fields


def read_intent(query: Mapping[str, str]) -> Intent:
    """Read the query of a GET at a callback; what is missing is empty."""
    challenge, lease = query.get("hub.challenge", ""), query.get("hub.lease_seconds", "").strip()
    return Intent(
        mode=query.get("hub.mode", ""),
        topic=query.get("hub.topic", ""),
        challenge=challenge if _CHALLENGE.fullmatch(challenge) else "",
        lease_seconds=int(lease) if lease.isascii() and lease.isdigit() and len(lease) <= 10 else None,
        reason="".join(sign if sign.isprintable() else " " for sign in query.get("hub.reason", ""))[:_LONGEST_REASON],
    )


def signature_fault(header: str | None, body: bytes, secret: str, methods: Collection[str]) -> str:
    """Say what is wrong with a push's X-Hub-Signature (7.1), compared in constant time; empty when it is good.

    Args:
        header: the header, `method=hexadecimal`; None where there is none.
        body: the body's bytes as sent.
        secret: what the hub was given to sign with.
        methods: methods that are taken: of sha1, sha256, sha384, sha512.

    Returns:
        `unsigned`, `unknown-signature`, `refused-<method>`, `wrong-signature`, or nothing.
    """
    if not header:
        return "unsigned"
    match = _SIGNATURE.fullmatch(header)
    if match is None:
        return "unknown-signature"
    method, given = match[1], match[2].lower()
    if method not in methods:
        return f"refused-{method}"
    expected = hmac.new(secret.encode(), body, method).hexdigest()
    return "" if hmac.compare_digest(expected, given) else "wrong-signature"
