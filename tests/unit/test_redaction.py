"""Credentials in addresses: none is left in a text, and nothing else of it changes."""

from __future__ import annotations

import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import FeedFault, NewsriverError
from pipelines.redaction import redacted, same_origin, split_credentials, without_credentials
from pipelines.runtime.logs import JsonFormatter, LineFormatter

SECRET = "s3cr3t-Pa55"  # noqa: S105 - it is planted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"https://reader:{SECRET}@news.example.org/feed", "https://***@news.example.org/feed"),
        (f"feed http://{SECRET}@h:81?x=1 failed", "feed http://***@h:81?x=1 failed"),
        (f"a https://u:{SECRET}@a/ and https://u:{SECRET}@b/", "a https://***@a/ and https://***@b/"),
        (f"https://u:p@{SECRET}@h/", "https://***@h/"),
        (f"SASL_SSL://u:{SECRET}@broker:9093", "SASL_SSL://***@broker:9093"),
        # What people write without escaping it.
        (f"https://u:{SECRET}/x@h/feed", "https://***@h/feed"),
        (f"https://u:{SECRET}#x@h/feed", "https://***@h/feed"),
        (f"https://u:{SECRET}?x@h/feed", "https://***@h/feed"),
        # What is no secret.
        ("https://social.example.org/@user/1", "https://social.example.org/@user/1"),
        ("http://127.0.0.1:8080/@user", "http://127.0.0.1:8080/@user"),
        ("https://h/?mail=a@example.org", "https://h/?mail=a@example.org"),
        ("write to desk@example.org // or @us", "write to desk@example.org // or @us"),
        ('see "https://h/a" or b@c', 'see "https://h/a" or b@c'),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert redacted(text) == shown


NAMES = st.text(st.characters(exclude_characters="/?#\"'<>", exclude_categories=("Z", "C")), min_size=1)


@given(st.text(), NAMES, st.text(), st.sampled_from(["http", "https", "ftp"]))
def test_a_secret_in_any_text_is_masked_and_once_is_enough(before: str, user: str, after: str, scheme: str) -> None:
    text = f"{before} {scheme}://{user}:{SECRET}@example.org/ {after}"
    assert SECRET not in redacted(text)
    assert redacted(redacted(text)) == redacted(text)


@given(st.text(st.characters(exclude_characters="@")))
def test_a_text_without_credentials_stays(text: str) -> None:
    assert redacted(text) == text
    assert without_credentials(text) == text


def test_no_text_takes_quadratic_time() -> None:
    for text in ("//a:" * 250_000 + "@ ", "//" + "a" * 1_000_000, "//a:" + "b" * 1_000_000, "@" + "//" * 500_000):
        began = time.process_time()
        redacted(text)
        assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("url", "bare", "credentials"),
    [
        ("https://u:p@h/f?x=a@b#c", "https://h/f?x=a@b#c", "u:p"),
        ("https://u@h", "https://h", "u"),
        ("https://u%40x:p%2Fq%3A@h:81/f", "https://h:81/f", "u@x:p/q:"),
        ("https://@h/f", "https://h/f", ""),
        ("https://:@h/f", "https://h/f", ""),
        ("https://h/@u", "https://h/@u", ""),
        ("mailto:a@b", "mailto:a@b", ""),
    ],
)
def test_credentials_are_taken_out(url: str, bare: str, credentials: str) -> None:
    assert split_credentials(url) == (bare, credentials)


def test_an_origin_is_scheme_host_and_port() -> None:
    assert same_origin("https://H.example.org/a", "https://h.example.org:443/b")
    for other in ("http://h.example.org/", "https://www.h.example.org/", "https://h.example.org:444/", "https://h:x/"):
        assert not same_origin("https://h.example.org/", other)


def test_errors_hold_no_credentials_wherever_they_go() -> None:
    url = f"https://u:{SECRET}@h/feed"
    for error in (
        NewsriverError(f"no feed {url}", hint=f"did you mean {url}?", resource=url),
        FeedFault(f"no {url}", reason="bad-url", resource=url),
    ):
        for text in (str(error), repr(error), error.message, error.hint, error.resource, str(error.args)):
            assert SECRET not in text


def test_the_log_masks_messages_and_traces() -> None:
    url = f"https://u:{SECRET}@h/feed"
    with pytest.raises(ValueError, match="h/feed") as caught:
        int(url)
    trace = (caught.type, caught.value, caught.tb)
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "feed %s", (url,), trace)
    record.url = url
    for formatter in (LineFormatter("poll"), JsonFormatter("poll", "poll-1")):
        assert SECRET not in formatter.format(record)
