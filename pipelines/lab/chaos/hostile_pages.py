"""Pages that a hostile site sends: small to make, hard to read. Pure.

Each is the body of one page; most hold an ordinary article, too, which may be indexed or not.
"""

from __future__ import annotations

import json
from collections.abc import Callable

_ORDINARY = (
    "<p>The harbour board met on Monday to hear why the ferry has not sailed since the storm in March. Divers found "
    "two cracked beams below the pier, and the repair is said to take until the end of the summer.</p>"
    "<p>Three shops by the landing have closed for the time being, and the bus company has added a line around the bay "
    "so that pupils reach their school before the first lesson.</p>"
)
_ESCAPES = "\x1b]0;owned\x07\x1b[31mred\x1b[0m \x9b32m \u202etxt.exe\u2066 [bold]b[/bold] &#27;[2J &#x9b;5m \u200b"
_THAI = "ท่าเรือปิดซ่อมแซมหลังพายุเมื่อเดือนมีนาคม "


def page(title: str = "The ferry", head: str = "", body: str = "") -> bytes:
    """Give a page with an ordinary article and something else."""
    return (
        f"<html lang=en><head><title>{title}</title>{head}</head>"
        f"<body><article><h1>{title}</h1>{_ORDINARY}{body}</article></body></html>"
    ).encode()


def poison() -> bytes:
    """Give a page that is refused at once: 1,100 attributes in a tag."""
    return page(body=f"<p {' '.join(f'a{n}=1' for n in range(1100))}>x</p>")


def _untitled(line: str) -> bytes:
    return f"<html><body><article><p>{line}</p>{_ORDINARY}</article></body></html>".encode()


def _json_ld(text: str, times: int = 1) -> bytes:
    return page(head=f'<script type="application/ld+json">{text}</script>' * times)


CHEAP: dict[str, Callable[[], bytes]] = {
    "tags-open": lambda: page(body="<ul><li>" * 1400 + "x" + "<b>y</b>" * 1400),
    "poison": poison,
    "escapes": lambda: page(
        _ESCAPES,
        f'<meta name=author content="{_ESCAPES}"><meta property="og:site_name" content="{_ESCAPES}">',
        _ESCAPES,
    ),
    "nul": lambda: page("N\0ul", body="<p>nul \0 in \0 text</p>"),
    "title-of-1-mb": lambda: page("T" * 1_000_000),
    "author-of-100-kb": lambda: page(head=f'<meta name=author content="{"A" * 100_000}">'),
    "licence-of-50-kb": lambda: page(head=f'<link rel=license href="http://license.invalid/{"l" * 50_000}">'),
    "language-of-10-kb": lambda: page().replace(b"lang=en", b'lang="' + b"x" * 10_000 + b'"'),
    "canonical-script": lambda: page(head='<link rel=canonical href="javascript:alert(1)"><base href="file:///etc/">'),
    "refresh-inside": lambda: (
        b'<html><head><meta http-equiv=refresh content="0;url=http://127.0.0.1:9/"></head></html>'
    ),
    "refresh-file": lambda: b'<html><head><meta http-equiv=refresh content="0;url=file:///etc/passwd"></head></html>',
    "external-entity": lambda: (
        b'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        b'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>&x;</title></head><body><p>&x;</p>'
        + _ORDINARY.encode()
        + b"</body></html>"
    ),
    "utf-7": lambda: page("+ADw-script+AD4-alert(1)", '<meta charset="utf-7">'),
    "utf-16-that-is-none": lambda: page("Gr\u00f6\u00dfe", '<meta charset="utf-16">'),
    "json-ld-of-odd-types": lambda: _json_ld(
        '{"@type":"NewsArticle","headline":["x",{"y":1}],"datePublished":"99999-01-01","author":[{"name":{"a":[]}},5,null]}'
    ),
}
"""Pages that cost next to nothing to read or to refuse."""

HEAVY: dict[str, Callable[[], bytes]] = {
    "deep": lambda: page(body="<div>" * 100_000 + "x" + "</div>" * 100_000),
    "attributes": lambda: page(body=f"<p {' '.join(f'a{n}=1' for n in range(300_000))}>x</p>"),
    "attributes-spread": lambda: page(body="<i a=1 b=2 c=3 d=4 e=5 f=6>x</i>" * 90_000),
    "words-of-4-mb": lambda: page(body="<p>" + "word " * 850_000 + "</p>"),
    "word-of-4-mb": lambda: page(body=f"<p>{'a' * 4_400_000}</p>"),
    "no-full-stop": lambda: _untitled("the ferry has not sailed since the storm " * 1000),
    "no-full-stop-thai": lambda: _untitled(_THAI * 1000),
    "comments-open": lambda: page(body="<!--" * 300_000),
    "less-than": lambda: page(body="<" * 3_000_000),
    "table-open": lambda: page(body="<table>" + "<tr><td>x" * 19_000),
    "scripts-open": lambda: page(body="<script>" * 200_000),
    "entities": lambda: page(body="<p>" + "&amp;" * 800_000 + "</p>"),
    "links": lambda: page(body="".join(f'<a href="http://link.invalid/{n}">link {n}</a> ' for n in range(19_000))),
    "paragraphs": lambda: page(body="<p>a b c" * 39_000),
    "authors": lambda: page(head="".join(f'<meta name=author content="Author {n}">' for n in range(20_000))),
    "json-ld-deep": lambda: _json_ld("[" * 400_000),
    "json-ld-nested": lambda: _json_ld('{"@graph":[' * 900 + '{"@type":"NewsArticle","headline":"x"}' + "]}" * 900),
    "json-ld-wide": lambda: _json_ld(
        json.dumps([{"@type": "NewsArticle", "headline": f"h{n}"} for n in range(30_000)])
    ),
    "json-ld-many": lambda: _json_ld('{"@type":"NewsArticle","headline":"x"}', 40_000),
    "json-ld-number": lambda: _json_ld(f'{{"@type":"NewsArticle","wordCount":{"9" * 900_000}}}'),
}
"""Pages that take a parser seconds: a run has a few of each."""
