"""What an answer of Elasticsearch means for each document: the sink's outcome table. Pure.

Only a document's own fault ends it; everything that can pass by waiting waits, for ever.
Statuses and error types: https://www.elastic.co/guide/en/elasticsearch/reference/8.19/docs-bulk.html and the tests
against a real server in `tests/contract/test_sink.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import orjson

from pipelines.index.documents import Document
from schemas.records import OutcomeKind

_OK, _CREATED, _FAILED, _CONFLICT, _TOO_LARGE, _TOO_MANY, _SERVER = 200, 201, 400, 409, 413, 429, 500
_NO_ACCESS = frozenset({401, 403})

NO_ACCESS_HINT = "see elasticsearch.api_key, or elasticsearch.username and elasticsearch.password"

WAITING_TYPES: dict[str, str] = {
    "cluster_block_exception": "index-block",
    "index_closed_exception": "index-closed",
    "index_not_found_exception": "no-index",
    "security_exception": "no-access",
    # Our own code made the document, so the index is older than the code: `newsriver setup` adds the field.
    "strict_dynamic_mapping_exception": "stale-mapping",
}
"""Errors of an index, not of a document, by Elasticsearch's name; all of them have a 4xx status."""

MAPPING_TYPES = frozenset({"document_parsing_exception", "mapper_parsing_exception", "illegal_argument_exception"})
"""Errors of a document that the mapping cannot take."""

REPLAYED = "replayed"
"""Reason of a verdict: the index has this very version already."""

_FIELD = re.compile(r'field \[([^\[\]]+)\]|object mapping for \[([^\[\]]+)\]|term in field="([^"]+)"')
_CURRENT_VERSION = re.compile(r"current version \[(\d+)\]")
_MAX_DETAIL = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the writing of one document ended.

    Attributes:
        document: the document.
        kind: `indexed`, `updated`, `unchanged`, `superseded` or `dead`.
        reason: why, as a short name: `mapping`, `too-large`, `replayed`; empty where the kind says it all.
        detail: the same for people, one line.
        alarm: whether nobody foresaw this answer.
    """

    document: Document
    kind: OutcomeKind
    reason: str = ""
    detail: str = ""
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """The document is not at fault: it goes again later.

    Attributes:
        reason: a short name: `busy`, `no-answer`, `index-closed`.
        detail: the same for people, one line.
        whole: whether the whole request was refused, whatever the documents in it.
    """

    reason: str
    detail: str
    whole: bool = False


class Whole(Enum):
    """What a bulk request's own status says, apart from its items."""

    ITEMS = auto()
    """The server has taken it: each item has its own answer."""
    SPLIT = auto()
    """Too large or not understood: its halves may pass, and one document alone may be at fault."""


def judge_request(status: int, detail: str, error_type: str = "") -> Whole | Wait:
    """Judge the answer to a whole bulk request by its HTTP status.

    Only two may be about a document: too large (413), by whoever says so, and not understood (400), when Elasticsearch
    itself says so by its own kind of error. All others are about access, or something on the way that is no
    Elasticsearch: they wait.

    Args:
        status: HTTP status.
        detail: what the answer says, one line.
        error_type: Elasticsearch's name of the error; empty where the answer is not in its form.
    """
    if status == _OK:
        return Whole.ITEMS
    if status == _TOO_LARGE or (status == _FAILED and error_type):
        return Whole.SPLIT
    if status == _TOO_MANY:
        return Wait("busy", detail, whole=True)
    if status in _NO_ACCESS:
        return Wait("no-access", f"status {status}: {detail}; {NO_ACCESS_HINT}"[:_MAX_DETAIL], whole=True)
    return Wait("server-error" if status >= _SERVER else "refused", f"status {status}: {detail}", whole=True)


def control_lines(index: str) -> bytes:
    """Give a bulk request that any Elasticsearch takes and that changes nothing: the update of a document that is not.

    Who refuses it refuses every request, whatever is in it.
    """
    action = {"update": {"_index": index, "_id": "newsriver-control"}}
    return b"".join((orjson.dumps(action), b"\n", orjson.dumps({"doc": {}}), b"\n"))


def judge_alone(document: Document, status: int, detail: str) -> Verdict:
    """Judge a document that was refused although it was alone in its request."""
    if status == _TOO_LARGE:
        size = f"{len(document.source):,} bytes are more than the server takes in one request"
        return Verdict(document, OutcomeKind.DEAD, "too-large", size)
    return Verdict(document, OutcomeKind.DEAD, "refused", f"status {status}: {detail}"[:_MAX_DETAIL], alarm=True)


def judge(document: Document, item: Mapping[str, Any]) -> Verdict | Wait:
    """Judge one item of a bulk answer.

    Args:
        document: the document the item is about.
        item: the item's content: `status`, and `result` or `error`.
    """
    status = item.get("status", 0)
    error = item.get("error") or {}
    kind, detail = str(error.get("type", "")), _describe(error)
    if status in (_OK, _CREATED):
        return _done(document, str(item.get("result", "")))
    if waits := _why_wait(status, kind):
        return Wait(waits, detail)
    if status == _CONFLICT:
        return _conflict(document, detail)
    if not _FAILED <= status < _SERVER:
        return Verdict(document, OutcomeKind.DEAD, "unknown-answer", f"{item!r}"[:_MAX_DETAIL], alarm=True)
    return Verdict(document, OutcomeKind.DEAD, _why_dead(status, kind), detail)


def _why_wait(status: int, kind: str) -> str:
    """Name the reason to wait; empty where waiting cannot help."""
    if kind in WAITING_TYPES:
        return WAITING_TYPES[kind]
    if status in _NO_ACCESS:  # by whatever name a security module calls it
        return "no-access"
    if status == _TOO_MANY:
        return "busy"
    return "server-error" if status >= _SERVER else ""


def _why_dead(status: int, kind: str) -> str:
    if status == _TOO_LARGE:
        return "too-large"
    return "mapping" if kind in MAPPING_TYPES else "refused"


def _done(document: Document, result: str) -> Verdict:
    return Verdict(document, OutcomeKind.INDEXED if result == "created" else OutcomeKind.UPDATED)


def _conflict(document: Document, detail: str) -> Verdict:
    """Tell our own earlier write from a newer one.

    A request that timed out after it was applied, or a replay after a crash, finds its very version: then this visit
    did index the article, and the ledger says so.
    """
    current = _CURRENT_VERSION.search(detail)
    if current is None or int(current[1]) != document.version:
        return Verdict(document, OutcomeKind.SUPERSEDED)
    return Verdict(document, OutcomeKind.UPDATED if document.revisit else OutcomeKind.INDEXED, REPLAYED)


def _describe(error: Mapping[str, Any]) -> str:
    """Give an error as one line, the field it is about first."""
    cause = error.get("caused_by") or {}
    parts = [str(part["reason"]) for part in (error, cause) if part.get("reason")]
    text = " ".join(": ".join(parts).split()) or str(error.get("type", ""))
    field = _FIELD.search(text)
    if field is not None:
        text = f"field {next(filter(None, field.groups()))}: {text}"
    return text[:_MAX_DETAIL]
