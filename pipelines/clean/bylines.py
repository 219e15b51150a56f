"""Authors as a page's markup names them: links to authors, microdata, elements whose name says byline. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from pipelines.clean.author_names import names
from pipelines.clean.decode import normal
from pipelines.clean.evidence import ElementMark, named

MAX_ELEMENTS = 15_000
MAX_TEXT = 120
"""Characters of a byline's text; more is a portrait of the author."""

_SKIPPED = frozenset({
    "head", "script", "style", "noscript", "template", "svg", "nav", "footer", "select", "iframe", "aside",
})  # fmt: skip
_OTHERS = (ElementMark.RELATED | ElementMark.COMMENTS | ElementMark.EMBED).value
_BYLINE = ElementMark.BYLINE.value
_SILENT = frozenset({"time", "button", "svg", "script", "style", "label", "img"})
_NOT_THE_NAME = re.compile(r"role|title|job|position|date|time|share|social|bio|follow|avatar|image", re.IGNORECASE)
_PROFILE = re.compile(
    r"/(?:authors?|autor(?:en|es|a|i)?|auteurs?|people|profiles?|staff|by|contributors?|team|writers?|"
    r"journalist\w*|redakt\w*|person\w*|firmas?|user)/",
    re.IGNORECASE,
)


def byline_names(tree: etree._Element) -> list[str]:
    """Give the names in the first byline of a page, above or below its text; empty when it has none.

    Links that say `rel=author` and microdata go before elements that are bylines by their class or id.
    """
    said: list[str] = []
    for element, sure in _bylines(tree):
        found = names(_texts(element))
        if sure and found:
            return found
        said = said or found
    return said


def _bylines(tree: etree._Element) -> Iterator[tuple[etree._Element, bool]]:
    walk = etree.iterwalk(tree, events=("start",))
    for seen, (_, element) in enumerate(walk):
        if seen > MAX_ELEMENTS:
            return
        marks = named(element.get("class") or "") | named(element.get("id") or "")
        if element.tag in _SKIPPED or marks & _OTHERS:
            walk.skip_subtree()
            continue
        sure = "author" in (element.get("rel") or "").lower().split() or element.get("itemprop") == "author"
        if sure or (marks & _BYLINE and element.tag not in ("body", "html", "article", "main")):
            yield element, sure
            walk.skip_subtree()


def _texts(element: etree._Element) -> list[str]:
    """Give what a byline says: its links to profiles, the names that microdata marks, or else its own text."""
    links = [a for a in element.iter("a") if _PROFILE.search(a.get("href") or "") or "author" in (a.get("rel") or "")]
    marked = [inner for inner in element.iter() if inner is not element and inner.get("itemprop") == "name"]
    for inner in (marked, links):
        if texts := [text for each in inner if 1 < len(text := _text(each)) <= MAX_TEXT]:
            return texts
    if content := element.get("content"):
        return [content]
    text = _text(element)
    return [text] if len(text) <= MAX_TEXT else []


def _text(element: etree._Element) -> str:
    parts: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, inner in walk:
        if event == "start":
            if inner.tag in _SILENT or (inner is not element and _NOT_THE_NAME.search(inner.get("class") or "")):
                walk.skip_subtree()
            else:
                parts.append(inner.text or "")
        elif inner is not element:
            parts.append(inner.tail or "")
            parts.append(" " if inner.tag not in ("b", "i", "em", "strong") else "")
    return normal("".join(parts))
