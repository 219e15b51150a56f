"""What is known of an article beside its text: authors and summary, from the page or else the feed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pipelines.clean import jsonld
from pipelines.clean.decode import normal
from pipelines.clean.evidence import line_key
from pipelines.clean.head import Head

MAX_AUTHORS = 20
MAX_NAME = 80
MAX_NAME_WORDS = 7

_MARKUP = re.compile(r"<[^<>]{1,500}>")
_BY = re.compile(
    r"^(?:(?:written|posted|published|reported)\s+by|by|von(?!\s+de[rnm]\b)|par|por|di|da|door|av|af|text|texto|texte|autor|author|authors|fra|od|przez)\b[:\s]+(?=\S)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"(?<!\s)\s*(?:[;,|、，；]|(?<=[^\W\d_])/(?=[A-ZÀ-ÞА-Я])|\s(?:and|und|et|y|e|en|og|och|i|и|та|&)\s)\s*"
)
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_INVERTED = re.compile(r"\s*([^\s,;][^,;]{0,38}),\s*([^,;]{1,39}?)\s*")
_ROLE = re.compile(
    r"^(?:photos?|fotos?|pictures?|images?|videos?|graphics?|grafik|illustrations?|bild(?:er)?|crédits?)\b.*:",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\([^()]{0,100}\)")
_NO_NAME = re.compile(r"https?:|www\.|@|\d|[<>{}\[\]]|\.(?:com|org|net|de)\b", re.IGNORECASE)
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "ph.d", "md", "m.d", "mba", "esq"})
_JOB = re.compile(
    r"\b(?:editor|reporter|correspondent|writer|journalist|columnist|contributor|photographer|redakteur(?:in)?|"
    r"korrespondent(?:in)?|reporter(?:in)|journaliste|correspondant[e]?|redactor[a]?|corresponsal|periodista|giornalista)s?$",
    re.IGNORECASE,
)
_NOBODY = frozenset({
    "admin", "administrator", "editor", "redaktion", "redaction", "redazione", "redacción", "staff",
    "author", "unknown", "none", "null", "guest",
})  # fmt: skip


def authors_of(head: Head, guess: Callable[[], str], entry: list[str]) -> list[str]:
    """Give the authors' names: JSON-LD's, then the extractor's guess, then the feed's.

    The site itself is named only when nobody else is.

    Args:
        head: the page's claims.
        guess: looks for names in the page, separated by semicolons; called only when nobody is named, for it is slow.
        entry: names in the feed.
    """
    said = said_authors(head)
    site = line_key(head.site)

    def people(found: list[str]) -> list[str]:
        return [name for name in found if line_key(name) != site]

    return people(said) or people(names([guess()])) or names(entry) or said


def said_authors(head: Head) -> list[str]:
    """Give the authors that the JSON-LD or the author meta tags name."""
    for node in head.nodes:
        found = names(_said(node.get("author") or node.get("creator")))
        if found:
            return found
    return names(head.metas.get("author", []) or head.metas.get("article:author", []) or head.metas.get("byl", []))


def names(claims: list[str]) -> list[str]:
    """Split and clean claimed names; what is no name (addresses, numbers, job titles) is left out."""
    found: dict[str, str] = {}
    for claim in claims:
        text = _BY.sub("", normal(_ADDRESS.sub(" ", _ASIDE.sub(" ", _MARKUP.sub(" ", jsonld.unescaped(claim))))))
        before = len(found)
        for part in _BETWEEN.split(_upright(text)):
            name = _BY.sub("", part).strip(" .,:;-–—·|")
            if len(found) > before and _JOB.search(name):
                continue  # behind a name it is what that person does; alone it may be all that is said
            if _is_name(name):
                found.setdefault(name.casefold(), name)
            if len(found) == MAX_AUTHORS:
                return list(found.values())
    return list(found.values())


def _upright(text: str) -> str:
    """Turn `Family, Given; Family, Given` round: between semicolons a comma parts no two people."""
    parts = [_INVERTED.fullmatch(part) for part in text.split(";")]
    found = [part for part in parts if part]
    if len(found) < 2 or len(found) < len(parts) or any(part[2].casefold().strip(".") in _SUFFIXES for part in found):
        return text
    return "; ".join(f"{part[2]} {part[1]}" for part in found)


def summary_of(head: Head, entry_summary: str) -> str:
    """Give the page's own summary, or else the feed's, as plain text."""
    said = head.meta("og:description", "description", "twitter:description") or head.said("description")
    return _plain(said) or _plain(entry_summary)


def _plain(text: str) -> str:
    # Some sites escape twice: what is left of it once the page is parsed is resolved here.
    return normal(jsonld.unescaped(_MARKUP.sub(" ", text)))


def _said(value: Any) -> list[str]:  # noqa: ANN401 - JSON of any shape
    items = value if isinstance(value, list) else [value]
    return [text for item in items[:MAX_AUTHORS] if (text := jsonld.text_of(item))]


def _is_name(name: str) -> bool:
    if not name or len(name) > MAX_NAME or len(name.split()) > MAX_NAME_WORDS:
        return False
    if _ROLE.search(name) or name.casefold() in _SUFFIXES:
        return False
    return not _NO_NAME.search(name) and name.casefold() not in _NOBODY
