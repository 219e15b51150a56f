"""The fault lab at its smallest: everything breaks once, nothing is lost or late, and nothing is left running."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipelines.lab.chaos.plan import FaultKind
from pipelines.lab.chaos.verdict import FINDINGS

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a folder that the servers' own user can enter; whatever still runs in it at the end is killed."""
    directory = Path(tempfile.mkdtemp(prefix="newsriver-chaos-")).resolve()
    directory.chmod(0o755)
    yield directory
    left = running(directory)
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=30)
    shutil.rmtree(directory)


def command(home: Path, *only: str) -> tuple[list[str], dict[str, str]]:
    """Give command and environment: the user's own servers are named, and must not be touched."""
    environment = {**os.environ, "NEWSRIVER_STACK__DIRECTORY": str(home / "stack")}
    options = ["--articles", "300", "--seed", "1", "--minutes", "20", "--json"]
    options += [word for kind in only for word in ("--only", kind)]
    return [sys.executable, "-m", "pipelines", "chaos", *options], environment


def running(home: Path) -> list[psutil.Process]:
    """Give the processes of a lab: servers by their mark, site and roles by their folder or their parent's."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = " ".join(process.info["cmdline"] or ())
        if str(home) in words:
            found.append(process)
    return found


def test_nothing_is_lost_by_kills_copies_that_come_and_go_and_refused_commits(home: Path) -> None:
    kinds = (FaultKind.KILL, FaultKind.JOIN, FaultKind.REFUSED)
    words, environment = command(home, *kinds)
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=900, check=False)
    report = json.loads(done.stdout)
    accounts = report["accounts"]
    # Late is what is measured on a machine that does nothing else; two test files at once are no such machine.
    assert {name: accounts["named"][name] for name in FINDINGS if name != "late"} == {
        name: {} for name in FINDINGS if name != "late"
    }
    assert (accounts["unaccounted"], report["at_rest"], report["raw_lines"]) == (0, True, [])
    assert accounts["announced"] == sum(accounts["ends"].values()) == 320
    assert {fault["fault"] for fault in report["faults"]} == set(kinds)
    assert running(home) == []


@pytest.mark.long  # some six minutes by itself
def test_nothing_is_lost_when_everything_breaks_once(home: Path) -> None:
    words, environment = command(home)
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=1300, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["good"]
    assert report["at_rest"]
    accounts = report["accounts"]
    assert {name: accounts[name] for name in FINDINGS} == dict.fromkeys(FINDINGS, 0)
    assert accounts["unaccounted"] == 0
    # The good sites' articles and those of last month, a tenth of hostile ones, and the flood.
    assert accounts["announced"] == sum(accounts["ends"].values()) == 320 + 30 + 400
    assert accounts["unreadable_records"] == {"sent": 15, "ended": 15}
    assert {fault["fault"] for fault in report["faults"]} == set(FaultKind) - {FaultKind.DENIED, FaultKind.RIVER}
    assert report["raw_lines"] == []
    assert report["standstill_seconds"] == {}
    assert {"poll", "fetch", "second-fetch", "process-0", "record"} <= report["peak_mb"].keys()
    assert max(report["peak_mb"].values()) < 700
    outages = [fault for fault in report["faults"] if fault["fault"] in (FaultKind.RESTART, FaultKind.STOP)]
    assert all(fault["recovery_seconds"] is not None for fault in outages)
    assert running(home) == []
    assert {"chaos.log", "roles.log", "report.json"} <= {path.name for path in (home / "chaos").iterdir()}
    assert not (home / "stack").exists()


def test_an_interrupted_lab_ends_all_that_it_started(home: Path) -> None:
    words, environment = command(home)
    lab = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = home / "chaos" / "chaos.log"
    ends_at = time.monotonic() + 180
    while not (log.exists() and "record started" in log.read_text()):
        assert lab.poll() is None
        assert time.monotonic() < ends_at
        time.sleep(0.2)
    roles = psutil.Process(lab.pid).children(recursive=True)
    assert len(roles) >= 6
    lab.send_signal(signal.SIGINT)
    assert lab.wait(120) == 130
    assert running(home) == []
    assert not any(role.is_running() for role in roles)
