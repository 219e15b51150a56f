"""The audit: fills the books from ledger, Kafka and index in the order that their rules name, and names what is wrong.

It only reads. Its cost is that of reading: the ledger's lines, what waits on Kafka, and the raw topic of pages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from pipelines.index.elastic import Elastic, connect
from pipelines.ledger import lookup
from pipelines.ledger.audit import Audit, Sighting, Tell
from pipelines.ledger.audit_store import CHUNK, Findings
from pipelines.ledger.dead_letter_rules import REPLAY
from pipelines.ledger.in_flight import Underway, Waiting
from pipelines.ledger.outcomes import OutcomeLine
from pipelines.ledger.reconcile import MEANING, Balance, Finding, Row, Side
from pipelines.settings import Settings
from schemas.records import Entry, Outcome

MOST_DESCRIBED = 3 * CHUNK
"""Articles whose findings a report names; all are counted."""


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
class LedgerReport:
    """What the audit found.

    Attributes:
        at: when it began.
        since: articles discovered since; None for all that the ledger holds.
        feed: the one feed it was about; empty for all.
        balance: the figures.
        suspects: what is wrong, as far as it is named: all of it, or the first `MOST_DESCRIBED`.
        wrong: number of all that is wrong.
        wrong_articles: number of articles of which something is wrong.
        page_records: records of the raw topic that were read; None when that was left out.
    """

    at: datetime
    since: datetime | None
    feed: str
    balance: Balance
    suspects: list[Suspect]
    wrong: int
    wrong_articles: int
    page_records: int | None

    @property
    def balanced(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong

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
            "wrong": {"findings": self.wrong, "articles": self.wrong_articles},
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


@contextmanager
def audited(
    settings: Settings,
    *,
    since: datetime | None = None,
    feed: str = "",
    pages: bool = True,
    tell: Tell = lambda _: None,
) -> Iterator[tuple[LedgerReport, Findings]]:
    """Balance a river's books; give the report and, on disk for as long as the context lasts, all that is wrong.

    Args:
        settings: for the servers and the river's name.
        since: only articles discovered since.
        feed: only what this feed announced.
        pages: compare the raw topic of pages, too, which is the larger part of the reading.
        tell: called with what is being read.

    Raises:
        ServiceError: Kafka or Elasticsearch does not answer.
        NewsriverError: there is no room for the temporary file.
    """
    at = datetime.now(UTC)
    with (
        closing(connect(settings)) as client,
        closing(Underway(settings, client_id="newsriver-reconcile")) as kafka,
        Findings() as findings,
    ):
        river = settings.river.name
        audit = Audit(_Servers(client, kafka, river, since, feed), tell)
        audit.run(findings, pages=pages)
        suspects = _described(client, kafka, river, findings)
        totals = (len(findings), findings.articles())
        records = audit.page_records if pages else None
        yield LedgerReport(at, since, feed, audit.balance, suspects, *totals, records), findings


def reconcile(
    settings: Settings,
    *,
    since: datetime | None = None,
    feed: str = "",
    pages: bool = True,
    tell: Tell = lambda _: None,
) -> LedgerReport:
    """Balance a river's books, as `audited` does, and give the report alone."""
    with audited(settings, since=since, feed=feed, pages=pages, tell=tell) as (report, _):
        return report


@dataclass(frozen=True)
class _Servers:
    """Reads the ledger, Kafka and the index."""

    client: Elastic
    kafka: Underway
    river: str
    since: datetime | None
    feed: str

    def lines(self, articles: Collection[str] | None = None) -> Iterator[OutcomeLine]:
        if articles is None:
            return lookup.lines(self.client, self.river, since=self.since, feed=self.feed)
        return lookup.lines(self.client, self.river, articles=articles)

    def entries(self) -> Iterator[Sighting]:
        for waiting in self.kafka.entries():
            yield self._sighting(waiting)

    def pages(self, *, whole: bool) -> Iterator[Sighting]:
        for waiting in self.kafka.pages(whole=whole, since=self.since):
            yield self._sighting(waiting)

    def outcomes(self) -> Iterator[tuple[OutcomeLine, bool]]:
        for _, outcome in self.kafka.outcomes():
            yield OutcomeLine.of(outcome), self._in_scope(outcome)

    def versions(self, articles: Collection[str]) -> Iterator[tuple[str, int]]:
        for found in lookup.documents(self.client, self.river, articles):
            yield found.article_id, found.version

    def _sighting(self, waiting: Waiting) -> Sighting:
        entry = waiting.entry
        again = REPLAY in waiting.message.headers
        return Sighting(entry.id, entry.visit, self._in_scope(entry), waiting.topic, waiting.committed, again)

    def _in_scope(self, record: Entry | Outcome) -> bool:
        return (self.since is None or record.first_seen >= self.since) and self.feed in ("", record.feed_url)


def _described(client: Elastic, kafka: Underway, river: str, findings: Findings) -> list[Suspect]:
    """Give the first findings with what ledger or raw topic know of them, those of the oldest step first."""
    suspects: list[Suspect] = []
    for some in islice(findings.by_article(), MOST_DESCRIBED // CHUNK):
        steps: dict[str, list[Outcome]] = {}
        for line in lookup.outcomes(client, river, some):
            steps.setdefault(line.article_id, []).append(line)
        suspects += [_suspect(one, steps.get(one.article_id, [])) for each in some.values() for one in each]
    suspects = _with_urls(kafka, suspects)
    return sorted(
        suspects, key=lambda one: (one.at is None, one.at or datetime.max.replace(tzinfo=UTC), one.finding.article_id)
    )


def _suspect(finding: Finding, steps: Sequence[Outcome]) -> Suspect:
    known = [step for step in steps if finding.visit is None or step.visit <= finding.visit]
    if not known:
        return Suspect(finding)
    last = known[-1]
    reason = f": {last.reason}" if last.reason else ""
    again = f" (visit {last.visit})" if last.visit else ""
    return Suspect(finding, last.url, last.feed_url, f"{last.kind}{reason}{again}", last.at)


def _with_urls(kafka: Underway, suspects: list[Suspect]) -> list[Suspect]:
    """Ask the raw topic for the URLs of articles of which the ledger knows nothing at all."""
    unknown = {one.finding.article_id for one in suspects if not one.url}
    if not unknown:
        return suspects
    urls = {one.entry.id: one.entry.url for one in kafka.pages(whole=True) if one.entry.id in unknown}
    return [one if one.url else one._replace(url=urls.get(one.finding.article_id, "")) for one in suspects]
