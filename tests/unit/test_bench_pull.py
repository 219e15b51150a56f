"""The pulling benchmarks: sums, verdicts, tables."""

import io
from dataclasses import replace

import pytest
from rich.console import Console
from rich.table import Table

from pipelines.lab.bench import fetch, pull_result
from pipelines.lab.bench.cores import Memory, Spent
from pipelines.lab.bench.pull_report import fetch_tables, pull_tables
from pipelines.lab.internet.audit import Violation, ViolationKind
from pipelines.lab.internet.harvest import Harvest
from pipelines.lab.internet.items import Item
from pipelines.lab.internet.log import GAVE_UP, LoggedRequest
from pipelines.lab.internet.missed import Coverage
from pipelines.lab.internet.river import options
from pipelines.lab.internet.site import Orders
from pipelines.settings import load_settings

ORDERS = Orders(
    feeds=6, hosts=2, seconds=60, speed=10, seed=1, pause=1, history=4320, port=8000, opened_at=1_800_000_000.0
)
COST = pull_result.Cost(0.3, Memory(60 << 20, 61 << 20, 62 << 20, 63 << 20), 1)
COVERAGE = Coverage(found=20_000, pending=4, missed=[], out_of_reach=1, strangers=[], delays=[1.0, 2.0, 3.0])
GOOD = pull_result.PullResult(
    river="bench-1",
    orders=ORDERS,
    traits={},
    seconds=60.0,
    copies=1,
    served=pull_result.Served(100, 60, 20, 5, 30, {"200": 100}),
    violations=[],
    coverage=COVERAGE,
    harvest=Harvest(20_000, 7, {}, 20_000, {}, 3, []),
    costs={"poll-0": COST, "fetch-0": COST, "record": replace(COST, cores=9.0)},
    site_cores=0.1,
    kills=[(30.0, "poll-0")],
    moves=[(40.0, "fetch-1", "came")],
    deaths=0,
    balanced=True,
    books={"begun": 5, "ended": 5},
)


def violation(kind: ViolationKind, early: float, path: str = "/news/1/1") -> Violation:
    return Violation(
        kind, LoggedRequest(0, 1, "127.64.0.1", "/feed/1", 200), LoggedRequest(1, 2, "127.64.0.1", path, 200), early
    )


def text(tables: list[Table]) -> str:
    file = io.StringIO()
    for table in tables:
        Console(file=file, width=160).print(table)
    return file.getvalue()


class TestVerdict:
    def test_a_good_run_is_good_whatever_record_uses(self) -> None:
        assert GOOD.faults == []
        assert GOOD.cores == pytest.approx(0.6)
        assert GOOD.as_json()["good"]

    @pytest.mark.parametrize(
        ("changes", "word"),
        [
            ({"violations": [violation(ViolationKind.DELAY, 0.5)]}, "violations: delay"),
            ({"coverage": replace(COVERAGE, missed=[Item(0, 1), Item(0, 2), Item(0, 3)])}, "missed"),
            ({"coverage": replace(COVERAGE, strangers=["a"])}, "nobody published"),
            ({"costs": {"poll-0": replace(COST, cores=0.8), "fetch-0": COST}}, "cores"),
            ({"balanced": False}, "reconcile"),
            ({"harvest": replace(GOOD.harvest, unaccounted=["a"])}, "unaccounted"),
        ],
    )
    def test_each_broken_promise_is_named(self, changes: dict[str, object], word: str) -> None:
        result = replace(GOOD, **changes)  # type: ignore[arg-type]  # the table's fields
        [fault] = result.faults
        assert word in fault
        assert not result.as_json()["good"]
        assert fault in text(pull_tables(result))

    def test_two_of_twenty_thousand_are_few_enough(self) -> None:
        assert replace(GOOD, coverage=replace(COVERAGE, missed=[Item(0, 1), Item(0, 2)])).faults == []

    def test_examples_are_the_worst_of_each_kind(self) -> None:
        many = [violation(ViolationKind.DELAY, n / 10) for n in range(9)] + [
            violation(ViolationKind.CONCURRENCY, 0.1, "/feed/2")
        ]
        result = replace(GOOD, violations=many)
        assert [(one.kind, one.early) for one in result.examples] == [
            (ViolationKind.CONCURRENCY, 0.1),
            (ViolationKind.DELAY, 0.8),
            (ViolationKind.DELAY, 0.7),
            (ViolationKind.DELAY, 0.6),
        ]
        assert result.between_roles == 9
        assert "800" in text(pull_tables(result))


def test_what_was_served_is_summed_up() -> None:
    paths = {
        "/feed/1": 304,
        "/old/1": 301,
        "/robots.txt": 404,
        "/news/1/1": 200,
        "/go/1/2": 301,
        "/private/1/1": GAVE_UP,
    }
    served = pull_result.Served.of([LoggedRequest(0, 1, "127.64.0.1", path, status) for path, status in paths.items()])
    assert (served.requests, served.polls, served.unchanged, served.robots, served.pages) == (6, 1, 1, 1, 2)
    assert served.statuses == {"200": 1, "301": 2, "304": 1, "404": 1, "given up": 1}


def test_the_table_shows_the_figures() -> None:
    lines = text(pull_tables(GOOD)).splitlines()
    assert any(line.split() == ["poll-0", "0.30", "60", "61", "62", "63", "1"] for line in lines)
    assert any("good: no violation" in line for line in lines)


@pytest.mark.parametrize("speed", [1.0, 20.0, 400.0])
def test_the_settings_scale_with_the_speed_and_are_allowed(speed: float, tmp_path: object) -> None:
    from pathlib import Path

    settings = load_settings(assignments=options(speed, Path(str(tmp_path))), environment={})
    assert settings.poll.min_interval_seconds == pytest.approx(max(1.0, 300 / speed))
    assert settings.fetch.later_scale == pytest.approx(1 / speed)
    assert settings.fetch.delay_seconds == 1.0


class TestFetch:
    def leg(self, *, ours: float, site: float, others: float, copies: int = 1) -> fetch.FetchLeg:
        servers = {fetch.SITE: site, fetch.KAFKA: 1.0, "Elasticsearch": 0.5}
        spent = Spent(wall=10, cores=2, workers=copies, ours=ours, servers=servers, others=others)
        return fetch.FetchLeg(copies, 5000, spent)

    def test_shares_sum_to_the_cores(self) -> None:
        leg = self.leg(ours=9, site=2, others=1)
        assert sum(leg.shares.values()) == pytest.approx(2)
        assert leg.shares[fetch.OTHERS] == pytest.approx(0.15)
        assert leg.pages_per_second == 500

    @pytest.mark.parametrize(
        ("ours", "site", "others", "copies", "word"),
        [
            (9.5, 2, 1, 1, "a core for each copy"),
            (14, 3, 1, 2, "2 cores"),
            (8, 2, 8, 2, "other work"),
            (3, 1, 1, 1, "waiting"),
        ],
    )
    def test_the_limit_is_named(self, ours: float, site: float, others: float, copies: int, word: str) -> None:
        assert word in self.leg(ours=ours, site=site, others=others, copies=copies).limit

    def test_the_table_and_the_document_show_the_figures(self) -> None:
        result = fetch.FetchBenchResult(100_000, [self.leg(ours=9.5, site=2, others=1)])
        assert "500" in text(fetch_tables(result))
        document = result.as_json()
        assert document["pages_per_second"] == 500
        assert document["legs"][0]["cpu_ms_a_page"] == pytest.approx(1.9)
