"""What the page's markup says about each line of its text: the tag, the share of link text, the names around it.

Whether a line is a caption, a byline or a list of related stories is better seen in the markup than in the words. The
walk of `page_layout` collects that for every line, and rules look it up by the line's key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntFlag
from functools import lru_cache
from itertools import pairwise

from pipelines.clean.phrases import NAMES


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
LASTING = ElementMark.CAPTION.value
"""Marks that hold for everything below an element, however deep."""
NAME_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NOT_LETTERS = re.compile(r"[\W_]+")
BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hr", "legend", "li", "main", "nav", "ol", "p", "pre", "section",
    "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
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
    def weight(self) -> tuple[int, float]:
        """How much speaks against the line: its marks, then its share of link text."""
        return self.marks.bit_count(), self.link_share

    @property
    def link_share(self) -> float:
        """Share of its text that is link text, 0 to 1."""
        return self.linked / self.length if self.length else 0.0


def line_key(text: str) -> str:
    """Give what two renderings of the same line have in common: its letters and digits, case folded."""
    return _NOT_LETTERS.sub("", text).casefold()


def tag_marks(tag: str) -> int:
    """Give what an element's tag says of its text, a union of `ElementMark`."""
    return _TAGS.get(tag, 0)


@lru_cache(maxsize=4096)
def named(names: str) -> int:
    """Give what class or id names say of an element's text: a union of `ElementMark`."""
    words = [word.lower() for word in NAME_WORDS.findall(names[:300])]
    found = 0
    for word in words + ["".join(pair) for pair in pairwise(words)]:
        found |= _WORDS.get(word, 0)
    return found
