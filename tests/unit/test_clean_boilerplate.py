"""Lines that are not the article: each rule with lines it drops, and lines like them that it must leave."""

from __future__ import annotations

import pytest

from pipelines.clean.boilerplate import article_lines, is_row
from pipelines.clean.evidence import ElementMark, LineEvidence, line_key
from pipelines.clean.html import parse
from pipelines.clean.page_layout import read_layout
from tests.unit.pages import SENTENCE

PROSE = [f"{SENTENCE} The {number} speakers agreed." for number in ("three", "four", "five")]


def kept(*lines: str, news: bool = True, **context: object) -> list[str]:
    """Put lines between paragraphs of a text without markup and give those that stay."""
    got = article_lines([PROSE[0], *lines, PROSE[1]], {}, news=news, **context)  # type: ignore[arg-type]  # the options of article_lines
    return [line for line in got if line not in PROSE]


def below(*lines: str, news: bool = False) -> list[str]:
    return [line for line in article_lines([*PROSE, *lines], {}, news=news) if line not in PROSE]


def above(*lines: str, news: bool = False, titles: tuple[str, ...] = ()) -> list[str]:
    return [line for line in article_lines([*lines, *PROSE], {}, news=news, titles=titles) if line not in PROSE]


FURNITURE = [
    "Share", "SHARE THIS ARTICLE", "Copy link", "12 Comments", "Advertisement", "Story continues below advertisement",
    "Facebook", "Facebook Twitter WhatsApp", "Read more", "Exit mobile version",
    "Teilen", "Anzeige", "Empfohlener redaktioneller Inhalt", "Partager cet article", "Lire la suite", "Publicité",
    "Compartir en Facebook", "Leer más", "Condividi", "Lees verder", "Annons", "Udostępnij", "Paylaş", "Реклама",
    "続きを読む", "广告", "공유하기",
    "Read more: A bridge too short", "Lesen Sie auch: Die Brücke ist zu kurz", "Leggi anche Il ponte è troppo corto",
    "Sign up for our daily newsletter and never miss a story from the harbour.",
    "Abonnieren Sie unseren Newsletter und verpassen Sie nichts.",
    "Abonnez-vous à notre lettre pour tout savoir du port.",
    "Suscríbete a nuestro boletín para no perderte nada.",
    "Photo: Lena Ruud", "Foto: Lena Ruud/Hafenbild", "© Hafenbild 2026",
    "Image: Norvik Press / Facebook", "Quelle: hafen.test",
    "写真：港新聞", "dpa/AFP", "(Reuters)", "mit dpa",
]  # fmt: skip


@pytest.mark.parametrize("line", FURNITURE)
def test_furniture_is_dropped_inside_a_news_text(line: str) -> None:
    assert kept(line) == []


SPEECH = [
    "Share prices fell by a third on Monday.",
    "Comments by the minister caused a stir in parliament.",
    "“Subscribe to my channel,” he used to say at the end of every call.",
    "Read the letter aloud, the judge told her.",
    "The newsletter of the parish reached nine hundred homes.",
    "Photographs of the bridge were shown in court.",
    "By then it was too late for the crew.",
    "Von der Brücke sah man bis zum Meer.",
    "Di notte il porto è vuoto.",
    "The dpa reported the same.",
    "In May 2026 the bridge was closed.",
    "He laughed.",
    "A costly winter",
]


@pytest.mark.parametrize("line", SPEECH)
def test_sentences_that_only_look_like_furniture_stay(line: str) -> None:
    assert kept(line) == [line]


@pytest.mark.parametrize(
    "line",
    [
        "Share.", "Exit mobile version", "Forecast     Live Rates", "News | Sport | Culture", "Next", "Tom Brack",
        "By Ines Halvorsen", "Published 2 March 2026, 08:15", "3 min read", "Stand: 10.02.2026, 17:05 Uhr",
    ],
)  # fmt: skip
def test_short_lines_outside_the_paragraphs_are_dropped_anywhere(line: str) -> None:
    assert below(line) == []
    assert above(line) == []


@pytest.mark.parametrize(
    "lines",
    [
        ("- two eggs", "- a cup of flour"),
        ("| 2026 | 14 | 3 |",),
        ("Nobody answered.",),
        ("That was the end of the longest winter anybody could remember.",),
    ],
)
def test_lists_tables_and_sentences_outside_the_paragraphs_stay(lines: tuple[str, ...]) -> None:
    assert below(*lines) == list(lines)


def test_peeling_stops_at_what_may_belong_to_the_text() -> None:
    assert below("- two eggs", "Menu words", "- a cup of flour", "Share") == [
        "- two eggs",
        "Menu words",
        "- a cup of flour",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Ferry sails again",
        "FERRY SAILS AGAIN!",
        "Islands: Ferry sails again to Skarholm",
        "Ferry sails again to Skarholm",
    ],
)
def test_the_headline_is_dropped_above_the_text(line: str) -> None:
    titles = ("Ferry sails again", "Ferry sails again to Skarholm")
    assert above(line, titles=titles) == []


def test_a_paragraph_that_holds_the_headline_stays() -> None:
    line = "Ferry sails again to Skarholm, the county said on Monday, after eleven weeks in dock and two trials."
    assert above(line, titles=("Ferry sails again to Skarholm",)) == [line]


def test_a_list_of_other_stories_goes_with_its_heading() -> None:
    lines = ["Related stories", "- A longer pier", "- Fish prices fall"]
    assert kept(*lines) == []
    assert kept(*lines, news=False) == lines


def test_a_line_repeated_thrice_is_furniture() -> None:
    assert kept(*["The map cannot be shown here"] * 3) == []
    assert kept(*["The map cannot be shown here"] * 2) != []


def looked_at(inside: str) -> dict[str, LineEvidence]:
    tree = parse(f"<html><body>{inside}</body></html>")
    assert tree is not None
    return read_layout(tree).evidence()


def test_a_line_of_links_is_dropped_from_news_only() -> None:
    link = '<p><a href="/other">The doctor who came by rowing boat</a></p>'
    seen = looked_at(link)
    line = "The doctor who came by rowing boat"
    assert article_lines([PROSE[0], line, PROSE[1]], seen, news=True) == PROSE[:2]
    assert article_lines([PROSE[0], line, PROSE[1]], seen, news=False) == [PROSE[0], line, PROSE[1]]


def test_links_to_the_page_itself_are_no_links() -> None:
    assert looked_at('<h2><a href="#costs">A costly winter</a></h2>')[line_key("A costly winter")].link_share == 0


def test_captions_are_dropped_wherever_they_stand() -> None:
    caption = "The ferry at the quay on Sunday evening."
    seen = looked_at(f"<figure><figcaption><p>{caption}</p></figcaption></figure>")
    assert article_lines([PROSE[0], caption, PROSE[1]], seen) == PROSE[:2]


def test_a_name_that_covers_the_whole_article_says_nothing() -> None:
    seen = looked_at("".join(f'<div class="embed"><p>{line}</p></div>' for line in PROSE))
    assert article_lines(PROSE, seen, news=True) == PROSE


def test_an_embedded_post_is_dropped_from_news() -> None:
    post = "What a morning at the pier!"
    seen = looked_at(f'<blockquote class="twitter-tweet"><p>{post}</p></blockquote>')
    assert article_lines([PROSE[0], post, PROSE[1], PROSE[2]], seen, news=True) == PROSE


def test_class_names_are_read_as_whole_words() -> None:
    assert looked_at('<p class="imageCaption">one line</p>')[line_key("one line")].marks == ElementMark.CAPTION
    assert looked_at('<p class="captioned-biography">one line</p>')[line_key("one line")].marks == 0
    assert looked_at('<p class="article__by-line">one line</p>')[line_key("one line")].marks == ElementMark.BYLINE


def test_of_two_occurrences_the_less_damning_speaks() -> None:
    seen = looked_at('<a href="/x">The ferry is back</a><p>The ferry is back</p>')
    assert seen[line_key("The ferry is back")].link_share == 0


def test_the_walk_tells_how_deep_the_page_is() -> None:
    tree = parse("<html><body>" + "<div>" * 300 + "<p>text</p>")
    assert tree is not None
    assert read_layout(tree).depth >= 300


@pytest.mark.parametrize(
    ("raw", "row"), [("Weather     Markets", True), ("Home › Sport", True), ("One, two; three", False)]
)
def test_rows_of_menu_words(raw: str, row: bool) -> None:
    assert is_row(raw) is row
