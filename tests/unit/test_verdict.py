"""The sink's outcome table, line by line; the errors are as a server of 8.19 words them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.index.documents import Document, article_indices
from pipelines.index.verdict import Verdict, Wait, Whole, control_lines, judge, judge_alone, judge_request
from schemas.records import OutcomeKind

FIRST = Document("a", article_indices("news"), "news-articles-2026.11", 5, b"{}")
REVISIT = Document("a", article_indices("news"), "news-articles-2026.11", 5, b"{}", revisit=True)


def failed(status: int, kind: str, reason: str = "", cause: str = "") -> dict[str, Any]:
    caused_by = {"caused_by": {"type": "x", "reason": cause}} if cause else {}
    return {"status": status, "error": {"type": kind, "reason": reason, **caused_by}}


def conflict(current: int) -> dict[str, Any]:
    reason = f"[a]: version conflict, current version [{current}] is higher or equal to the one provided [5]"
    return failed(409, "version_conflict_engine_exception", reason)


@pytest.mark.parametrize(
    ("document", "item", "kind", "reason"),
    [
        (FIRST, {"status": 201, "result": "created"}, "indexed", ""),
        (FIRST, {"status": 200, "result": "updated"}, "updated", ""),
        (FIRST, conflict(6), "superseded", ""),
        (FIRST, conflict(5), "indexed", "replayed"),
        (REVISIT, conflict(5), "updated", "replayed"),
        (FIRST, failed(409, "version_conflict_engine_exception", "in other words"), "superseded", ""),
        (FIRST, failed(400, "document_parsing_exception", "[1:9] failed to parse"), "dead", "mapping"),
        (FIRST, failed(400, "mapper_parsing_exception", "failed to parse"), "dead", "mapping"),
        (FIRST, failed(400, "illegal_argument_exception", "immense term"), "dead", "mapping"),
        (FIRST, failed(413, "content_too_long_exception", "entity too long"), "dead", "too-large"),
        (FIRST, failed(400, "routing_missing_exception", "routing is required"), "dead", "refused"),
        (FIRST, failed(404, "document_missing_exception", "no such document"), "dead", "refused"),
    ],
)
def test_documents_that_end(document: Document, item: dict[str, Any], kind: str, reason: str) -> None:
    verdict = judge(document, item)
    assert isinstance(verdict, Verdict)
    assert (verdict.document, verdict.kind, verdict.reason, verdict.alarm) == (document, kind, reason, False)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (failed(429, "es_rejected_execution_exception", "rejected execution of coordinating operation"), "busy"),
        (failed(429, "circuit_breaking_exception", "[parent] Data too large"), "busy"),
        (failed(429, "cluster_block_exception", "disk usage exceeded flood-stage watermark"), "index-block"),
        (failed(403, "cluster_block_exception", "index [x] blocked by: [FORBIDDEN/8/index write]"), "index-block"),
        (failed(403, "security_exception", "action is unauthorized"), "no-access"),
        (failed(403, "authorization_exception", "a module of its own"), "no-access"),
        (failed(401, "", ""), "no-access"),
        (failed(400, "index_closed_exception", "closed"), "index-closed"),
        (failed(404, "index_not_found_exception", "no such index"), "no-index"),
        (failed(400, "strict_dynamic_mapping_exception", "dynamic introduction of [mood]"), "stale-mapping"),
        (failed(503, "unavailable_shards_exception", "primary shard is not active"), "server-error"),
        (failed(500, "illegal_state_exception", "broken"), "server-error"),
        (failed(502, "", ""), "server-error"),
    ],
)
def test_documents_that_wait(item: dict[str, Any], reason: str) -> None:
    judged = judge(FIRST, item)
    assert isinstance(judged, Wait)
    assert judged.reason == reason


@pytest.mark.parametrize("item", [{}, {"status": 302}, {"status": 102, "error": {"type": "x"}}])
def test_what_nobody_foresaw_is_set_aside_with_an_alarm(item: dict[str, Any]) -> None:
    verdict = judge(FIRST, item)
    assert isinstance(verdict, Verdict)
    assert (verdict.kind, verdict.reason, verdict.alarm) == (OutcomeKind.DEAD, "unknown-answer", True)


@pytest.mark.parametrize(
    ("reason", "cause", "field"),
    [
        (
            "[1:44] failed to parse field [published_at] of type [date] in document with id 'a'",
            "failed to parse date field [soon]",
            "published_at",
        ),
        ("object mapping for [topics] tried to parse field [null] as object, but found a value", "", "topics"),
        ('Document contains at least one immense term in field="url" (whose UTF8 encoding is too long)', "", "url"),
    ],
)
def test_the_detail_names_the_field(reason: str, cause: str, field: str) -> None:
    verdict = judge(FIRST, failed(400, "document_parsing_exception", reason, cause))
    assert isinstance(verdict, Verdict)
    assert verdict.detail == f"field {field}: {reason}" + (f": {cause}" if cause else "")


def test_a_detail_is_one_line() -> None:
    verdict = judge(FIRST, failed(400, "document_parsing_exception", "no field\nis named"))
    assert isinstance(verdict, Verdict)
    assert verdict.detail == "no field is named"


def test_a_long_detail_is_cut() -> None:
    verdict = judge(FIRST, failed(400, "document_parsing_exception", "x" * 10_000))
    assert isinstance(verdict, Verdict)
    assert len(verdict.detail) == 500


OWN = "illegal_argument_exception"
"""An error in Elasticsearch's own form; what is on the way says it in HTML, or not at all."""


@pytest.mark.parametrize(
    ("status", "error_type", "expected"),
    [
        (200, "", Whole.ITEMS),
        (413, "", Whole.SPLIT),
        (413, OWN, Whole.SPLIT),
        (400, OWN, Whole.SPLIT),
        (400, "", "refused"),
        (429, OWN, "busy"),
        (429, "", "busy"),
        (401, OWN, "no-access"),
        (401, "", "no-access"),
        (403, "", "no-access"),
        *[(status, kind, "refused") for status in (302, 404, 405, 406, 407, 411, 414, 415, 431) for kind in ("", OWN)],
        *[(status, kind, "server-error") for status in (500, 502, 503, 504, 505, 511, 599) for kind in ("", OWN)],
    ],
)
def test_whole_requests(status: int, error_type: str, expected: Whole | str) -> None:
    judged = judge_request(status, "why", error_type)
    assert judged is expected or (isinstance(judged, Wait) and judged.reason == expected and judged.whole)


@given(st.integers(100, 599), st.sampled_from(["", OWN]))
def test_only_two_statuses_of_a_whole_request_can_be_about_a_document(status: int, error_type: str) -> None:
    judged = judge_request(status, "why", error_type)
    assert (judged is Whole.SPLIT) is (status == 413 or (status == 400 and error_type != ""))


def test_refused_access_says_what_to_look_at() -> None:
    judged = judge_request(401, "missing authentication credentials")
    assert isinstance(judged, Wait)
    assert "elasticsearch.api_key" in judged.detail


def test_a_control_request_writes_nothing_and_is_understood_as_any_other() -> None:
    lines = [json.loads(line) for line in control_lines("news-articles-2026.11").splitlines()]
    assert lines == [{"update": {"_index": "news-articles-2026.11", "_id": "newsriver-control"}}, {"doc": {}}]


@pytest.mark.parametrize(("status", "reason", "alarm"), [(413, "too-large", False), (400, "refused", True)])
def test_a_document_refused_alone(status: int, reason: str, alarm: bool) -> None:
    verdict = judge_alone(FIRST, status, "why")
    assert (verdict.kind, verdict.reason, verdict.alarm) == (OutcomeKind.DEAD, reason, alarm)
