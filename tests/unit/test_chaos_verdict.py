"""The accounts: each way to break a promise is found and named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipelines.lab.chaos.page_kinds import ANYHOW, ChaosPage, End, end_of
from pipelines.lab.chaos.verdict import FINDINGS, IndexedDocument, LedgerStep, judge
from schemas.records import OutcomeKind

GOOD, DEAD, ODD = "a" * 32, "b" * 32, "e" * 32
EXPECTED: dict[str, End] = {GOOD: end_of(ChaosPage.GOOD), DEAD: end_of(ChaosPage.NESTED), ODD: ANYHOW}
SEEN, LATER = datetime(2026, 11, 30, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
FEED, OTHER = "http://feed/", "http://other/"


def step(article_id: str, kind: OutcomeKind, reason: str = "", visit: int = 0, feed: str = FEED) -> LedgerStep:
    return LedgerStep(article_id, visit, kind, reason, feed, LATER, SEEN)


STEPS = [
    step(GOOD, OutcomeKind.DISCOVERED),
    step(GOOD, OutcomeKind.INDEXED),
    step(GOOD, OutcomeKind.DUPLICATE_URL, "other-feed", feed=OTHER),
    step(GOOD, OutcomeKind.UNCHANGED, "same-bytes", visit=1),
    step(DEAD, OutcomeKind.DEAD, "too-deep"),
    step(ODD, OutcomeKind.REJECTED, "whatever"),
    step("c" * 32, OutcomeKind.DEAD, "bad-entry", feed=""),
]
DOCUMENT = IndexedDocument(GOOD, "chaos-articles-2026.11", "http://paper/1", SEEN, frozenset({FEED, OTHER}))


def accounts(**changes: Any) -> Any:
    given: dict[str, Any] = {
        "expected": EXPECTED,
        "steps": STEPS,
        "documents": [DOCUMENT],
        "letters": [DEAD],
        "feeds": {GOOD: {FEED, OTHER}, DEAD: {FEED}},
        "late": {},
        "unaccounted": 0,
        "unreadable": 1,
    }
    return judge(**{**given, **changes})


def test_all_is_well() -> None:
    found = accounts()
    assert found.good
    assert found.ends == {"indexed": 1, "dead: too-deep": 1, "rejected: whatever": 1}
    assert {name: len(ids) for name, ids in found.findings.items()} == dict.fromkeys(FINDINGS, 0)
    assert found.as_json()["lost"] == found.as_json()["duplicate_documents"] == 0


def test_a_hostile_page_may_be_in_the_index_or_not() -> None:
    assert accounts(documents=[DOCUMENT, IndexedDocument(ODD, "chaos-articles-2026.11", "http://odd/", SEEN)]).good


NEXT_MONTH = DOCUMENT._replace(index_name="chaos-articles-2026.12")
OTHER_ID = DOCUMENT._replace(article_id="d" * 32)
STRANGER = IndexedDocument("d" * 32, "chaos-articles-2026.11", "http://paper/2", SEEN)
POISON_STORED = IndexedDocument(DEAD, "chaos-articles-2026.11", "http://paper/3", SEEN, frozenset({FEED}))
KILLED, REFUSED = step(DEAD, OutcomeKind.DEAD, "killed-cpu"), step(GOOD, OutcomeKind.REJECTED, "too-short")
BOTH = "chaos-articles-2026.11, chaos-articles-2026.12"

BROKEN: dict[str, tuple[dict[str, Any], str, object]] = {
    "no end": ({"steps": STEPS[2:]}, "lost", {GOOD: ""}),
    "poison without an end": ({"steps": [*STEPS[:4], *STEPS[5:]]}, "lost", {DEAD: ""}),
    "a hostile page without an end": ({"steps": [*STEPS[:5], STEPS[6]]}, "lost", {ODD: ""}),
    "no document": ({"documents": []}, "lost", {GOOD: ""}),
    "in two indices": (
        {"documents": [DOCUMENT, NEXT_MONTH]},
        "duplicate_documents",
        {GOOD: BOTH, "http://paper/1": BOTH},
    ),
    "one URL, two ids": (
        {"documents": [DOCUMENT, OTHER_ID]},
        "duplicate_documents",
        {"http://paper/1": "chaos-articles-2026.11, chaos-articles-2026.11"},
    ),
    "never announced": ({"documents": [DOCUMENT, STRANGER]}, "strangers", {"d" * 32: ""}),
    "seen later": (
        {"documents": [DOCUMENT._replace(first_seen=LATER)]},
        "first_seen_moved",
        {GOOD: "2026-11-30 00:00:00, now 2026-12-01 00:00:00"},
    ),
    "a feed that is not named": (
        {"documents": [DOCUMENT._replace(feeds=frozenset({FEED}))]},
        "feeds_missing",
        {GOOD: OTHER},
    ),
    "late": ({"late": {GOOD: 42.4}}, "late", {GOOD: "42 s"}),
    "dead without a letter": ({"letters": []}, "dead_without_letter", {DEAD: ""}),
    "letter after letter": ({"letters": [DEAD] * 6}, "letters_repeated", {DEAD: "6 letters"}),
    "poison with another reason": (
        {"steps": [*STEPS[:4], KILLED, *STEPS[5:]]},
        "wrong_ends",
        {DEAD: "must dead: too-deep, did dead: killed-cpu"},
    ),
    "a good page refused": (
        {"steps": [REFUSED, *STEPS[2:]]},
        "wrong_ends",
        {GOOD: "must indexed, did rejected: too-short"},
    ),
    "poison in the index": (
        {"documents": [DOCUMENT, POISON_STORED]},
        "wrong_ends",
        {DEAD: "must dead: too-deep, did dead: too-deep"},
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_every_broken_promise_is_named(case: str) -> None:
    changes, name, named = BROKEN[case]
    found = accounts(**changes)
    assert not found.good
    assert found.findings[name] == named


def test_what_the_audit_finds_and_what_nobody_could_read_counts() -> None:
    assert not accounts(unaccounted=2).good
    assert not accounts(unreadable=2).good
    assert accounts(unreadable=2).unreadable == (2, 1)
