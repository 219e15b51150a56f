"""A topic's records as people read them: found by name, decoded as the types that are declared for them. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from pydantic import SecretStr, ValidationError

from pipelines.errors import UsageError
from schemas.records import RECORDS, Record
from schemas.topics import TOPICS, Topic

_TYPES = {record.__name__: record for record in RECORDS}
# A dead letter keeps the headers it came with, so a header's name means the same in every topic.
_HEADER_TYPES = {header: _TYPES[kind] for topic in TOPICS for header, kind in topic.headers}

EXCERPT = 200
"""Characters shown of a value that is no record."""


def find_topic(name: str, river: str) -> Topic:
    """Find a declared topic by its name, with or without the river's.

    Raises:
        UsageError: there is none; the message names the nearest.
    """
    names = {topic.name: topic for topic in TOPICS}
    wanted = name.strip().lower().removeprefix(f"{river}.")
    if wanted in names:
        return names[wanted]
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"topics are {', '.join(names)}"
    raise UsageError(f"no topic {name!r}", hint=hint, resource=name)


def headers_as_json(headers: Mapping[str, bytes]) -> dict[str, Any]:
    """Give message headers as JSON: a declared record as such, all else as text."""
    return {
        name: _record(_HEADER_TYPES[name], content) if name in _HEADER_TYPES else content.decode("utf-8", "replace")
        for name, content in headers.items()
    }


def value_as_json(topic: Topic, value: bytes | None) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Give a record's value: as the record it is declared as, or as its size and its beginning; None for a removal."""
    if value is None:
        return None
    return _record(_TYPES[topic.value], value) if topic.value in _TYPES else excerpt(value)


def excerpt(content: bytes) -> dict[str, Any]:
    """Give the size of some bytes and how they begin as text."""
    return {"bytes": len(content), "begins": content[: 4 * EXCERPT].decode("utf-8", "replace")[:EXCERPT]}


def time_of(timestamp_ms: int) -> datetime:
    """Give Kafka's time of a record."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC)


def holds(text: str, key: str | None, headers: Mapping[str, bytes], value: bytes | None) -> bool:
    """Tell whether a record holds a text in its key, its headers or its value, in any case."""
    wanted = text.casefold()
    parts = [(key or "").encode(), *headers.values(), value or b""]
    return any(wanted in part.decode("utf-8", "replace").casefold() for part in parts)


def _record(kind: type[Record], content: bytes) -> dict[str, Any]:
    """Read a record, its secrets masked; one that cannot be read says why and shows its bytes where none is secret."""
    try:
        return kind.from_json(content).model_dump(mode="json", exclude_none=True)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"]))
        return {
            "unreadable": f"no {kind.__name__}: {place + ': ' if place else ''}{problem['msg']}",
            **({"bytes": len(content)} if _has_secrets(kind) else excerpt(content)),
        }


def _has_secrets(kind: type[Record]) -> bool:
    return any(SecretStr in (field.annotation, *get_args(field.annotation)) for field in kind.model_fields.values())
