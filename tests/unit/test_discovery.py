"""Where a site's feeds may be: candidates from pages and robots.txt, merging, ranking."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.discovery.candidates import (
    MAX_DECLARED,
    MAX_LINKED,
    MAX_SITEMAPS,
    Candidate,
    FoundFeed,
    How,
    found,
    merged,
    of_page,
    of_robots,
    ranked,
    usual,
    worth_adding,
)
from pipelines.feed_formats import parse_feed

HERE = "https://ferry.example/news/today.html"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEYS = tuple(f"{number:032x}" for number in range(20))

DECLARED = [
    ('<link rel="alternate" type="application/rss+xml" href="/feed">', "https://ferry.example/feed"),
    ("<LINK REL=ALTERNATE TYPE='application/atom+xml' HREF='atom.xml'>", "https://ferry.example/news/atom.xml"),
    ('<link type="application/feed+json; charset=utf-8" rel="home alternate" href="//x.example/j">', "https://x.example/j"),
    ('<link rel="feed" href="/all">', "https://ferry.example/all"),
    ('<a rel="feed" href="/some">', "https://ferry.example/some"),
    ('<link rel="alternate" type="application/rss+xml" href="/?a=1&amp;feed=rss2">', "https://ferry.example/?a=1&feed=rss2"),
    ('<link rel="alternate" type="application/rss+xml" href="feed://x.example/a">', "https://x.example/a"),
    ('<link rel="alternate" type="application/rss+xml" href="feed:http://x.example/a">', "http://x.example/a"),
    ('<link rel="alternate" type="application/rss+xml" hreflang="en" href="/en">', "https://ferry.example/en"),
    ('<link rel="alternate" type="application/json" href="/feed.json">', "https://ferry.example/feed.json"),
    ('<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/1">', None),
    ('<link rel="alternate" hreflang="de" href="/de">', None),
    ('<link rel="stylesheet" type="text/css" href="/feed.css">', None),
    ('<link rel="alternate" type="application/rss+xml">', None),
    ('<link rel="alternate" type="application/rss+xml" href="javascript:x()">', None),
    ('<!-- <link rel="alternate" type="application/rss+xml" href="/old"> -->', None),
    ("<script>'<link rel=\"alternate\" type=\"application/rss+xml\" href=\"/old\">'</script>", None),
]  # fmt: skip
LINKED = [
    ("/rss", True),
    ("/rss/", True),
    ("/rss/world.xml", True),
    ("/blog/feed/", True),
    ("/feeds/all.atom.xml", True),
    ("/index.rdf", True),
    ("/news.rss", True),
    ("/news-rss.xml", True),
    ("/list.php?format=rss", True),
    ("/?feed=atom", True),
    ("https://feeds.ferry.example/world", True),
    ("https://feeds.ferry.example/", False),
    ("/feedback", False),
    ("/cattle-feed-prices-rise", False),
    ("/atomic-energy/", False),
    ("/brass.xml", False),
    ("/about-rss-readers.html", False),
    ("https://feedly.com/i/subscription/feed/https://ferry.example/rss", False),
    ("mailto:feed@ferry.example", False),
    ("", False),
]


@pytest.mark.parametrize(("tag", "url"), DECLARED)
def test_what_a_page_declares(tag: str, url: str | None) -> None:
    page = f"<!doctype html><html><head><title>x</title>{tag}</head><body><p>text</body></html>".encode()
    assert of_page(page, HERE) == ([] if url is None else [Candidate(url, How.DECLARED)])


@pytest.mark.parametrize(("href", "fits"), LINKED)
def test_links_that_look_like_feeds(href: str, fits: bool) -> None:
    got = of_page(f'<body><p>our <b><a class=x href="{href}">feed</a></b></p>'.encode(), HERE)
    assert [each.how for each in got] == [How.LINKED] * fits


def test_base_counts_and_declared_feeds_come_first() -> None:
    page = b"<a href=rss.xml>a</a><base href='https://cdn.example/x/'><link rel=alternate type=text/xml href=y>"
    assert [each.url for each in of_page(page, HERE)] == ["https://cdn.example/x/y", "https://cdn.example/x/rss.xml"]


def test_a_page_may_not_keep_us_busy() -> None:
    declared = b"".join(b'<link rel=feed href="/%d">' % n for n in range(50_000))
    linked = b"".join(b'<a href="/rss/%d.xml">' % n for n in range(50_000))
    hostile = [
        declared,
        linked,
        b"<a " * 1_000_000,
        b"<!--" * 1_000_000,
        b"<script>" * 500_000,
        b"<a" + b" x=1" * 1_000_000 + b">",
        b"<div>" * 800_000 + b"<a href=/rss>",
        b"<a href='" * 400_000,
        b"\0\xff\xfe" * 1_000_000,
    ]
    started = time.process_time()
    counts = [len(of_page(page, HERE)) for page in hostile]
    assert counts[:2] == [MAX_DECLARED, MAX_LINKED]
    assert max(counts[2:]) <= 1
    assert time.process_time() - started < 10


@given(st.binary(max_size=300) | st.text("<>a link=/'\"-!rss.xml&;href", max_size=200).map(str.encode))
def test_any_bytes_are_a_page(body: bytes) -> None:
    for candidate in [*of_page(body, HERE), *of_robots(body, HERE)]:
        assert candidate.url.startswith(("http://", "https://"))


def test_sitemaps_of_robots_those_of_news_first() -> None:
    text = (
        b"\xef\xbb\xbfUser-agent: *\nDisallow:\nSitemap: /all.xml\r\n  SITEMAP : https://ferry.example/news.xml # x\n"
        b"#Sitemap: /no.xml\nSitemap:\nsitemap: /all.xml\n"
    )
    assert [each.url for each in of_robots(text, HERE)] == [
        "https://ferry.example/news.xml",
        "https://ferry.example/all.xml",
    ]
    assert len(of_robots(b"Sitemap: /a%d.xml\n" * 3 % (1, 2, 3) + b"Sitemap: /b\n" * 1000, HERE)) == 4
    assert len(of_robots(b"".join(b"Sitemap: /%d.xml\n" % n for n in range(9000)), HERE)) == MAX_SITEMAPS


def test_usual_paths_of_the_site_and_of_the_folder() -> None:
    urls = [each.url for each in usual("https://ferry.example/blog/")]
    assert urls[0] == "https://ferry.example/blog/feed"
    assert "https://ferry.example/feed" in urls
    assert "https://ferry.example/sitemap-news.xml" in urls
    assert len(urls) == len(set(urls)) <= 25
    assert {each.url for each in usual("https://ferry.example")} < set(urls)


def test_a_feed_that_was_read() -> None:
    data = (
        b"<rss version='2.0'><channel><title>F</title><item><link>/2</link><pubDate>Mon, 02 Mar 2026 10:00:00 GMT"
        b"</pubDate></item><item><link>/1</link></item></channel></rss>"
    )
    url = "https://ferry.example/feed/"
    got = found(Candidate("http://ferry.example/feed", How.USUAL), url, parse_feed(data, url=url))
    assert (got.kind, got.title, len(got.keys), got.newest) == ("RSS", "F", 2, datetime(2026, 3, 2, 10, tzinfo=UTC))
    assert got.others == ("http://ferry.example/feed",)


KINDS = [
    (b"<rss version='0.91'><channel/></rss>", "RSS"),
    (b"<feed xmlns='http://www.w3.org/2005/Atom'><title>x</title></feed>", "Atom"),
    (b'{"version": "https://jsonfeed.org/version/1.1", "items": []}', "JSON Feed"),
    (b"<urlset><url><loc>https://ferry.example/1</loc></url></urlset>", "sitemap"),
    (b"<sitemapindex><sitemap><loc>https://ferry.example/m</loc></sitemap></sitemapindex>", "sitemap index"),
]


@pytest.mark.parametrize(("data", "kind"), KINDS, ids=[kind for _, kind in KINDS])
def test_kinds(data: bytes, kind: str) -> None:
    got = found(Candidate(HERE, How.ROBOTS), HERE, parse_feed(data, url=HERE))
    assert (got.kind, got.sitemap) == (kind, kind.startswith("sitemap"))
    assert got.children == (("https://ferry.example/m",) if kind == "sitemap index" else ())


def feed(name: str, how: How = How.DECLARED, **fields: object) -> FoundFeed:
    values: dict[str, object] = {"kind": "RSS", "keys": KEYS, "newest": NOW} | fields
    return FoundFeed(url=f"https://ferry.example/{name}", how=how, **values)  # type: ignore[arg-type]  # a test's shorthand


def test_one_feed_at_several_addresses_is_shown_once() -> None:
    different = tuple(f"{number:032x}" for number in range(50, 60))
    got = merged([
        feed("usual", How.USUAL, title="The Ferry Post"),
        feed("rss", others=("https://ferry.example/old",)),
        feed("other", keys=different),
        feed("old", How.LINKED, keys=KEYS[:1]),
        feed("news.xml", How.ROBOTS, kind="sitemap"),
    ])  # fmt: skip
    assert [each.url.rpartition("/")[2] for each in got] == ["rss", "other", "news.xml"]
    assert got[0].others == ("https://ferry.example/old", "https://ferry.example/usual")
    assert got[0].title == "The Ferry Post"


def test_empty_feeds_are_not_the_same_for_being_empty() -> None:
    assert len(merged([feed("a", keys=()), feed("b", keys=())])) == 2


def test_what_brings_news_comes_first() -> None:
    dead = feed("dead", newest=NOW - timedelta(days=400))
    comments = feed("comments/feed")
    titled = feed("x", title="Comments on The Ferry Post")
    guessed, sitemap = feed("guessed", How.USUAL), feed("news.xml", How.ROBOTS, kind="sitemap")
    empty, undated = feed("empty", keys=()), feed("undated", newest=None)
    everything = [dead, empty, comments, titled, sitemap, guessed, undated]
    names = [each.url.rpartition(".example/")[2] for each in ranked(everything, NOW)]
    assert names == ["undated", "guessed", "news.xml", "comments/feed", "x", "dead", "empty"]
    assert worth_adding(everything, NOW) == [guessed, undated]
    assert worth_adding([dead, comments, sitemap], NOW) == [sitemap]


founds = st.lists(
    st.builds(
        FoundFeed,
        url=st.sampled_from([f"{scheme}://a.example/{name}" for scheme in ("http", "https") for name in "abcd"]),
        how=st.sampled_from(How),
        kind=st.sampled_from(["RSS", "Atom", "sitemap"]),
        keys=st.sampled_from([(), KEYS, KEYS[:10], KEYS[::-1], KEYS[1:]]),
    ),
    max_size=8,
)  # fmt: skip


@given(founds)
def test_merging_loses_no_address(feeds: list[FoundFeed]) -> None:
    got = merged(feeds)
    assert {each.url for each in feeds} == {url for each in got for url in (each.url, *each.others)}
    assert sorted(ranked(got, NOW), key=repr) == sorted(got, key=repr)
