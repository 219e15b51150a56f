"""The benchmarks against real servers, in a short form: they run, say what they promise, and leave nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from pipelines.index.elastic import connect
from pipelines.kafka import Admin
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import load_settings

pytestmark = pytest.mark.servers


def bench(*arguments: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=dict(os.environ))
    assert done.returncode == exit_code, done.stderr
    return done


def figures(*arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bench("--set", "kafka.partitions=2", "bench", *arguments, "--json").stdout)
    return document


def left_behind(river: str) -> list[str]:
    settings = load_settings()
    with Admin(kafka_bootstrap(settings)) as admin:
        names = [name for name in admin.topics() if name.startswith(f"{river}.")]
    client = connect(settings)
    try:
        return [*names, *client.ask("GET", f"/{river}-*")]
    finally:
        client.close()


@pytest.mark.usefixtures("servers")
class TestBench:
    def test_pipeline(self) -> None:
        found = figures("pipeline", "--pages", "40", "--rounds", "1", "--workers", "1")
        assert 0 < found["ratio"] < 1.5
        [one] = found["rounds"]
        assert one["floor"]["articles"] == one["river"]["articles"] == 40
        assert set(one["river"]["servers"]) == {"Kafka", "Elasticsearch"}
        assert all(seconds > 0 for seconds in one["river"]["servers"].values())
        assert left_behind(found["river"]) == []

    def test_sink(self) -> None:
        found = figures("sink", "--documents", "1500")
        assert 0 < found["ratio"] < 3
        assert found["documents_per_second"] > 0
        assert len(found["rounds"]) == 3
        assert found["mean_document_bytes"] == pytest.approx(6000, abs=300)
        assert left_behind(found["river"]) == []

    def test_latency(self) -> None:
        found = figures("latency", "--minutes", "0.1", "--rate", "5", "--workers", "1")
        assert found["pages"]["count"] == 30
        assert 0 < found["floor"]["p50"] < found["pages"]["most"]
        assert {"process-0", "Kafka", "Elasticsearch"} <= set(found["memory"])
        assert found["memory"]["process-0"]["start"] > 50_000_000
        assert left_behind(found["river"]) == []

    def test_without_a_server_it_says_so_and_exits_with_3(self) -> None:
        done = bench("--set", "kafka.bootstrap_servers=127.0.0.1:1", "bench", "sink", exit_code=3)
        assert "newsriver stack up" in done.stderr
        assert done.stdout == ""
