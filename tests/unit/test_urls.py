"""URLs: one canonical form for all spellings, and never two articles under one."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.errors import FeedFault
from pipelines.urls import article_id, canonical_url, fetchable_url, host_of, identity_url
from schemas.records.base import MAX_ADDRESS

SAME = [
    ("http://example.org", "http://example.org/"),
    ("HTTP://Example.ORG/Path", "http://example.org/Path"),
    ("http://example.org:80/a", "http://example.org/a"),
    ("https://example.org:443/a", "https://example.org/a"),
    ("http://example.org:443/a", "http://example.org:443/a"),
    ("https://example.org./a", "https://example.org/a"),
    ("https://user:secret@example.org/a", "https://example.org/a"),
    ("  https://example.org/a\n", "https://example.org/a"),
    ("https://example.org/a#comments", "https://example.org/a"),
    ("https://example.org/a/./b/../c", "https://example.org/a/c"),
    ("https://example.org/../../a", "https://example.org/a"),
    ("https://example.org/a/%2e%2e/b", "https://example.org/b"),
    ("https://example.org/%7euser/%c3%bc", "https://example.org/~user/%C3%BC"),
    ("https://example.org/a%2fb", "https://example.org/a%2Fb"),
    ("https://example.org/straße", "https://example.org/stra%C3%9Fe"),
    ("https://münchen.example/ä", "https://xn--mnchen-3ya.example/%C3%A4"),
    ("https://XN--MNCHEN-3YA.example/", "https://xn--mnchen-3ya.example/"),
    ("http://[0:0::1]:8080/a", "http://[::1]:8080/a"),
    ("https://example.org/a?utm_source=rss&utm_medium=feed", "https://example.org/a"),
    ("https://example.org/a?id=5&fbclid=x&gclid=y&mc_cid=z", "https://example.org/a?id=5"),
    ("https://example.org/a?UTM_Campaign=x", "https://example.org/a"),
    ("https://example.org/a?ref=rss&from=feed", "https://example.org/a"),
    ("https://example.org/a?", "https://example.org/a"),
    ("https://example.org/a?id=5&amp;page=2", "https://example.org/a?id=5&page=2"),
    ("https://example.org/a?id=5&amp;amp;utm_source=x", "https://example.org/a?id=5"),
    ("https://example.org/a?srsltid=x&gad_source=1&id=5", "https://example.org/a?id=5"),
    ("https://example.org/a?&&b=1&", "https://example.org/a?b=1"),
    ("https://example.org?b=1", "https://example.org/?b=1"),
]


@pytest.mark.parametrize(("url", "canonical"), SAME)
def test_spellings_become_one(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


APART = [
    ("https://example.org/a", "https://example.org/a/"),
    ("https://example.org/a", "https://www.example.org/a"),
    ("https://example.org/A", "https://example.org/a"),
    ("https://example.org/?p=1", "https://example.org/?p=2"),
    ("https://example.org/view?cid=1", "https://example.org/view?cid=2"),
    ("https://example.org/view?eid=1", "https://example.org/view?eid=2"),
    ("https://example.org/view?uid=1", "https://example.org/view?uid=2"),
    ("https://example.org/view?source=1", "https://example.org/view?source=2"),
    ("https://example.org/view?ref=a1", "https://example.org/view?ref=a2"),
    ("https://example.org/view?keyword=1", "https://example.org/view?keyword=2"),
    ("https://example.org/?12345", "https://example.org/?12346"),
    ("https://example.org/?amp;a=1", "https://example.org/?a=1"),
    ("https://example.org/a%2Fb", "https://example.org/a/b"),
    ("https://example.org/a//b", "https://example.org/a/b"),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_what_may_be_two_articles_stays_two(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)
    assert article_id(canonical_url(one)) != article_id(canonical_url(other))


@pytest.mark.parametrize("address", ["example.org/a", "example.org:8080/a?b=1", "[::1]/"])
def test_the_scheme_tells_no_articles_apart_and_stays_in_the_address(address: str) -> None:
    plain, secure = canonical_url(f"http://{address}"), canonical_url(f"https://{address}")
    assert (plain, secure) == (f"http://{address}", f"https://{address}")
    assert identity_url(plain) == identity_url(secure) == secure
    assert article_id(plain) == article_id(secure)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "no-scheme"),
        ("/relative", "no-scheme"),
        ("//example.org/a", "no-scheme"),
        ("example.org/a", "no-scheme"),
        ("mailto:desk@example.org", "not-http"),
        ("javascript:void(0)", "not-http"),
        ("ftp://example.org/a", "not-http"),
        ("file:///etc/passwd", "not-http"),
        ("http://", "no-host"),
        ("http:///a", "no-host"),
        ("https://:443/a", "no-host"),
        ("http://exa mple.org/", "bad-url"),
        ("http://example.org:x/", "bad-url"),
        ("http://example.org:99999/", "bad-url"),
        ("http://example.org:0/", "bad-url"),
        ("http://[::1/", "bad-url"),
        ("http://a..b/", "bad-url"),
        ("http://" + "a" * 64 + "ü.org/", "bad-url"),
        ("http://example.org/" + "a" * MAX_ADDRESS, "url-too-long"),
    ],
)
def test_what_is_no_address_is_named(url: str, reason: str) -> None:
    for function in (canonical_url, fetchable_url, host_of):
        with pytest.raises(FeedFault) as caught:
            function(url)
        assert caught.value.reason == reason


PIECES = ["%25", "%2e", "%2E", "%2f", "%3b", "%C3", "%fc", "/", "..", ".", "%", "?", "&", "=", "#", ";", "ü", "[", "]"]
PIECES += ["&amp;", "amp;", "|", " ", "\\", "@", ":", "a", "utm_x", "\t", "//", "+", "http://", "1"]
addresses = st.one_of(
    st.text(),
    st.lists(st.sampled_from(PIECES)).map(lambda pieces: "http://example.org/" + "".join(pieces)),
    st.lists(st.sampled_from(PIECES)).map(lambda pieces: "https://" + "".join(pieces)),
    st.text(alphabet=string.printable).map("http://h.example/".__add__),
)


@given(addresses)
@example("http://[::ffff:127.0.0.1]/")
@example("http://１２７.0.0.1/")
@example("http://h.example/\ud800")
def test_any_text_is_an_address_for_good_or_a_named_fault(text: str) -> None:
    canonical, reason = "", ""
    try:
        canonical = canonical_url(text)
    except FeedFault as fault:
        reason = fault.reason
    assert bool(canonical) != bool(reason)
    if reason:
        assert reason in {"no-scheme", "not-http", "no-host", "bad-url", "url-too-long"}
        return
    assert canonical_url(canonical) == canonical
    assert canonical.isascii()
    assert "#" not in canonical
    assert "@" not in canonical.partition("://")[2].partition("/")[0]
    assert host_of(canonical) == host_of(text)
    assert fetchable_url(fetchable_url(text)) == fetchable_url(text)
    assert canonical_url(fetchable_url(text)) == canonical


def test_the_requested_form_keeps_what_the_feed_gave() -> None:
    assert fetchable_url("https://Example.org/a b/../c?utm_source=x&q=ü#top") == (
        "https://example.org/a%20b/../c?utm_source=x&q=%C3%BC"
    )


def test_the_host_is_what_politeness_counts_by() -> None:
    assert host_of("https://Example.org/a") == host_of("https://example.org:443/b") == "example.org"
    assert host_of("http://127.0.0.1:8080/") == "127.0.0.1:8080"
    assert host_of("http://user@[::1]:80/") == "[::1]"


def test_an_article_id_is_the_same_for_ever() -> None:
    assert article_id("https://example.org/") == "3eeedd5061369734a07f3f84d4a2a757"
