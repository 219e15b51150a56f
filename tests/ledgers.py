"""Ledgers of any size, made up line by line, with a known number of losses: what an audit's memory is measured with.

`python -m tests.ledgers 10000000` audits so many lines, and prints what it found, the time, and the largest memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Collection, Iterator

from pipelines.ledger.audit import Audit, Sighting
from pipelines.ledger.audit_store import Findings
from pipelines.ledger.outcomes import OutcomeLine
from schemas.records import OutcomeKind, Stage

LINES_OF_ARTICLE = 5
_FEEDS = 10_000
_SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835  # odd, so that numbers keep apart while their order is lost
_ALL = 1 << 128
_BACK = pow(_SPREAD, -1, _ALL)


def article(number: int) -> str:
    """Give the id of an article; ids come in no order, as digests do."""
    return f"{number * _SPREAD % _ALL:032x}"


class MadeUpLedger:
    """A river at rest of so many articles; every `lost_every`th has lost the line of its end, the next its document."""

    def __init__(self, articles: int, lost_every: int = 0) -> None:
        self._articles = articles
        self._lost_every = lost_every

    def lines(self, articles: Collection[str] | None = None) -> Iterator[OutcomeLine]:
        """Give all lines, of all articles or of some."""
        numbers = range(self._articles) if articles is None else (int(one, 16) * _BACK % _ALL for one in articles)
        for number in numbers:
            yield from self._lines_of(number)

    def entries(self) -> Iterator[Sighting]:
        """Nothing is under way."""
        yield from ()

    def pages(self, *, whole: bool) -> Iterator[Sighting]:
        """Give the page of every tenth article, as Kafka keeps the last ones."""
        if whole:
            for number in range(0, self._articles, 10):
                yield Sighting(article(number), 0, topic="pages", committed=True)

    def outcomes(self) -> Iterator[tuple[OutcomeLine, bool]]:
        """Nothing is under way."""
        yield from ()

    def versions(self, articles: Collection[str]) -> Iterator[tuple[str, int]]:
        """Give the document of each article."""
        for one in articles:
            number = int(one, 16) * _BACK % _ALL
            if not self._lost(number - 1):
                yield one, 7

    def _lost(self, number: int) -> bool:
        return bool(self._lost_every) and number % self._lost_every == 0

    def _lines_of(self, number: int) -> Iterator[OutcomeLine]:
        one, feed = article(number), f"https://outlet-{number % _FEEDS}.example.org/feeds/news.rss"
        yield OutcomeLine(one, 0, Stage.POLL, OutcomeKind.DISCOVERED, "", feed, False, None)
        yield OutcomeLine(one, 0, Stage.FETCH, OutcomeKind.FETCHED, "", feed, True, None)
        if not self._lost(number):
            yield OutcomeLine(one, 0, Stage.INDEX, OutcomeKind.INDEXED, "", feed, False, 7)
        yield OutcomeLine(one, 1, Stage.FETCH, OutcomeKind.UNCHANGED, "not-modified", feed, False, None)
        yield OutcomeLine(one, 0, Stage.POLL, OutcomeKind.DUPLICATE_URL, "other-feed", f"{feed}?other", False, None)


def main(lines: int, lost_every: int = 0) -> None:
    """Audit a ledger of so many lines and print the figures."""
    began = time.monotonic()
    audit = Audit(MadeUpLedger(lines // LINES_OF_ARTICLE, lost_every), pauses=(0.0, 0.0))
    with Findings() as findings:
        audit.run(findings)
        found = {"findings": len(findings), "articles": findings.articles()}
    figures = {
        "visits": sum(audit.balance.counts.values()),
        **found,
        "seconds": round(time.monotonic() - began, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
