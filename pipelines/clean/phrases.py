"""Lines that are furniture by their words: share labels, prompts, credits, bylines and stamps, in fourteen languages.

The words are in `phrases.toml`. Every pattern is anchored at the start of a line and most at its end too: a sentence
that merely mentions a newsletter is no prompt. Which of them apply where is decided in `furniture.py`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files

_TRAIL = r"[\s.:!…>›»→↓*+|-]*"
_TABLE: Mapping[str, Mapping[str, list[str]]] = tomllib.loads(
    files("pipelines.clean").joinpath("phrases.toml").read_text(encoding="utf-8")
)


def _all(kind: str) -> str:
    return "|".join(phrase for phrases in _TABLE[kind].values() for phrase in phrases)


def _start(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"^[\W_]*(?:{pattern})", re.IGNORECASE)


LABELS = _start(rf"(?:{_all('labels')}){_TRAIL}$")
"""Buttons, labels and advertisement marks: the whole line, with whatever arrows and dots behind it."""

RELATED_HEADS = _start(rf"(?:{_all('related')}){_TRAIL}$")
"""Headings above lists of other articles: the heading goes, and the list with it."""

POINTERS = _start(_all("pointers"))
"""Pointers to other articles inside the text: the start of a short line."""

PROMPTS = _start(_all("prompts"))
"""Newsletters, subscriptions, apps, disclaimers: the start of a line of a sentence or three."""

CREDITS = re.compile(
    rf"^[\W_]*(?:{'|'.join(_TABLE['credits']['labelled'])})\s*(?:by|von|par|por|credit|:|/|\||：|\.)\s*\S"
    rf"|^\W*?(?:{'|'.join(_TABLE['credits']['rights'])})",
    re.IGNORECASE,
)
"""Credits of pictures and rights: the start of a short line."""

BYLINE = _start(rf"(?:{_all('bylines')})\b\s*:?\s*(\S.{{1,120}})$")
"""A line that names who wrote; the first group is the rest of the line, which must look like names."""

AGENCIES = _start(
    rf"(?:mit |with |avec |con )?(?:(?:{_all('agencies')})(?:[-/,&\s]|\b(?:und|and|et|y)\b|$|(?=\W)))+[\W\d_]*$"
)
"""A line that is only the names of news agencies."""

STAMP_WORDS = frozenset(word for words in _TABLE["stamps"].values() for word in words)
"""Words that a line of date and time is made of."""

MONTHS = frozenset(_TABLE["stamps"]["months"])
"""Names of months, short and long."""

STAMP_DIGITS = re.compile(
    r"\d{1,2}[:.h]\d{2}|\b(?:19|20)\d{2}\b|\d{1,2}\s*[年月日]|\b\d{1,3}\s*(?:min|minut|hours?|stunden|heures|days?)",
    re.IGNORECASE,
)
"""What makes a line of such words a stamp: a time, a year, or an amount of time."""

NAMES: Mapping[str, list[str]] = _TABLE["names"]
"""Words of class and id names, by what they say of the text inside; see `evidence.Mark`."""
