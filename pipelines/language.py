"""In which language a text is: its words first, and what the page and the feed say where the words leave it open.

The only importer of py3langid (Lui and Baldwin, "langid.py: An Off-the-shelf Language Identification Tool", ACL 2012).
"""

from __future__ import annotations

import re
from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

UNKNOWN = "und"
"""ISO 639-2's code for a language that cannot be told."""
NO_LANGUAGE = "zxx"
"""ISO 639-2's code for text without language; the model knows it too."""
SAMPLE = 1_000
"""Characters that are looked at; more changes nothing."""
PAGE_WEIGHT = 10.0
FEED_WEIGHT = 10.0
"""How much more likely the language is that the page, or the feed, declares, before its words are read."""
MARGIN = 0.6
"""Share of all likelihood that the best language needs; below it the language is unknown."""
MIN_LETTERS = 12
"""Fewer letters than this say nothing by themselves."""

_CODE = re.compile(r"^\s*([a-zA-Z]{2,3})(?=$|[-_\s,;.])")
# Codes in use for the same language: ISO 639-2 and outdated ones, Bokmål, which everybody calls Norwegian,
# and spoken forms that share the standard's written news.
_SAME = {
    "iw": "he", "in": "id", "ji": "yi", "nb": "no", "eng": "en", "ger": "de", "deu": "de", "fre": "fr", "fra": "fr",
    "spa": "es", "ita": "it", "por": "pt", "rus": "ru", "jpn": "ja", "zho": "zh", "chi": "zh", "kor": "ko", "tur": "tr",
    "ara": "ar", "nld": "nl", "dut": "nl", "pol": "pl", "swe": "sv", "nor": "no", "nob": "no",
    "dan": "da", "fin": "fi", "cmn": "zh", "ary": "ar", "arz": "ar", "wuu": "zh",
    # Codes of countries, which are no languages' and are written for them all the same.
    "jp": "ja", "cz": "cs", "kr": "ko", "gr": "el", "dk": "da", "cn": "zh", "vn": "vi", "rs": "sr", "us": "en",
    "gb": "en", "at": "de",
}  # fmt: skip
_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"  # Kana, Han
)
# Vowel signs and other marks are no letters to Python, and would cut a word of Hindi or Arabic in pieces.
MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8"
    "\u06ea-\u06ed\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09cd\u09d7\u0a01-\u0a03\u0a3c-\u0a51"
    "\u0a70\u0a71\u0a75\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b57\u0b82\u0bbe-\u0bcd\u0bd7\u0c00-\u0c04\u0c3c-\u0c56"
    "\u0c81-\u0c83\u0cbc-\u0cd6\u0d00-\u0d03\u0d3b-\u0d4d\u0d57\u0d82\u0d83\u0dca-\u0ddf\u200c\u200d"
)
"""Characters that belong to the word before them, as the inside of a class of a regular expression."""
_WORD = re.compile(rf"[^\W_]++(?:[{MARKS}]++|['’\u00ad-]?[^\W_]++)*+")
_LETTER = re.compile(r"[^\W\d_]")


def language(text: str, page: str | None = None, feed: str | None = None) -> str:
    """Give the text's language as an ISO 639 code, `und` where it cannot be told.

    A declared language the model does not know is taken at its word, unless the words are clearly another
    language that is declared too.

    Args:
        text: the article.
        page: what the page declares, e.g. `<html lang>`: any case, with or without region.
        feed: what the feed or its list declares.
    """
    said = {code: weight for code, weight in ((declared(page), PAGE_WEIGHT), (declared(feed), FEED_WEIGHT)) if code}
    if declared(page) == declared(feed):
        said = dict.fromkeys(said, PAGE_WEIGHT * FEED_WEIGHT)
    likely = _likelihoods(text[:SAMPLE]) if len(_LETTER.findall(text[:200])) >= MIN_LETTERS else {}
    foreign = [code for code in said if code not in _known()]
    if foreign and (not likely or max(likely, key=lambda code: likely[code]) not in said):
        return foreign[0]
    weighted = {code: share * said.get(code, 1.0) for code, share in likely.items()}
    total = sum(weighted.values())
    if not total:
        return UNKNOWN
    best = max(weighted, key=lambda code: weighted[code])
    return best if weighted[best] >= MARGIN * total and best != NO_LANGUAGE else UNKNOWN


def declared(tag: str | None) -> str:
    """Give the code of a declared language tag (BCP 47), or an empty string."""
    match = _CODE.match(tag or "")
    code = match[1].lower() if match else ""
    return "" if code in (UNKNOWN, NO_LANGUAGE, "mul", "mis") else _SAME.get(code, code)


def word_count(text: str) -> int:
    """Count words; in scripts that put no space between words, two characters count as one.

    Two characters a word is what segmenters of Chinese and Japanese find on news text, near enough for a threshold.
    """
    characters = len(_WITHOUT_SPACES.findall(text))
    spaced = _WITHOUT_SPACES.sub(" ", text) if characters else text
    return len(_WORD.findall(spaced)) + (characters + 1) // 2


@lru_cache(maxsize=1)
def _model() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(_SAME.get(label, label) for label in _model().labels)


def _likelihoods(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for label, share in _model().rank(text):
        code = _SAME.get(label, label)
        found[code] = found.get(code, 0.0) + share
    return found
