"""The audit: fills the books from ledger, Kafka and index in the order that their rules name, and names what is wrong.

It only reads. Its cost is that of reading: the ledger's lines, what waits on Kafka, and the raw topic of pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pipelines.index.elastic import Elastic, connect
from pipelines.ledger import lookup
from pipelines.ledger.lines import Line
from pipelines.ledger.reconcile import MEANING, Balance, Books, Finding, Row, Side
from pipelines.ledger.underway import Underway
from pipelines.settings import Settings
from schemas.records import Entry, Outcome

PAUSES = (1.0, 3.0)
"""Seconds before suspects are looked at again, and again."""

_MOST_DESCRIBED = 10_000


class Suspect(NamedTuple):
    """A finding with what helps to find it: its URL and the last line that the ledger has of it."""

    finding: Finding
    url: str = ""
    feed_url: str = ""
    last_step: str = "none"
    at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        problem, article_id, visit = self.finding
        return {
            "problem": str(problem),
            "meaning": MEANING[problem],
            "article_id": article_id,
            "visit": visit,
            "url": self.url,
            "feed_url": self.feed_url,
            "last_step": self.last_step,
            "at": self.at and self.at.isoformat(),
        }


@dataclass(frozen=True)
class Report:
    """What the audit found.

    Attributes:
        at: when it began.
        since: articles discovered since; None for all that the ledger holds.
        feed: the one feed it was about; empty for all.
        balance: the figures.
        suspects: what is wrong, all of it.
        page_records: records of the raw topic that were read; None when that was left out.
    """

    at: datetime
    since: datetime | None
    feed: str
    balance: Balance
    suspects: list[Suspect]
    page_records: int | None

    @property
    def balanced(self) -> bool:
        """Whether nothing is wrong."""
        return not self.suspects

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        sides = {str(side).replace(" ", "_"): self._rows(side) for side in Side if side is not Side.UNACCOUNTED}
        pages = None if self.page_records is None else {"records": self.page_records, "articles": self.balance.pages}
        return {
            "balanced": self.balanced,
            "at": self.at.isoformat(),
            "since": self.since and self.since.isoformat(),
            "feed": self.feed,
            "totals": {str(side).replace(" ", "_"): self.balance.total(side) for side in Side},
            **sides,
            "pages": pages,
            "suspects": [suspect.as_json() for suspect in self.suspects],
        }

    def _rows(self, side: Side) -> list[dict[str, Any]]:
        counts = self.balance.counts
        names = sorted({(row.name, row.reason) for row in counts if row.side is side})
        return [
            {"name": name, "reason": reason}
            | {title: counts[Row(side, name, reason, again)] for title, again in (("first", False), ("again", True))}
            for name, reason in names
        ]


def reconcile(
    settings: Settings,
    *,
    since: datetime | None = None,
    feed: str = "",
    pages: bool = True,
    tell: Callable[[str], object] = lambda _: None,
) -> Report:
    """Balance a river's books.

    Args:
        settings: for the servers and the river's name.
        since: only articles discovered since.
        feed: only what this feed announced.
        pages: compare the raw topic of pages, too, which is the larger part of the reading.
        tell: called with what is being read.

    Raises:
        ServiceError: Kafka or Elasticsearch does not answer.
    """
    at = datetime.now(UTC)
    with closing(connect(settings)) as client, closing(Underway(settings, client_id="newsriver-reconcile")) as kafka:
        audit = _Audit(client, kafka, settings.river.name, since, feed)
        records = audit.take(pages=pages, tell=tell)
        balance = audit.books.balance()
        for pause in PAUSES:
            if not balance.findings:
                break
            tell(f"looking once more at {len(balance.findings):,} suspects")
            time.sleep(pause)
            audit.again({finding.article_id for finding in balance.findings})
            balance = audit.books.balance()
        suspects = audit.describe(balance.findings)
    return Report(at, since, feed, balance, suspects, records if pages else None)


class _Audit:
    def __init__(self, client: Elastic, kafka: Underway, river: str, since: datetime | None, feed: str) -> None:
        self.books = Books()
        self._client, self._kafka, self._river = client, kafka, river
        self._since, self._feed = since, feed
        self._urls: dict[str, str] = {}

    def take(self, *, pages: bool, tell: Callable[[str], object]) -> int:
        """Fill the books, and give the number of pages read."""
        tell("reading the ledger")
        for line in lookup.lines(self._client, self._river, since=self._since, feed=self._feed):
            self.books.line(line)
        tell("reading what is under way on Kafka")
        records = self._take_kafka(self._in_scope, whole=pages, tell=tell)
        tell("looking up the articles")
        self._take_documents(self.books.to_look_up())
        return records

    def again(self, articles: Collection[str]) -> None:
        """Forget some articles and look at them afresh, unfiltered: the ledger before and after Kafka."""
        self.books.forget(articles)
        for line in lookup.lines(self._client, self._river, articles=articles):
            self.books.line(line)
        self._take_kafka(lambda article_id, _: article_id in articles)
        for line in lookup.lines(self._client, self._river, articles=articles):
            self.books.line(line._replace(next_visit=False))  # a visit that began after Kafka was read is not missed
        self._take_documents(articles)

    def describe(self, findings: Sequence[Finding]) -> list[Suspect]:
        """Add to findings what the ledger knows of them."""
        some = {finding.article_id for finding in findings[:_MOST_DESCRIBED]}
        steps: dict[str, list[Outcome]] = {}
        for line in lookup.outcomes(self._client, self._river, some):
            steps.setdefault(line.article_id, []).append(line)
        suspects = [self._describe(finding, steps.get(finding.article_id, [])) for finding in findings]
        return sorted(
            suspects,
            key=lambda one: (one.at is None, one.at or datetime.max.replace(tzinfo=UTC), one.finding.article_id),
        )

    def _describe(self, finding: Finding, steps: Sequence[Outcome]) -> Suspect:
        known = [step for step in steps if finding.visit is None or step.visit <= finding.visit]
        if not known:
            return Suspect(finding, self._urls.get(finding.article_id, ""))
        last = known[-1]
        reason = f": {last.reason}" if last.reason else ""
        again = f" (visit {last.visit})" if last.visit else ""
        return Suspect(finding, last.url, last.feed_url, f"{last.kind}{reason}{again}", last.at)

    def _take_kafka(
        self,
        wanted: Callable[[str, Entry | Outcome], bool],
        *,
        whole: bool = False,
        tell: Callable[[str], object] = lambda _: None,
    ) -> int:
        for waiting in self._kafka.entries():
            if wanted(waiting.entry.id, waiting.entry):
                self.books.entry(waiting.entry.id, waiting.entry.visit, waiting.topic)
        records = 0
        for waiting in self._kafka.pages(whole=whole, since=self._since):
            records += 1
            if records % 1000 == 0:
                tell(f"reading pages on Kafka: {records:,}")
            if wanted(waiting.entry.id, waiting.entry):
                if not self.books.knows(waiting.entry.id):
                    self._urls[waiting.entry.id] = waiting.entry.url
                self.books.page(waiting.entry.id, waiting.entry.visit, committed=waiting.committed)
        for _, outcome in self._kafka.outcomes():
            if wanted(outcome.article_id, outcome):
                self.books.line(Line.of(outcome), recorded=False)
        return records

    def _take_documents(self, articles: Collection[str]) -> None:
        for found in lookup.documents(self._client, self._river, articles):
            self.books.document(found.article_id, found.version)

    def _in_scope(self, _: str, record: Entry | Outcome) -> bool:
        return (self._since is None or record.first_seen >= self._since) and self._feed in ("", record.feed_url)
