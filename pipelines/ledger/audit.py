"""How the books are filled and balanced: in the order that their rules name, and some articles at a time.

Where it reads is given to it, so the same audit runs on servers and on a model of the river.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple, Protocol

from pipelines.ledger.audit_store import Events, Findings
from pipelines.ledger.outcomes import OutcomeLine
from pipelines.ledger.reconcile import Balance, Reconciliation

PAUSES = (1.0, 3.0)
"""Seconds before suspects are looked at again, and again."""

Tell = Callable[[str], object]


class Sighting(NamedTuple):
    """One record on Kafka.

    Attributes:
        article_id: the article it is about.
        visit: the visit it belongs to.
        in_scope: whether the audit is about it.
        topic: the topic's name below the river's.
        committed: whether its reader has committed it.
        again: for an Entry, whether it was sent again on purpose.
    """

    article_id: str
    visit: int
    in_scope: bool = True
    topic: str = ""
    committed: bool = False
    again: bool = False


class Sources(Protocol):
    """Where an audit reads; each method gives what is there at the time it is called."""

    def lines(self, articles: Collection[str] | None = None) -> Iterable[OutcomeLine]:
        """Give the ledger's lines that are in scope, or all lines of some articles."""

    def entries(self) -> Iterable[Sighting]:
        """Give the Entries that fetch has yet to commit."""

    def pages(self, *, whole: bool) -> Iterable[Sighting]:
        """Give the pages that process has yet to commit, or all that the raw topic holds."""

    def outcomes(self) -> Iterable[tuple[OutcomeLine, bool]]:
        """Give the outcomes that record has yet to commit, each with whether it is in scope."""

    def versions(self, articles: Collection[str]) -> Iterable[tuple[str, int]]:
        """Give the id and version of each document of some articles."""


class Audit:
    """One audit.

    Args:
        sources: where to read.
        tell: called with what is being read.
        pauses: seconds before suspects are looked at again, each time.

    Attributes:
        balance: the figures of all articles; its findings are kept apart, on disk.
        page_records: records of the raw topic that were read.

    Raises:
        ServiceError: a source does not answer.
        NewsriverError: there is no room for the temporary file.
    """

    def __init__(self, sources: Sources, tell: Tell = lambda _: None, pauses: Sequence[float] = PAUSES) -> None:
        self.balance = Balance(Counter(), [], Counter())
        self.page_records = 0
        self._sources = sources
        self._tell = tell
        self._pauses = pauses

    def run(self, findings: Findings, *, pages: bool = True) -> None:
        """Add up all articles, and note what is wrong.

        Args:
            findings: takes what is wrong.
            pages: compare the raw topic of pages, too.
        """
        with ExitStack() as opened:
            events = opened.enter_context(Events())
            self._take_all(events, whole=pages)
            self._tell("balancing the books")
            for pause in self._pauses:
                again = opened.enter_context(Events())
                suspects = self._settle(events, again)
                events.clear()
                if not suspects:
                    return
                self._tell(f"looking once more at {suspects:,} suspects")
                time.sleep(pause)
                self._take_again(again)
                events = again
            for books in self._with_documents(events):
                balance = books.balance()
                self.balance.add(balance)
                findings.add(balance.findings)

    def _settle(self, events: Events, again: Events) -> int:
        """Add up the articles of which nothing is wrong, ask for the others again, and give the number of those."""
        suspects = 0
        for books in self._with_documents(events):
            balance = books.balance()
            if balance.findings:
                wrong = {finding.article_id for finding in balance.findings}
                suspects += len(wrong)
                again.ask_for(wrong)
                for article_id, visit in books.take_out(wrong):
                    again.page(article_id, visit, committed=True)
                balance = books.balance()
            self.balance.add(balance)
        return suspects

    def _with_documents(self, events: Events) -> Iterator[Reconciliation]:
        for books in events.books():
            for article_id, version in self._sources.versions(books.to_look_up()):
                books.document(article_id, version)
            yield books

    def _take_all(self, events: Events, *, whole: bool) -> None:
        self._tell("reading the ledger")
        for number, line in enumerate(self._sources.lines()):
            events.line(line)
            if number % 100_000 == 0:
                self._tell(f"reading the ledger: {number:,} lines")
        self._tell("reading what is under way on Kafka")
        self.page_records = self._take_kafka(events, lambda _, in_scope: in_scope, whole=whole)

    def _take_again(self, events: Events) -> None:
        """Look at some articles afresh, whatever the scope: the ledger before and after Kafka."""
        self._take_lines(events, whole=True)
        self._take_kafka(events, lambda article_id, _: events.asks_for(article_id), whole=False)
        self._take_lines(events, whole=False)  # a visit that began after Kafka was read is not missed there

    def _take_lines(self, events: Events, *, whole: bool) -> None:
        """Take the lines of the articles that are asked for; not `whole`: leave out which visits they begin."""
        for some in events.asked():
            for line in self._sources.lines(some):
                events.line(line if whole else line._replace(next_visit=False))

    def _take_kafka(self, events: Events, wanted: Callable[[str, bool], bool], *, whole: bool) -> int:
        """Take what is on Kafka of the articles that are wanted, by id and scope; give the number of pages read."""
        for one in self._sources.entries():
            if wanted(one.article_id, one.in_scope):
                events.entry(one.article_id, one.visit, one.topic, again=one.again)
        pages = 0
        for pages, one in enumerate(self._sources.pages(whole=whole), 1):
            if pages % 1000 == 0:
                self._tell(f"reading pages on Kafka: {pages:,}")
            if wanted(one.article_id, one.in_scope):
                events.page(one.article_id, one.visit, committed=one.committed)
        for line, in_scope in self._sources.outcomes():
            if wanted(line.article_id, in_scope):
                events.line(line, recorded=False)
        return pages
