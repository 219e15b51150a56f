"""What Elasticsearch is told about the records: mappings and index templates, derived from the records. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from schemas.analysis import AS_WRITTEN, EXACT, EXACT_SEARCH, analysis, analyzer_of
from schemas.records import (
    AlertDelivery,
    AlertProgress,
    Article,
    FeedHealth,
    Outcome,
    Record,
    Revision,
    SavedSearch,
    WorkerState,
)

Json = dict[str, Any]

RIVER = "<river>"
"""Stands for the river's name in the stored templates."""

MAX_KEYWORD = 8191
"""Longest keyword that is indexed, in characters: always within Lucene's 32,766 bytes of UTF-8."""

TEXTS: dict[type[Record], frozenset[str]] = {Article: frozenset({"title", "summary", "body"})}
"""Fields that are searched by their words; every other string is a keyword."""

SCHEMA_VERSION = 3
"""Number of the mappings' generation, in `_meta.schema_version`: one more with each change of what exists."""

STORED: dict[type[Record], frozenset[str]] = {
    Revision: frozenset({"title", "summary", "body"}),
    SavedSearch: frozenset({"query", "target", "secret", "trouble"}),
    AlertDelivery: frozenset({"title", "summary"}),
}
"""Fields that are kept and never searched."""

_TEXT: Json = {"type": "text", "analyzer": EXACT, "search_analyzer": EXACT_SEARCH}
_KEPT: Json = {"type": "text", "index": False}
_WORDS: Json = {"words": dict(_TEXT)}
_AS_WRITTEN: Json = {"as_written": {"type": "text", "analyzer": AS_WRITTEN}}
_SUBFIELDS: dict[type[Record], dict[str, Json]] = {
    Article: {"title": _AS_WRITTEN, "body": _AS_WRITTEN, "authors": _WORDS}
}

STEM_ANALYZERS: dict[str, str] = {
    "ar": "arabic",
    "bg": "bulgarian",
    "bn": "bengali",
    "ca": "catalan",
    "ckb": "sorani",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "gl": "galician",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "ja": "cjk",
    "ko": "cjk",
    "lt": "lithuanian",
    "lv": "latvian",
    "nb": "norwegian",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "th": "thai",
    "tr": "turkish",
    "zh": "cjk",
}
"""The row of `schemas.analysis.LANGUAGES` for each language, by ISO 639 code; also its field's name below `stem`."""


def properties(record: type[BaseModel]) -> Json:
    """Give the mapping's properties for a record's fields, in the order of declaration.

    Raises:
        TypeError: a field has a type that no rule here maps.
    """
    texts = TEXTS.get(record, frozenset()) if issubclass(record, Record) else frozenset()
    kept = STORED.get(record, frozenset()) if issubclass(record, Record) else frozenset()
    found = {
        name: dict(_TEXT) if name in texts else dict(_KEPT) if name in kept else _field(field.annotation)
        for name, field in record.model_fields.items()
    }
    for name, more in (_SUBFIELDS.get(record, {}) if issubclass(record, Record) else {}).items():
        found[name] |= {"fields": more}
    return found


def _field(annotation: Any) -> Json:  # noqa: ANN401 - any type annotation
    """Map one annotation; Elasticsearch has no lists, every field may hold many values."""
    kind = _innermost(annotation)
    if isinstance(kind, type):
        if issubclass(kind, BaseModel):
            return {"properties": properties(kind)}
        for base, mapped in _BY_TYPE:
            if issubclass(kind, base):
                return dict(mapped)
    raise TypeError(f"no mapping for {annotation!r}")


# bool before int: a bool is an int in Python.
_BY_TYPE: tuple[tuple[type, Json], ...] = (
    (bool, {"type": "boolean"}),
    (Enum, {"type": "keyword", "ignore_above": MAX_KEYWORD}),
    (str, {"type": "keyword", "ignore_above": MAX_KEYWORD}),
    (int, {"type": "long"}),
    (float, {"type": "float"}),
    (datetime, {"type": "date"}),
)


def _innermost(annotation: Any) -> Any:  # noqa: ANN401 - any type annotation
    """Unwrap optional, annotated and list types."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _innermost(get_args(annotation)[0])
    if origin in (Union, UnionType):
        [inner] = [part for part in get_args(annotation) if part is not type(None)]
        return _innermost(inner)
    if origin is list:
        return _innermost(get_args(annotation)[0])
    # pydantic's AwareDatetime is a class of its own that no datetime is an instance of.
    return datetime if getattr(annotation, "__name__", "") == "AwareDatetime" else annotation


def _stem() -> Json:
    """Map the derived object: title and body once more, in the field of the article's own language.

    Frequencies suffice: phrases are searched in `body`, and highlights are made from `body` too, by analysing it
    again. Positions would make an index a quarter larger.
    """
    analyzers = sorted(set(STEM_ANALYZERS.values()))
    return {
        "properties": {
            name: {"type": "text", "analyzer": analyzer_of(name), "index_options": "freqs"} for name in analyzers
        }
    }


def mappings(record: type[Record]) -> Json:
    """Give the whole strict mapping of a record that is indexed."""
    return {"dynamic": "strict", "properties": properties(record) | (_derived() if record is Article else {})}


def _derived() -> Json:
    """Map what a document has beside its article, for searching."""
    keyword = {"type": "keyword", "ignore_above": MAX_KEYWORD}
    return {
        "dated_at": {"type": "date"},
        "indexed_at": {"type": "date"},
        "updated_at": {"type": "date"},
        "site": keyword,
        "site_tree": keyword,
        "stem": _stem(),
    }


def templates() -> dict[str, Json]:
    """Give the index templates by what they hold, such as `articles`, for the river named `<river>`.

    Refresh interval and replicas are the settings' business and are added when the template is installed.
    """
    indexed: dict[str, type[Record]] = {
        "articles": Article,
        "outcomes": Outcome,
        "revisions": Revision,
        "feeds": FeedHealth,
        "workers": WorkerState,
        "saved-searches": SavedSearch,
        "alert-deliveries": AlertDelivery,
        "alert-progress": AlertProgress,
    }
    return {name: _template(name, record) for name, record in indexed.items()}


def _template(name: str, record: type[Record]) -> Json:
    return {
        "index_patterns": [f"{RIVER}-{name}-*"],
        # Above the built-in templates for logs-*-* and metrics-*-* (100), whatever the river's name.
        "priority": 200,
        # A write must never make an index behind our back; the sink creates it, template checked.
        "allow_auto_create": False,
        "template": {
            "settings": {
                "index": {"codec": "best_compression"} | ({"analysis": analysis()} if TEXTS.get(record) else {})
            },
            "mappings": mappings(record),
        },
        "_meta": {"managed_by": "newsriver setup", "schema_version": SCHEMA_VERSION},
    }


def fields(properties: Mapping[str, Any], prefix: str = "") -> Json:
    """Flatten a mapping's properties: the definition of each field by its dotted name, objects left out."""
    flat: Json = {}
    for name, definition in properties.items():
        if "properties" in definition:
            flat |= fields(definition["properties"], f"{prefix}{name}.")
        else:
            flat[prefix + name] = definition
    return flat


def nested(flat: Mapping[str, Any]) -> Json:
    """Undo `fields`: give the properties that hold the definitions by dotted name."""
    tree: Json = {}
    for name, definition in flat.items():
        *parents, leaf = name.split(".")
        level = tree
        for parent in parents:
            level = level.setdefault(parent, {"properties": {}})["properties"]
        level[leaf] = definition
    return tree
