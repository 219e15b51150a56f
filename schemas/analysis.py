"""How Elasticsearch takes text apart: one analyzer for words as written and one for each language's inflections. Pure.

The language analyzers are Elasticsearch's own, written out after its reference
(https://www.elastic.co/guide/en/elasticsearch/reference/8.19/analysis-lang-analyzer.html), since the built-in ones
cannot be added to. Added to all of them: accents and the shapes of the apostrophe are folded behind the stemmer, which
needs them, and Chinese, Japanese and Korean are cut into pairs of signs instead of single ones. Nothing of it is a
character filter: these cost as much as all the rest (docs/decisions.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

EXACT, EXACT_SEARCH = "newsriver_exact", "newsriver_exact_search"
"""Analyzers of the words as written, at index time and for a query: the index holds single CJK signs beside pairs."""

AS_WRITTEN = "newsriver_as_written"
"""Analyzer for which accents and case matter."""

_NO_JOINER, _GREEK, _YO = "newsriver_no_joiner", "newsriver_greek_lowercase", "newsriver_yo"
_CJK, _CJK_AND_SIGNS = "newsriver_cjk", "newsriver_cjk_and_signs"


@dataclass(frozen=True, slots=True)
class Language:
    """What Elasticsearch's analyzer of a language does between tokenizer and stemmer.

    Attributes:
        stemmer: `language` of its stemmer filter, or empty where it has none.
        before: filters in front of lower-casing, in their order.
        between: filters behind lower-casing and in front of the stop words.
        after: filters between stop words and stemmer.
        last: filters behind the stemmer.
        elided: articles that an apostrophe joins to the next word.
        stopwords: its list of stop words, by default the language's own.
        lower: `language` of the lower-case filter, where it has rules of its own.
        tokenizer: its tokenizer.
    """

    stemmer: str
    before: tuple[str, ...] = ()
    between: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    elided: tuple[str, ...] = ()
    stopwords: str = ""
    lower: str = ""
    tokenizer: str = "standard"


_CATALAN = ("d", "l", "m", "n", "s", "t")
_FRENCH = ("l", "m", "t", "qu", "n", "s", "j", "d", "c", "jusqu", "quoiqu", "lorsqu", "puisqu")
_ITALIAN = (
    *("c", "l", "all", "dall", "dell", "nell", "sull", "coll", "pell", "gl", "agl", "dagl", "degl", "negl"),
    *("sugl", "un", "m", "t", "s", "v", "d"),
)
_ARABIC, _INDIC = ("decimal_digit",), ("decimal_digit", "indic_normalization")

LANGUAGES: dict[str, Language] = {
    "arabic": Language("arabic", between=_ARABIC, after=("arabic_normalization",)),
    "armenian": Language("armenian"),
    "basque": Language("basque"),
    "bengali": Language("bengali", between=(*_INDIC, "bengali_normalization")),
    "bulgarian": Language("bulgarian"),
    "catalan": Language("catalan", elided=_CATALAN),
    "cjk": Language("", stopwords="english"),
    "czech": Language("czech"),
    "danish": Language("danish"),
    "dutch": Language("dutch", after=("newsriver_dutch_override",)),
    "english": Language("english", before=("newsriver_english_possessive",)),
    "estonian": Language("estonian"),
    "finnish": Language("finnish"),
    "french": Language("light_french", elided=_FRENCH),
    "galician": Language("galician"),
    "german": Language("light_german", after=("german_normalization",)),
    "greek": Language("greek", lower="greek"),
    "hindi": Language("hindi", between=(*_INDIC, "hindi_normalization")),
    "hungarian": Language("hungarian"),
    "indonesian": Language("indonesian"),
    "irish": Language("irish", before=("newsriver_irish_hyphenation",), elided=("d", "m", "b"), lower="irish"),
    "italian": Language("light_italian", elided=_ITALIAN),
    "latvian": Language("latvian"),
    "lithuanian": Language("lithuanian"),
    "norwegian": Language("norwegian"),
    "persian": Language("persian", between=(*_ARABIC, "arabic_normalization", "persian_normalization")),
    "portuguese": Language("light_portuguese"),
    "romanian": Language("romanian"),
    "russian": Language("russian", between=(_YO,)),
    "serbian": Language("serbian", last=("serbian_normalization",)),
    "sorani": Language("sorani", before=("sorani_normalization",), between=_ARABIC),
    "spanish": Language("light_spanish"),
    "swedish": Language("swedish"),
    "thai": Language("", between=_ARABIC, tokenizer="thai"),
    "turkish": Language("turkish", before=("apostrophe",), lower="turkish"),
}
"""Elasticsearch's built-in analyzers by their names, but `brazilian`: a language code carries no region."""


def analyzer_of(language: str) -> str:
    """Give the name of the analyzer that inflections of a language are searched with."""
    return f"newsriver_{language}"


def analysis() -> Json:
    """Give the index settings that declare all analyzers; values are text, as Elasticsearch gives them back."""
    filters: Json = {
        # Asciifolding knows Latin accents only; Greek lower case drops its own, and takes other letters as usual.
        _GREEK: {"type": "lowercase", "language": "greek"},
        _YO: {"type": "pattern_replace", "pattern": "ё", "replacement": "е"},
        _CJK: {"type": "cjk_bigram"},
        _CJK_AND_SIGNS: {"type": "cjk_bigram", "output_unigrams": "true"},
        "newsriver_english_possessive": {"type": "stemmer", "language": "possessive_english"},
        "newsriver_irish_hyphenation": {"type": "stop", "stopwords": ["h", "n", "t"], "ignore_case": "true"},
        "newsriver_dutch_override": {
            "type": "stemmer_override",
            "rules": ["fiets=>fiets", "bromfiets=>bromfiets", "ei=>eier", "kind=>kinder"],
        },
    }
    analyzers: Json = {EXACT: _exact(_CJK_AND_SIGNS), EXACT_SEARCH: _exact(_CJK)}
    analyzers[AS_WRITTEN] = _custom("standard", (), ("cjk_width", _CJK))
    for name, language in LANGUAGES.items():
        filters |= _filters_of(name, language)
        analyzers[analyzer_of(name)] = _analyzer(name, language)
    return {
        "char_filter": {_NO_JOINER: {"type": "mapping", "mappings": ["\\u200C=>\\u0020"]}},
        "filter": filters,
        "analyzer": analyzers,
    }


def _exact(pairs: str) -> Json:
    letters = ("decimal_digit", "arabic_normalization", "persian_normalization", "asciifolding")
    return _custom("standard", (), ("cjk_width", _GREEK, _YO, pairs, *letters))


def _custom(tokenizer: str, char_filters: tuple[str, ...], filters: tuple[str, ...]) -> Json:
    return {"type": "custom", "tokenizer": tokenizer, "char_filter": list(char_filters), "filter": list(filters)}


def _filters_of(name: str, language: Language) -> Json:
    filters: Json = {_named(name, "stop"): {"type": "stop", "stopwords": f"_{language.stopwords or name}_"}}
    if language.stemmer:
        filters[_named(name, "stemmer")] = {"type": "stemmer", "language": language.stemmer}
    if language.elided:
        elision = {"type": "elision", "articles": list(language.elided), "articles_case": "true"}
        filters[_named(name, "elision")] = elision
    if language.lower:
        filters[_named(name, "lowercase")] = {"type": "lowercase", "language": language.lower}
    return filters


def _analyzer(name: str, language: Language) -> Json:
    filters = (
        *language.before,
        *([_named(name, "elision")] if language.elided else []),
        "cjk_width",
        _named(name, "lowercase") if language.lower else "lowercase",
        *language.between,
        _CJK,
        _named(name, "stop"),
        *language.after,
        *([_named(name, "stemmer")] if language.stemmer else []),
        *language.last,
        "asciifolding",
    )
    return _custom(language.tokenizer, (_NO_JOINER,) if name == "persian" else (), filters)


def _named(language: str, kind: str) -> str:
    return f"newsriver_{language}_{kind}"
