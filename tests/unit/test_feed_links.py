"""Which of the links in a feed's entry is the article's, and what a link means that is no proper address."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feed_formats import ParsedFeed, parse_feed
from pipelines.feed_formats.links import relation, resolved

URL = "https://quay.example/feeds/all.xml"
OWN = "<link>https://quay.example/own</link>"
MODULE = '<atom:link rel="alternate" type="text/html" href="https://hub.example/other"/>'


def rss(item: str) -> ParsedFeed:
    names = 'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:a10="http://www.w3.org/2005/Atom"'
    text = f'<rss version="2.0" {names}><channel><item><title>t</title>{item}</item></channel></rss>'
    return parse_feed(text.encode(), url=URL)


def atom(entry: str, prefix: str = "") -> ParsedFeed:
    name = f"xmlns{':' + prefix.rstrip(':') if prefix else ''}"
    text = f'<{prefix}feed {name}="http://www.w3.org/2005/Atom"><{prefix}entry><{prefix}title>t</{prefix}title>{entry}'
    return parse_feed(f"{text}</{prefix}entry></{prefix}feed>".encode(), url=URL)


def links(feed: ParsedFeed) -> list[str]:
    return [entry.link for entry in feed.entries]


@pytest.mark.parametrize(
    "item",
    [
        MODULE + OWN,
        OWN + MODULE,
        OWN + MODULE.replace("atom:", "a10:"),
        '<atom:link href="https://hub.example/other"/>' + OWN + "<guid>https://quay.example/guid</guid>",
        "<link>nostr:naddr1qqxnzd3e</link>" + OWN,
        "<link>android-app://org.quay/https/quay.example/own</link>" + OWN,
        "<link>  \n https://quay.example/own\n</link>",
        "<link>nostr:x</link><guid>https://quay.example/own</guid>",
        '<guid isPermaLink="false">https://quay.example/own</guid>',
        "<link>https://quay.example/\nown</link>",
    ],
)
def test_an_items_own_web_address_is_its_link(item: str) -> None:
    assert links(rss(item)) == ["https://quay.example/own"]


HTML = '<link rel="alternate" type="text/html" href="https://quay.example/a"/>'


@pytest.mark.parametrize(
    "entry",
    [
        HTML,
        '<link rel="alternate" type="application/json" href="https://quay.example/a.json"/>' + HTML,
        '<link rel="alternate" type="application/pdf" href="/a.pdf"/><link href="https://quay.example/a"/>',
        '<link rel="self" href="/a.atom"/><link rel="replies" type="text/html" href="/a/comments"/>' + HTML,
        '<link rel="http://www.iana.org/assignments/relation/alternate" href="https://quay.example/a"/>',
        '<link rel="http://www.iana.org/assignments/link-relations/alternate" href="https://quay.example/a"/>',
        '<link rel="ALTERNATE" href="https://quay.example/a"/>',
        '<content type="text/html" src="https://quay.example/a"/>',
        '<link rel="enclosure" href="/a.mp3"/><content type="text/html" src="https://quay.example/a"/>',
        "<link>https://quay.example/a</link>",
        '<link rel="alternate" href="nostr:naddr1q"/>' + HTML,
        '<id>https://quay.example/a</id><link rel="enclosure" href="/a.mp3"/>',
        '<link rel="alternate" type="application/xhtml+xml" href="https://quay.example/a"/>',
        '<link rel="alternate" type="text/markdown" href="https://quay.example/a"/>',
    ],
)
def test_of_several_links_the_web_page_is_the_entrys(entry: str) -> None:
    assert links(atom(entry)) == ["https://quay.example/a"]


def test_a_feed_whose_own_elements_have_a_prefix_is_read_alike() -> None:
    entry = '<a:link rel="alternate" type="application/json" href="/a.json"/><a:link href="https://quay.example/a"/>'
    assert links(atom(entry, "a:")) == ["https://quay.example/a"]


@pytest.mark.parametrize(
    ("link", "means"),
    [
        ("www.herald.example/b", "https://www.herald.example/b"),
        ("herald.example/b?c=1", "https://herald.example/b?c=1"),
        ("herald.example:8443/b", "https://herald.example:8443/b"),
        ("news.herald.co.uk/2026/b.html", "https://news.herald.co.uk/2026/b.html"),
        ("www.herald.example", "https://www.herald.example"),
        ("quay.example/b", "https://quay.example/b"),
        ("münchen.example/b", "https://münchen.example/b"),
        ("https://https://herald.example/b", "https://herald.example/b"),
        ("http://https://herald.example/b", "https://herald.example/b"),
        ("https://http://herald.example/b", "http://herald.example/b"),
        ("https://https//herald.example/b", "https://herald.example/b"),
        ("https:https://herald.example/b", "https://herald.example/b"),
        ("https:/herald.example/b", "https://herald.example/b"),
        ("https:///herald.example/b", "https://herald.example/b"),
        ("https//herald.example/b", "https://herald.example/b"),
        ("//herald.example/b", "https://herald.example/b"),
        (
            "https://archive.example/web/https://herald.example/b",
            "https://archive.example/web/https://herald.example/b",
        ),
        ("b.html", "https://quay.example/feeds/b.html"),
        ("story.html/b", "https://quay.example/feeds/story.html/b"),
        ("index.php?id=1", "https://quay.example/feeds/index.php?id=1"),
        ("index.php/2026/b", "https://quay.example/feeds/index.php/2026/b"),
        ("2026.11/b", "https://quay.example/feeds/2026.11/b"),
        ("../b", "https://quay.example/b"),
        ("/b", "https://quay.example/b"),
        ("?p=12", "https://quay.example/feeds/all.xml?p=12"),
        ("https://herald.example/a\n  b", "https://herald.example/ab"),
    ],
)
def test_what_is_plainly_another_host_is_none_of_our_folders(link: str, means: str) -> None:
    assert resolved(URL, link) == means


@pytest.mark.parametrize("link", ["www.herald.example/b", "https://https://herald.example/b", "herald.example/b"])
def test_in_a_feed_it_is_the_same(link: str) -> None:
    hosts = {urlsplit(found).hostname for found in links(rss(f"<link>{link}</link>"))}
    assert hosts in ({"herald.example"}, {"www.herald.example"})


def test_a_sitemap_takes_no_address_without_a_scheme() -> None:
    feed = parse_feed(b"<urlset><url><loc>www.herald.example/b</loc></url></urlset>", url=URL)
    assert [refused.reason for refused in feed.refused] == ["no-scheme"]


def test_an_entry_that_leads_nowhere_says_why_of_its_first_link() -> None:
    feed = rss("<link>nostr:naddr1q</link><guid>tag:quay.example,2026:1</guid>")
    assert [(refused.reason, refused.identity) for refused in feed.refused] == [("not-http", "nostr:naddr1q")]


@given(st.text(max_size=60))
def test_any_text_is_resolved_or_refused(link: str) -> None:
    feed = json_feed({"url": link, "title": "t"})
    assert len(feed.entries) + len(feed.refused) == 1
    relation(link)


def json_feed(*items: dict[str, Any], **fields: Any) -> ParsedFeed:
    document = {"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": list(items)} | fields
    return parse_feed(json.dumps(document).encode(), url=URL)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"authors": [{"name": "Ida Ro"}, {"name": "Tom Ek"}]}, ("Ida Ro", "Tom Ek")),
        ({"authors": {"name": "Ida Ro"}}, ("Ida Ro",)),
        ({"author": {"name": "Ida Ro", "url": "https://quay.example"}}, ("Ida Ro",)),
        ({"authors": ["Ida Ro", "Tom Ek"]}, ("Ida Ro", "Tom Ek")),
        ({"author": "Ida Ro"}, ("Ida Ro",)),
        ({"authors": "Ida Ro"}, ("Ida Ro",)),
        ({"authors": None, "author": 3.5}, ("3.5",)),
        ({"authors": [None, [], {}]}, ()),
    ],
)
def test_authors_in_every_shape(fields: dict[str, Any], names: tuple[str, ...]) -> None:
    assert json_feed({"url": "/a", **fields}).entries[0].authors == names


@pytest.mark.parametrize(
    "said",
    ["Sat, 28 Nov 2026 10:00:00 +0000", "2026-11-28t10:00:00z", "2026-11-28 10:00", "28.11.2026 10:00", 1795860000,
     1795860000000, "1795860000", "Nov 28, 2026 10:00 AM"],
)  # fmt: skip
def test_dates_of_json_feeds_are_read_as_those_of_others(said: object) -> None:
    for field in ("date_published", "date_modified"):
        moment = json_feed({"url": "/a", field: said}).entries[0].published_at
        assert moment is not None
        assert moment.isoformat() == "2026-11-28T10:00:00+00:00"


def test_raw_line_ends_and_tabs_in_strings_are_read() -> None:
    data = json.dumps({"version": "https://jsonfeed.org/version/1", "items": [{"url": "/a", "title": "one@two"}]})
    feed = parse_feed(data.replace("@", "\n\t").encode(), url=URL)
    assert [(entry.title, feed.notes) for entry in feed.entries] == [("one two", ())]
    cut = parse_feed(data.replace("@", "\n").encode()[:-2], url=URL)
    assert [entry.title for entry in cut.entries] == ["one two"]


@pytest.mark.parametrize("field", ["url", "id", "title", "summary", "external_url", "content_text", "date_published"])
def test_half_a_character_harms_nothing(field: str) -> None:
    item = {"url": "/a", "title": "t", field: "https://quay.example/\ud83d"}
    feed = json_feed(item, {"url": "/b"}, title="\udc00")
    assert links(feed)[-1] == "https://quay.example/b"
    for text in (feed.title, *(repr(entry) for entry in (*feed.entries, *feed.refused))):
        text.encode()


def test_a_link_of_another_scheme_makes_way_for_the_next() -> None:
    assert links(json_feed({"url": "nostr:x", "external_url": "https://quay.example/a"})) == ["https://quay.example/a"]
    assert links(json_feed({"id": "HTTPS://quay.example/a"})) == ["https://quay.example/a"]
