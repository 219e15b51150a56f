"""Whole pages to articles: what is kept, what goes, and that the answer is the same each time."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.clean import content_digest
from pipelines.errors import RecordFault, Rejected
from tests.unit.pages import DATA, FETCHED, SENTENCE, cleaned, page, prose

SEED = Path(__file__).parents[3] / "shared" / "data" / "seed-article.txt"


def test_a_news_page_gives_its_paragraphs_and_its_facts() -> None:
    article = cleaned((DATA / "news.html").read_bytes())
    lines = article.body.split("\n")
    assert [line.split()[0:3] for line in lines] == [
        ["The", "ferry", "between"],
        ["The", "ship", "had"],
        ["A", "costly", "winter"],
        ["The", "county", "paid"],
        ["Shop", "owner", "Per"],
        ["The", "next", "inspection"],
    ]
    assert article.title == "Ferry to Skarholm sails again after winter repairs"
    assert article.authors == ["Ines Halvorsen", "Tom Brack"]
    assert article.published_at == datetime(2026, 3, 2, 7, 15, tzinfo=UTC)
    assert article.summary == "The island waited eleven weeks for its only link to the mainland."
    assert article.language == "en"
    assert article.topics == []


def test_a_german_page_loses_kicker_byline_stamp_and_agency() -> None:
    article = cleaned((DATA / "nachricht.html").read_bytes(), authors=["Katrin Ostermann"])
    assert [line.split()[0] for line in article.body.split("\n")] == ["Nach", "Der", "Der"]
    assert article.authors == ["Katrin Ostermann"]
    assert article.language == "de"


def test_lists_of_links_are_content_in_a_guide() -> None:
    article = cleaned((DATA / "guide.html").read_bytes())
    assert "Shoes that may get wet" in article.body
    assert "What to bring" in article.body
    assert article.title == "Five walks around the lake"
    assert not article.body.startswith(article.title)


@pytest.mark.parametrize(("name", "content_type"), [("bare.html", "text/html"), ("plain.txt", "text/plain")])
def test_bare_lines_around_the_text_are_dropped(name: str, content_type: str) -> None:
    article = cleaned((DATA / name).read_bytes(), content_type)
    assert [line.split()[0] for line in article.body.split("\n")] == ["The", "Drivers'", "If"]


def test_the_same_text_comes_out_of_html_and_of_plain_text() -> None:
    from_html = cleaned((DATA / "bare.html").read_bytes())
    from_text = cleaned((DATA / "plain.txt").read_bytes(), "text/plain")
    assert from_html.body == from_text.body


@pytest.mark.skipif(not SEED.exists(), reason=f"no development example at {SEED}")
@pytest.mark.parametrize("wrapping", ["plain", "paragraphs", "breaks", "divs"])
def test_the_seed_article_is_its_five_paragraphs(wrapping: str) -> None:
    raw = SEED.read_text(encoding="utf-8")
    paragraphs = [line for line in raw.split("\n") if len(line) > 200]
    above, below = raw.split("\n")[0], raw.rstrip().split("\n")[-2:]
    if wrapping == "plain":
        body, content_type = raw, "text/plain; charset=utf-8"
    else:
        opened, closed = {"paragraphs": ("<p>", "</p>"), "breaks": ("", "<br><br>"), "divs": ("<div>", "</div>")}[
            wrapping
        ]
        inside = f"{above}{closed}" + "".join(f"{opened}{text}{closed}" for text in paragraphs) + "<br>".join(below)
        body, content_type = page(inside), "text/html"
    assert len(paragraphs) == 5
    assert cleaned(body, content_type).body.split("\n") == paragraphs


def test_without_any_title_the_first_sentence_is_one() -> None:
    article = cleaned(page(prose()))
    assert article.title == "Part 0."


def test_a_headline_above_plain_text_is_its_title() -> None:
    article = cleaned(f"Harbour budget passes after long debate\n\n{SENTENCE}\n\n{SENTENCE * 2}\n", "text/plain")
    assert article.title == "Harbour budget passes after long debate"
    assert "Harbour budget passes" not in article.body


def test_the_feed_fills_what_the_page_does_not_say() -> None:
    sent = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
    article = cleaned(
        page(prose()), title="Budget passed", summary="A <b>long</b> debate.", authors=["Ada Moen"], published_at=sent
    )
    assert (article.title, article.summary, article.authors) == ("Budget passed", "A long debate.", ["Ada Moen"])
    assert article.published_at == sent
    assert article.fetched_at == FETCHED


def test_feeds_are_all_that_announced_it_once() -> None:
    article = cleaned(page(prose()), origins=["https://b.example/feed", "https://post.example/feed"])
    assert article.feeds == ["https://post.example/feed", "https://b.example/feed"]


def test_the_digest_changes_with_title_and_body_only() -> None:
    one = cleaned(page(prose(), "<title>Budget passed</title>"))
    same = cleaned(
        page(f"<div id=x>{prose()}</div>", "<title>Budget passed</title><meta name=author content='Ada Moen'>")
    )
    other = cleaned(page(prose(6), "<title>Budget passed</title>"))
    assert one.content_digest == same.content_digest == content_digest(one.title, one.body)
    assert one.content_digest != other.content_digest
    assert len(one.content_digest) == 32


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"", "text/html", "empty-body"),
        (b" \n\t ", "text/html", "empty-body"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "text/html", "not-html"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "text/html", "not-html"),
        (b"\x1f\x8b\x08\x00\x00", "text/html", "not-html"),
        (b"<?xml version='1.0'?><rss version='2.0'><channel/></rss>", "text/html", "not-html"),
        (b'{"error": "gone"}', "application/json", "not-html"),
        (b"<html><body></body></html>", "text/html", "no-text"),
        (b"<html><body><p>Too few words here.</p></body></html>", "text/html", "too-short"),
        (b"<html><body>" + b"<script>var a = 'b';</script>" * 1000 + b"</body></html>", "text/html", "text-lost"),
    ],
)
def test_what_is_no_article_is_rejected_by_name(body: bytes, content_type: str, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        cleaned(body, content_type)
    assert caught.value.reason == reason
    assert "\n" not in str(caught.value)


def test_japanese_characters_count_towards_the_least_words() -> None:
    sentence = "市議会は月曜日の夜、港の予算案を長い議論の末に可決した。"
    article = cleaned(page(f"<p>{sentence}</p>" * 3, "<title>予算可決</title>"), min_words=30)
    assert article.language == "ja"
    assert article.words >= 30
    with pytest.raises(Rejected):
        cleaned(page(f"<p>{sentence}</p>", "<title>予算可決</title>"), min_words=30)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=3000), st.text(max_size=3000).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_give_an_article_or_a_named_fault(body: bytes) -> None:
    with suppress(RecordFault):  # any other error fails the test
        assert cleaned(body, min_words=1).body.strip()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=6))
def test_bodies_are_normalised_whatever_is_between_the_tags(parts: list[str]) -> None:
    escaped = [part.replace("&", "&amp;").replace("<", "&lt;") for part in parts]
    article = cleaned(
        page("".join(f"<p>{part} {SENTENCE}</p>" for part in escaped)).encode("utf-8", "replace"), min_words=1
    )
    assert article.body == unicodedata.normalize("NFC", article.body)
    for line in article.body.split("\n"):
        assert line == line.strip() != ""
        assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in line)
