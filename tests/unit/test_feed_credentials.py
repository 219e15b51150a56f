"""A feed's credentials: apart from its address, in its own record only, and sent to its own origin only."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from pipelines.errors import FeedFault, FeedListError
from pipelines.feed_formats import parse_feed
from pipelines.feeds.feed_status import standings
from pipelines.feeds.lists import feed_of, from_opml, from_toml, to_opml, to_toml
from pipelines.feeds.selection import select
from pipelines.feeds.sync import merge, with_known_credentials
from pipelines.http.credentials import Credentials
from pipelines.redaction import split_credentials, with_credentials
from pipelines.tap import value_as_json
from pipelines.urls import canonical_url, fetchable_url, host_of
from schemas.records import Feed
from schemas.topics import FEEDS

SECRET = "s3cr3t-Pa55"  # noqa: S105 - it is planted
GIVEN = f"https://reader:{SECRET}@news.example.org:8443/members/feed?all=1"
BARE = "https://news.example.org:8443/members/feed?all=1"
FEED = Feed(url=BARE, credentials=SecretStr(f"reader:{SECRET}"))


def test_a_list_gives_the_feed_without_them_and_them_apart() -> None:
    toml = f'[[feed]]\nurl = "{GIVEN}"\n'.encode()
    opml = f'<opml><body><outline text="{GIVEN}" xmlUrl="{GIVEN}"/></body></opml>'.replace("&", "&amp;").encode()
    for [feed] in (from_toml(toml, "x"), from_opml(opml, "x").feeds, [feed_of({"url": GIVEN})]):
        assert feed == FEED
        assert feed.credentials is not None
        assert feed.credentials.get_secret_value() == f"reader:{SECRET}"


def test_only_the_record_for_its_topic_has_them() -> None:
    assert Feed.from_json(FEED.to_json()) == FEED
    views = [
        repr(FEED),
        FEED.model_dump_json(),
        to_toml([FEED]),
        to_opml([FEED]),
        json.dumps(value_as_json(FEEDS, FEED.to_json())),
        json.dumps(value_as_json(FEEDS, FEED.to_json()[:-1])),  # cut off: no record, and no excerpt of its bytes
        json.dumps([row.as_json() for row in standings([FEED], {})]),
        repr(Credentials.of(FEED)),
    ]
    assert not [view for view in views if SECRET in view]
    assert from_toml(to_toml([FEED], secrets=True).encode(), "x") == [FEED]
    assert from_opml(to_opml([FEED], secrets=True).encode(), "x").feeds == (FEED,)
    assert from_toml(to_toml([FEED]).encode(), "x") == [Feed(url=BARE)]


def test_a_list_without_them_leaves_those_that_are_known() -> None:
    again = Feed(url=BARE, title="Members")
    done = merge({BARE: FEED}, {"here:/list": [again]})
    assert [each.credentials for each in done.changed] == [FEED.credentials]
    assert with_known_credentials([again], {BARE: FEED})[0].credentials == FEED.credentials
    other = FEED.model_copy(update={"credentials": SecretStr("other:x")})
    assert with_known_credentials([other], {BARE: FEED}) == [other]
    assert merge({BARE: FEED}, {"here:/list": [other]}).changed[0].credentials == other.credentials


def test_a_feed_may_be_named_with_them() -> None:
    assert select([GIVEN], {BARE}) == [BARE]


@pytest.mark.parametrize(
    "url",
    [
        f"https://reader:{SECRET}/x@news.example.org/feed",
        f"https://reader:{SECRET}#x@news.example.org/feed",
        f"ftp://reader:{SECRET}@news.example.org/feed",
        f"https://reader:{SECRET}@",
        f"https://reader:{SECRET}@bad host/",
        f"https://reader:{SECRET}@[::1/",
        f"https://reader:{SECRET}@h:99999/",
        f"https://{'r' * 190}:{SECRET}@h:99999/",
    ],
)
def test_an_address_that_is_none_is_named_without_them(url: str) -> None:
    with pytest.raises(FeedListError) as caught:
        feed_of({"url": url})
    assert SECRET not in str(caught.value) + caught.value.resource
    with pytest.raises(FeedFault) as fault:
        fetchable_url(url)
    assert SECRET not in str(fault.value) + fault.value.resource


@given(
    st.text(st.characters(exclude_categories=("Z", "C")), min_size=1),
    st.text(st.characters(exclude_categories=("Cs",))),
)
def test_what_is_put_into_an_address_comes_out_again(user: str, password: str) -> None:
    user = user.replace(":", "")
    if user:
        assert split_credentials(with_credentials(BARE, f"{user}:{password}")) == (BARE, f"{user}:{password}")


def test_the_header_goes_to_the_origin_and_nowhere_else() -> None:
    opened = Credentials.of(FEED)
    assert opened is not None
    assert Credentials.of(Feed(url=BARE)) is None
    [value] = opened.headers("https://NEWS.example.org:8443/another/path").values()
    assert base64.b64decode(value.removeprefix("Basic ")).decode() == f"reader:{SECRET}"
    for other in (
        "http://news.example.org:8443/",
        "https://news.example.org/",
        "https://www.news.example.org:8443/",
        "https://news.example.org.evil.example:8443/",
        "https://evil.example/?https://news.example.org:8443/",
        "https://news.example.org:8443@evil.example/",
    ):
        assert opened.headers(other) == {}


def test_addresses_of_articles_lose_them() -> None:
    assert canonical_url(GIVEN) == canonical_url(BARE)
    assert fetchable_url(GIVEN) == BARE
    assert host_of(GIVEN) == "news.example.org:8443"
    link = f"https://reader:{SECRET}@news.example.org/story"
    body = (
        f"<rss version='2.0'><channel><title>x</title><item><title>a</title><link>{link}</link></item>"
        f"<item><title>b</title><guid isPermaLink='false'>odd://reader:{SECRET}@h/x</guid></item></channel></rss>"
    )
    parsed = parse_feed(body.encode(), url=BARE, content_type="application/rss+xml", max_bytes=100_000)
    [entry] = parsed.entries
    assert entry.link == entry.url == "https://news.example.org/story"
    [refused] = parsed.refused
    assert SECRET not in repr(parsed)
    assert refused.title == "b"
