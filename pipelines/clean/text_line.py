"""One line of a text with all that is known of it; what the rules of `furniture` look at."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.clean.evidence import LineEvidence, line_key
from pipelines.language import MARKS

PROSE_WORDS = 6
"""Words from which a sentence is a paragraph."""
LONG_WORDS = 30
"""Words from which a line is a paragraph however it ends."""

_ENDS = re.compile(r"[.!?…。！？؟।][\"”“»«’')\]』」]*$")
_ENDS_OR_LEADS = re.compile(r"[.!?…。！？؟।:;][\"”“»«’')\]』」]*$")
CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
WORDS = re.compile(rf"[^\W_]++(?:[{MARKS}]++|['’.-]?[^\W_]++)*+")


def count_words(text: str) -> int:
    """Count a line's words by its spaces, two characters of a script without them as one: fast and rough."""
    words = text.count(" ") + 1
    if not text.isascii() and (len(text) > 8 * words or words < 12):
        cjk = len(CJK.findall(text))
        words += cjk // 2 if cjk > 8 else 0
    return words


def is_prose(text: str, words: int) -> bool:
    """Say whether a line is a paragraph: a sentence of some length, or text too long for a label."""
    return (words >= PROSE_WORDS and bool(_ENDS_OR_LEADS.search(text))) or words >= 25


@dataclass(slots=True)
class TextLine:
    """One line of a text with what is known of it.

    Attributes:
        text: the line, normalised.
        raw: the line as it was, its inner spacing kept: wide gaps tell a row of menu words.
        seen: what the markup says; None for plain text and for lines that the extractor put together.
    """

    text: str
    raw: str
    seen: LineEvidence | None = None
    words: int = 0
    key: str = ""
    item: bool = False

    def __post_init__(self) -> None:
        """Count the words, two characters of a script without spaces as one."""
        self.item = self.text.startswith("- ")
        self.key = line_key(self.text)
        cjk = 0 if self.text.isascii() else len(CJK.findall(self.text))
        self.words = len(WORDS.findall(CJK.sub(" ", self.text) if cjk else self.text)) + (cjk + 1) // 2

    @property
    def tag(self) -> str:
        """The block element that holds the line; empty where that is not known."""
        return self.seen.tag if self.seen else ""

    @property
    def marks(self) -> int:
        """What the names around the line say, a union of `Mark`."""
        return self.seen.marks if self.seen else 0

    @property
    def linked(self) -> float:
        """Share of link text."""
        return self.seen.link_share if self.seen else 0.0

    @property
    def sentence(self) -> bool:
        """Whether the line ends as a sentence does."""
        return bool(_ENDS.search(self.text))

    @property
    def prose(self) -> bool:
        """Whether the line is a paragraph: a sentence of some length, or text too long for a label."""
        return (self.sentence and self.words >= PROSE_WORDS) or self.words >= LONG_WORDS
