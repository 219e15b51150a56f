"""Messages of alerts: signature, e-mail, lines, pauses; what a draft of a saved search must be like."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.alerts.messages import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    AlertMessage,
    mail,
    message_lines,
    pause_after,
    signature,
    webhook_headers,
)
from pipelines.alerts.saved_searches import SavedSearchDraft, saved
from pipelines.errors import UsageError
from pipelines.settings import Settings, load_settings
from schemas.records import AlertChannel, AlertDelivery, SavedSearch

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PUBLIC = "https://receiver.example.org/hook"
MAILING = ("alerts.smtp_host=mail.example.org", "alerts.smtp_from=Newsriver <news@example.org>")


def settings(*assignments: str) -> Settings:
    return load_settings(assignments=list(assignments), environment={})


def delivery(number: int, title: str = "Bridge opens") -> AlertDelivery:
    return AlertDelivery(
        id=f"{number:032x}",
        search_id="0a1b2c3d4e5f",
        article_id=f"{number:032x}",
        content_digest=f"{number:032x}",
        url=f"https://gazette.example.org/{number}",
        title=title,
        source="gazette",
        language="en",
        first_seen=NOON,
        indexed_at=NOON,
        found_at=NOON,
    )


def message(*articles: AlertDelivery, target: str = "ida@example.org,ben@example.org", name: str = "N") -> AlertMessage:
    search = SavedSearch(
        id="0a1b2c3d4e5f",
        name=name,
        query="bridge",
        channel=AlertChannel.EMAIL,
        target=target,
        created_at=NOON,
        since=NOON,
    )
    return AlertMessage("89abcdef", search, articles)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example of the libraries of https://github.com/standard-webhooks/standard-webhooks."""
    made = signature(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_headers_name_the_message_and_the_time_of_the_try() -> None:
    headers = webhook_headers("m", b"{}", "whsec_AAAA", NOON)
    assert headers["webhook-id"] == "m"
    assert headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert headers["webhook-signature"] == signature("m", int(NOON.timestamp()), b"{}", "whsec_AAAA")


def test_the_same_message_is_the_same_json() -> None:
    one, two = (json.dumps(message(delivery(1), delivery(2)).to_json()) for _ in range(2))
    assert one == two
    assert json.loads(one)["count"] == 2
    assert "secret" not in one


def test_lines_hold_an_article_each() -> None:
    lines = [json.loads(line) for line in message_lines(message(delivery(1, "a\nb"), delivery(2))).splitlines()]
    assert [line["title"] for line in lines] == ["a\nb", "Bridge opens"]
    assert lines[0]["search"] == {"id": "0a1b2c3d4e5f", "name": "N"}


@pytest.mark.parametrize("evil", ["Bridge\r\nBcc: all@example.org", "Bridge\x1b[2J\u202e", "x" * 500])
def test_no_text_of_the_web_steers_a_mail(evil: str) -> None:
    made = mail(message(delivery(1, evil), name=evil), "Newsriver <news@example.org>")
    assert made["Bcc"] is None
    assert made["To"] == "ida@example.org, ben@example.org"
    assert made["Message-ID"] == "<89abcdef@example.org>"
    assert len(made["Subject"]) <= 150
    text = made.get_content()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "https://gazette.example.org/1" in text
    assert made.as_bytes()


@given(failures=st.integers(1, 10_000), jitter=st.floats(0, 1), asked=st.none() | st.floats(0, 1e9))
def test_pauses_grow_to_an_hour_and_are_never_none(failures: int, jitter: float, asked: float | None) -> None:
    pause = pause_after(failures, asked, jitter)
    assert FIRST_PAUSE_SECONDS / 2 <= pause <= LONGEST_PAUSE_SECONDS
    assert pause >= min(asked or 0, LONGEST_PAUSE_SECONDS)
    assert pause_after(failures + 1, None, jitter) >= pause_after(failures, None, jitter)


@pytest.mark.parametrize(
    ("channel", "target", "parameter"),
    [
        (AlertChannel.WEBHOOK, "", "target"),
        (AlertChannel.WEBHOOK, "ftp://example.org/", "target"),
        (AlertChannel.WEBHOOK, "http://127.0.0.1/", "target"),
        (AlertChannel.WEBHOOK, "http://[::1]:9200/", "target"),
        (AlertChannel.WEBHOOK, "http://169.254.169.254/latest", "target"),
        (AlertChannel.WEBHOOK, "http://2130706433/", "target"),
        (AlertChannel.EMAIL, "ida", "target"),
        (AlertChannel.EMAIL, "ida@example.org\r\nBcc: x@example.org", "target"),
        (AlertChannel.EMAIL, " , ", "target"),
        (AlertChannel.EMAIL, ",".join(["ida@example.org"] * 21), "target"),
        (AlertChannel.FEED, PUBLIC, "target"),
    ],
)
def test_a_wrong_target_is_named(channel: AlertChannel, target: str, parameter: str) -> None:
    with pytest.raises(UsageError) as refused:
        saved(SavedSearchDraft("bridge", channel=channel, target=target), settings(*MAILING), NOON)
    assert refused.value.resource == parameter


def test_a_webhook_gets_a_secret_of_its_own() -> None:
    draft = SavedSearchDraft("bridge", "  Two \n lines ", AlertChannel.WEBHOOK, PUBLIC)
    one, two = (saved(draft, settings(), NOON) for _ in range(2))
    assert one.name == "Two lines"
    assert one.id != two.id
    keys = [each.secret.get_secret_value() for each in (one, two)]
    assert keys[0] != keys[1]
    assert len(base64.b64decode(keys[0].removeprefix("whsec_"))) == 32
    assert keys[0] not in repr(one) + str(one) + json.dumps(one.model_dump(mode="json"))
    assert saved(SavedSearchDraft("bridge"), settings(), NOON).secret.get_secret_value() == ""


def test_an_allowed_network_may_be_a_target() -> None:
    allowed = settings("fetch.allow_networks=127.0.0.0/8")
    draft = SavedSearchDraft("bridge", channel=AlertChannel.WEBHOOK, target="http://127.0.0.1:8000/hook")
    assert saved(draft, allowed, NOON).target == "http://127.0.0.1:8000/hook"
    with pytest.raises(UsageError) as refused:
        saved(SavedSearchDraft("bridge", channel=AlertChannel.EMAIL, target="ida@example.org"), settings(), NOON)
    assert "alerts.smtp_host" in refused.value.hint
