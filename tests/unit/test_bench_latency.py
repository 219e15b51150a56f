"""The latency benchmark: percentiles, ratio, table."""

import io

import pytest
from rich.console import Console

from pipelines.lab.bench import report
from pipelines.lab.bench.cores import Memory
from pipelines.lab.bench.latency import Delays, LatencyResult

RESULT = LatencyResult(
    pages=Delays(900, 0.9, 1.6, 2.1, 2.4),
    floor=Delays(200, 0.6, 1.05, 1.1, 1.2),
    rate=15.0,
    seconds=60.0,
    refresh_seconds=1.0,
    memory={"process-0": Memory(200 << 20, 205 << 20, 210 << 20, 230 << 20)},
)


def test_percentiles_are_those_of_the_sample() -> None:
    delays = Delays.of([number / 100 for number in range(101)])
    assert (delays.count, delays.most) == (101, 1.0)
    assert (delays.p50, delays.p95, delays.p99) == pytest.approx((0.5, 0.95, 0.99))


def test_the_ratio_is_the_servers_own_delay_over_the_rivers() -> None:
    assert RESULT.ratio == pytest.approx(0.6 / 0.9)
    document = RESULT.as_json()
    assert document["ratio"] == RESULT.ratio
    assert document["pages"]["p95"] == 1.6
    assert document["memory"]["process-0"] == {
        "start": 200 << 20,
        "middle": 205 << 20,
        "end": 210 << 20,
        "most": 230 << 20,
    }


def test_the_table_shows_delays_and_memory() -> None:
    file = io.StringIO()
    for table in report.latency_tables(RESULT):
        Console(file=file, width=160).print(table)
    lines = file.getvalue().splitlines()
    assert any(line.split()[-5:] == ["900", "0.90", "1.60", "2.10", "2.40"] for line in lines)
    assert any(line.split() == ["process-0", "200", "205", "210", "230"] for line in lines)
