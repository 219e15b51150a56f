"""What a user asks for -> the search body for Elasticsearch. Pure."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from pipelines.errors import UsageError
from schemas.mapping import STEM_ANALYZERS
from schemas.media_topics import TOP_TOPICS
from schemas.records import Right

Json = dict[str, Any]

EVERYTHING = "*"

MATCH_START, MATCH_END = "\ue000", "\ue001"
"""Put around matched words by Elasticsearch: private-use characters, since text may hold any markup."""

_SNIPPETS, _SNIPPET_CHARACTERS = 3, 160
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,6})\s*([mhdw])")
_TOPIC_ID = re.compile(r"(?:medtop:)?(\d{8})")
_APOSTROPHES = dict.fromkeys(map(ord, "`´ʼ′"), "'")  # the analyzers know ’ and ‘
_CJK_WORD = re.compile("[\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]{3,}(?![*~\\w])")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


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


def parse_time(text: str, now: datetime, *, end: bool = False) -> datetime:
    """Read a time as users write it: `2d` and `12h` ago, `2026-11-01`, `2026-11-01T09:30+01:00`.

    Args:
        text: what was written; a date without a time zone is in UTC.
        now: the present.
        end: whether a bare date means the end of its day.

    Raises:
        UsageError: it is none of these.
    """
    text = text.strip()
    try:
        if span := _SPAN.fullmatch(text.lower()):
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        when = datetime.fromisoformat(text)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return when + timedelta(days=1) if end and not re.search("[T ]", text) else when
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no time", hint="write 2d, 12h, 30m, 3w, or a date: 2026-11-01") from None


def parse_language(text: str) -> str:
    """Read a language code; a region is dropped: `en-GB` is `en`.

    Raises:
        UsageError: it is no code.
    """
    code = re.split(r"[-_]", text.strip().lower())[0]
    if not _LANGUAGE.fullmatch(code):
        raise UsageError(f"{text!r} is no language code", hint="write two or three letters, such as en or de")
    return code


def parse_rights(text: str) -> str:
    """Read the name of what publishers reserve, such as `noai`, with `-` before it for articles that lack it.

    Raises:
        UsageError: there is no such name; the message gives the nearest, or all.
    """
    wanted = text.strip().lower()
    name = wanted.removeprefix("-")
    known = [right.value for right in Right]
    if name in known:
        return wanted
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"it may be {_some(known, len(known))}"
    raise UsageError(f"no publisher reserves {text!r}", hint=hint, resource=text)


def find_topic(text: str) -> str:
    """Find the id of a topic by its id, its label, or a part of the label that no other has.

    Raises:
        UsageError: there is none, or more than one; the message names the nearest.
    """
    wanted = text.strip().lower()
    if number := _TOPIC_ID.fullmatch(wanted):
        return f"medtop:{number[1]}"
    labels = {topic.label: topic.id for topic in TOP_TOPICS}
    if wanted in labels:
        return labels[wanted]
    found = [label for label in labels if wanted and re.search(rf"\b{re.escape(wanted)}", label)]
    if len(found) == 1:
        return labels[found[0]]
    if found:
        raise UsageError(f"topic {text!r} may be {_some(found)}", hint="write more of the label", resource=text)
    words = {word: label for label in labels for word in [label, *re.findall(r"\w{3,}", label)]}
    near = difflib.get_close_matches(wanted, words, n=1, cutoff=0.5)
    hint = f"did you mean {words[near[0]]!r}?" if near else f"topics are {_some(list(labels), len(labels))}"
    raise UsageError(f"no topic {text!r}", hint=hint, resource=text)


def _some(labels: list[str], most: int = 4) -> str:
    return ", ".join(repr(label) for label in labels[:most]) + (" ..." if len(labels) > most else "")
