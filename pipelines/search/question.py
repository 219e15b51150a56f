"""What a user asks for -> the search body for Elasticsearch. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from schemas.mapping import STEM_ANALYZERS

Json = dict[str, Any]

EVERYTHING = "*"

MATCH_START, MATCH_END = "\ue000", "\ue001"
"""Put around matched words by Elasticsearch: private-use characters, since text may hold any markup."""

_SNIPPETS, _SNIPPET_CHARACTERS = 3, 160
_APOSTROPHES = dict.fromkeys(map(ord, "`´ʼ′"), "'")  # the analyzers know ’ and ‘
_CJK_WORD = re.compile("[\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]{3,}(?![*~\\w])")


class Sort(StrEnum):
    """The order of the answers."""

    RELEVANCE = "relevance"
    NEWEST = "newest"


class Gone(StrEnum):
    """What is done about articles that their sites have removed."""

    WITH = "with"
    WITHOUT = "without"
    ONLY = "only"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the user asks for.

    Attributes:
        text: words, "phrases", -exclusions, alternatives with |, prefixes with *; `*` alone means all.
        since: published, or discovered where no page says when, at or after this.
        until: the same, before this.
        topic: id of a topic, e.g. `medtop:11000000`.
        source: short name of an outlet.
        language: ISO 639 code.
        rights: name of a `Right` that the articles carry, or do not carry where `-` is before it.
        gone: whether articles that their sites have removed are among the answers.
        sort: order of the answers.
        limit: most answers.
    """

    text: str
    since: datetime | None = None
    until: datetime | None = None
    topic: str = ""
    source: str = ""
    language: str = ""
    rights: str = ""
    gone: Gone = Gone.WITH
    sort: Sort = Sort.RELEVANCE
    limit: int = 10


def count_body(question: Question) -> Json:
    """Give the body that counts."""
    filters = _filters(question)
    return {"query": {"bool": {"must": [_words(question)], "filter": filters}}}


def search_body(question: Question, now: datetime) -> Json:
    """Give the body that finds, highlights and counts exactly.

    Args:
        question: what to find.
        now: the present: among equally relevant articles newer ones come first.
    """
    body = count_body(question)
    # A fresh article gains a point, a week-old one half of it: enough to order equals, too little to bury the best.
    recency = {"field": "dated_at", "origin": now.isoformat(), "pivot": "7d", "boost": 1.0}
    body["query"]["bool"]["should"] = [{"distance_feature": recency}]
    newest: list[Json] = [
        {"dated_at": {"order": "desc", "unmapped_type": "date"}},
        {"first_seen": {"order": "desc", "unmapped_type": "date"}},
    ]
    by_score = question.sort is Sort.RELEVANCE and question.text != EVERYTHING
    return body | {
        "size": question.limit,
        "track_total_hits": True,
        "track_scores": True,
        "sort": [{"_score": "desc"}, *newest] if by_score else newest,
        "_source": {"excludes": ["dated_at", "stem"]},
        "highlight": _highlight(question),
    }


def _words(question: Question) -> Json:
    """Search the words: as written in title and body, or inflected in the field of a language."""
    if question.text == EVERYTHING:
        return {"match_all": {}}
    return {
        "simple_query_string": {
            "query": _written(question.text),
            "fields": ["title^3", "body", *(f"stem.{name}" for name in _stems(question.language))],
            "default_operator": "and",
            # Phrases need positions, which the stemmed fields have not: those are left out of phrases, in silence.
            "lenient": True,
        }
    }


def _written(text: str) -> str:
    """Give the words as the index has them: accents composed, one apostrophe, a word of three CJK signs a phrase.

    Such a word is searched by its pairs of signs; only in a phrase need they stand beside each other.
    """
    parts = unicodedata.normalize("NFC", text).translate(_APOSTROPHES).split('"')
    return '"'.join(part if at % 2 else _CJK_WORD.sub(r'"\g<0>"', part) for at, part in enumerate(parts))


def _stems(language: str) -> list[str]:
    """Give the stemmed fields to search: that of the language, or all where none is given."""
    if language:
        return [STEM_ANALYZERS[language]] if language in STEM_ANALYZERS else []
    return sorted(set(STEM_ANALYZERS.values()))


def _highlight(question: Question) -> Json:
    """Mark matches in the body, those of the stemmed fields too: the body is analysed again, nothing is stored."""
    stems = [f"stem.{name}" for name in _stems(question.language)]
    return {
        "type": "unified",
        "pre_tags": [MATCH_START],
        "post_tags": [MATCH_END],
        "fields": {
            "body": {
                "matched_fields": ["body", *stems],
                "number_of_fragments": _SNIPPETS,
                "fragment_size": _SNIPPET_CHARACTERS,
                "no_match_size": _SNIPPET_CHARACTERS,
                "order": "score",
            }
        },
    }


def _filters(question: Question) -> list[Json]:
    filters: list[Json] = []
    for field, value in (("topics.id", question.topic), ("source", question.source), ("language", question.language)):
        if value:
            filters.append({"term": {field: value}})
    if question.rights:
        carried: Json = {"term": {"rights": question.rights.removeprefix("-")}}
        filters.append({"bool": {"must_not": carried}} if question.rights.startswith("-") else carried)
    if question.gone is not Gone.WITH:
        removed: Json = {"exists": {"field": "gone_at"}}
        filters.append(removed if question.gone is Gone.ONLY else {"bool": {"must_not": removed}})
    if question.since or question.until:
        bounds = {"gte": question.since} if question.since else {}
        bounds |= {"lt": question.until} if question.until else {}
        filters.append({"range": {"dated_at": {side: when.isoformat() for side, when in bounds.items()}}})
    return filters
