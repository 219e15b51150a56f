"""The accounts of a fault run: what was announced against ledger and index, and the verdict. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pipelines.lab.chaos.page_kinds import End
from pipelines.lab.chaos.plan import PlannedFault
from pipelines.lab.chaos.recovery import Recovery
from schemas.records import OutcomeKind

MOST_LETTERS = 5
"""Dead letters of one article: a killed process may send one again, but not for ever."""


class IndexedDocument(NamedTuple):
    """One document of the index.

    Attributes:
        article_id: its id.
        index_name: the index that holds it.
        url: its address.
        first_seen: when the river discovered it, as the document says.
        feeds: the feeds that announced it, as the document says.
    """

    article_id: str
    index_name: str
    url: str
    first_seen: datetime
    feeds: frozenset[str] = frozenset()


class LedgerStep(NamedTuple):
    """One line of the ledger, as far as the accounts need it."""

    article_id: str
    visit: int
    kind: OutcomeKind
    reason: str
    feed_url: str
    at: datetime
    first_seen: datetime

    @property
    def ends(self) -> bool:
        """Whether a first visit ends with it."""
        return self.kind.terminal and self.visit == 0 and self.kind is not OutcomeKind.DUPLICATE_URL

    def __str__(self) -> str:
        """Give its kind and reason for people."""
        return f"{self.kind}: {self.reason}" if self.reason else str(self.kind)


@dataclass(frozen=True, slots=True)
class Happened:
    """One fault as it was.

    Attributes:
        fault: what was planned.
        at: seconds since the run began.
        outage: how long it lasted, start of what was stopped included.
        recovery: how the river came back.
    """

    fault: PlannedFault
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
            "named": self.fault.named,
            "outage_seconds": round(self.outage, 1),
            "moving_after_seconds": _rounded(self.recovery.moving),
            "level_after_seconds": _rounded(self.recovery.level),
            "recovery_seconds": None if (seconds := self.recovery.seconds) is None else round(seconds, 1),
        }


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """What a run comes to.

    Attributes:
        announced: articles that the sites announced.
        ends: how first visits of announced articles ended, by `kind: reason`.
        findings: by what is wrong, see `FINDINGS`, the articles concerned, with what there is to say of each.
        unaccounted: what `newsriver reconcile` finds wrong.
        unreadable: records that nobody can read: how many were sent and how many ended.
    """

    announced: int
    ends: Mapping[str, int]
    findings: Mapping[str, Mapping[str, str]]
    unaccounted: int
    unreadable: tuple[int, int]

    @property
    def good(self) -> bool:
        """Whether nothing is lost, twice, late, unaccounted for or otherwise than it must be."""
        return not (self.unaccounted or any(self.findings.values())) and self.unreadable[0] == self.unreadable[1]

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "good": self.good,
            "announced": self.announced,
            **{name: len(self.findings[name]) for name in FINDINGS},
            "unaccounted": self.unaccounted,
            "unreadable_records": {"sent": self.unreadable[0], "ended": self.unreadable[1]},
            "ends": dict(self.ends),
            "named": {name: dict(self.findings[name]) for name in FINDINGS},
        }


FINDINGS: Mapping[str, str] = {
    "lost": "without an end, or without the document that it must have",
    "duplicate_documents": "twice in the index",
    "late": "later than it may be, with no fault of ours to explain it",
    "wrong_ends": "ended otherwise than it must",
    "strangers": "in the index, and nobody announced it",
    "first_seen_moved": "discovered later, as its document says, than the ledger says",
    "feeds_missing": "its document does not name every feed that announced it",
    "dead_without_letter": "dead without a dead letter",
    "letters_repeated": "the same dead letter again and again",
}
"""What can be wrong with an article, and what that means."""


def judge(
    expected: Mapping[str, End],
    steps: Iterable[LedgerStep],
    documents: Iterable[IndexedDocument],
    letters: Iterable[str],
    *,
    feeds: Mapping[str, Collection[str]],
    late: Mapping[str, float],
    unaccounted: int,
    unreadable: int,
) -> Accounts:
    """Compare what must be with what is.

    Args:
        expected: how the first visit of each announced article must end, by article id.
        steps: the whole ledger.
        documents: all documents of the index.
        letters: the article of each dead letter.
        feeds: the feeds that announced an article, where that is known.
        late: articles that came late, with the seconds they took.
        unaccounted: number of findings of the audit.
        unreadable: records sent that nobody can read.
    """
    ends, seen, stand_ins = _ledger(steps)
    known = list(documents)
    stored = {document.article_id for document in known}
    sent = Counter(letters)
    dead = [one for one, step in ends.items() if step.kind is OutcomeKind.DEAD]
    lost = [one for one, end in expected.items() if one not in ends or (end.stored and one not in stored)]
    wrong = {
        one: f"must {end}, did {ends[one]}"
        for one, end in expected.items()
        if one in ends and not end.fits(ends[one].kind, ends[one].reason, stored=one in stored)
    }
    findings = {
        "lost": _bare(lost),
        "duplicate_documents": _twice(known),
        "late": {one: f"{seconds:.0f} s" for one, seconds in late.items()},
        "wrong_ends": wrong,
        "strangers": _bare(sorted(stored - expected.keys())),
        "first_seen_moved": _moved(known, seen),
        "feeds_missing": _unnamed(known, feeds),
        "dead_without_letter": _bare(one for one in dead if one not in sent),
        "letters_repeated": {one: f"{count} letters" for one, count in sent.items() if count > MOST_LETTERS},
    }
    return Accounts(
        announced=len(expected),
        ends=dict(Counter(str(ends[one]) for one in expected if one in ends).most_common()),
        findings=findings,
        unaccounted=unaccounted,
        unreadable=(unreadable, len(stand_ins)),
    )


def _ledger(steps: Iterable[LedgerStep]) -> tuple[dict[str, LedgerStep], dict[str, datetime], set[str]]:
    """Give the ends of first visits, when each article was first seen, and the stand-ins for what nobody can read."""
    ends: dict[str, LedgerStep] = {}
    seen: dict[str, datetime] = {}
    stand_ins: set[str] = set()
    for step in steps:
        if not step.feed_url and step.kind is OutcomeKind.DEAD:
            stand_ins.add(step.article_id)
        elif step.ends:
            ends[step.article_id] = step
        if step.kind is OutcomeKind.DISCOVERED:
            seen[step.article_id] = min(step.first_seen, seen.get(step.article_id, step.first_seen))
    return ends, seen, stand_ins


def _bare(ids: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(ids, "")


def _twice(documents: Iterable[IndexedDocument]) -> dict[str, str]:
    places: dict[str, list[str]] = {}
    for document in documents:
        for name in (document.article_id, document.url):
            places.setdefault(name, []).append(document.index_name)
    return {name: ", ".join(sorted(found)) for name, found in places.items() if len(found) > 1}


def _moved(documents: Iterable[IndexedDocument], seen: Mapping[str, datetime]) -> dict[str, str]:
    return {
        document.article_id: f"{seen[document.article_id]:%F %T}, now {document.first_seen:%F %T}"
        for document in documents
        if document.first_seen > seen.get(document.article_id, document.first_seen)
    }


def _unnamed(documents: Iterable[IndexedDocument], feeds: Mapping[str, Collection[str]]) -> dict[str, str]:
    found = {one.article_id: set(feeds.get(one.article_id, ())) - one.feeds for one in documents}
    return {article_id: ", ".join(sorted(missing)) for article_id, missing in found.items() if missing}


def _rounded(times: Mapping[str, float | None]) -> dict[str, float | None]:
    return {role: None if time is None else round(time, 1) for role, time in times.items()}
