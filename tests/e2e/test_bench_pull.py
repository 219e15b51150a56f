"""The pulling benchmarks against real servers, in a short form: what they print holds together, nothing is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.kafka import Admin
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import load_settings

pytestmark = pytest.mark.servers

INTERNET = ("--feeds", "60", "--hosts", "20", "--speed", "100")


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines", "--set", "kafka.partitions=2", "bench", *arguments]
    environment = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=environment)


def figures(folder: Path, *arguments: str) -> dict[str, Any]:
    done = bench(folder, *arguments, "--json")
    assert done.returncode in (0, 1), done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def topics_of(river: str) -> list[str]:
    with Admin(kafka_bootstrap(load_settings())) as admin:
        return [name for name in admin.topics() if name.startswith(f"{river}.")]


@pytest.mark.usefixtures("servers")
class TestPull:
    def test_two_copies_of_each_and_kills_lose_nothing(self, tmp_path: Path) -> None:
        often = ("--minutes", "0.35", "--copies", "2", "--kill-every", "6", "--seed", "2")
        found = figures(tmp_path, "pull", *INTERNET, *often)
        killed = {kill["copy"] for kill in found["kills"]}
        assert len(killed) == 3
        assert killed <= {"poll-0", "poll-1", "fetch-0", "fetch-1"}
        assert found["costs"][found["kills"][0]["copy"]]["processes"] == 2
        served, coverage, kafka = found["served"], found["coverage"], found["kafka"]
        assert min(served["polls"], served["pages"], served["robots"]) >= 5
        assert coverage["found"] >= 5
        assert (coverage["missed"], coverage["strangers"], kafka["unaccounted"]) == (0, 0, [])
        assert kafka["entries"] >= coverage["found"]
        assert found["reconcile"]["balanced"]
        assert found["violations"]["concurrency"] == found["violations"]["robots"] == 0
        assert 0 < found["cores"]["site"] < found["cores"]["poll_and_fetch"] < 2
        assert found["costs"]["fetch-0"]["memory"]["most"] > 30_000_000
        assert found["good"] is (found["faults"] == [])
        assert topics_of(found["river"]) == list(tmp_path.glob("newsriver-*")) == []

    def test_copies_that_come_and_go_in_order_lose_nothing(self, tmp_path: Path) -> None:
        found = figures(tmp_path, "pull", *INTERNET, "--minutes", "0.5", "--move-every", "4", "--seed", "3")
        moves = [(move["copy"], move["did"]) for move in found["moves"]]
        assert len(moves) >= 5
        assert {did for _, did in moves} == {"came", "left"}
        assert found["kills"] == []
        assert found["deaths"] == 0
        served, coverage, kafka = found["served"], found["coverage"], found["kafka"]
        assert min(served["polls"], served["pages"]) >= 5
        assert served["robots"]  # each host's once: how many depends on which of them publish in the time
        assert (coverage["missed"], coverage["strangers"], kafka["unaccounted"]) == (0, 0, [])
        assert found["reconcile"]["balanced"]
        assert found["violations"]["concurrency"] == found["violations"]["robots"] == 0

    def test_fewer_feeds_than_hosts_are_refused(self, tmp_path: Path) -> None:
        done = bench(tmp_path, "pull", "--feeds", "5", "--hosts", "20")
        assert (done.returncode, done.stdout) == (2, "")
        assert "each host has one at least" in done.stderr
        assert list(tmp_path.glob("newsriver-*")) == []


@pytest.mark.usefixtures("servers")
def test_fetch(tmp_path: Path) -> None:
    found = figures(tmp_path, "fetch", "--pages", "600", "--bytes", "20000")
    assert [(leg["copies"], leg["pages"]) for leg in found["legs"]] == [(1, 600), (2, 600)]
    for leg in found["legs"]:
        assert leg["pages_per_second"] > 20
        assert leg["cpu_ms_a_page"] > 0.1
        assert leg["limit"]
        assert sum(leg["cores"].values()) == pytest.approx(found["machine"]["cores"], rel=0.1)
