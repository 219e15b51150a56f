"""Consent pages, pages that only send on, and AMP links, as sites make them; every page here is of our own writing."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.fetch.soft_redirects import amp_link, canonical_link, consent_page, refresh_target

ARTICLE = "https://www.ferry.example/news/2026/bridge"
QUOTED = "https%3A%2F%2Fwww.ferry.example%2Fnews%2F2026%2Fbridge"
PACKED = base64.b64encode(ARTICLE.encode()).decode()


@pytest.mark.parametrize(
    "landed",
    [
        f"https://consent.ferry.example/m?continue={QUOTED}&gl=DE",
        f"https://consent.aggregator.example/?url={QUOTED}",
        f"https://myprivacy.publisher.example/consent?siteKey=x&callbackUrl={QUOTED}",
        f"https://cmp.publisher.example/?r={PACKED}",
        f"https://cookiewall.ferry.example/?target={QUOTED}%3Futm%3D1",
        f"https://cmp.publisher.example/?back={QUOTED.replace('%', '%25')}",
        "https://consent.portal.example/v2/collectConsent?sessionId=3_cc-session_1",
        f"https://www.ferry.example/zustimmung?url={QUOTED}",
        "https://www.ferry.example/consent/?return=/news/2026/bridge",
        "https://www.ferry.example/consent/tcf/news/2026/bridge",
        "https://www.ferry.example/cookie-consent.html#to=/news/2026/bridge",
        f"https://www.ferry.example/en/cookiewall/?to={QUOTED}",
        "https://consent.ferry.example/?to=https%3A%2F%2Fm.ferry.example%2F",
    ],
)
def test_a_consent_page_is_told_by_its_address(landed: str) -> None:
    assert consent_page(ARTICLE, [ARTICLE], landed)
    assert consent_page("https://short.example/x", ["https://short.example/x", ARTICLE], landed)


@pytest.mark.parametrize(
    ("asked", "landed"),
    [
        (ARTICLE, ARTICLE),
        (ARTICLE, "https://www.ferry.example/news/2026/bridge-2"),
        (ARTICLE, f"https://login.ferry.example/?url={QUOTED}"),
        (ARTICLE, f"https://www.ferry.example/news/consent-law?from={QUOTED}"),
        (ARTICLE, "https://www.ferry.example/consent"),  # leads nowhere: a page about it
        (ARTICLE, "https://consent.example/news/other?id=5"),
        ("https://a.example/consent/five", "https://www.a.example/consent/five?from=https%3A%2F%2Fa.example%2F"),
        ("https://consent.example/five", "https://consent.example/consent/5?x=1"),
        ("https://a.example/five", "https://[broken/consent?u=https://a.example/five"),
        ("https://a.example/five", "https://a.example/consent?u=http://[x"),
    ],
)
def test_other_pages_are_not_taken_for_one(asked: str, landed: str) -> None:
    assert not consent_page(asked, [asked] if asked != landed else [], landed)


def test_without_a_redirect_there_is_none() -> None:
    page = f"https://consent.ferry.example/consent?u={QUOTED}"
    assert not consent_page(page, [], page)


@given(st.text(), st.text())
def test_no_address_breaks_it(asked: str, landed: str) -> None:
    consent_page(asked, [asked], landed)
    consent_page(ARTICLE, [ARTICLE], f"https://consent.example/{landed}?u={asked}")


def refreshing(content: str, around: str = "") -> bytes:
    return (
        "<!doctype html><html><head><title>Please wait while we take you there</title><style>p { color: red }</style>"
        f'<script>window.x = "<p>{"y" * 500}</p>"</script><meta http-equiv="refresh" content="{content}"></head>'
        f"<body><!-- {'z' * 500} --><p>One moment.</p>{around}</body></html>"
    ).encode()


@pytest.mark.parametrize(
    ("content", "target"),
    [
        ("0; url=/news/5", "https://www.ferry.example/news/5"),
        ("0;URL='https://other.example/a?b=1&amp;c=2'", "https://other.example/a?b=1&c=2"),
        ("5 ; url = next", "https://www.ferry.example/news/2026/next"),
        ("0,url=/x", "https://www.ferry.example/x"),
        ("0 /x", "https://www.ferry.example/x"),
        ("0.5; /x", "https://www.ferry.example/x"),
        (".; url=/x", "https://www.ferry.example/x"),
        ("3; url=/x#part", "https://www.ferry.example/x"),
        ("0; url=http://127.0.0.1/", "http://127.0.0.1/"),  # refused where all addresses are, by the guard
        ("0", ""),
        ("0; url=", ""),
        (f"0; url={ARTICLE}", ""),
        (f"0; url={ARTICLE}#part", ""),
        ("0; url=javascript:alert(1)", ""),
        ("0; url=http://[::1", ""),
    ],
)
def test_a_page_that_only_sends_on_is_seen(content: str, target: str) -> None:
    assert refresh_target(refreshing(content), ARTICLE) == target


def test_every_spelling_of_the_tag_is_read() -> None:
    for tag in (
        b"<META HTTP-EQUIV=Refresh CONTENT=0;URL=/x>",
        b"<meta content='0; url=/x' http-equiv='REFRESH' />",
        b'<noscript><meta\nhttp-equiv = "refresh"\n content = "0; url=/x" ></noscript>',
    ):
        assert refresh_target(b"<html><head>" + tag, ARTICLE) == "https://www.ferry.example/x"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><p>Words</p></html>",
        refreshing("600; url=/x"),  # a live page that reloads
        refreshing("0; url=/x", "<p>" + "The ferry leaves at nine. " * 20 + "</p>"),
        refreshing("0; url=/x", "<div></div>" * 2000),  # too large for a page that does nothing else
        refreshing("soon"),
        b'<meta http-equiv="content-type" content="0; url=/x">',
        b'<p>http-equiv refresh content="0; url=/x"</p>',
    ],
    ids=["empty", "plain", "later", "text", "large", "no number", "another meta", "no tag"],
)
def test_a_page_that_is_to_be_read_is_left_alone(body: bytes) -> None:
    assert refresh_target(body, ARTICLE) is None


@pytest.mark.parametrize(
    ("head", "link"),
    [
        ('<link rel="amphtml" href="/amp/5">', "https://www.ferry.example/amp/5"),
        (
            "<LINK HREF=https://amp.ferry.example/5 REL='amphtml'>",
            "https://amp.ferry.example/5",
        ),
        (
            '<link rel="alternate amphtml" href="5.amp?a=1&amp;b=2">',
            "https://www.ferry.example/news/2026/5.amp?a=1&b=2",
        ),
        ('<link rel="canonical" href="/x"><link rel="amphtml" href="/y">', "https://www.ferry.example/y"),
        ('<link rel="amphtml">', ""),
        ('<link rel="amphtml" href="javascript:x">', ""),
        ('<link rel="canonical" href="/amphtml">', ""),
        ('<p data-x="amphtml">', ""),
        ("", ""),
    ],
)
def test_the_amp_copy_is_noted(head: str, link: str) -> None:
    assert amp_link(f"<html><head>{head}</head>".encode(), ARTICLE) == link


@pytest.mark.parametrize(
    ("head", "link"),
    [
        ('<link rel="canonical" href="/news/2026/bridge">', ARTICLE),
        ("<LINK HREF=//ferry.example/b?utm_source=x&amp;id=5#top REL='Canonical'>", "https://ferry.example/b?id=5"),
        ('<link rel="canonical alternate" href="http://m.ferry.example/b">', "http://m.ferry.example/b"),
        (
            '<link rel="stylesheet" href="canonical.css"><link rel=canonical href=../b>',
            "https://www.ferry.example/news/b",
        ),
        ('<meta name="x" content="canonical"><link rel="canonical" href="/b">', "https://www.ferry.example/b"),
        ('<link rel="canonical" href="/">', ""),
        ('<link rel="canonical" href="https://www.ferry.example">', ""),
        ('<link rel="canonical" href="https://other.example/news/2026/bridge">', ""),
        ('<link rel="canonical" href="https://ferry.example.org/b">', ""),
        ('<link rel="canonical" href="mailto:desk@ferry.example">', ""),
        ('<link rel="canonical" href="https://[">', ""),
        ('<link rel="canonical">', ""),
        ('<link rel="canonicals" href="/b">', ""),
        ("<p>the canonical form", ""),
        ("", ""),
    ],
)
def test_the_address_that_a_page_gives_itself(head: str, link: str) -> None:
    assert canonical_link(f"<html><head>{head}</head>".encode(), ARTICLE) == link


@given(st.binary(max_size=300), st.text(max_size=50))
def test_no_bytes_break_them(body: bytes, url: str) -> None:
    for page in (
        body,
        b'<meta http-equiv="refresh" content="0;url=' + body,
        b'<link rel="amphtml" href="' + body + b'">',
        b'<link rel="canonical" href="' + body + b'">',
        b"canonical" + body + b"canonical>",
    ):
        for base in (url, ARTICLE):
            amp_link(page, base)
            canonical_link(page, base)
            refresh_target(page, base)


@pytest.mark.parametrize(
    "piece",
    [
        b"<script ",
        b"<!--",
        b"<",
        b"<meta ",
        b'<meta a="',
        b"<link a='b\"",
        b"</script",
        b"<title>",
        b"= ",
        b"a=a=",
        b'<meta content=" ',
        b"canonical",
        b"<link rel=canonical ",
        b"<link canonical>",
    ],
)
def test_hostile_pages_take_no_time(piece: bytes) -> None:
    begin = b'<meta http-equiv="refresh" content="0; url=/x"><link rel="amphtml" href=/y>'
    small = begin + piece * ((16_000 - len(begin)) // len(piece))
    large = begin.replace(b"amphtml", b"other amphtm") + piece * (1_000_000 // len(piece)) + b"amphtml"
    began = time.process_time()
    refresh_target(small, ARTICLE)
    amp_link(large, ARTICLE)
    amp_link(b"<link rel=amphtml>" + large, ARTICLE)
    canonical_link(large, ARTICLE)
    assert time.process_time() - began < 0.5
