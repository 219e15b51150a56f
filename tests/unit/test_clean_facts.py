"""Title, date, authors, summary: which claim wins, and which is not believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.clean import jsonld
from pipelines.clean.dates import published, read_moment
from pipelines.clean.facts import authors_of, names, summary_of
from pipelines.clean.head import Head, read_head
from pipelines.clean.html import parse
from pipelines.clean.titles import MAX_SENTENCE, first_sentence, headline
from tests.unit.pages import FETCHED, URL, prose


def head_of(head: str, inside: str = "") -> Head:
    tree = parse(f"<html><head>{head}</head><body>{inside}</body></html>")
    assert tree is not None
    return read_head(tree)


def ld(**fields: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle"} | fields)}</script>'


SITE = '<meta property="og:site_name" content="The Post">'
H1 = "<h1>Ferry sails again to Skarholm</h1>"


@pytest.mark.parametrize(
    ("head", "inside", "entry", "title"),
    [
        ("<title>Ferry sails again | The Post</title>", H1, "", "Ferry sails again to Skarholm"),
        ("<title>Ferry sails again | The Post</title>", "<h1>The Post</h1>" + H1, "", "Ferry sails again to Skarholm"),
        ("", H1, "Ferry sails again to the island", "Ferry sails again to Skarholm"),
        (ld(headline="Eleven weeks on"), "<h1>The Post</h1>", "Feed title", "Eleven weeks on"),
        (SITE + '<meta property="og:title" content="Eleven weeks on - The Post">', "", "", "Eleven weeks on"),
        ("<title>The Post: Eleven weeks on</title>", "", "", "The Post: Eleven weeks on"),
        ("<title>Eleven weeks without a ferry – The Post</title>", "", "", "Eleven weeks without a ferry"),
        ("<title>North - South</title>", "", "", "North - South"),
        ("", "", "From the <feed>", "From the <feed>"),
        ("", "<svg><title>Logo</title></svg>", "Feed title", "Feed title"),
        ("", "", "", ""),
    ],
)  # fmt: skip
def test_the_headline(head: str, inside: str, entry: str, title: str) -> None:
    assert headline(head_of(head, inside), entry) == title


def test_a_first_sentence_is_cut_at_a_word() -> None:
    assert first_sentence(["The ship left. Nobody waved."]) == "The ship left."
    assert first_sentence(["市議会は予算を可決した。港は開く。"]) == "市議会は予算を可決した。"
    long = first_sentence(["word " * 60])
    assert len(long) <= MAX_SENTENCE
    assert long.endswith("word…")


@given(st.text(max_size=500))
def test_no_first_sentence_is_too_long(text: str) -> None:
    assert len(first_sentence([text])) <= MAX_SENTENCE


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T08:15:00+01:00", (2026, 3, 2, 7, 15)),
        ("2026-03-02T08:15:00.123+0100", (2026, 3, 2, 7, 15)),
        ("2026-03-02T08:15Z", (2026, 3, 2, 8, 15)),
        ("2026-03-02 08:15:00 -03", (2026, 3, 2, 11, 15)),
        ("2026-3-2", (2026, 3, 2, 0, 0)),
        ("Mon, 02 Mar 2026 08:15:00 +0100", (2026, 3, 2, 7, 15)),
        ("yesterday", None),
        ("2026-13-45", None),
        ("", None),
    ],
)
def test_moments_are_read_into_utc(text: str, moment: tuple[int, ...] | None) -> None:
    read = read_moment(text)
    assert (read.at if read else None) == (datetime(*moment, tzinfo=UTC) if moment else None)  # type: ignore[arg-type, misc]


def date_of(head: str, feed: datetime | None = None, inside: str = "", url: str = "") -> datetime | None:
    tree = parse(f"<html><head>{head}</head><body>{inside}</body></html>")
    assert tree is not None
    return published(read_head(tree), tree, feed, FETCHED, url)


META = '<meta property="article:published_time" content="{}">'


def test_json_ld_comes_before_meta() -> None:
    both = META.format("2026-02-01T10:00:00Z") + ld(datePublished="2026-03-02T08:15:00+01:00")
    assert date_of(both) == datetime(2026, 3, 2, 7, 15, tzinfo=UTC)


def test_the_feed_decides_between_claims() -> None:
    both = META.format("2026-02-01T10:00:00Z") + ld(datePublished="2019-01-01T00:00:00Z")
    assert date_of(both, datetime(2026, 2, 1, 9, 58, tzinfo=UTC)) == datetime(2026, 2, 1, 10, 0, tzinfo=UTC)


def test_the_feed_lends_time_and_zone_to_the_same_day() -> None:
    feed = datetime(2026, 3, 2, 7, 15, tzinfo=UTC)
    assert date_of(META.format("2026-03-02"), feed) == feed
    assert date_of(META.format("2026-03-02T08:15:00"), feed) == feed


def test_dates_after_the_fetch_are_not_believed() -> None:
    feed = datetime(2026, 3, 2, 7, 15, tzinfo=UTC)
    assert date_of(META.format("2027-01-01T00:00:00Z"), feed) == feed
    assert date_of(META.format("2027-01-01T00:00:00Z"), FETCHED + timedelta(days=3)) is None
    assert date_of(META.format("1970-01-01T00:00:00Z")) is None


def test_local_time_east_of_greenwich_is_no_later_than_the_fetch() -> None:
    assert date_of(META.format((FETCHED + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M"))) == FETCHED


def test_the_page_itself_is_searched_last() -> None:
    found = date_of("", inside='<p class="date"><time datetime="2026-02-27">27 Feb</time></p>' + prose())
    assert found == datetime(2026, 2, 27, tzinfo=UTC)


@given(st.text(max_size=60))
def test_any_claim_is_read_or_not(text: str) -> None:
    read = read_moment(text)
    assert read is None or read.at.tzinfo is UTC


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        (["By Ines Halvorsen and Tom Brack"], ["Ines Halvorsen", "Tom Brack"]),
        (["Ines Halvorsen; Tom Brack; ines halvorsen"], ["Ines Halvorsen", "Tom Brack"]),
        (["Von Katrin Ostermann"], ["Katrin Ostermann"]),
        (["<a href='/x'>Ada Moen</a>"], ["Ada Moen"]),
        (["Ada Moen (amo)"], ["Ada Moen"]),
        (["https://post.example/ada", "ada@post.example", "admin", "12345"], []),
        (["A very long job description that is not anybody's name at all"], []),
    ],
)
def test_names_are_split_and_cleaned(claims: list[str], found: list[str]) -> None:
    assert names(claims) == found


def test_the_site_is_an_author_only_when_nobody_else_is() -> None:
    head = head_of(ld(author={"@type": "Organization", "name": "The Post"}, publisher={"name": "The Post"}))
    assert authors_of(head, lambda: "Ada Moen", []) == ["Ada Moen"]
    assert authors_of(head, lambda: "", ["Tom Brack"]) == ["Tom Brack"]
    assert authors_of(head, lambda: "", []) == ["The Post"]


def test_nobody_is_guessed_when_somebody_is_named() -> None:
    def never() -> str:
        raise AssertionError

    assert authors_of(head_of(ld(author=["Ada Moen"])), never, []) == ["Ada Moen"]


def test_the_summary_is_plain_text() -> None:
    assert (
        summary_of(head_of('<meta name="description" content="A &lt;b&gt;short&lt;/b&gt; one">'), "feed")
        == "A short one"
    )
    assert summary_of(head_of(""), "<p>From the feed</p>") == "From the feed"


@pytest.mark.parametrize(
    "script",
    [
        '{"@type": "NewsArticle", "headline": "H"}',
        '[{"@type": ["NewsArticle"], "headline": "H"}]',
        '{"@graph": [{"@type": "WebSite"}, {"@type": "http://schema.org/NewsArticle", "headline": "H"}]}',
        '{"@type": "WebPage", "mainEntity": {"@type": "NewsArticle", "headline": ["H"]}}',
        '<!-- {"@type": "NewsArticle", "headline": "H"} -->',
        '//<![CDATA[\n{"@type": "NewsArticle", "headline": "H"}\n//]]>',
        '{"@type": "NewsArticle",\n"headline": "H", "description": "a raw\nnew line"}',
    ],
)
def test_json_ld_is_found_in_every_dress(script: str) -> None:
    nodes = jsonld.read(["{broken", script])
    assert [text for node in nodes if (text := jsonld.text_of(node.get("headline")))] == ["H"]


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=8), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["@type", "@graph", "headline", "author", "name"]), inner), max_leaves=20))  # fmt: skip
def test_any_json_is_read(value: Any) -> None:
    head = Head(nodes=jsonld.read([json.dumps(value), json.dumps({"@type": "NewsArticle", "author": value})]))
    assert isinstance(authors_of(head, lambda: "", []), list)
    assert isinstance(headline(head, ""), str)
    tree = parse("<p>x")
    assert tree is not None
    assert published(head, tree, None, FETCHED, URL) is None


def test_news_is_what_calls_itself_news() -> None:
    assert head_of(ld()).news
    assert head_of('<meta name="news_keywords" content="ferry">').news
    assert not head_of('<script type="application/ld+json">{"@type": "BlogPosting"}</script>').news
