"""Title, date, authors, summary: which claim wins, and which is not believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.clean import jsonld
from pipelines.clean.author_names import names
from pipelines.clean.dates import published
from pipelines.clean.facts import authors_of, summary_of
from pipelines.clean.head import Head, read_head
from pipelines.clean.html import parse
from pipelines.clean.titles import MAX_SENTENCE, first_sentence, headline
from pipelines.dates import read_moment
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
        (SITE.replace("The Post", "島新聞") + "<title>渡し船、再び運航｜島新聞</title>", "", "", "渡し船、再び運航"),
        (ld(headline="Skarholm&#8217;s ferry &amp; crew"), "", "", "Skarholm’s ferry & crew"),
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
        ("2026-03-02T08:15:00+01:00", datetime(2026, 3, 2, 7, 15, tzinfo=UTC)),
        ("2026-03-02T08:15:00.123+0100", datetime(2026, 3, 2, 7, 15, tzinfo=UTC)),
        ("2026-03-02T08:15Z", datetime(2026, 3, 2, 8, 15, tzinfo=UTC)),
        ("2026-03-02 08:15:00 -03", datetime(2026, 3, 2, 11, 15, tzinfo=UTC)),
        ("2026-3-2", datetime(2026, 3, 2, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 08:15:00 +0100", datetime(2026, 3, 2, 7, 15, tzinfo=UTC)),
        ("yesterday", None),
        ("2026-13-45", None),
        ("", None),
    ],
)
def test_moments_are_read_into_utc(text: str, moment: datetime | None) -> None:
    read = read_moment(text)
    assert (read.at if read else None) == moment


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
    assert authors_of(head, lambda: [["Ada Moen"]], []) == ["Ada Moen"]
    assert authors_of(head, list, ["Tom Brack"]) == ["Tom Brack"]
    assert authors_of(head, list, []) == ["The Post"]


def test_nobody_is_guessed_when_somebody_is_named() -> None:
    def never() -> list[list[str]]:
        raise AssertionError

    assert authors_of(head_of(ld(author=["Ada Moen"])), never, []) == ["Ada Moen"]


def test_the_summary_is_plain_text() -> None:
    assert (
        summary_of(head_of('<meta name="description" content="A &lt;b&gt;short&lt;/b&gt; one">'), "feed")
        == "A short one"
    )
    assert summary_of(head_of(""), "<p>From the feed</p>") == "From the feed"
    twice = head_of('<meta name="description" content="Skarholm&amp;#8217;s ferry &amp;amp; crew">')
    assert summary_of(twice, "") == "Skarholm’s ferry & crew"


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
    assert isinstance(authors_of(head, list, []), list)
    assert isinstance(headline(head, ""), str)
    tree = parse("<p>x")
    assert tree is not None
    assert published(head, tree, None, FETCHED, URL) is None


def test_news_is_what_calls_itself_news() -> None:
    assert head_of(ld()).news
    assert head_of('<meta name="news_keywords" content="ferry">').news
    assert not head_of('<script type="application/ld+json">{"@type": "BlogPosting"}</script>').news


@pytest.mark.parametrize(
    ("claim", "found"),
    [
        ("Ada Moen &amp; Tom Brack", ["Ada Moen", "Tom Brack"]),
        ("Fiona O&#39;Hare", ["Fiona O'Hare"]),
        ("J&uuml;rgen Haas; Ana Pi&#xF1;a", ["Jürgen Haas", "Ana Piña"]),
        ("Walter Ny, Jr.", ["Walter Ny"]),
        ("Dr. Ada Moen, PhD", ["Dr. Ada Moen"]),
        ("Ada Moen, Harbour Correspondent", ["Ada Moen"]),
        ("Tom Brack, Korrespondentin", ["Tom Brack"]),
        ("The Post's editors", ["The Post's editors"]),
        ("Hafenreporter", ["Hafenreporter"]),
        ("Text: Ada Moen, Fotos: Tom Brack", ["Ada Moen"]),
        ("Ada Moen/Tom Brack", ["Ada Moen", "Tom Brack"]),
        ("Posted by Ada Moen", ["Ada Moen"]),
        ("Ada Moen https://Post.example/Ada/Moen", ["Ada Moen"]),
        ("山田太郎、鈴木花子", ["山田太郎", "鈴木花子"]),
        ("Ада Моэн и Том Брак", ["Ада Моэн", "Том Брак"]),
        ("Moen, Ada; Brack, Tom", ["Ada Moen", "Tom Brack"]),
        ("Moen, Ada", ["Ada Moen"]),
        ("Moen, Ada B.", ["Ada B. Moen"]),
        ("dpa, AFP", ["dpa", "AFP"]),
        ("Post News, Ada Moen", ["Post News", "Ada Moen"]),
        ("Moen y Brack", ["Moen y Brack"]),
        ("Ada Moen y Brack", ["Ada Moen y Brack"]),
        ("Ada Moen y Tom Brack", ["Ada Moen", "Tom Brack"]),
        ("Ada Moen e Tom Brack", ["Ada Moen", "Tom Brack"]),
        ("Di Moen", ["Di Moen"]),
        ("Da Ada Moen", ["Ada Moen"]),
        ("Ada Moen Science Editor", ["Ada Moen"]),
        ("Ada Moen März", ["Ada Moen"]),
        ("Theresa May", ["Theresa May"]),
        ("Ada Moen Ada Moen", ["Ada Moen"]),
        ("Ada Moen, Tom Brack, and Bo Ny", ["Ada Moen", "Tom Brack", "Bo Ny"]),
        ("Ada Moen Edited by Tom Brack", ["Ada Moen"]),
        ("Ada Moen Link copied", ["Ada Moen"]),
        ("About the Author", []),
        ("BR24 Redaktion", ["BR24 Redaktion"]),
        ("Ada Moen, Jr.; Tom Brack, PhD", ["Ada Moen", "Tom Brack"]),
        ("von der Moen", ["von der Moen"]),
        ("Von Ada Moen", ["Ada Moen"]),
        ("Ed Writerson", ["Ed Writerson"]),
        ("Ana Editores", ["Ana Editores"]),
    ],
)
def test_what_hangs_on_a_name_is_no_name(claim: str, found: list[str]) -> None:
    assert names([claim]) == found


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Skarholm&#8217;s ferry &amp; crew", "Skarholm’s ferry & crew"),
        ({"@value": "&quot;Eleven weeks&quot;"}, '"Eleven weeks"'),
        ("R&D, AT&T; Moen & Co", "R&D, AT&T; Moen & Co"),
        ("/view?a=1&copy=2&lt=3", "/view?a=1&copy=2&lt=3"),
        ("a&nbsp;&#10;b", "a b"),
        ("&nosuchname; &#99999999;", "&nosuchname; &#99999999;"),
    ],
)
def test_json_ld_resolves_references_that_end(said: Any, text: str) -> None:
    assert jsonld.text_of(said) == text
    assert jsonld.text_of(text) == text


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("Dr. Ada Moen said no. Then she left.", "Dr. Ada Moen said no."),
        ("U.S. officials met on Monday. They left.", "U.S. officials met on Monday."),
        ("J. R. Ny won. Nobody else ran.", "J. R. Ny won."),
        ("Am 3. Oktober fuhr die Fähre. Dann nicht.", "Am 3. Oktober fuhr die Fähre."),
        ("Mr. Ny goes to St. Brandan. He returns.", "Mr. Ny goes to St. Brandan."),
        ("The ferry makes 3.5 knots. It is slow.", "The ferry makes 3.5 knots."),
        ("It sails in 1998. It sank.", "It sails in 1998."),
        ("“It sails again.” He smiled.", "“It sails again.”"),
        ("渡し船が出る。次は明日。", "渡し船が出る。"),
        ("Why? Nobody knows.", "Why?"),
        ("no end at all", "no end at all"),
    ],
)
def test_a_sentence_does_not_end_at_an_abbreviation(line: str, sentence: str) -> None:
    assert first_sentence([line]) == sentence


@given(st.text(max_size=400))
def test_a_first_sentence_is_the_start_of_the_line(line: str) -> None:
    found = first_sentence([line])
    assert len(found) <= max(MAX_SENTENCE, 1)
    assert line.startswith(found.removesuffix("…") if len(line) > len(found) else found)


@pytest.mark.parametrize(
    ("text", "iso", "zoned"),
    [
        ("2026-11-24 10:05 PM", "2026-11-24T22:05", False),
        ("2026-11-24 12:05 a.m.", "2026-11-24T00:05", False),
        ("2026-11-24 12:05PM UTC", "2026-11-24T12:05", True),
        ("2026-11-24T24:00:00Z", "2026-11-25T00:00", True),
        ("2026-12-31T23:59:60Z", "2027-01-01T00:00", True),
        ("20261124", "2026-11-24T00:00", False),
        ("20261124T101500Z", "2026-11-24T10:15", True),
        ("20261124T1015+0200", "2026-11-24T08:15", True),
        ("2026/11/24 10:05", "2026-11-24T10:05", False),
        ("2026-11-24T10:05+5", "2026-11-24T05:05", True),
        ("2026-11-24T10:05-5:30", "2026-11-24T15:35", True),
        ("2026-11-24T10:05+05:45", "2026-11-24T04:20", True),
        ("2026-11-24T10:05-1100", "2026-11-24T21:05", True),
    ],
)
def test_dates_are_read_as_the_web_writes_them(text: str, iso: str, zoned: bool) -> None:
    moment = read_moment(text)
    assert moment is not None
    assert (moment.at, moment.zoned) == (datetime.fromisoformat(f"{iso}+00:00"), zoned)


@pytest.mark.parametrize(
    "text",
    ["2026-11-24T25:00", "2026-11-24T24:01", "2026-13-01", "20261301", "2026-02-30", "2026-11-24T10:61",
     "2026-11-24T10:00+99:00", "0001-01-01T00:00+01:00", "9999-12-31T24:00", "next Tuesday", ""],
)  # fmt: skip
def test_what_is_no_moment_is_not_believed(text: str) -> None:
    assert read_moment(text) is None


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001 - local times on purpose
def test_every_spelling_of_a_moment_is_the_same_moment(local: datetime, minutes: int) -> None:
    local = local.replace(microsecond=0)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    wanted = local.replace(tzinfo=UTC) - timedelta(minutes=minutes)
    day, clock = f"{local.year:04}-{local.month:02}-{local.day:02}", f"{local:%H:%M:%S}"
    twelve = f"{(local.hour + 11) % 12 + 1}:{local:%M:%S} {'PM' if local.hour >= 12 else 'AM'}"
    for text in (
        f"{day}T{clock}{sign}{hours:02}:{rest:02}",
        f"{day} {clock}.123{sign}{hours:02}{rest:02}",
        f"{day.replace('-', '')}T{clock.replace(':', '')}{sign}{hours:02}{rest:02}",
        f"{day} {twelve} {sign}{hours:02}:{rest:02}",
    ):
        assert read_moment(text) == (wanted, True, True, timedelta(minutes=minutes))


@given(st.text(max_size=40) | st.from_regex(r"\d{4}-?\d{2}-?\d{2}[T ]?\d{2}:?\d{2}.{0,8}", fullmatch=True))
def test_any_text_is_a_moment_in_utc_or_none(text: str) -> None:
    moment = read_moment(text)
    assert moment is None or moment.at.utcoffset() == timedelta()
