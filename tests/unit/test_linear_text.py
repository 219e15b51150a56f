"""What is read of pages, headers and addresses outside the parsers takes time linear in its length, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import product
from string import ascii_lowercase

import pytest

from pipelines import language
from pipelines.clean import author_names, boilerplate, guard, jsonld, phrases, plain, sniff, titles
from pipelines.clean.head import Head
from pipelines.clean.text_line import TextLine
from pipelines.dates import read_moment
from pipelines.errors import RecordFault
from pipelines.fetch import soft_redirects
from pipelines.markup import root_of
from pipelines.poll import hub_links
from pipelines.topics import tagger
from tests.unit.linear import LINEAR, growth

pytestmark = pytest.mark.timeout(120)

SIZE = 4000
ENDINGS = list(product(ascii_lowercase, repeat=3))


def people(count: int) -> list[str]:
    return [f"Annie N{''.join(ENDINGS[number % len(ENDINGS)])}" for number in range(count)]


CASES: dict[str, Callable[[int], object]] = {
    "title without a full stop": lambda n: titles.first_sentence(["word " * n]),
    "title in Thai": lambda n: titles.first_sentence(["ข่าว" * n]),
    "title of full stops": lambda n: titles.first_sentence(["a" + "." * n + "x"]),
    "title of initials": lambda n: titles.first_sentence(["A. " * n]),
    "site in a title": lambda n: titles._without_site("a | " * n, "site"),
    "words of titles": lambda n: titles._shared("w " * n, "x " * n),
    "comments before a page": lambda n: sniff.kind("<!---->" * n + "<html>", "text/html", ""),
    "comments before anything": lambda n: root_of("<!-- a -->" * n),
    "brackets": lambda n: sniff.kind("[" + "] " * n + "x", "application/json", ""),
    "JSON-LD behind a comment": lambda n: jsonld.read(["{}-->" + " " * n + "x"]),
    "JSON-LD behind semicolons": lambda n: jsonld.read(["{}-->" + " ; " * n + "x"]),
    "JSON-LD of many nodes": lambda n: jsonld.read(["[" + ",".join(['{"@type":"NewsArticle"}'] * n) + "]"]),
    "JSON-LD of lists in lists": lambda n: jsonld.read(["[" + ",".join(["[[],[],[],[]]"] * n) + "]"]),
    "JSON-LD in many scripts": lambda n: jsonld.read(['{"@type":"NewsArticle"}'] * n),
    "authors": lambda n: author_names.names(people(n)),
    "authors in one line": lambda n: author_names.names([", ".join(people(n))]),
    "spaces between authors": lambda n: author_names._BETWEEN.split("a" + " " * n + "b"),
    "brackets of an author": lambda n: author_names.names(["(" * n]),
    "inverted authors": lambda n: author_names.names(["a,b;" * n]),
    "words of an author": lambda n: author_names.names(["Ab " * n]),
    "letters of an inverted author": lambda n: author_names.names(["A" + "b" * n + ", C"]),
    "conjunctions of authors": lambda n: author_names.names(["Ab y " * n]),
    "separators of a title": lambda n: titles.headline(Head(title="a | " * n), ""),
    "addresses of authors": lambda n: author_names.names(["www." * n]),
    "label": lambda n: phrases.LABELS.match("share" + " ." * n + "x"),
    "signs before a label": lambda n: phrases.LABELS.match("_" * n + "x"),
    "signs before a prompt": lambda n: phrases.PROMPTS.match("-" * n + "x"),
    "signs before a pointer": lambda n: phrases.POINTERS.match("-" * n + "x"),
    "signs before a credit": lambda n: phrases.CREDITS.match("-" * n + "x"),
    "credits": lambda n: phrases.CREDITS.match("photo by " * n + "\n"),
    "agencies": lambda n: phrases.AGENCIES.match("dpa und " * n + "x"),
    "agencies and commas": lambda n: phrases.AGENCIES.match("ap," * n + "x"),
    "byline": lambda n: phrases.BYLINE.match("by " * n),
    "stamp": lambda n: phrases.STAMP_DIGITS.search("1 " * n),
    "words of a line": lambda n: TextLine("a'" * n, "a'" * n),
    "end of a line": lambda n: TextLine("." + '"' * n + "x", "x"),
    "gaps of a row": lambda n: boilerplate.is_row("a" + " " * n),
    "lines of a text": lambda n: boilerplate.article_lines([f"A line number {i} of words." for i in range(n)], {}),
    "line ends": lambda n: plain.paragraphs("\n " * n + "x"),
    "line end and spaces": lambda n: plain.paragraphs("a\n" + " " * n + "x"),
    "tags in a page": lambda n: guard.scan("<a b='" * n),
    "comments in a page": lambda n: guard.scan("<!--" * n),
    "scripts in a page": lambda n: guard.scan("<script></script " * n),
    "attributes of a refresh": lambda n: list(soft_redirects._tags(b"<meta " + b"a='" * min(n, 1300) + b">", b"meta")),
    "attributes of links": lambda n: soft_redirects.amp_link(
        (b"<link amphtml " + b"a='" * 1300 + b">") * max(1, n // 1000), "http://a.example/"
    ),
    "consent page": lambda n: soft_redirects.consent_page(
        "http://a.example/x", ["http://a.example/x"], "http://consent.example/?u=" + "%41" * n
    ),
    "Link header": lambda n: list(hub_links.links("<a>," * n)),
    "parameters of a Link header": lambda n: list(hub_links.links("<a>" + '; a="\\"' * n)),
    "digits of a date": lambda n: read_moment("1" * n),
    "days of a date": lambda n: read_moment("Mon, " * n),
    "spaces of a date": lambda n: read_moment(" " * n + "x"),
    "colons of a date": lambda n: read_moment("12:" * n),
    "brackets of a date": lambda n: read_moment("(" * n),
    "topics": lambda n: tagger.tag("t", "court " * n, "en"),
    "topics of one word": lambda n: tagger.tag("t", "a" * n, "en"),
    "topics in Chinese": lambda n: tagger.tag("t", "选举" * n, "zh"),
    "topics of a title": lambda n: tagger.tag("election " * n, "x", "en"),
    "words of a language": lambda n: language.word_count("a'" * n),
}


@pytest.mark.parametrize("name", CASES)
def test_time_grows_with_the_length_and_no_faster(name: str) -> None:
    def call(size: int) -> None:
        with suppress(RecordFault):
            CASES[name](size)

    assert growth(call, SIZE) < LINEAR


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("The ferry is back. It sails at noon.", "The ferry is back."),
        ("Dr. A. Miller wins the race. More follows.", "Dr. A. Miller wins the race."),
        ("Wow... she said. Then she left.", "Wow..."),
        ("東京で雨。明日は晴れ。", "東京で雨。"),
        ("No end at all", "No end at all"),
        ("word " * 500, "word " * 22 + "word…"),
        ("a" * 5000 + ". b", "a" * 119 + "…"),
    ],
)
def test_the_first_sentence_is_what_it_was(text: str, title: str) -> None:
    assert titles.first_sentence([text]) == title


def test_a_page_behind_many_comments_is_a_page_and_a_feed_is_none() -> None:
    assert sniff.kind("<!-- a -->" * 60 + "<p>A page", "text/html", "") is sniff.ContentKind.HTML
    for start in ("<?xml version='1.0'?>", "<!-- a -->" * 60, "<!DOCTYPE rss>"):
        with pytest.raises(RecordFault, match="XML, <rss>"):
            sniff.kind(f"{start}<rss version='2.0'>", "text/html", "")


def test_twenty_authors_are_enough_and_each_is_named_once() -> None:
    assert author_names.names(["Ann Lee", "ANN LEE", "Bo Yi"]) == ["Ann Lee", "Bo Yi"]
    assert author_names.names(people(5000)) == people(author_names.MAX_AUTHORS)
