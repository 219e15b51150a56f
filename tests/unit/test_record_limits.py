"""How long what strangers name may be: declared with the records, cut wherever one is made, within the index's own."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from pipelines.feed_formats import parse_feed
from pipelines.feeds.lists import feed_of
from pipelines.http.answer import MAX_VALIDATOR, Response
from pipelines.ledger.outcomes import dead_letter, outcome, stand_in
from schemas.mapping import MAX_KEYWORD, TEXTS, fields, properties
from schemas.records import Article, Entry, Feed, Outcome, OutcomeKind, Record, Stage, TopicTag
from schemas.records.base import (
    MAX_ADDRESS,
    MAX_DETAIL,
    MAX_NAME,
    MAX_NAMES,
    MAX_SUMMARY,
    MAX_TITLE,
    shortened,
)
from tests.unit.pages import cleaned, entry, facts, page, prose

BOOK = "Ferry " * 170_000


def limits(record: type[BaseModel]) -> dict[str, int | None]:
    """The longest text that each field of a record may hold, by name; None where nothing bounds it."""
    schema = record.model_json_schema()
    found = {}
    for name, field in schema["properties"].items():
        for kind in _kinds(field, schema.get("$defs", {})):
            if kind.get("type") == "string" and kind.get("format") != "date-time":
                bounded = "enum" in kind or "pattern" in kind
                found[name] = 64 if bounded else kind.get("maxLength")
    return found


def _kinds(field: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in field:
        return _kinds(definitions[field["$ref"].rpartition("/")[2]], definitions)
    inner = field.get("anyOf", [])
    inner = [*inner, field["items"]] if "items" in field else inner
    return [kind for each in inner for kind in _kinds(each, definitions)] if inner else [field]


@pytest.mark.parametrize("record", [Article, Outcome, Entry, Feed, TopicTag], ids=lambda record: record.__name__)
def test_what_strangers_name_has_a_limit(record: type[Record]) -> None:
    allowed = {"body", "etag", "last_modified", "lists", "credentials"}
    assert [name for name, limit in limits(record).items() if limit is None and name not in allowed] == []


@pytest.mark.parametrize("record", [Article, Outcome], ids=lambda record: record.__name__)
def test_whatever_is_a_keyword_of_the_index_can_be_found(record: type[Record]) -> None:
    """A keyword above `ignore_above` would be kept and never found, in silence."""
    texts = TEXTS.get(record, frozenset())
    keywords = {name: limit or 0 for name, limit in limits(record).items() if name not in texts}
    assert {name: limit for name, limit in keywords.items() if limit > MAX_KEYWORD} == {}
    mapped = [field for field in fields(properties(record)).values() if field["type"] == "keyword"]
    assert mapped
    assert {field["ignore_above"] for field in mapped} == {MAX_KEYWORD}


@given(st.text(), st.integers(2, 40))
def test_a_text_is_cut_within_its_limit(text: str, limit: int) -> None:
    cut = shortened(text, limit)
    assert len(cut) <= limit
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]) and len(text) > limit)
    assert shortened(cut, limit) == cut


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 10, "one two…"),
        ("x" * 20, 10, "x" * 9 + "…"),
        ("a " + "x" * 20, 10, "a xxxxxxx…"),  # a word that is nearly all of it is cut, not dropped
        ("ne\u0301e" * 5, 3, "n…"),
        ("👩\u200d🚀" * 4, 6, "👩\u200d🚀…"),
        ("市議会は予算を可決した", 5, "市議会は…"),
    ],
)
def test_it_is_cut_at_a_word_or_at_least_at_a_character(text: str, limit: int, cut: str) -> None:
    assert shortened(text, limit) == cut


@given(st.text("ab e\u0301\u093f", max_size=20), st.text("ab ", min_size=1, max_size=9), st.integers(20, 40))
def test_no_character_is_cut_through(start: str, marked: str, limit: int) -> None:
    text = start + "".join(f"{letter}\u0301\u0300" for letter in marked * 20)
    cut = shortened(text, limit)[:-1]
    assert len(text) > limit
    assert not unicodedata.category(text[len(cut)]).startswith("M")


def test_a_book_in_the_title_is_no_book_in_the_index() -> None:
    body = page(
        f"<h1>{BOOK}</h1>{prose()}",
        f'<title>{BOOK}</title><meta name="description" content="{BOOK}">'
        f'<meta name="author" content="{BOOK}">'
        + "".join(f'<meta name="author" content="Author No{chr(65 + n % 26)}{chr(97 + n // 26)}">' for n in range(600))
        + f'<link rel="license" href="https://x.example/{"l" * 50_000}">',
    )
    article = cleaned(body, title=BOOK, summary=BOOK, source="s" * 5000, authors=[BOOK] * 100)
    assert article.title.startswith("Ferry Ferry")
    assert article.title.endswith("Ferry…")
    assert len(article.title) <= MAX_TITLE
    assert len(article.summary) <= MAX_SUMMARY
    assert len(article.authors) <= MAX_NAMES
    assert all(len(name) <= MAX_NAME for name in article.authors)
    assert article.license is None  # half an address would be another one
    assert len(article.model_copy(update={"body": ""}).to_json()) < 10_000


def test_a_feed_of_books_is_read() -> None:
    item = f"<item><title>{BOOK}</title><link>https://x.example/a</link><description>{BOOK}</description></item>"
    feed = f"<rss version='2.0'><channel><title>{BOOK}</title>{item}</channel></rss>".encode()
    parsed = parse_feed(feed, url="https://x.example/feed")
    assert len(parsed.title) <= MAX_TITLE
    assert len(parsed.entries[0].title) <= MAX_TITLE
    assert len(parsed.entries[0].summary) <= MAX_SUMMARY
    listed = feed_of({"url": "https://x.example/feed", "title": BOOK, "source": BOOK})
    assert len(listed.to_json()) < 2000


def test_an_explanation_is_short() -> None:
    one = entry()
    assert len(outcome(one, Stage.FETCH, OutcomeKind.DEAD, detail=BOOK).detail) <= MAX_DETAIL
    assert len(dead_letter(one, Stage.FETCH, ValueError(BOOK), reason="bad", origin="t/0/1").to_json()) < 20_000
    assert len(stand_in(BOOK, 0).url) <= MAX_ADDRESS
    assert stand_in(BOOK, 0).id != stand_in(BOOK + "x", 0).id


def test_bytes_of_no_encoding_end_in_the_ledger_all_the_same() -> None:
    """A reason phrase in Latin-1 comes as lone surrogates, which no JSON takes."""
    phrase = b"answered 404 Page inconnue: \xe9t\x9b31m".decode("utf-8", "surrogateescape")
    assert outcome(entry(), Stage.FETCH, OutcomeKind.DEAD, detail=phrase).to_json()
    assert dead_letter(entry(), Stage.FETCH, ValueError(phrase), reason="http-404", origin="t/0/1").to_json()
    titled = cleaned(
        page(f"<h1>The ferry &#xD800; sails</h1>{prose()}"), title=phrase, summary=phrase, authors=[phrase]
    )
    assert titled.to_json()
    assert entry(title=phrase, source=phrase, categories=[phrase]).to_json()


def test_a_validator_that_is_too_long_is_not_kept() -> None:
    headers = {"etag": '"' + "e" * MAX_VALIDATOR + '"', "last-modified": "Sun, 29 Nov 2026 10:00:00 GMT"}
    answer = Response(url="https://x.example/", status=200, headers=headers)
    assert (answer.etag, answer.last_modified) == (None, headers["last-modified"])


def test_what_older_builds_wrote_is_read_and_cut() -> None:
    written = json.loads(facts().to_json()) | {"amp_url": "https://x.example/"}
    assert type(facts()).from_json(json.dumps(written)).amp_url
    old = {**json.loads(entry().to_json()), "title": BOOK, "first_seen": datetime.now(UTC).isoformat()}
    assert len(Entry.from_json(json.dumps(old)).title) <= MAX_TITLE
