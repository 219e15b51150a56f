"""The article's lines in a page's blocks: what is read, what is set apart, and where the body begins and ends."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pipelines.clean.block_kinds import kind_of
from pipelines.clean.html import parse
from pipelines.clean.main_content import MainContent, texts_of
from pipelines.clean.page_layout import read_layout
from tests.unit.linear import LINEAR, growth
from tests.unit.pages import cleaned

A = "The council passed its budget on Monday evening after a long debate about the harbour and its walls."
B = "Fishermen had asked for a deeper basin, and their boats lay idle in the rain while the members talked."
C = "Work will begin in the spring, the mayor said, and it will last until the herring come back in autumn."
D = "Nobody could say what the stones would cost, for the quarry has not opened its books since the war."
H1 = "<h1>Harbour budget passed after long debate</h1>"


def lines(inside: str) -> list[str]:
    tree = parse(f"<html><body>{inside}</body></html>")
    assert tree is not None
    return texts_of(MainContent(read_layout(tree)).lines)


def paragraphs(*texts: str) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("On <time datetime='2026-02-27'>Friday</time> the <label>board</label> met, <output>nine</output> strong.",
         "On Friday the board met, nine strong."),
        ("Each old <button class='term'>bollard</button> will be replaced before winter.",
         "Each old bollard will be replaced before winter."),
        ("<span class='initial'>T</span>he board met on Friday at school.", "The board met on Friday at school."),
        ("県は<ruby>桟橋<rp>(</rp><rt>さんばし</rt><rp>)</rp></ruby>を閉鎖する計画を示し、漁協は反対している。",
         "県は桟橋を閉鎖する計画を示し、漁協は反対している。"),
        ("As the survey<sup><a href='#n1'>1</a></sup> of 2019<sup id='r2'><a href='#n2'>[2]</a></sup> found, it leaks.",
         "As the survey of 2019 found, it leaks."),
        ("A basin of 40 m<sup>2</sup> is what they asked for.", "A basin of 40 m2 is what they asked for."),
        ("می‌شود و سه‌شنبه خبر رسید که اسکله بسته می‌ماند.", "می‌شود و سه‌شنبه خبر رسید که اسکله بسته می‌ماند."),
    ],
)  # fmt: skip
def test_a_lines_words_are_whole(markup: str, text: str) -> None:
    assert text in lines(f"<article>{H1}{paragraphs(A, markup, B)}</article>")


@pytest.mark.parametrize(
    "inside",
    [
        f"<div class='x'>{paragraphs(A, B)}</div><div class='ad'></div><div class='x'>{paragraphs(C, D)}</div>",
        f"<article><header>{H1}<p class='chapo'>{A}</p></header><div class='t'>{paragraphs(B, C, D)}</div></article>",
        f"<aside class='main'>{H1}{paragraphs(A, B, C, D)}</aside>",
        f"<div class='content-with-sidebar'>{H1}{paragraphs(A, B, C, D)}</div>",
        f"<table><tr><td>{'</td></tr><tr><td>'.join(paragraphs(x) for x in (A, B, C, D))}</td></tr></table>",
        f"<header><button>{H1}{paragraphs(A, B, C, D)}</header>",
        f"<div class='text'>{A}<br><br>{B}<br><br>{C}<br><br>{D}</div>",
        f"<div id='a'><p class='b'>{A}</p></div><div id='c'><p class='b'>{B}</p><p class='b'>{C}</p></div><p>{D}</p>",
    ],
)  # fmt: skip
def test_a_body_is_whole_however_it_is_marked_up(inside: str) -> None:
    found = lines(inside)
    assert [line for line in found if line in (A, B, C, D)] == [A, B, C, D]


@pytest.mark.parametrize(
    "other",
    [
        "<section class='leserkommentare'><h2>2 Kommentare</h2><div><p>{}</p></div></section>",
        "<div id='user-comments'><p>{}</p></div>",
        "<div class='komentarze'><p>{}</p></div>",
        "<div class='photo-block'><img src='q.jpg'><p class='foto__texto'>{}</p></div>",
        "<figure><img src='q.jpg'><figcaption>{}</figcaption></figure>",
        "<div><a href='/1'><h3>Toll</h3></a><p>{}</p></div><div><a href='/2'><h3>Choir</h3></a><p>It sang</p></div>",
        "<li><h4><a href='/1'>Toll</a></h4><p>{}</p></li><li><h4><a href='/2'>Choir</a></h4><p>Sang.</p></li>",
        "<blockquote class='twitter-tweet'><p>{}</p>&mdash; Salt (@salt) <a href='/1'>March 1</a></blockquote>",
        "<div class='onetrust-banner'><p>{}</p></div>",
        "<div style='display: none'><p>{}</p></div>",
        "<div class='newsletter-box'><p>{}</p></div>",
    ],
)  # fmt: skip
def test_what_is_not_the_article_is_set_apart(other: str) -> None:
    words = "Nobody here trusts the council any more and you will all see what comes of it."
    inside = f"<main>{H1}<div class='t'>{paragraphs(A, B)}{other.format(words)}{paragraphs(C, D)}</div></main>"
    assert words not in lines(inside)
    assert [line for line in lines(inside) if line in (A, B, C, D)] == [A, B, C, D]


def test_a_list_of_linked_headings_is_an_article_of_its_own() -> None:
    items = "".join(
        f"<div class='i'><h3><a href='/{n}'>Walk number {n}</a></h3><p>{A} Walk {n}.</p></div>" for n in range(9)
    )
    assert sum(line.startswith("Walk number") for line in lines(f"<main>{H1}<p>{B}</p>{items}</main>")) == 9


def test_a_table_of_data_keeps_its_rows() -> None:
    rows = "".join(f"<tr><td>Town {n}</td><td>{n}.5 %</td></tr>" for n in range(4))
    assert "| Town 2 | 2.5 % |" in lines(f"<div>{H1}{paragraphs(A, B)}<table>{rows}</table>{paragraphs(C)}</div>")


def test_lines_wrapped_at_a_column_are_joined() -> None:
    wrapped = (
        "The harbour council of the town voted on Tuesday to rebuild<br>the northern quay, which has been shut to all"
        "<br>lorries since the storm of last autumn. Engineers<br>had warned for months that the piles were rotting."
    )
    assert len(lines(f"<div>{H1}<div class='t'>{wrapped}</div></div>")) <= 2


def test_the_story_of_the_headline_goes_before_others() -> None:
    def story(title: str, *texts: str) -> str:
        return f"<section class='story'><h1>{title}</h1>{paragraphs(*texts)}</section>"

    others = [text.replace("the", "another") for text in (A, B, C, D)]
    two = story("Harbour budget passed", A, B, C, D) + story("Choir wins at last", *others)
    assert [line for line in lines(two) if line in (A, *others)] == [A]
    notice = "With heavy hearts we tell all who knew her that Agatha Pell left us on Sunday after a long illness. " * 3
    left = f"<div class='l'>{H1}<div>{A}<br><br>{B}<br><br>{C}<br><br>{D}</div></div>"
    found = lines(f"<div class='w'>{left}<div class='r'>{paragraphs(notice, notice + '.')}</div></div>")
    assert found == [A, B, C, D]


def test_short_news_comes_without_byline_caption_and_share_labels() -> None:
    article = cleaned(
        f"<html><body><main><article>{H1}<p class='byline'>By Ann Lee</p><time>26 November 2026</time>"
        f"<figure><img><figcaption>The pier in 1998.</figcaption></figure><p>{A}</p>"
        "<div class='share'><a href='#'>Share</a></div>"
        "<ul class='tags'><li><a href='/t'>Harbour</a></li></ul></article></main></body></html>",
        min_words=10,
    )
    assert article.body == A


def test_an_article_that_only_a_script_holds_is_found() -> None:
    texts = [{"kind": "text", "value": text} for text in (A, B, C)]
    story = {"headline": "Harbour budget passed after long debate", "parts": texts}
    data = {"page": {"story": story, "more": [{"title": "Choir wins", "teaser": D}]}}
    page = f"<body><main>{H1}</main><script type='application/json'>{json.dumps(data)}</script></body>"
    assert cleaned(f"<html>{page}</html>").body.split("\n") == [A, B, C]


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ("leserkommentare", "comments"), ("artikel-kommentar", "comments"), ("commentary", ""), ("articleBody", "body"),
        ("related-posts", "related"), ("d-none", "hidden"), ("md:hidden", ""), ("image-caption", "caption"),
    ],
)  # fmt: skip
def test_names_say_what_a_block_is(names: str, kind: str) -> None:
    assert kind_of(names) == kind


@pytest.mark.parametrize(
    "shape",
    [
        lambda n: paragraphs(*["short"] * n),
        lambda n: paragraphs(*[A] * n),
        lambda n: "a<br>" * n,
        lambda n: "<div class='articlebody'>" + "<div class='story-body'><p>One or two words here.</p></div>" * n,
        lambda n: "<section class='s'><h1>Title here</h1><p>One or two words here.</p></section>" * n,
        lambda n: "<div class='c'><h3><a href='/x'>Story</a></h3><p>Text of it.</p></div>" * n,
        lambda n: "<table>" + "<tr><td>a</td><td>b</td></tr>" * n,
        lambda n: "<figure><img><p>x</p></figure>" * n,
        lambda n: "<p>x<sup><a href='#1'>1</a></sup><button>b</button></p>" * n,
    ],
)
def test_time_grows_with_the_page_and_no_faster(shape: Callable[[int], str]) -> None:
    pages = {n: parse(f"<body>{shape(n)}</body>") for n in (1000, 4000)}

    def read(n: int) -> None:
        tree = pages[n]
        assert tree is not None
        MainContent(read_layout(tree))

    assert growth(read, 1000) < LINEAR
