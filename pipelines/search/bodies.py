"""A query -> what Elasticsearch is sent. Pure.

Words are searched as written in title and body and inflected in the field of a language; the score is that of the
text, plus recency, plus the number of sources of a story where the index knows stories. No part of a user's text is
read by the server as syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipelines.index.documents import DERIVED
from pipelines.search.lexer import is_cjk
from pipelines.search.query import Query, walk
from pipelines.search.tree import AUTO, All, Either, Filter, Node, Not, Period, Phrase, Word
from pipelines.settings import SearchSettings
from schemas.mapping import STEM_ANALYZERS

Json = dict[str, Any]

MATCH_START, MATCH_END = "\ue000", "\ue001"
"""Put around matched words by Elasticsearch: private-use characters, since text may hold any markup."""

AS_WRITTEN = ("title.as_written", "body.as_written")
"""Fields in which accents and case matter."""

WITHOUT_DERIVED: Json = {"excludes": [*DERIVED, "updated_at"]}
"""What is read of a document: the article's own fields."""

STORY, STORY_SOURCES = "story", "story_sources"

_SNIPPETS, _SNIPPET_CHARACTERS = 3, 160
_MOST_HIGHLIGHTED = 200_000
_MOST_EXPANSIONS = 50
_CJK_WORD = re.compile("[\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]{3,}")
_THAI = re.compile("[\u0e00-\u0e7f]")
_TOPIC_ID = re.compile(r"medtop:\d{8}")


class SortOrder(StrEnum):
    """The order of the answers."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class Ranking:
    """What the score is made of.

    Attributes:
        now: the present: newer articles come first among equals.
        settings: the weights.
        stories: whether the index knows the number of a story's sources.
    """

    now: datetime
    settings: SearchSettings
    stories: bool = False


def filter_body(query: Query, settings: SearchSettings, among: tuple[str, ...] = ()) -> Json:
    """Give the clause that says which articles fit, without a rank.

    Args:
        query: the query.
        settings: of searches.
        among: languages that all articles in question have one of, so that inflections of others need not be tried;
            empty for any.
    """
    return {"bool": _split(query, settings, among)}


def ranked_body(query: Query, ranking: Ranking) -> Json:
    """Give the clause that finds and scores."""
    settings = ranking.settings
    clause: Json = {"bool": _split(query, settings)}
    recency = {"field": "dated_at", "origin": ranking.now.isoformat(), "pivot": f"{settings.recency_days:g}d"}
    clause["bool"]["should"] = [{"distance_feature": recency | {"boost": settings.recency_weight}}]
    if not ranking.stories:
        return clause
    sources = {"field": STORY_SOURCES, "modifier": "log1p", "factor": settings.story_weight, "missing": 0}
    return {"function_score": {"query": clause, "field_value_factor": sources, "boost_mode": "sum"}}


def sorting(order: SortOrder) -> list[Json]:
    """Give the sort: always a total order, by the article's id at last, so that a page can begin behind any article."""
    newest: Json = {"dated_at": {"order": "desc", "unmapped_type": "date"}}
    last: Json = {"id": {"order": "asc", "unmapped_type": "keyword"}}
    by: dict[SortOrder, list[Json]] = {
        SortOrder.RELEVANCE: [{"_score": "desc"}, newest],
        SortOrder.NEWEST: [newest],
        SortOrder.OLDEST: [{"dated_at": {"order": "asc", "unmapped_type": "date"}}],
        # Documents of an older version have no such time; they come last.
        SortOrder.UPDATED: [{"updated_at": {"order": "desc", "unmapped_type": "date"}}, newest],
    }
    return [*by[order], last]


def highlighting(query: Query) -> Json:
    """Mark matches, those of the stemmed fields too: the text is analysed again, nothing is stored for it."""
    stems = [f"stem.{name}" for name in _stems(query.languages)]
    written = AS_WRITTEN if has_exact(query) else ()
    body = {
        "matched_fields": ["body", *stems, *(name for name in written if name.startswith("body"))],
        "number_of_fragments": _SNIPPETS,
        "fragment_size": _SNIPPET_CHARACTERS,
        "no_match_size": _SNIPPET_CHARACTERS,
        "order": "score",
    }
    title = {"number_of_fragments": 0, "matched_fields": ["title", *(n for n in written if n.startswith("title"))]}
    return {
        "type": "unified",
        "pre_tags": [MATCH_START],
        "post_tags": [MATCH_END],
        "max_analyzed_offset": _MOST_HIGHLIGHTED,
        "fields": {"title": title, "body": body},
    }


def has_exact(query: Query) -> bool:
    """Tell whether accents and case matter in any part."""
    return any(isinstance(node, Word | Phrase) and node.exact for node in walk(query.nodes))


def time_filters(query: Query) -> list[Json]:
    """Give the clauses that restrict the time alone."""
    return [_filter(node) for node in query.nodes if isinstance(node, Period)]


def whole_intervals(interval: str, first: datetime, last: datetime) -> Json:
    """Give the clause for all intervals from that of one time to that of another; the server does the calendar."""
    unit = {"minute": "m", "hour": "h", "day": "d", "week": "w", "month": "M", "year": "y"}[interval]
    return {"range": {"dated_at": {"gte": f"{first.isoformat()}||/{unit}", "lte": f"{last.isoformat()}||/{unit}"}}}


def _split(query: Query, settings: SearchSettings, among: tuple[str, ...] = ()) -> Json:
    """Sort what must be so into what scores, what only filters and what must not be."""
    stems = _stems(query.languages or among)
    must = [_clause(node, stems, settings) for node in query.nodes if not isinstance(node, Filter | Period | Not)]
    must += [_clause(node, stems, settings) for node in query.nodes if getattr(node, "name", "") == "title"]
    filters = [_filter(node) for node in query.nodes if isinstance(node, Filter | Period) and node.name != "title"]
    must_not = [_clause(node.node, stems, settings) for node in query.nodes if isinstance(node, Not)]
    if not settings.show_gone and not any(getattr(node, "name", "") == "gone" for node in walk(query.nodes)):
        must_not.append({"exists": {"field": "gone_at"}})
    return {"must": must or [{"match_all": {}}], "filter": filters, "must_not": must_not}


def _clause(node: Node, stems: tuple[str, ...], settings: SearchSettings) -> Json:
    match node:
        case Word():
            return _word(node, stems, settings)
        case Phrase():
            return _phrase(node, settings)
        case Filter() | Period():
            return _filter(node)
        case Not():
            return {"bool": {"must": [{"match_all": {}}], "must_not": [_clause(node.node, stems, settings)]}}
        case All():
            return {"bool": {"must": [_clause(one, stems, settings) for one in node.nodes]}}
        case Either():
            return _any(_clause(one, stems, settings) for one in node.nodes)


def _any(clauses: Iterable[Json]) -> Json:
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}}


def _word(node: Word, stems: tuple[str, ...], settings: SearchSettings) -> Json:
    plain = [f"title^{settings.title_weight:g}", "body"]
    if node.exact:
        return _exact(node.text)
    if node.prefix:
        return _multi(node.text, plain, type="bool_prefix", operator="and")
    if node.fuzzy:
        edits = "AUTO" if node.fuzzy == AUTO else node.fuzzy
        options: Json = {"fuzziness": edits, "prefix_length": 1, "max_expansions": _MOST_EXPANSIONS}
        return _multi(node.text, plain, operator="and", **options)
    if _CJK_WORD.search(node.text):
        # Such a word is searched by its pairs of signs; only in a phrase need they stand beside each other.
        return _multi(node.text, plain, type="phrase")
    return _multi(node.text, [*plain, *(f"stem.{name}" for name in stems)], operator="and")


def _phrase(node: Phrase, settings: SearchSettings) -> Json:
    if node.exact:
        return _exact(node.text)
    phrase = _multi(node.text, [f"title^{settings.title_weight:g}", "body"], type="phrase", slop=node.slop)
    if _THAI.search(node.text) and not is_cjk(node.text):
        # Thai words are told apart by a dictionary, in a field that has no positions.
        return _any([phrase, _multi(node.text, ["stem.thai"], operator="and")])
    return phrase


def _exact(text: str) -> Json:
    """Search as written; both shapes of the apostrophe are one."""
    spellings = sorted({text, text.replace("’", "'"), text.replace("'", "’")})
    return _any(_multi(one, list(AS_WRITTEN), type="phrase") for one in spellings)


def _multi(text: str, fields: list[str], **options: Any) -> Json:  # noqa: ANN401 - JSON
    # Lenient: a phrase in a field without positions finds nothing there instead of failing.
    return {"multi_match": {"query": text, "fields": fields, "lenient": True, **options}}


def _stems(languages: tuple[str, ...]) -> tuple[str, ...]:
    """Give the stemmed fields to search: those of the languages, or all where none is given."""
    wanted = (STEM_ANALYZERS[code] for code in languages or STEM_ANALYZERS if code in STEM_ANALYZERS)
    return tuple(sorted(set(wanted)))


def _filter(node: Filter | Period) -> Json:
    if isinstance(node, Period):
        bounds = {"gte": node.since, "lt": node.until}
        return {"range": {"dated_at": {side: when.isoformat() for side, when in bounds.items() if when}}}
    wanted = [_value(node.name, value) for value in node.values]
    excluded = [_value(node.name, value) for value in node.excluded]
    if node.name == "gone":
        return _gone(node.values[0])
    clause: Json = {"bool": {"must_not": excluded}} if excluded else {"bool": {}}
    if wanted:
        clause["bool"] |= {"should": wanted, "minimum_should_match": 1}
    return wanted[0] if len(wanted) == 1 and not excluded else clause


def _gone(wanted: str) -> Json:
    removed: Json = {"exists": {"field": "gone_at"}}
    if wanted == "with":
        return {"match_all": {}}
    return removed if wanted == "only" else {"bool": {"must_not": [removed]}}


def _value(name: str, value: str) -> Json:
    """Give the clause for one value of a filter."""
    match name:
        case "topic":
            return _term("topics.id" if _TOPIC_ID.fullmatch(value) else "topics.label", value)
        case "author":
            return _any([_term("authors", value), {"match_phrase": {"authors.words": {"query": value}}}])
        case "title":
            kind = "phrase_prefix" if value.endswith("*") else "phrase"
            return _multi(value.rstrip("*"), ["title"], type=kind)
        case "url":
            return _address(value)
        case "site":
            # Documents that were written before there was such a field are found by their address.
            hosts = (f"{scheme}://{www}{value}/" for scheme in ("https", "http") for www in ("", "www."))
            return _any([_term("site_tree", value), *({"prefix": {"url": {"value": host}}} for host in hosts)])
    return _term({"lang": "language"}.get(name, name), value)


def _address(value: str) -> Json:
    if value.endswith("*"):
        return {"prefix": {"url": {"value": value.rstrip("*")}}}
    other = value.rstrip("/") if value.endswith("/") else f"{value}/"
    return {"bool": {"should": [{"terms": {field: [value, other]}} for field in ("url", "addresses")]}}


def _term(field: str, value: str) -> Json:
    return {"term": {field: {"value": value, "case_insensitive": True}}}
