"""What passes between a subscriber and a hub, to the letter of the Recommendation."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from pipelines.settings import ServeSettings
from pipelines.tap import value_as_json
from pipelines.websub.protocol import hub_address, read_intent, request_fields, signature_fault
from schemas.records import HubMode, Subscription, SubscriptionStatus
from schemas.topics import SUBSCRIPTIONS

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALL = tuple(ServeSettings().websub_signatures)


def held() -> Subscription:
    return Subscription(
        feed_url="https://ferry.example/feed",
        hub="https://hub.example/",
        topic="https://ferry.example/feed.xml?a=1&b=ü",
        callback=SecretStr("token-of-the-ferry"),
        secret=SecretStr("secret-of-the-ferry"),
        status=SubscriptionStatus.ASKED,
        next_at=NOW,
    )


def signed(body: bytes, secret: str, method: str) -> str:
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


def test_the_form_that_subscribes() -> None:
    assert request_fields(held(), HubMode.SUBSCRIBE, "https://news.example/river", 864_000) == {
        "hub.mode": "subscribe",
        "hub.topic": "https://ferry.example/feed.xml?a=1&b=ü",
        "hub.callback": "https://news.example/river/websub/token-of-the-ferry",
        "hub.lease_seconds": "864000",
        "hub.secret": "secret-of-the-ferry",
    }


def test_the_form_that_unsubscribes_tells_no_secret() -> None:
    fields = request_fields(held(), HubMode.UNSUBSCRIBE, "https://news.example", 864_000)
    assert fields.keys() == {"hub.mode", "hub.topic", "hub.callback"}
    assert fields["hub.mode"] == "unsubscribe"


def test_a_form_survives_the_way() -> None:
    fields = request_fields(held(), HubMode.SUBSCRIBE, "https://news.example", 300)
    assert {name: value for name, [value] in parse_qs(urlencode(fields)).items()} == fields


@pytest.mark.parametrize(
    ("hub", "plain", "asked"),
    [
        ("https://hub.example/", False, "https://hub.example/"),
        ("http://hub.example/", False, "https://hub.example/"),
        ("http://hub.example:80/x?y=1", False, "https://hub.example/x?y=1"),
        ("http://hub.example:8080/", False, "https://hub.example:8080/"),
        ("http://hub.example:80/", True, "http://hub.example:80/"),
    ],
)
def test_a_secret_goes_over_tls(hub: str, plain: bool, asked: str) -> None:
    assert hub_address(hub, plain=plain) == asked


def test_a_verification_is_read() -> None:
    query = {
        "hub.mode": "subscribe",
        "hub.topic": "https://t.example/",
        "hub.challenge": "c-1",
        "hub.lease_seconds": "60",
    }
    intent = read_intent(query)
    assert (intent.mode, intent.topic, intent.challenge, intent.lease_seconds) == (
        "subscribe",
        "https://t.example/",
        "c-1",
        60,
    )


@pytest.mark.parametrize("challenge", ["", "two words", "line\nbreak", "\x00", "ü", "x" * 1025])
def test_what_is_not_fit_to_be_echoed_counts_as_no_challenge(challenge: str) -> None:
    assert read_intent({"hub.challenge": challenge}).challenge == ""


@pytest.mark.parametrize("lease", ["", "-5", "1e3", "soon", "9" * 11, "\u0661"])
def test_a_lease_that_is_no_number_counts_as_none(lease: str) -> None:
    assert read_intent({"hub.lease_seconds": lease}).lease_seconds is None


def test_a_reason_is_one_short_line() -> None:
    reason = read_intent({"hub.reason": "members\n\x1b[31monly" + "." * 500}).reason
    assert reason.startswith("members  [31monly.")
    assert len(reason) == 200


@given(st.dictionaries(st.sampled_from(["hub.mode", "hub.topic", "hub.challenge", "hub.reason", "x"]), st.text()))
def test_any_query_can_be_read(query: dict[str, str]) -> None:
    intent = read_intent(query)
    assert intent.challenge.isascii()
    assert intent.reason.isprintable() or not intent.reason


@pytest.mark.parametrize("method", ALL)
@given(body=st.binary(max_size=2000), secret=st.text("abcXYZ09_-", min_size=1, max_size=60))
def test_a_good_signature_is_taken_and_any_other_refused(method: str, body: bytes, secret: str) -> None:
    header = signed(body, secret, method)
    assert signature_fault(header, body, secret, ALL) == ""
    assert signature_fault(header.upper().replace(method.upper(), method), body, secret, ALL) == ""
    assert signature_fault(header, body + b" ", secret, ALL) == "wrong-signature"
    assert signature_fault(header, body, secret + "x", ALL) == "wrong-signature"
    assert signature_fault(header[:-1] + ("0" if header[-1] != "0" else "1"), body, secret, ALL) == "wrong-signature"


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (None, "unsigned"),
        ("", "unsigned"),
        ("sha256", "unknown-signature"),
        ("md5=" + "0" * 40, "unknown-signature"),
        ("sha256=zz", "unknown-signature"),
        ("sha256=" + "0" * 39, "unknown-signature"),
        ("sha256=" + "0" * 40, "wrong-signature"),  # cut to the length of another method
        (signed(b"news", "key", "sha1"), "refused-sha1"),
        (signed(b"news", "key", "sha1").replace("sha1", "sha256"), "wrong-signature"),
    ],
)
def test_what_is_wrong_with_a_signature(header: str | None, fault: str) -> None:
    assert signature_fault(header, b"news", "key", ("sha256", "sha512")) == fault


def test_known_values() -> None:
    """Test case 2 of RFC 2202 and RFC 4231."""
    body, key = b"what do ya want for nothing?", "Jefe"
    assert signature_fault("sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", body, key, ALL) == ""
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert signature_fault(f"sha256={digest}", body, key, ALL) == ""


def test_secrets_are_written_to_the_topic_and_nowhere_else() -> None:
    subscription = held()
    stored = subscription.to_json()
    assert b"secret-of-the-ferry" in stored
    assert b"token-of-the-ferry" in stored
    assert Subscription.from_json(stored) == subscription
    shown = [
        str(subscription),
        repr(subscription),
        subscription.model_dump_json(),
        str(value_as_json(SUBSCRIPTIONS, stored)),
        str(value_as_json(SUBSCRIPTIONS, stored.replace(b'"asked"', b'"strange"'))),
        str(value_as_json(SUBSCRIPTIONS, stored[:-1])),
    ]
    assert not [text for text in shown if "of-the-ferry" in text]
