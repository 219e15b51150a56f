"""What mends a finding: an Entry from Kafka or from the ledger, a line, a merge; nothing is invented."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ledger.outcomes import outcome, stand_in
from pipelines.ledger.reconcile import Finding, Problem
from pipelines.ledger.repair_plan import Action, restored_line, steps
from schemas.records import Entry, Outcome, OutcomeKind, Stage
from tests.rivers import NOON, entry

ENTRY = entry(1)
OTHER = "https://other.example.org/feed"


def line(stage: Stage, kind: OutcomeKind, visit: int = 0, feed: str = "") -> Outcome:
    changes = {"visit": visit} | ({"feed_url": feed} if feed else {})
    return outcome(ENTRY.model_copy(update=changes), stage, kind, at=NOON + timedelta(hours=visit))


DISCOVERED = line(Stage.POLL, OutcomeKind.DISCOVERED)
FETCHED = line(Stage.FETCH, OutcomeKind.FETCHED)
INDEXED = line(Stage.INDEX, OutcomeKind.INDEXED)
REVISITED = line(Stage.FETCH, OutcomeKind.UNCHANGED, visit=1)


def finding(problem: Problem, visit: int | None = 0) -> Finding:
    return Finding(problem, ENTRY.id, visit)


def test_what_ended_nowhere_is_announced_as_poll_announced_it_and_fetched_afresh() -> None:
    tried = ENTRY.model_copy(
        update={"attempt": 3, "due_at": NOON, "etag": '"x"', "last_modified": "y", "content_digest": "0" * 32}
    )
    [step] = steps([finding(Problem.NO_END)], [DISCOVERED], [tried])
    assert step.action is Action.ANNOUNCE
    assert step.entry == ENTRY


def test_without_kafka_it_is_made_of_the_ledger_and_holds_nothing_else() -> None:
    repeated = line(Stage.POLL, OutcomeKind.DUPLICATE_URL, feed=OTHER)
    [step] = steps([finding(Problem.NO_END)], [DISCOVERED, repeated])
    assert step.entry == Entry(
        id=ENTRY.id,
        url=ENTRY.url,
        link=ENTRY.url,
        feed_url=ENTRY.feed_url,
        source=ENTRY.source,
        first_seen=ENTRY.first_seen,
        origins=[OTHER],
    )


@pytest.mark.parametrize(
    ("findings", "visit"),
    [
        ([finding(Problem.NO_END, 2), finding(Problem.NO_END, 1)], 1),
        ([finding(Problem.NOT_FETCHED, 1)], 1),
        ([finding(Problem.NOT_IN_INDEX, None)], 1),
        ([finding(Problem.OLD_IN_INDEX, None), finding(Problem.NO_END, 0)], 0),
    ],
)
def test_the_visit_is_the_first_that_lacks_something_or_else_the_last(findings: list[Finding], visit: int) -> None:
    [step] = steps(findings, [DISCOVERED, FETCHED, INDEXED, REVISITED], [ENTRY])
    assert step.entry is not None
    assert (step.action, step.entry.visit) == (Action.ANNOUNCE, visit)


def test_a_lost_discovery_is_written_again_under_the_id_that_poll_would_give_it() -> None:
    [step] = steps([finding(Problem.NOT_DISCOVERED)], [FETCHED, INDEXED], [ENTRY.model_copy(update={"visit": 1})])
    assert step.action is Action.RESTORE
    assert step.entry is not None
    assert restored_line(step.entry).id == DISCOVERED.id
    assert restored_line(step.entry).at == ENTRY.first_seen


def test_doubles_need_no_entry_and_what_nobody_could_read_has_none() -> None:
    assert [step.action for step in steps([finding(Problem.TWICE_IN_INDEX, None)], [])] == [Action.MERGE]
    assert [step.action for step in steps([finding(Problem.NO_END)], [])] == [Action.NOTHING]
    unreadable = stand_in("news.pages/0/7", 0)
    lost = Finding(Problem.NO_END, unreadable.id, 0)
    assert [step.action for step in steps([lost], [], [unreadable])] == [Action.NOTHING]


@given(
    st.lists(st.builds(finding, st.sampled_from(Problem), st.one_of(st.none(), st.integers(0, 3))), min_size=1),
    st.lists(st.sampled_from([DISCOVERED, FETCHED, INDEXED, REVISITED])),
    st.lists(
        st.sampled_from([ENTRY, ENTRY.model_copy(update={"visit": 1}), ENTRY.model_copy(update={"further": True})])
    ),
)
def test_each_finding_leads_to_something_and_each_article_is_announced_once(
    findings: list[Finding], lines: list[Outcome], retained: list[Entry]
) -> None:
    found = [step.action for step in steps(findings, lines, retained)]
    assert found
    assert len(set(found)) == len(found)
