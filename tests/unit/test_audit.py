"""The audit over a model of the river and over made-up ledgers: as right as books of everything, in less memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import NewsriverError
from pipelines.ledger import audit_store
from pipelines.ledger.audit import Audit, Sighting
from pipelines.ledger.audit_store import Events, Findings
from pipelines.ledger.outcomes import OutcomeLine
from pipelines.ledger.reconcile import Balance, Finding, Problem, Side
from tests.ledgers import MadeUpLedger, article
from tests.unit.test_reconcile import MOVES, Look, River, flowed

ROOT = Path(__file__).resolve().parents[2]


class Model:
    """Reads the model of the river, with moves of the river between the reads."""

    def __init__(self, river: River, moves: list[int] | None = None) -> None:
        self._river = river
        self._moves = iter(moves or [])

    def lines(self, articles: Collection[str] | None = None) -> Iterator[OutcomeLine]:
        yield from [line for line in self._river.ledger if articles is None or line.article_id in articles]
        self._let_flow()

    def entries(self) -> Iterator[Sighting]:
        yield from [Sighting(one, visit, topic=topic) for one, visit, topic in self._river.entries]
        self._let_flow()

    def pages(self, *, whole: bool) -> Iterator[Sighting]:
        yield from [Sighting(*page, committed=False) for page in self._river.pages]
        yield from [Sighting(*page, committed=True) for page in self._river.processed if whole]
        self._let_flow()

    def outcomes(self) -> Iterator[tuple[OutcomeLine, bool]]:
        yield from [(line, True) for line in self._river.outcomes]
        self._let_flow()

    def versions(self, articles: Collection[str]) -> Iterator[tuple[str, int]]:
        yield from [(one, self._river.index[one]) for one in articles if one in self._river.index]

    def _let_flow(self) -> None:
        for choice in [choice for choice, _ in zip(self._moves, range(6), strict=False)]:
            self._river.move(choice)


def audited(sources: Model | MadeUpLedger) -> tuple[Balance, list[Finding]]:
    audit = Audit(sources, pauses=(0.0, 0.0))
    with Findings() as findings:
        audit.run(findings)
        found = [finding for some in findings.by_article() for each in some.values() for finding in each]
        assert len(found) == len(findings)
        assert len({finding.article_id for finding in found}) == findings.articles()
    return audit.balance, found


@pytest.fixture(params=[1, 3, 1000], scope="module")
def batch(request: pytest.FixtureRequest) -> Iterator[int]:
    """Let books hold so many events at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit_store, "BATCH", request.param)
        patch.setattr(audit_store, "CHUNK", request.param)
        patch.setattr(audit_store, "_BUFFER", request.param)
        yield request.param


@pytest.mark.usefixtures("batch")
@given(moves=MOVES, lost=st.lists(st.integers(0, 1000), max_size=3))
def test_it_finds_what_books_of_everything_find(moves: list[int], lost: list[int]) -> None:
    river = flowed([0, *moves])
    for which in lost:
        keys = list(river.lines)
        if keys:
            del river.lines[keys[which % len(keys)]]
    balance, found = audited(Model(river))
    whole = Look(river, []).first()
    assert sorted(found) == sorted(whole.findings)
    assert balance.counts == whole.counts
    assert balance.pages == whole.pages


@pytest.mark.usefixtures("batch")
@given(MOVES, MOVES)
def test_whatever_moves_while_it_reads_no_alarm_is_false(before: list[int], during: list[int]) -> None:
    balance, found = audited(Model(flowed(before), during))
    assert found == []
    for again in (False, True):
        right = balance.total(Side.ENDED, Side.IN_FLIGHT, Side.UNACCOUNTED, again=again)
        assert balance.total(Side.BEGUN, again=again) == right


def test_every_loss_in_a_large_ledger_is_named() -> None:
    balance, found = audited(MadeUpLedger(20_000, lost_every=1000))
    assert sorted(found) == sorted(
        [Finding(Problem.NO_END, article(number), 0) for number in range(0, 20_000, 1000)]
        + [Finding(Problem.NOT_IN_INDEX, article(number + 1), None) for number in range(0, 20_000, 1000)]
    )
    assert balance.total(Side.BEGUN) == 60_000
    assert balance.total(Side.UNACCOUNTED) == 20


def test_memory_does_not_grow_with_the_ledger() -> None:
    """Half a million lines more; kept in memory they would take some 250 MB."""
    small, large = measured(100_000), measured(600_000)
    assert (small["findings"], large["findings"]) == (40, 240)
    assert large["peak_mb"] < small["peak_mb"] + 25


def measured(lines: int) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.ledgers", str(lines), "1000"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    figures: dict[str, int] = json.loads(done.stdout)
    return figures


def test_a_full_disk_is_said_with_what_to_do() -> None:
    events = Events()
    for _ in events._ask("PRAGMA max_page_count = 20"):
        pass

    def fill() -> None:
        for number in range(10_000):
            events.entry(article(number), 0, "entries")

    with pytest.raises(NewsriverError, match=r"full.*TMPDIR"):
        fill()
