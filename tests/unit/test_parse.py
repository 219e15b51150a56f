"""Feeds from bytes: files of each format and each known defect, with what is expected beside them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import FeedFault
from pipelines.feed_formats import ParsedFeed, parse_feed
from pipelines.feed_formats.text import plain
from pipelines.urls import article_id, canonical_url

FOLDER = Path(__file__).parents[1] / "data" / "feeds"
URL = "https://ferry.example/feeds/all.xml"
FILES = sorted(path for path in FOLDER.iterdir() if not path.name.endswith(".expected.json"))


def as_json(feed: ParsedFeed) -> dict[str, Any]:
    """Give a parsed feed as the files beside the feeds write it: what is empty is left out."""
    entries = [
        {
            "link": entry.link,
            "title": entry.title,
            "summary": entry.summary,
            "authors": list(entry.authors),
            "categories": list(entry.categories),
            "published_at": entry.published_at.isoformat() if entry.published_at else None,
            "language": entry.language,
        }
        for entry in feed.entries
    ]
    whole = {
        "format": feed.format,
        "title": feed.title,
        "language": feed.language,
        "interval_seconds": feed.interval_seconds,
        "notes": list(feed.notes),
        "hub": feed.hub,
        "self_url": feed.self_url,
        "children": [
            [child.url, child.changed_at and child.changed_at.isoformat(), child.whole_day] for child in feed.children
        ],
        "entries": [{key: value for key, value in entry.items() if value} for entry in entries],
        "refused": [[each.reason, each.title] for each in feed.refused],
    }
    return {key: value for key, value in whole.items() if value}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_gives_what_is_written_beside_it(path: Path) -> None:
    expected = json.loads(path.with_name(f"{path.name}.expected.json").read_text())
    content_type = expected.pop("content_type", "")
    if "fault" in expected:
        with pytest.raises(FeedFault) as caught:
            parse_feed(path.read_bytes(), url=URL, content_type=content_type)
        assert {"fault": caught.value.reason} == expected
        assert "\n" not in str(caught.value)
        return
    feed = parse_feed(path.read_bytes(), url=URL, content_type=content_type)
    assert as_json(feed) == expected
    for entry in feed.entries:
        assert entry.url == canonical_url(entry.link)
        assert entry.id == article_id(entry.url)


def test_a_declared_charset_counts_unless_the_bytes_disagree() -> None:
    def title(text: str, charset: str, declared: str) -> str:
        feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>{text}</title></channel></rss>'
        return parse_feed(feed.encode(charset), url=URL, content_type=f"text/xml; charset={declared}").title

    assert title("Привет", "koi8-r", "koi8-r") == "Привет"
    assert title("Zürich", "utf-8", "iso-8859-1") == "Zürich"
    assert title("Zürich", "iso-8859-1", "utf-8") == "Zürich"
    assert title("Zürich", "iso-8859-1", "no-such-charset") == "Zürich"


def test_a_feed_beyond_the_limit_is_refused_unread() -> None:
    began = time.monotonic()
    with pytest.raises(FeedFault) as caught:
        parse_feed(b"<rss>" + b" " * 50_000_000, url=URL)
    assert caught.value.reason == "too-large"
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "name",
    ["rss20.xml", "rss20-links.xml", "atom10.xml", "rdf.xml", "jsonfeed.json", "sitemap-news.xml", "sitemap-plain.xml"],
)
def test_cut_anywhere_a_feed_still_gives_its_whole_entries(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    whole = parse_feed(data, url=URL)
    most = 0
    for cut in range(len(data.rstrip())):
        try:
            part = parse_feed(data[:cut], url=URL)
        except FeedFault as fault:
            assert most == 0, f"entries were there, then {fault.reason} at {cut}"  # noqa: PT017 - the rest gives a feed
            continue
        assert part.entries == whole.entries[: len(part.entries)], cut
        assert "truncated" in part.notes, cut
        most = max(most, len(part.entries))
    assert most == len(whole.entries)


def test_many_entries_stay_in_order_and_once() -> None:
    items = "".join(f"<item><title>{n}</title><link>https://a.example/{n % 700}</link></item>" for n in range(1000))
    feed = parse_feed(f"<rss version='2.0'><channel>{items}</channel></rss>".encode(), url=URL)
    assert [entry.title for entry in feed.entries] == [str(number) for number in range(700)]


PIECES = (
    b"<rss version='2.0'>|<channel>|<item>|</item>|<title>|</title>|<link>|</link>|<guid>|"
    b"<feed xmlns='http://www.w3.org/2005/Atom'>|<entry>|</entry>|<link href='|'/>|&|;|<![CDATA[|]]>|<!--|-->|"
    b"http://a.example/x|/y|\xff|\x00|<?xml version='1.0'?>|&#0;|"
    b'{"version": "https://jsonfeed.org/version/1", "items": [|{"id": "|"}|]|}|'
    b"<urlset>|</urlset>|<sitemapindex>|</sitemapindex>|<url>|</url>|<sitemap>|</sitemap>|<loc>|</loc>|<lastmod>|"
    b"</lastmod>|https://a.example/1|2026-01-05|2026-01-05T10:00:00Z|<!DOCTYPE |<!--|-->|<?|?>|\x1f\x8b\x08"
).split(b"|")
MARKUP = st.lists(st.sampled_from(PIECES)).map(b"".join)


@given(
    st.one_of(st.binary(), MARKUP), st.sampled_from(["", "text/xml", "application/json; charset=utf-16", "x; charset="])
)
def test_any_bytes_are_a_feed_or_a_named_fault(data: bytes, content_type: str) -> None:
    try:
        feed = parse_feed(data, url=URL, content_type=content_type)
    except FeedFault as fault:
        assert fault.reason in {"empty", "html", "not-a-feed", "truncated", "bad-encoding"}  # noqa: PT017 - a feed is as good an end
        return
    for entry in feed.entries:
        assert entry.url.startswith(("http://", "https://"))
        assert entry.title == " ".join(entry.title.split())


PLAIN = [
    ("Fish &amp; chips", "Fish & chips"),
    ("<p>One</p><p>Two</p>", "One Two"),
    ("bre<b>ad</b> and<br/>butter", "bread and butter"),
    ("<a href='x>y'>a link</a>", "y'>a link"),
    ("a < b and c > d", "a < b and c > d"),
    ("x<script>alert('<p>')</script>y<style>p{}</style>z", "x y z"),
    ("<!-- note -->text<!-- open", "text"),
    ("cut in a <a href='https", "cut in a"),
    ("&lt;b&gt; stays as text", "<b> stays as text"),
    ("caf&eacute; &#8217;n &#x27;t", "café ’n 't"),
    ("a\u00a0b\u200bc\n\td\x07", "a bc d"),
    ("\ud800broken", "broken"),
]


@pytest.mark.parametrize(("markup", "text"), PLAIN)
def test_markup_becomes_what_a_reader_sees(markup: str, text: str) -> None:
    assert plain(markup, html=True, limit=500) == text


def test_plain_text_keeps_its_signs_and_long_text_ends_at_a_word() -> None:
    assert plain("a <b> &amp; c", html=False, limit=500) == "a <b> &amp; c"
    assert plain("one two three", html=False, limit=10) == "one two…"
    assert plain("x" * 20, html=False, limit=10) == "x" * 9 + "…"


@given(st.text(), st.booleans(), st.integers(5, 50))
def test_plain_text_is_one_clean_line_within_its_limit(text: str, html: bool, limit: int) -> None:
    found = plain(text, html=html, limit=limit)
    assert len(found) <= limit
    assert found == " ".join(found.split())
    found.encode()


def test_a_date_of_no_article_is_no_date() -> None:
    feed = parse_feed((FOLDER / "dates.xml").read_bytes(), url=URL)
    dates = {entry.title: entry.published_at for entry in feed.entries}
    assert {name for name, date in dates.items() if date is None} == {"zero", "epoch", "far", "words", "none"}
    assert all(date.tzinfo is UTC for date in dates.values() if date)
    assert dates["offset"] == datetime(2026, 1, 5, 4, 30, tzinfo=UTC)
