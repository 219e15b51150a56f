"""Facts that only a page's markup and text tell: dates without a claim in the head, bylines, kickers, site names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pipelines.clean.bylines import byline_names
from pipelines.clean.dates import published
from pipelines.clean.facts import authors_of
from pipelines.clean.head import Head, read_head
from pipelines.clean.html import parse
from pipelines.clean.titles import headline
from tests.unit.pages import FETCHED, URL, prose


def read(inside: str, head: str = "") -> tuple[Head, datetime | None]:
    tree = parse(f"<html><head>{head}</head><body>{inside}</body></html>")
    assert tree is not None
    found = read_head(tree)
    return found, published(found, tree, None, FETCHED, "")


H1 = "<h1>Ferry sails again to Skarholm</h1>"


@pytest.mark.parametrize(
    ("inside", "lang", "moment"),
    [
        (H1 + '<time datetime="2026-02-27T09:30:00Z">27 Feb</time>', "en", "2026-02-27T09:30:00+00:00"),
        (H1 + '<p class="meta">Veröffentlicht: 27.02.2026</p>', "de", "2026-02-27T00:00:00+00:00"),
        (H1 + "<p>27 de febrero de 2026</p>", "es", "2026-02-27T00:00:00+00:00"),
        (H1 + "<div>Ada Moen | February 27, 2026</div>", "en-US", "2026-02-27T00:00:00+00:00"),
        (H1 + '<span itemprop="datePublished" content="2026-02-27T08:00:00+01:00"></span>', "nb",
         "2026-02-27T08:00:00+01:00"),
        (H1 + '<p class="updated">Oppdatert <time datetime="2026-03-01">1. mars</time></p>'
         '<p class="published"><time datetime="2026-02-27">27. feb.</time></p>', "nb", "2026-02-27T00:00:00+00:00"),
        (H1 + "<p>令和8年2月27日</p>", "ja", "2026-02-27T00:00:00+00:00"),
    ],
)  # fmt: skip
def test_a_date_by_the_headline_is_the_articles(inside: str, lang: str, moment: str) -> None:
    _, found = read(f"<main>{inside}{prose()}</main>", f'<meta property="og:locale" content="{lang}">')
    assert found == datetime.fromisoformat(moment)
    assert found.isoformat() == moment


@pytest.mark.parametrize(
    "other",
    [
        '<aside class="related"><a href="/x">Old story</a> <time datetime="2020-01-02">2 Jan 2020</time></aside>',
        '<div class="comments"><p>Bo <time datetime="2026-03-01T10:00:00Z">1 March</time> Nonsense!</p></div>',
        '<div class="teaser-list"><p><a href="/y">Another</a> <span class="date">12 May 2021</span></p></div>',
        '<blockquote class="instagram-media"><time datetime="2018-03-12T19:30:12+00:00">Mar 12</time></blockquote>',
        '<li><a>One</a> <time datetime="2025-01-03">3/1</time><li><a>Two</a> <time datetime="2024-07-09">9/7</time>',
    ],
)
def test_dates_of_other_stories_are_not_the_articles(other: str) -> None:
    lines = "".join(f"<p>Paragraph {number} says nothing of any day.</p>" for number in range(50))
    assert read(f"<main><article>{H1}{lines}{other}</article></main>")[1] is None


def test_the_day_is_the_day_as_written() -> None:
    meta = '<meta property="article:published_time" content="{}">'
    assert str(read(H1, meta.format("2026-02-27T21:40:00-08:00"))[1]) == "2026-02-27 21:40:00-08:00"
    shown = '<time datetime="2026-02-27 21:40:09">February 27 at 9:40 p.m.</time>'
    found = read(H1 + shown, meta.format("2026-02-28T05:40:09Z"))[1]
    assert found == datetime(2026, 2, 28, 5, 40, 9, tzinfo=UTC)
    assert found.utcoffset() == timedelta(hours=-8)
    assert read(H1 + shown, meta.format("2026-02-28T05:40:31Z"))[1].utcoffset() == timedelta()  # type: ignore[union-attr]


def test_the_hour_of_a_day_is_found_in_the_markup() -> None:
    day = '<meta name="date" content="2026-02-27">'
    moment = read(H1 + '<time datetime="2026-02-27T09:30:00+02:00">today</time>', day)[1]
    assert moment == datetime(2026, 2, 27, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    assert read(H1 + '<time datetime="2026-02-25T09:30:00Z">earlier</time>', day)[1] == datetime(
        2026, 2, 27, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        ('<p class="author">By <a href="/people/ada">Ada Moen</a> <b class="role">Editor</b></p>', ["Ada Moen"]),
        ('<p class="author">By Ada Moen <time>Feb 27</time> <button>Link copied</button></p>', ["Ada Moen"]),
        ('<p class="autor">Von Ada Moen und Tom Brack</p>', ["Ada Moen", "Tom Brack"]),
        ('<p>Text <a rel="author" href="/x">Ada Moen</a></p>', ["Ada Moen"]),
        ('<div itemprop="author"><span itemprop="name">Ada Moen</span><p>Writes of harbours.</p></div>', ["Ada Moen"]),
        ('<div class="byline">Por Ada Moen y Tom Brack</div>', ["Ada Moen", "Tom Brack"]),
        ('<div class="comments"><span class="author">Username</span></div>', []),
        ('<aside><p class="byline">By Tom Brack</p></aside>', []),
        (f'<div class="author-box">{prose()}</div>', []),
    ],
)  # fmt: skip
def test_bylines_are_read_as_the_markup_names_them(inside: str, found: list[str]) -> None:
    tree = parse(f"<html><body>{inside}</body></html>")
    assert tree is not None
    assert byline_names(tree) == found


def test_people_go_before_organisations() -> None:
    group = '<meta name="author" content="Lantern Media Group">'
    head = read("", group + '<meta property="article:author" content="Ada Moen">')[0]
    assert authors_of(head, list, []) == ["Ada Moen"]
    head = read("", group)[0]
    assert authors_of(head, lambda: [["Tom Brack"]], []) == ["Tom Brack"]
    assert authors_of(head, list, []) == ["Lantern Media Group"]


def test_an_author_who_is_only_referred_to_is_found() -> None:
    graph = (
        '{"@graph": [{"@type": "NewsArticle", "headline": "H", "author": {"@id": "#ada"}},'
        ' {"@type": "Person", "@id": "#ada", "name": "Ada Moen"}]}'
    )
    assert authors_of(read("", f'<script type="application/ld+json">{graph}</script>')[0], list, []) == ["Ada Moen"]


OG = '<meta property="og:title" content="{}">'
SITE = '<meta property="og:site_name" content="Harbour Post">'


@pytest.mark.parametrize(
    ("head", "inside", "title"),
    [
        (OG.format("Ferry sails again to Skarholm"),
         "<h1><span>Island news</span> <span>Ferry sails again to Skarholm</span></h1>",
         "Ferry sails again to Skarholm"),
        (OG.format("Fähre fährt wieder nach Skarholm"), "<h1><b>Inseln</b> - Fähre fährt wieder nach Skarholm</h1>",
         "Fähre fährt wieder nach Skarholm"),
        (SITE + OG.format("Ferry sails again – a city waits"), "", "Ferry sails again – a city waits"),
        (SITE + OG.format("Ferry to sail again – who pays?"), "", "Ferry to sail again – who pays?"),
        (SITE + OG.format("Ferry to sail again – Harbour Post"), "", "Ferry to sail again"),
        (OG.format("Ferry to sail again – Post"), "", "Ferry to sail again"),
        ("<title>Letters from Skarholm » Archive » Ferry sails again to Skarholm</title>",
         '<h1><a href="/">Letters from Skarholm</a></h1><h2><a href="/3">Ferry sails again to Skarholm</a></h2>',
         "Ferry sails again to Skarholm"),
        ("<title>Ferry sails again to Skarholm | Tides, timber and other matters of the town</title>",
         "<h2>Ferry sails again to Skarholm</h2>", "Ferry sails again to Skarholm"),
        (OG.format("Skarholm: council approves works") + '<meta name="description" '
         'content="Planks, ropes and a long winter">',
         "<h1>Planks, ropes and a long winter on the quay</h1>", "Planks, ropes and a long winter on the quay"),
        ("<title>Harbour Letters: The ferry sails again</title>" + OG.format("The ferry sails again"),
         "<h1>Harbour Letters</h1>", "The ferry sails again"),
    ],
)  # fmt: skip
def test_a_headline_is_neither_kicker_nor_site(head: str, inside: str, title: str) -> None:
    assert headline(read(inside, head)[0], "", URL) == title
