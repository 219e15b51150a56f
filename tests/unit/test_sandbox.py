"""Sandbox: whatever a call does to its child, the caller gets a name for it and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pipelines.errors import NewsriverError, Poison, Rejected
from pipelines.sandbox import Limits, Sandbox
from tests.unit import hostile

pytestmark = pytest.mark.timeout(60)

LIMITS = Limits(cpu_seconds=0.4, memory_mb=400, wall_seconds=60)


@pytest.fixture
def isolation() -> Iterator[Sandbox]:
    made = Sandbox(LIMITS)
    yield made
    made.close()


def run(isolation: Sandbox, name: str, *given: object) -> object:
    return isolation.call(getattr(hostile, name), *given)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until_gone(pid: int) -> None:
    ends_at = time.monotonic() + 20
    while alive(pid):
        assert time.monotonic() < ends_at, f"process {pid} lives on"
        time.sleep(0.02)


def test_the_same_child_serves_many_calls(isolation: Sandbox) -> None:
    pids = {run(isolation, "pid") for _ in range(20)}
    assert len(pids) == 1
    assert pids != {os.getpid()}


def test_a_child_can_be_there_before_the_first_call(isolation: Sandbox) -> None:
    isolation.prepare()
    ends_at = time.monotonic() + 20
    while not (prepared := psutil.Process().children()):
        assert time.monotonic() < ends_at
    [child] = prepared
    while not isolation._idle:
        assert time.monotonic() < ends_at
        time.sleep(0.02)
    assert run(isolation, "pid") == child.pid


@pytest.mark.parametrize("size", [0, 1, 70_000, 5_000_000])
def test_arguments_and_results_of_any_size_pass(isolation: Sandbox, size: int) -> None:
    assert run(isolation, "echo", b"y" * size, {"a": [1.5, None]}) == (b"y" * size, {"a": [1.5, None]})
    assert run(isolation, "big", size) == b"x" * size


@pytest.mark.parametrize(
    ("name", "reason", "word"),
    [
        ("burn", "killed-cpu", "0.4 s of CPU"),
        ("burn_in_c", "killed-cpu", "0.4 s of CPU"),
        ("eat", "killed-memory", "400 MiB"),
        ("be_killed", "killed-memory", "400 MiB"),
        ("crash", "crashed", "SIGSEGV"),
        ("abort", "crashed", "SIGABRT"),
        ("leave", "crashed", "exit status 3"),
    ],
)
def test_what_ends_the_child_is_named_and_neighbours_go_on(name: str, reason: str, word: str) -> None:
    # Only what burns is to meet the CPU limit, however slow the machine.
    isolation = Sandbox(LIMITS if reason == "killed-cpu" else replace(LIMITS, cpu_seconds=30))
    assert run(isolation, "echo", "before") == ("before",)
    for _ in range(2):
        with pytest.raises(Poison, match=word) as caught:
            run(isolation, name)
        assert caught.value.reason == reason
        assert run(isolation, "echo", "after") == ("after",)
    isolation.close()


def test_what_waits_without_computing_is_ended_too() -> None:
    isolation = Sandbox(Limits(cpu_seconds=5, memory_mb=400, wall_seconds=0.3))
    with pytest.raises(Poison) as caught:
        run(isolation, "sleep")
    assert caught.value.reason == "killed-time"
    isolation.close()


def test_cpu_time_is_counted_for_each_call_alone() -> None:
    isolation = Sandbox(Limits(cpu_seconds=0.5, memory_mb=400))
    pids = {isolation.call(hostile.pid)}
    for _ in range(12):  # 1.2 s or so altogether
        isolation.call(sum, range(3_000_000))
        pids.add(isolation.call(hostile.pid))
    isolation.close()
    assert len(pids) == 1


def test_what_an_earlier_call_left_behind_is_not_held_against_the_next(isolation: Sandbox) -> None:
    run(isolation, "hold", 250)
    first = run(isolation, "pid")
    assert run(isolation, "need", 200) == 200 << 20
    assert run(isolation, "pid") != first


def test_a_crash_that_does_not_repeat_is_no_verdict(isolation: Sandbox, tmp_path: Path) -> None:
    before = run(isolation, "pid")
    assert run(isolation, "crash_once", str(tmp_path / "marker")) != before


def test_the_record_s_own_faults_come_back_as_they_are(isolation: Sandbox) -> None:
    with pytest.raises(Rejected) as caught:
        run(isolation, "reject")
    assert (caught.value.reason, caught.value.resource) == ("too-short", "https://post.example/1")


@pytest.mark.parametrize(
    ("name", "reason", "word"),
    [
        ("raise_unpicklable", "unexpected-error", "Local: 1 and 2"),
        ("raise_unpicklable_fault", "odd", "a fault that holds a function"),
        ("give_unpicklable", "unexpected-error", "pickle"),
    ],
)
def test_errors_that_cannot_travel_are_described(isolation: Sandbox, name: str, reason: str, word: str) -> None:
    before = run(isolation, "pid")
    with pytest.raises(Poison, match=word) as caught:
        run(isolation, name)
    assert caught.value.reason == reason
    assert run(isolation, "pid") == before


def test_an_unexpected_error_brings_its_trace(isolation: Sandbox) -> None:
    with pytest.raises(Poison) as caught:
        run(isolation, "raise_unpicklable")
    assert "in raise_unpicklable" in caught.value.__notes__[0]


def test_what_the_work_prints_disturbs_nothing(isolation: Sandbox) -> None:
    assert run(isolation, "talk") == "quiet"


def test_threads_do_not_wait_for_each_other(isolation: Sandbox) -> None:
    with ThreadPoolExecutor(3) as pool:
        burning = pool.submit(run, isolation, "burn")
        assert [pool.submit(run, isolation, "echo", n).result(20) for n in range(10)] == [(n,) for n in range(10)]
        with pytest.raises(Poison):
            burning.result(20)


def test_a_child_that_cannot_start_is_no_fault_of_the_input() -> None:
    isolation = Sandbox(LIMITS, preload=["pipelines.no_such_module"])
    with pytest.raises(NewsriverError, match="does not start") as caught:
        run(isolation, "pid")
    assert not isinstance(caught.value, Poison)


def test_close_ends_the_children(isolation: Sandbox) -> None:
    pid = run(isolation, "pid")
    assert isinstance(pid, int)
    isolation.close()
    assert not alive(pid)


PARENT = """
import sys, threading, time
from pipelines.sandbox import Sandbox, Limits
from tests.unit import hostile
isolation = Sandbox(Limits(cpu_seconds=1, memory_mb=400, wall_seconds=2))
print(isolation.call(hostile.pid), flush=True)
if sys.argv[1] != "idle":
    threading.Thread(target=isolation.call, args=(getattr(hostile, sys.argv[1]),), daemon=True).start()
time.sleep(60)
"""


@pytest.mark.parametrize("work", ["idle", "burn", "sleep"])
def test_a_child_dies_with_its_parent(work: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, work], stdout=subprocess.PIPE, env=environment, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        until_gone(child)
