"""Pages that are made, or broken, to keep a parser busy: each ends in bounded time, with its text or with a name."""

from __future__ import annotations

import time

import pytest

from pipelines.clean import MEANING, CleanReason, guard
from pipelines.clean.decode import decode
from pipelines.errors import Poison, RecordFault, Rejected
from tests.unit.pages import SENTENCE, cleaned, page, prose

SECONDS = 20.0
"""Far above what these take (under 2 s), far below what they took without the guard (40 s to minutes)."""


def many(tag: str, count: int, inside: str = "hello there") -> str:
    return f"<html><body><table><tr>{f'<{tag}>{inside}</{tag}>' * count}"


ATTRIBUTES = " ".join(f"a{number}=1" for number in range(200_000))
MONSTERS: dict[str, tuple[str, str]] = {
    "200,000 attributes on a tag": (page(f"<p {ATTRIBUTES}>{prose()}"), "too-many-attributes"),
    "attributes hidden behind an angle bracket": (page(f'<p a="<" {ATTRIBUTES}>{prose()}'), "too-many-attributes"),
    "many tags of many attributes": (page(f"<p {ATTRIBUTES[:6000]}>x" * 700), "too-many-attributes"),
    "20 MB of <p>": ("<p>" * 7_000_000, "too-large"),
    "5 MB of <p>": ("<p>" * 1_600_000, "too-many-tags"),
    "5 MB of <": ("<html><body>" + "<" * 4_900_000, "too-many-tags"),
    "100,000 nested elements": (page("<div>" * 100_000 + prose()), "too-deep"),
    "1,000 nested lists of 18,000 items": (page("<ul>" * 1000 + "<li>x" * 18_000), "text-lost"),
    "unclosed comments": ("<!--" * 1_200_000, "text-lost|no-text"),
    "unclosed scripts": ("<html><body>" + "<script " * 600_000, "text-lost|too-many-attributes"),
    "a reference of 4 million digits": (page(f"<p>&#{'0' * 4_000_000}1;"), "text-lost|no-text"),
}


@pytest.mark.parametrize("name", MONSTERS)
def test_a_monster_is_refused_by_name_in_bounded_time(name: str) -> None:
    text, reason = MONSTERS[name]
    started = time.process_time()
    with pytest.raises(RecordFault) as caught:
        cleaned(text)
    assert time.process_time() - started < SECONDS
    assert caught.value.reason in reason.split("|")


SURVIVORS: dict[str, str] = {
    "300 divs deep": page("<div>" * 300 + prose() + "</div>" * 300),
    "1,000 divs deep": page("<div>" * 1000 + prose()),
    "5,000 divs deep": page("<div>" * 5000 + prose()),
    "100,000 short paragraphs": page(prose() + "<p>hello there</p>" * 100_000),
    "4 MB of JSON-LD": page(prose(), f'<script type="application/ld+json">{{"a": "{"word " * 800_000}"}}</script>'),
    "JSON-LD nested 400,000 deep": page(prose(), f'<script type="application/ld+json">{"[" * 400_000}</script>'),
    "4 MB of white space": page(" " * 4_000_000 + prose()),
    "a class of 600,000 names": page(f'<p class="{"author " * 600_000}">{SENTENCE}</p>{prose()}'),
    "control characters": page(prose().replace(" passed", "\x00 \x0bpas\x1fsed\x08")),
    "references to surrogates": page(prose().replace(" passed", " pas&#xD800;sed&#55357;&#0;")),
    "cut in the middle of a tag": page(prose())[:-40] + '<div class="sha',
    "cut in the middle of a paragraph": page(prose())[:-40],
    "no html, head or body": prose(),
}


@pytest.mark.parametrize("name", SURVIVORS)
def test_the_text_survives_in_bounded_time(name: str) -> None:
    started = time.process_time()
    article = cleaned(SURVIVORS[name])
    assert time.process_time() - started < SECONDS
    assert "Part 2. " + SENTENCE in article.body


def test_a_page_is_cut_in_the_middle_of_a_character() -> None:
    body = (page(prose()) + "é").encode()[:-1]
    assert SENTENCE in cleaned(body).body


def test_a_page_with_many_tags_goes_the_linear_way() -> None:
    assert guard.way(many("td", guard.MAX_RICH_TAGS), "u") is guard.Way.LINEAR
    assert guard.way(many("td", 1000), "u") is guard.Way.RICH


@pytest.mark.parametrize("size", [20_000, 40_000, 80_000])
def test_the_scan_reads_each_character_once(size: int) -> None:
    """Quadratic patterns would need hours for the largest; time is not compared, only bounded."""
    for text in (
        "<a " * size,
        '<a b="' * size,
        "<!--" * size,
        "<script " * size,
        "<a " + "=" * size,
        "<a" + " " * size,
    ):
        started = time.process_time()
        guard.scan(text)
        assert time.process_time() - started < 5


def test_scripts_and_comments_are_not_counted() -> None:
    shape = guard.scan("<div><script>var a = '<p><p><p>';</script><!-- <i><i> --><b c=1 d=2></b></div>")
    assert shape == guard.Shape(tags=4, depth=2, attributes=2, all_attributes=2)


def test_an_abruptly_closed_comment_hides_nothing() -> None:
    assert guard.scan("<!--><p><p><p>-->").tags == 3


def test_long_data_in_one_attribute_is_no_monster() -> None:
    words = "word " * 3000
    assert guard.way(f'<div data-state="{words}">{prose()}</div>', "u") is guard.Way.RICH


def test_every_reason_has_a_meaning_and_a_kind() -> None:
    assert set(MEANING) == set(CleanReason)
    assert {kind for kind, _ in MEANING.values()} == {Rejected, Poison}


def test_noise_is_undecodable() -> None:
    noise = bytes(range(256)) * 40
    with pytest.raises(Poison) as caught:
        decode(b"<html>" + noise, "text/html", "u")
    assert caught.value.reason == "undecodable"
