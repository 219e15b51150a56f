"""The accounts: each way to break a promise is found and named."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.chaos.plan import End, Page, end_of
from pipelines.chaos.verdict import Accounts, Document, judge
from pipelines.ledger.reconcile import Line
from schemas.records import OutcomeKind, Stage

GOOD, DEAD = "a" * 32, "b" * 32
EXPECTED: dict[str, End] = {GOOD: end_of(Page.GOOD), DEAD: end_of(Page.NESTED)}


def line(article_id: str, kind: OutcomeKind, reason: str = "", visit: int = 0, feed: str = "http://feed/") -> Line:
    stage = Stage.INDEX if kind is OutcomeKind.INDEXED else Stage.CLEAN
    return Line(article_id, visit, stage, kind, reason, feed, next_visit=False, version=1)


LINES = [
    line(GOOD, OutcomeKind.DISCOVERED),
    line(GOOD, OutcomeKind.INDEXED),
    line(GOOD, OutcomeKind.DUPLICATE_URL, "other-feed"),
    line(GOOD, OutcomeKind.UNCHANGED, "same-bytes", visit=1),
    line(DEAD, OutcomeKind.DEAD, "too-deep"),
    line("c" * 32, OutcomeKind.DEAD, "bad-entry", feed=""),
]
DOCUMENT = Document(GOOD, "chaos-articles-2026.11", "http://paper/1")


def accounts(**changes: Any) -> Accounts:
    given: dict[str, Any] = {
        "expected": EXPECTED,
        "lines": LINES,
        "documents": [DOCUMENT],
        "letters": {DEAD},
        "unaccounted": 0,
        "unreadable": 1,
    }
    return judge(**{**given, **changes})


def test_all_is_well() -> None:
    found = accounts()
    assert found.good
    assert found.ends == {"indexed": 1, "dead: too-deep": 1}
    assert found.as_json()["lost"] == found.as_json()["duplicate_documents"] == 0


NEXT_MONTH = DOCUMENT._replace(index_name="chaos-articles-2026.12")
OTHER_ID = DOCUMENT._replace(article_id="d" * 32)
STRANGER = Document("d" * 32, "chaos-articles-2026.11", "http://paper/2")
POISON_STORED = Document(DEAD, "chaos-articles-2026.11", "http://paper/3")
KILLED, REFUSED = line(DEAD, OutcomeKind.DEAD, "killed-cpu"), line(GOOD, OutcomeKind.REJECTED, "too-short")

BROKEN: dict[str, tuple[dict[str, Any], str, object]] = {
    "no end": ({"lines": LINES[2:]}, "lost", [GOOD]),
    "poison without an end": ({"lines": [*LINES[:4], LINES[5]]}, "lost", [DEAD]),
    "no document": ({"documents": []}, "lost", [GOOD]),
    "in two indices": ({"documents": [DOCUMENT, NEXT_MONTH]}, "duplicates", [GOOD, "http://paper/1"]),
    "one URL, two ids": ({"documents": [DOCUMENT, OTHER_ID]}, "duplicates", ["http://paper/1"]),
    "never announced": ({"documents": [DOCUMENT, STRANGER]}, "strangers", ["d" * 32]),
    "dead without a letter": ({"letters": set()}, "unburied", [DEAD]),
    "the audit's findings": ({"unaccounted": 2}, "unaccounted", 2),
    "an unreadable record without an end": ({"unreadable": 2}, "unreadable", (2, 1)),
    "poison with another reason": (
        {"lines": [*LINES[:4], KILLED, LINES[5]]},
        "wrong",
        {DEAD: ("dead: too-deep", "dead: killed-cpu")},
    ),
    "a good page refused": (
        {"lines": [REFUSED, *LINES[2:]]},
        "wrong",
        {GOOD: ("indexed", "rejected: too-short")},
    ),
    "poison in the index": (
        {"documents": [DOCUMENT, POISON_STORED]},
        "wrong",
        {DEAD: ("dead: too-deep", "dead: too-deep")},
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_every_broken_promise_is_named(case: str) -> None:
    changes, attribute, named = BROKEN[case]
    found = accounts(**changes)
    assert not found.good
    assert getattr(found, attribute) == named
