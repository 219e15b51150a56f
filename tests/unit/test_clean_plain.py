"""Plain text to paragraphs, and telling it from a web page."""

from __future__ import annotations

import pytest

from pipelines.clean.plain import paragraphs
from pipelines.clean.sniff import ContentKind, kind
from pipelines.errors import Rejected
from tests.unit.pages import SENTENCE

WRAPPED = (
    "The council passed its budget on Monday evening\n"
    "after a long debate about the harbour, and it\n"
    "will meet again in the first week of the month\n"
    "of April."
)


def test_blank_lines_part_paragraphs() -> None:
    assert paragraphs("one\r\n\r\ntwo\n \nthree") == ["one", "two", "three"]


def test_wrapped_lines_are_joined() -> None:
    assert paragraphs(f"{WRAPPED}\n\nNext.") == [WRAPPED.replace("\n", " "), "Next."]


def test_long_lines_are_paragraphs_of_their_own() -> None:
    assert paragraphs(f"{SENTENCE * 3}\n{SENTENCE * 2}\nShare.") == [SENTENCE * 3, SENTENCE * 2, "Share."]


@pytest.mark.parametrize(
    ("text", "content_type", "expected"),
    [
        ("<!DOCTYPE html><p>x", "text/plain", ContentKind.HTML),
        ("just words", "text/html", ContentKind.PLAIN),
        ("just words", "text/plain; charset=utf-8", ContentKind.PLAIN),
        ("one <b>bold</b> word", "", ContentKind.HTML),
        ("3 < 4 and 5 > 2", "", ContentKind.PLAIN),
        ("an <b>example</b> of markup", "text/plain", ContentKind.PLAIN),
        ('<?xml version="1.0"?><!DOCTYPE html><html xmlns="x"><p>', "application/xhtml+xml", ContentKind.HTML),
    ],
)
def test_the_kind_is_told_by_content(text: str, content_type: str, expected: ContentKind) -> None:
    assert kind(text, content_type, "u") is expected


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        ("<rss version='2.0'>", "text/html"),
        ("<?xml version='1.0'?>\n<!-- a feed -->\n<feed xmlns='x'>", "text/html"),
        ('{"a": 1}', "application/ld+json"),
        ("body { color: red }", "text/css"),
    ],
)
def test_feeds_data_and_styles_are_not_pages(text: str, content_type: str) -> None:
    with pytest.raises(Rejected) as caught:
        kind(text, content_type, "u")
    assert caught.value.reason == "not-html"
