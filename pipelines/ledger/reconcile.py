"""The books of the river: every visit accounted for, every article where the ledger says it is. Pure.

The rules, as strict as those for money. A *visit* is an article's id and the visit's number, from 0.

1. Visit 0 begins with one `discovered` line, written by poll together with the Entry. Visit n + 1 begins with the
   line of visit n that carries `next_visit_at`, written by fetch together with the Entry in a later-tier.
2. A visit whose page is put on Kafka has one `fetched` line.
3. A visit ends with one terminal line; all terminal kinds share an id.
4. A visit without an end is *in flight* when Kafka holds a record of it that its reader has yet to commit: an Entry,
   a page, or an outcome that `record` has yet to write. An uncommitted Entry of visit n stands for visit n and all
   later ones, because what follows from it may be written in part. Waiting for a retry is the same visit.
5. A visit that began and neither ended nor is in flight is *unaccounted*.
6. Some lines are begin and end at once: an entry that poll refuses (`skipped`, stage poll), and a record that nobody
   can read, for which a stand-in without a feed ends as `dead`. `duplicate-url` of poll and fetch is no visit: it is an
   announcement, one line for each feed that repeats an article; of index it is the end of a visit. Nor is the Entry
   that poll writes with it a visit, marked as `further`: it is not among the Entries that are taken in. Where fetch has
   forgotten the article it is fetched after all, and its `discovered` line comes with what follows.
7. An article that the ledger says was indexed, updated, found unchanged in the index, superseded or marked as gone
   there, or a duplicate of what is there, has exactly one document, its own or the one that its line names
   (`document_id`), not older than the ledger's newest `document_version`. A page in the raw topic is a visit too,
   whatever the ledger says of it: its article is in the index, or its visit ended as rejected, skipped, dead or gone.
   A document that is missing is on its way while a page of it is not committed, or an Entry that was sent again on
   purpose; the Entry of a revisit does not count, which may find its page unchanged.

Things move while one looks. Whoever fills these books reads in this order: the ledger; then Kafka from the spring to
the mouth (entries and later-tiers, pages, outcomes), each time the committed offsets before the ends; then the index.
What moves meanwhile is then seen twice, never missed, but for lines written after the ledger was read: so suspects
are forgotten and read once more, by id and without any filter, before they are named.

No rule speaks of the visits of two articles, so books of some articles at a time, their balances added, are the books
of all; of another article's document only its being there is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from pipelines.ledger.outcomes import ANNOUNCING, OutcomeLine
from schemas.records import OutcomeKind, Stage
from schemas.topics import ENTRIES, LATER, OUTCOMES, PAGES

_FLOW = tuple(topic.name for topic in (ENTRIES, *LATER, PAGES, OUTCOMES))
_AFTER_FETCH = frozenset({Stage.CLEAN, Stage.TAG, Stage.INDEX})
_STORED = frozenset({OutcomeKind.INDEXED, OutcomeKind.UPDATED, OutcomeKind.UNCHANGED, OutcomeKind.SUPERSEDED})
_WRITTEN = frozenset({OutcomeKind.INDEXED, OutcomeKind.UPDATED, OutcomeKind.DUPLICATE_URL, OutcomeKind.GONE})


class Problem(StrEnum):
    """What can be wrong."""

    NO_END = "no-end"
    NOT_DISCOVERED = "not-discovered"
    NOT_FETCHED = "not-fetched"
    NOT_IN_INDEX = "not-in-index"
    OLD_IN_INDEX = "old-in-index"
    TWICE_IN_INDEX = "twice-in-index"


MEANING: dict[Problem, str] = {
    Problem.NO_END: "it began, did not end, and is nowhere on Kafka",
    Problem.NOT_DISCOVERED: "it ended, and no line says that it was discovered",
    Problem.NOT_FETCHED: "it has a page, and no line says that it was fetched",
    Problem.NOT_IN_INDEX: "the ledger says that it was indexed, and the index does not have it",
    Problem.OLD_IN_INDEX: "the index has an older version than the ledger says",
    Problem.TWICE_IN_INDEX: "more than one index has it",
}


class Finding(NamedTuple):
    """One thing that is wrong; `visit` is None where it concerns the article as a whole."""

    problem: Problem
    article_id: str
    visit: int | None


class Side(StrEnum):
    """The two sides of the balance, the right one in its parts."""

    BEGUN = "begun"
    ENDED = "ended"
    IN_FLIGHT = "in flight"
    UNACCOUNTED = "unaccounted"


class Row(NamedTuple):
    """Some visits that are counted together: `name` is a kind of line or a topic, `again` tells revisits."""

    side: Side
    name: str
    reason: str
    again: bool


@dataclass(frozen=True)
class Balance:
    """The books at a glance.

    Attributes:
        counts: number of visits in each row; for first visits and for revisits the left side equals the right one.
        findings: what is wrong.
        pages: articles whose page the raw topic holds, by where they are now: `in the index`, `refused`,
            `in flight`, `missing`.
    """

    counts: Counter[Row]
    findings: list[Finding]
    pages: Counter[str]

    def total(self, *sides: Side, again: bool | None = None) -> int:
        """Count the visits of some sides: first visits, revisits, or both."""
        return sum(count for row, count in self.counts.items() if row.side in sides and again in (None, row.again))

    def add(self, other: Balance) -> None:
        """Add the figures of other articles; findings are not kept together here."""
        self.counts.update(other.counts)
        self.pages.update(other.pages)


@dataclass(slots=True)
class _Visit:
    discovered: bool = False
    fetched: bool = False
    own: str = ""  # what it is when it needs no discovery
    end: OutcomeLine | None = None
    coming: bool = False  # its end waits on Kafka to be recorded
    page: bool = False
    waiting: bool = False  # its page is not committed


class Reconciliation:
    """Takes in what ledger, Kafka and index hold, in any order, and balances it."""

    def __init__(self) -> None:
        self._visits: dict[tuple[str, int], _Visit] = {}
        self._entries: dict[str, dict[int, str]] = {}
        self._repeats: dict[str, dict[str, bool]] = {}
        self._documents: dict[str, list[int]] = {}
        self._returning: set[str] = set()

    def line(self, line: OutcomeLine, *, recorded: bool = True) -> None:
        """Take in a line of the ledger; not `recorded` when it still waits on Kafka."""
        if line.kind is OutcomeKind.DUPLICATE_URL and line.stage in ANNOUNCING:
            repeats = self._repeats.setdefault(line.article_id, {})
            repeats[line.feed_url] = recorded or repeats.get(line.feed_url, False)
            return
        visit = self._visit(line.article_id, line.visit)
        if line.next_visit:
            self._visit(line.article_id, line.visit + 1)
        if line.kind is OutcomeKind.DISCOVERED:
            visit.discovered = True
        elif line.kind is OutcomeKind.FETCHED:
            visit.fetched = True
        else:
            if line.stage is Stage.POLL:
                visit.own = "refused by poll"
            elif not line.feed_url:
                visit.own = "unreadable record"
            if not recorded:
                visit.coming = True
            elif visit.end is None or visit.end.kind not in _STORED:  # a stored article's line stays
                visit.end = line

    def entry(self, article_id: str, visit: int, topic: str, *, again: bool = False) -> None:
        """Take in an Entry that fetch has yet to commit.

        Args:
            article_id: the article.
            visit: the visit it begins.
            topic: where it waits, by the name below the river's.
            again: whether it was sent again on purpose, so that its page comes whole.
        """
        self._visit(article_id, visit)
        if again:
            self._returning.add(article_id)
        topics = self._entries.setdefault(article_id, {})
        topics[visit] = max(topic, topics.get(visit, topic), key=_FLOW.index)

    def page(self, article_id: str, visit: int, *, committed: bool) -> None:
        """Take in a page of the raw topic."""
        found = self._visit(article_id, visit)
        found.page = True
        found.waiting |= not committed
        if not committed:
            self._returning.add(article_id)

    def document(self, article_id: str, version: int) -> None:
        """Take in a document of the index."""
        self._documents.setdefault(article_id, []).append(version)

    def take_out(self, articles: Collection[str]) -> list[tuple[str, int]]:
        """Drop all that was taken in of some articles, and name their visits whose page the raw topic holds."""
        keys = [key for key in self._visits if key[0] in articles]
        paged = [key for key in keys if self._visits.pop(key).page]
        for article_id in articles:
            for table in (self._entries, self._repeats, self._documents):
                table.pop(article_id, None)
        self._returning.difference_update(articles)
        return paged

    def to_look_up(self) -> set[str]:
        """Name the articles whose documents are asked for: those in the raw topic, and those the ledger has indexed."""
        paged = {article_id for (article_id, _), visit in self._visits.items() if visit.page}
        return paged | {document_id for _, document_id in self._owed()}

    def balance(self) -> Balance:
        """Count everything once on either side, and find what is wrong."""
        counts: Counter[Row] = Counter()
        findings: list[Finding] = []
        flying: set[str] = set()
        for (article_id, number), visit in self._visits.items():
            place, covered = self._place(article_id, number, visit)
            counts[Row(Side.BEGUN, _beginning(number, visit, place), "", number > 0)] += 1
            counts[_right(number, visit, place)] += 1
            findings += [Finding(problem, article_id, number) for problem in _problems(number, visit, place, covered)]
            if place and visit.end is None:
                flying.add(article_id)
        for recorded in (recorded for feeds in self._repeats.values() for recorded in feeds.values()):
            kind = OutcomeKind.DUPLICATE_URL
            counts[Row(Side.BEGUN, kind, "", False)] += 1
            counts[Row(Side.ENDED, kind, "", False) if recorded else Row(Side.IN_FLIGHT, OUTCOMES.name, "", False)] += 1
        findings += self._misplaced()
        return Balance(counts, findings, self._pages(flying, {finding.article_id for finding in findings}))

    def _visit(self, article_id: str, number: int) -> _Visit:
        return self._visits.setdefault((article_id, number), _Visit())

    def _place(self, article_id: str, number: int, visit: _Visit) -> tuple[str, bool]:
        """Give the topic in which a visit waits, or nothing, and whether an Entry of it is still in hand."""
        topics = self._entries.get(article_id, {})
        from_visit = number if number in topics else min(topics, default=number + 1)
        covered = from_visit <= number
        if visit.coming:
            return OUTCOMES.name, covered
        if visit.waiting:
            return PAGES.name, covered
        return (topics[from_visit] if covered else ""), covered

    def _owed(self) -> dict[tuple[str, str], int]:
        """Give the documents that must be in the index, by article and document, with the least version of each."""
        owed: dict[tuple[str, str], int] = {}
        for (article_id, _), visit in self._visits.items():
            end = visit.end
            if end is not None and end.stage is Stage.INDEX and (end.kind in _STORED or end.version is not None):
                version = end.version if end.kind in _WRITTEN and end.version is not None else 0
                key = article_id, end.document_id or article_id
                owed[key] = max(owed.get(key, 0), version)
        return owed

    def _misplaced(self) -> Iterator[Finding]:
        for (article_id, document_id), version in self._owed().items():
            found = self._documents.get(document_id)
            if article_id in self._returning:
                continue
            if not found:
                yield Finding(Problem.NOT_IN_INDEX, article_id, None)
            elif max(found) < version:
                yield Finding(Problem.OLD_IN_INDEX, article_id, None)
        ours = {article_id for article_id, _ in self._visits}
        for article_id, found in self._documents.items():
            if len(found) > 1 and article_id in ours:  # other books have those of another address
                yield Finding(Problem.TWICE_IN_INDEX, article_id, None)

    def _pages(self, flying: Collection[str], suspect: Collection[str]) -> Counter[str]:
        pages: Counter[str] = Counter()
        at_another = {article_id for article_id, document_id in self._owed() if document_id in self._documents}
        for article_id in {article_id for (article_id, _), visit in self._visits.items() if visit.page}:
            if article_id in self._documents or article_id in at_another:
                pages["in the index"] += 1
            elif article_id in suspect:
                pages["missing"] += 1
            else:
                pages["in flight" if article_id in flying else "refused"] += 1
        return pages


def _beginning(number: int, visit: _Visit, place: str) -> str:
    if number:
        return "revisit"
    if visit.discovered:
        return OutcomeKind.DISCOVERED
    if visit.own:
        return visit.own
    return "not yet announced" if place and visit.end is None else "not announced"


def _right(number: int, visit: _Visit, place: str) -> Row:
    """Give the row of the right side that a visit counts in."""
    if visit.end is not None:
        return Row(Side.ENDED, visit.end.kind, visit.end.reason, number > 0)
    if place:
        return Row(Side.IN_FLIGHT, place, "", number > 0)
    return Row(Side.UNACCOUNTED, "", "", number > 0)


def _problems(number: int, visit: _Visit, place: str, covered: bool) -> Iterator[Problem]:
    if visit.end is None:
        if not place:
            yield Problem.NO_END
        return
    if covered or visit.own:
        return
    if number == 0 and not visit.discovered:
        yield Problem.NOT_DISCOVERED
    if (visit.page or visit.end.stage in _AFTER_FETCH) and not visit.fetched:
        yield Problem.NOT_FETCHED
