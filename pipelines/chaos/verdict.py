"""The accounts of a fault run: what was announced against ledger and index, and the verdict. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pipelines.chaos.plan import End, Fault
from pipelines.chaos.recovery import Recovery
from pipelines.ledger.lines import Line
from schemas.records import OutcomeKind


class Document(NamedTuple):
    """One document of the index."""

    article_id: str
    index_name: str
    url: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One fault as it was.

    Attributes:
        fault: what was planned.
        at: seconds since the run began.
        outage: how long it lasted, start of what was stopped included.
        recovery: how the river came back.
    """

    fault: Fault
    at: float
    outage: float
    recovery: Recovery

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "at": round(self.at, 1),
            "fault": str(self.fault.kind),
            "target": self.fault.target,
            "hard": self.fault.hard,
            "outage_seconds": round(self.outage, 1),
            "moving_after_seconds": _rounded(self.recovery.moving),
            "level_after_seconds": _rounded(self.recovery.level),
            "recovery_seconds": None if (seconds := self.recovery.seconds) is None else round(seconds, 1),
        }


@dataclass(frozen=True)
class Accounts:
    """What a run comes to.

    Attributes:
        announced: articles that the site announced.
        ends: how first visits of announced articles ended, by `kind: reason`.
        lost: articles without an end, or without a document although they must have one.
        wrong: articles that ended otherwise than they must, with both ends.
        duplicates: articles with two documents, and URLs with two.
        strangers: documents of articles that nobody announced.
        unaccounted: what `newsriver reconcile` finds wrong.
        unburied: articles that ended as dead without a dead letter.
        unreadable: records that nobody can read: how many were sent and how many ended.
    """

    announced: int
    ends: Mapping[str, int]
    lost: Sequence[str]
    wrong: Mapping[str, tuple[str, str]]
    duplicates: Sequence[str]
    strangers: Sequence[str]
    unaccounted: int
    unburied: Sequence[str]
    unreadable: tuple[int, int]

    @property
    def good(self) -> bool:
        """Whether nothing is lost, twice, unaccounted for or otherwise than it must be."""
        none = not (self.lost or self.wrong or self.duplicates or self.strangers or self.unburied or self.unaccounted)
        return none and self.unreadable[0] == self.unreadable[1]

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "good": self.good,
            "announced": self.announced,
            "lost": len(self.lost),
            "duplicate_documents": len(self.duplicates),
            "unaccounted": self.unaccounted,
            "wrong_ends": len(self.wrong),
            "strangers": len(self.strangers),
            "dead_without_letter": len(self.unburied),
            "unreadable_records": {"sent": self.unreadable[0], "ended": self.unreadable[1]},
            "ends": dict(self.ends),
            "named": {
                "lost": list(self.lost),
                "duplicates": list(self.duplicates),
                "wrong": {article_id: {"must": must, "did": did} for article_id, (must, did) in self.wrong.items()},
                "strangers": list(self.strangers),
                "dead_without_letter": list(self.unburied),
            },
        }


def judge(
    expected: Mapping[str, End],
    lines: Iterable[Line],
    documents: Iterable[Document],
    letters: Collection[str],
    *,
    unaccounted: int,
    unreadable: int,
) -> Accounts:
    """Compare what must be with what is.

    Args:
        expected: how the first visit of each announced article must end, by article id.
        lines: the whole ledger.
        documents: all documents of the index.
        letters: articles that have a dead letter.
        unaccounted: number of findings of the audit.
        unreadable: records sent that nobody can read.
    """
    ends: dict[str, Line] = {}
    stand_ins: set[str] = set()
    for line in lines:
        if not line.feed_url and line.kind is OutcomeKind.DEAD:
            stand_ins.add(line.article_id)
        elif line.kind.terminal and line.visit == 0 and line.kind is not OutcomeKind.DUPLICATE_URL:
            ends[line.article_id] = line
    known = list(documents)
    stored = {document.article_id for document in known}
    lost = [one for one, end in expected.items() if one not in ends or (end.stored and one not in stored)]
    wrong = {
        one: (str(end), _name(ends[one]))
        for one, end in expected.items()
        if one in ends and not _fits(end, ends[one], stored=one in stored)
    }
    return Accounts(
        announced=len(expected),
        ends=dict(Counter(_name(ends[one]) for one in expected if one in ends).most_common()),
        lost=lost,
        wrong=wrong,
        duplicates=[*_twice(one.article_id for one in known), *_twice(one.url for one in known)],
        strangers=sorted(stored - expected.keys()),
        unaccounted=unaccounted,
        unburied=[one for one, line in ends.items() if line.kind is OutcomeKind.DEAD and one not in letters],
        unreadable=(unreadable, len(stand_ins)),
    )


def _fits(end: End, line: Line, *, stored: bool) -> bool:
    return line.kind in end.kinds and end.reason in ("", line.reason) and (end.stored or not stored)


def _name(line: Line) -> str:
    return f"{line.kind}: {line.reason}" if line.reason else str(line.kind)


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _rounded(times: Mapping[str, float | None]) -> dict[str, float | None]:
    return {role: None if time is None else round(time, 1) for role, time in times.items()}
