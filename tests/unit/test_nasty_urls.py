"""No address of a stranger raises anything but the fault that names it, anywhere on its way."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from pipelines.clean.head import read_head
from pipelines.clean.html import parse
from pipelines.clean.rights import rights_of
from pipelines.discovery.candidates import found, of_page, of_robots, usual, worth_adding
from pipelines.errors import AddressRefused, FeedFault, FeedListError, FetchFault
from pipelines.feed_formats import parse_feed
from pipelines.feeds.duplicates import address_key
from pipelines.feeds.lists import feed_of, from_opml, from_toml, to_opml, to_toml
from pipelines.feeds.partitions import feed_partition
from pipelines.fetch.soft_redirects import amp_link, consent_page, refresh_target
from pipelines.http.addresses import AddressGuard, literal_address
from pipelines.http.answer import Response
from pipelines.http.client import Client
from pipelines.http.politeness import retry_after
from pipelines.http.robots import Robots, read_robots
from pipelines.poll.hub_links import links, with_hub
from pipelines.poll.permanent_redirects import after_answer
from pipelines.settings import Settings
from pipelines.urls import article_id, canonical_url, fetchable_url, host_of, identity_url, origin_of
from pipelines.websub.protocol import hub_address, read_intent
from schemas.records import FeedState
from schemas.records.base import MAX_ADDRESS
from tests.unit.nasty import BENT, NASTY
from tests.unit.pages import FETCHED, facts

HOME = "https://home.example/news/1"
NOW = datetime(2026, 11, 29, tzinfo=UTC)

URL_REASONS = {"no-scheme", "not-http", "no-host", "bad-url", "url-too-long"}


def fetchable(text: str) -> str | None:
    try:
        return fetchable_url(text)
    except FeedFault:  # the test below looks at its reason
        return None


@settings(max_examples=600)
@given(NASTY)
def test_an_address_is_good_for_all_that_follows_or_refused_by_name(text: str) -> None:
    url = fetchable(text)
    if url is None:
        for function in (canonical_url, host_of, origin_of):
            with pytest.raises(FeedFault) as caught:
                function(text)
            assert caught.value.reason in URL_REASONS
        return
    assert url.isascii()
    assert "@" not in urlsplit(url).netloc
    assert len(url) <= MAX_ADDRESS
    assert fetchable_url(url) == url
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port is None or 0 < parts.port < 65_536
    assert URL(url, encoded=True).raw_host
    assert host_of(url) == host_of(origin_of(url))
    with suppress(FeedFault):  # what is longer in its canonical form is refused, too
        canonical = canonical_url(url)
        assert len(canonical) <= MAX_ADDRESS
        assert canonical_url(canonical) == canonical
        assert len(article_id(identity_url(canonical))) == 32


@settings(max_examples=300)
@given(NASTY, NASTY)
def test_where_a_page_lands_and_sends_on_to_is_always_told(one: str, other: str) -> None:
    for asked, passed, landed in (
        (HOME, [one], other),
        (one, [], other),
        (one, [HOME, other], f"https://consent.x/{one}"),
    ):
        assert consent_page(asked, passed, landed) in (True, False)
    page = f'<meta http-equiv="refresh" content="0;url={one}"><link rel="amphtml" href="{other}">'.encode(
        "utf-8", "replace"
    )
    for address in (refresh_target(page, HOME), amp_link(page, HOME)):
        assert not address or fetchable_url(address) == address
    refresh_target(page, one)
    amp_link(page, one)


def test_a_consent_page_with_more_fields_than_anybody_reads_is_one() -> None:
    fields = "&".join(f"a{number}=1" for number in range(150))
    assert consent_page(HOME, [], f"https://consent.example/page?{fields}&next={HOME}")
    assert consent_page(HOME, [HOME], f"https://home.example/consent/page?next=/news/1&{fields}")
    assert not consent_page(HOME, [], f"https://consent.example/page?{fields}")
    assert not consent_page(HOME, [], "https://consent.example/page?" + "&" * 1_000_000)


@settings(max_examples=300)
@given(NASTY, NASTY)
def test_a_site_that_is_looked_round_has_feeds_or_none(one: str, other: str) -> None:
    page = (
        f'<html><head><base href="{one}"><link rel="alternate" type="application/rss+xml" href="{other}"></head>'
        f'<a href="{other}">rss</a><a href="/feed.xml">feed</a>'
    ).encode("utf-8", "replace")
    candidates = [*of_page(page, HOME), *of_robots(f"Sitemap: {one}\nsitemap:{other}".encode("utf-8", "replace"), HOME)]
    for each in candidates:
        assert fetchable_url(each.url) == each.url
        assert usual(each.url)
        feed = found(each, each.url, parse_feed(b"<rss version='2.0'><channel/></rss>", url=each.url))
        assert worth_adding([feed], NOW) == []
    assert isinstance(address_key(one), str)
    assert 0 <= feed_partition(one, 8) < 8
    with suppress(FeedListError):
        listed = feed_of({"url": one, "title": other})
        assert [each.url for each in from_toml(to_toml([listed]).encode(), "x")] == [listed.url]
        assert len(from_opml(to_opml([listed]).encode(), "x").feeds) == 1


@settings(max_examples=300)
@given(NASTY, NASTY)
def test_a_feed_with_such_links_is_read(one: str, other: str) -> None:
    def escaped(text: str) -> str:
        return "".join(f"&#{ord(each)};" if each in "<>&\"'" else each for each in text)

    item = f"<item><title>t</title><link>{escaped(one)}</link><guid>{escaped(other)}</guid></item>"
    atom = f'<link xmlns="http://www.w3.org/2005/Atom" rel="hub" href="{escaped(other)}"/>'
    feed = f"<rss version='2.0' ><channel><link>{escaped(other)}</link>{atom}{item}</channel></rss>"
    with suppress(FeedFault):  # control characters are no XML
        parsed = parse_feed(feed.encode("utf-8", "replace"), url=HOME)
        assert all(fetchable_url(each.link) for each in parsed.entries)
        assert parsed.hub is None or fetchable_url(parsed.hub)


@settings(max_examples=300)
@given(NASTY, NASTY)
def test_hubs_and_moves_are_addresses_or_nothing(one: str, other: str) -> None:
    assert all(isinstance(target, str) for target, _ in links(f"<{one}>; rel=hub, <{other}>; rel=self"))
    answer = Response(url=HOME, status=200, headers={"link": f"<{one}>; rel=hub, <{other}>; rel=self"})
    state = with_hub(FeedState(url=HOME, next_poll_at=NOW), answer, None)
    if state.hub:
        assert fetchable_url(state.hub)
        assert fetchable_url(state.hub_topic or "")
        assert hub_address(state.hub, plain=False).startswith("https://")
    after_answer(
        state, HOME, Response(url=fetchable(one) or HOME, status=200, headers={}, redirects=(HOME,), moved=True)
    )
    assert read_intent({"hub.topic": one, "hub.lease_seconds": other, "hub.reason": one}).topic == one


@settings(max_examples=300)
@given(NASTY)
def test_licences_are_addresses_or_nothing(text: str) -> None:
    tree = parse(
        f'<html><head><link rel="license" href="{text.replace(chr(0), "")}"><meta name="tdm-policy" content="x">'
    )
    if tree is not None:
        said = rights_of(read_head(tree), facts(headers={"link": f"<{text}>; rel=license"}))
        assert said.license is None or said.license.startswith(("http://", "https://"))


@settings(max_examples=200)
@given(NASTY | st.sampled_from(["Crawl-delay: inf", "Crawl-delay: nan", "Crawl-delay: 1e999", "9" * 400]), NASTY)
def test_robots_and_retry_after_never_raise(text: str, url: str) -> None:
    body = f"User-agent: *\nDisallow: {text}\nAllow: {url}\nCrawl-delay: {text}\nSitemap: {url}\n{text}"
    robots = Robots()
    with suppress(FetchFault):  # it is no text
        robots = read_robots(body.encode("utf-8", "replace"))
    good = fetchable(url) or HOME
    assert robots.allows(good) in (True, False)
    delay = robots.delay_seconds
    assert delay is None or 0 <= delay < float("inf")
    wait = retry_after(text, FETCHED)
    assert wait is None or 0 <= wait <= 7 * 86_400


@settings(max_examples=300)
@given(NASTY)
def test_a_request_to_such_an_address_ends_with_a_fault(text: str) -> None:
    """Nothing is listening and nothing private is allowed, so that every good address is refused or not found."""

    class Nowhere(Client):
        async def _once(self, url: str, *given: Any) -> Response:  # type: ignore[override]  # noqa: ARG002
            AddressGuard([]).check_host(urlsplit(url).hostname or "", url)
            URL(url, encoded=True)
            return Response(url=url, status=302, headers={"location": text})

    async def ask() -> None:
        await Nowhere(Settings()).get(HOME if fetchable(text) is None else text, max_bytes=100)

    with pytest.raises((FetchFault, AddressRefused)):
        asyncio.run(ask())


@given(BENT)
def test_a_host_is_an_address_or_a_name(text: str) -> None:
    with suppress(ValueError):
        literal_address(urlsplit(text).hostname or "")
    literal_address(text)
