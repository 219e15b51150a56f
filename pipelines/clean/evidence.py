"""What the page's markup says about each line of its text: the tag, the share of link text, the names around it.

The extractor gives lines; whether a line is a caption, a byline or a list of related stories is better seen in the
markup than in the words. One walk over the tree collects that for every line, and rules look it up by the line's key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from functools import lru_cache
from itertools import pairwise

from lxml import etree

from pipelines.clean.phrases import NAMES

NEAR = 2
"""Elements, counted from the line upwards, whose class and id names speak for the line."""


class ElementMark(IntFlag):
    """What an element's tag, class or id says that its text is; lines carry the union as a plain number, for speed."""

    CAPTION = 1
    CREDIT = 2
    BYLINE = 4
    STAMP = 8
    RELATED = 16
    SHARE = 32
    TAGS = 64
    EMBED = 128
    COMMENTS = 256


_WORDS: dict[str, int] = {word: ElementMark[kind.upper()].value for kind, words in NAMES.items() for word in words}
_TAGS: dict[str, int] = {"figcaption": ElementMark.CAPTION.value, "time": ElementMark.STAMP.value}
_LASTING = ElementMark.CAPTION.value
"""Marks that hold for everything below an element, however deep."""
_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NOT_LETTERS = re.compile(r"[\W_]+")
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hr", "legend", "li", "main", "nav", "ol", "p", "pre", "section",
    "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip
_SILENT = frozenset({
    "head", "script", "style", "noscript", "template", "svg", "iframe", "select", "option",
    "textarea", "button", "object",
})  # fmt: skip


@dataclass(slots=True)
class LineEvidence:
    """One line of the page as its markup shows it.

    Attributes:
        tag: the block element that holds it.
        marks: what the tags and names around it say, a union of `ElementMark`.
        length: characters of text, white space apart.
        linked: how many of them are text of links to elsewhere.
    """

    tag: str
    marks: int
    length: int = 0
    linked: int = 0

    @property
    def link_share(self) -> float:
        """Share of its text that is link text, 0 to 1."""
        return self.linked / self.length if self.length else 0.0


def line_key(text: str) -> str:
    """Give what two renderings of the same line have in common: its letters and digits, case folded."""
    return _NOT_LETTERS.sub("", text).casefold()


def evidence(tree: etree._Element) -> tuple[dict[str, LineEvidence], int]:
    """Collect what the markup says about each line, by `line_key`, and how deep the elements are nested.

    A line that occurs twice keeps its least damning occurrence: the one with fewer marks and less link text, since
    what is only repeated elsewhere (a menu, a teaser) must not speak against the article's own line.
    """
    found: dict[str, LineEvidence] = {}
    walk = _Walk()
    for seen, text in walk.lines(tree):
        key = line_key(text)
        if not key:
            continue
        known = found.get(key)
        if known is None or _weight(seen) < _weight(known):
            found[key] = seen
    return found, walk.depth


def _weight(seen: LineEvidence) -> tuple[int, float]:
    return seen.marks.bit_count(), seen.link_share


# An element that is open: its nearest block's tag, its own marks, the marks that last for all below it, inside a link.
_Frame = tuple[str, int, int, bool]


class _Walk:
    """One walk over a tree, in document order; a line ends at every block border and every `br`."""

    def __init__(self) -> None:
        self.depth = 0
        self._frames: list[_Frame] = [("body", 0, 0, False)]
        self._parts: list[str] = []
        self._seen = LineEvidence("body", 0)

    def lines(self, tree: etree._Element) -> Iterator[tuple[LineEvidence, str]]:
        """Give each line with what is seen of it. This loop is most of the cost: it stays flat on purpose."""
        frames = self._frames
        walk = etree.iterwalk(tree, events=("start", "end"))
        for event, element in walk:
            tag = element.tag
            if event == "start":
                if tag in _SILENT:
                    walk.skip_subtree()
                    frames.append(frames[-1])
                    continue
                block = tag in _BLOCKS
                frames.append(_enter(frames[-1], tag, element, block=block))
                text = element.text
            else:
                block = tag in _BLOCKS
                self.depth = max(self.depth, len(frames))
                frames.pop()
                text = element.tail
            if self._parts and (block or tag == "br"):
                yield self._seen, "".join(self._parts)
                self._parts = []
            if text:
                self._add(text)
        if self._parts:
            yield self._seen, "".join(self._parts)

    def _add(self, text: str) -> None:
        length = len(text.strip())
        if not length:
            return
        frame = self._frames[-1]
        if not self._parts:
            marks = frame[2]
            for near in self._frames[-NEAR:]:
                marks |= near[1]
            self._seen = LineEvidence(frame[0], marks)
        self._parts.append(text)
        self._seen.length += length
        if frame[3]:
            self._seen.linked += length


def _enter(above: _Frame, tag: str, element: etree._Element, *, block: bool) -> _Frame:
    marks = _TAGS.get(tag, 0)
    lasting = above[2] | (marks & _LASTING)
    for attribute in ("class", "id"):
        names = element.get(attribute)
        if names:
            marks |= named(names)
    link = above[3] or (tag == "a" and not (element.get("href") or "#").startswith("#"))
    return tag if block else above[0], marks, lasting, link


@lru_cache(maxsize=4096)
def named(names: str) -> int:
    """Give what class or id names say of an element's text: a union of `ElementMark`."""
    words = [word.lower() for word in _NAME.findall(names[:300])]
    found = 0
    for word in words + ["".join(pair) for pair in pairwise(words)]:
        found |= _WORDS.get(word, 0)
    return found
