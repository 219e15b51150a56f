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

PROMPT_OBJECTS = re.compile(
    r"\b(?:our|us|your|you|we|my|apps?|podcasts?|accounts?|inbox|free|rights|javascript|cookies?|"
    r"notifications?|subscribers?|members?|subscription|unser\w*|uns|sie|ihr\w*|du|dein\w*|dich|kostenlos\w*|anmeld\w*|registrier\w*|lesen|testen|"
    r"einverstanden|vorbehalten|konto|ici|gratuit\w*|vous|nous|votre|vos|notre|nos|réservée?s?|abonn\w*|aquí|gratis|tu|tus|"
    r"su|sus|nuestr\w+|boletín|derechos|contenido|artículo|nosso|nossa|seu|sua|aqui|grátis|direitos|canal|nostr\w+|tuo|tua|"
    r"diritti|riproduzione|qui|ons|onze|je|jouw|uw|oss|vår\w*|deg|dig|din|ditt|här|her|nasz\w*|nas|tutaj|prawa|náš|nás|"
    r"bizi?|hakları|нас|наш\w*|права|телеграм\w*|telegram|whatsapp|facebook|instagram|youtube|twitter|google)\b"
    r"|-(?:vous|nous|te|nos)\b|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]",
    re.IGNORECASE,
)
"""Whom or what a prompt is about: the reader, the site, or what it offers; a sentence without one tells news."""

CREDIT_SIGNS = re.compile(r"©|\(c\)|:|/|\||：|all rights reserved|alle rechte", re.IGNORECASE)
"""What stands in a credit that reads as a sentence."""

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

BLOCKS: Mapping[str, list[str]] = _TABLE["blocks"]
"""Words of class and id names, by the kind of block that they name; see `block_kinds`."""

NAMES: Mapping[str, list[str]] = _TABLE["names"]
"""Words of class and id names, by what they say of the text inside; see `evidence.Mark`."""
