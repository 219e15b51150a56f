"""What mends a finding of the audit, and the Entry that announces an article again. Pure.

Nothing is invented: an Entry is the one that Kafka still holds, or what the ledger's lines say of the article, without
title, summary and date where only the ledger is left. It goes to fetch without validators, so that the page comes
whole and is indexed again. Announced again is what ended nowhere, what the index has lost or has in an old version,
and a visit whose `fetched` line is lost; a lost `discovered` line is written again; documents that exist twice are
merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from pipelines.ledger.outcomes import outcome
from pipelines.ledger.reconcile import Finding, Problem
from schemas.records import Entry, Outcome, OutcomeKind, Stage

WRITTEN_AGAIN = "written again by reconcile --repair"
_OF_A_VISIT = frozenset({Problem.NO_END, Problem.NOT_FETCHED})
_OF_THE_DOCUMENT = frozenset({Problem.NOT_IN_INDEX, Problem.OLD_IN_INDEX})


class Action(StrEnum):
    """What is done for an article."""

    ANNOUNCE = "announce"
    RESTORE = "restore"
    MERGE = "merge"
    NOTHING = "nothing"


SAYING: dict[Action, str] = {
    Action.ANNOUNCE: "announce it again, to be fetched and indexed",
    Action.RESTORE: "write its lost line in the ledger again",
    Action.MERGE: "merge its documents into the oldest one",
    Action.NOTHING: "nothing: neither Kafka nor the ledger says where it can be fetched",
}


class RepairStep(NamedTuple):
    """One thing to do: `entry` is what is announced, or whose line is restored."""

    action: Action
    article_id: str
    url: str = ""
    entry: Entry | None = None

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        visit = {} if self.entry is None else {"visit": self.entry.visit}
        return {"action": str(self.action), "article_id": self.article_id, "url": self.url, **visit}


def steps(findings: Sequence[Finding], lines: Sequence[Outcome], retained: Iterable[Entry] = ()) -> list[RepairStep]:
    """Say what mends all that is wrong with one article.

    Args:
        findings: all of the article; at least one.
        lines: all that the ledger has of it, in the order they were written.
        retained: the Entries of it that Kafka still holds.
    """
    article_id = findings[0].article_id
    problems = {finding.problem for finding in findings}
    entry = _known_entry(article_id, lines, retained)
    url = entry.url if entry else next((line.url for line in lines), "")
    found = [RepairStep(Action.MERGE, article_id, url)] if Problem.TWICE_IN_INDEX in problems else []
    visit = _visit_again(findings, lines)
    if entry is None:
        return found if problems == {Problem.TWICE_IN_INDEX} else [*found, RepairStep(Action.NOTHING, article_id, url)]
    if visit is not None:
        found.append(RepairStep(Action.ANNOUNCE, article_id, url, entry.model_copy(update={"visit": visit})))
    if Problem.NOT_DISCOVERED in problems:
        found.append(RepairStep(Action.RESTORE, article_id, url, entry.model_copy(update={"visit": 0})))
    return found


def restored_line(entry: Entry) -> Outcome:
    """Give the line that poll wrote when it discovered an article."""
    return outcome(entry, Stage.POLL, OutcomeKind.DISCOVERED, detail=WRITTEN_AGAIN, at=entry.first_seen)


def _visit_again(findings: Sequence[Finding], lines: Sequence[Outcome]) -> int | None:
    """Give the visit that is announced: the first that lacks something, since later ones follow from it."""
    visits = [finding.visit or 0 for finding in findings if finding.problem in _OF_A_VISIT]
    if visits:
        return min(visits)
    if any(finding.problem in _OF_THE_DOCUMENT for finding in findings):
        # The last one: what it leads to is in the ledger already, and fewer revisits follow.
        return max((line.visit for line in lines if line.kind is not OutcomeKind.DUPLICATE_URL), default=0)
    return None


def _known_entry(article_id: str, lines: Sequence[Outcome], retained: Iterable[Entry]) -> Entry | None:
    """Give what is known of an article as an Entry; None for a record that nobody could read."""
    first = [entry for entry in retained if entry.feed_url and not entry.further]
    announced = [line for line in lines if line.feed_url and line.kind is not OutcomeKind.DUPLICATE_URL]
    if first:
        entry = max(first, key=lambda entry: (entry.visit, len(entry.origins)))
    elif announced:
        line = announced[0]
        entry = Entry(
            id=article_id,
            url=line.url,
            link=line.url,
            feed_url=line.feed_url,
            source=line.source,
            first_seen=line.first_seen,
        )
    else:
        return None
    repeats = [line.feed_url for line in lines if line.kind is OutcomeKind.DUPLICATE_URL]
    origins = [feed for feed in dict.fromkeys([*entry.origins, *repeats]) if feed != entry.feed_url]
    fresh = {"attempt": 0, "due_at": None, "etag": None, "last_modified": None, "content_digest": None}
    return entry.model_copy(update={"origins": origins, **fresh})
