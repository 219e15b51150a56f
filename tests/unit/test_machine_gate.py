"""One gate for the processes of a machine: real files, real locks, real processes."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import FetchFault
from pipelines.http.host_note import HostNote
from pipelines.http.machine_gate import MachineGate, host_gate
from pipelines.http.politeness import HostGate, HostOnHold
from pipelines.settings import FetchSettings

HOST = "ferry.example"
WORKER = """
import asyncio, sys, time
from pathlib import Path
from pipelines.http.machine_gate import MachineGate
from pipelines.http.politeness import HostGate

async def main(folder, log, times, length):
    gate = HostGate(0.05, machine=MachineGate(Path(folder)))
    for _ in range(int(times)):
        async with gate.turn("ferry.example"):
            began = time.time()
            with open(log, "a") as file:
                file.write(f"{began} ")
                file.flush()
                await asyncio.sleep(float(length))
                file.write(f"{time.time()}\\n")

asyncio.run(main(*sys.argv[1:]))
"""


def worker(folder: Path, log: Path, times: int, length: float) -> subprocess.Popen[bytes]:
    """Start a process that asks the host so often."""
    return subprocess.Popen([sys.executable, "-c", WORKER, str(folder), str(log), str(times), str(length)])


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def gates(folder: Path, delay: float = 0.0, patience: float = 60.0) -> tuple[HostGate, HostGate]:
    """Make what two processes have: a lock belongs to an open file, so one process can play both."""
    first, second = (HostGate(delay, patience, machine=MachineGate(folder)) for _ in range(2))
    return first, second


def file_of(folder: Path, host: str = HOST) -> Path:
    return MachineGate(folder)._path(host)


def note_of(folder: Path) -> HostNote:
    return HostNote.from_bytes(file_of(folder).read_bytes())


def test_processes_ask_a_host_one_at_a_time_with_the_pause_between(tmp_path: Path) -> None:
    logs = [tmp_path / name for name in ("a", "b", "c")]
    workers = [worker(tmp_path / "hosts", log, 4, 0.03) for log in logs]
    assert [each.wait(60) for each in workers] == [0, 0, 0]
    spans = sorted(tuple(map(float, line.split())) for log in logs for line in log.read_text().splitlines())
    assert len(spans) == 12
    assert min(later[0] - earlier[1] for earlier, later in pairwise(spans)) >= 0.049


def test_a_killed_process_frees_the_host_and_the_pause_is_kept(tmp_path: Path) -> None:
    folder, log = tmp_path / "hosts", tmp_path / "log"
    killed = worker(folder, log, 1, 600)
    while not (log.exists() and log.read_text()):
        time.sleep(0.01)

    async def main() -> None:
        gate = HostGate(0.3, 0.2, machine=MachineGate(folder))
        with pytest.raises(HostOnHold):
            async with gate.turn(HOST):
                pytest.fail("let through while another process asks")
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        died = time.monotonic()
        async with HostGate(0.3, machine=MachineGate(folder)).turn(HOST):
            assert time.monotonic() - died >= 0.29  # when its request ended nobody knows: the pause counts from now

    run(main())


def test_who_waits_is_next_although_the_other_asks_on_and_on(tmp_path: Path) -> None:
    order: list[str] = []

    async def ask(gate: HostGate, name: str, times: int) -> None:
        for _ in range(times):
            async with gate.turn(HOST):
                order.append(name)
                await asyncio.sleep(0.01)

    async def main() -> None:
        fetch, poll = gates(tmp_path, delay=0.3)
        asking = asyncio.create_task(ask(fetch, "fetch", 4))
        await asyncio.sleep(0.005)
        await ask(poll, "poll", 1)
        assert order == ["fetch", "poll"]
        asking.cancel()

    run(main())


def test_what_one_learns_counts_for_all(tmp_path: Path) -> None:
    async def main() -> None:
        fetch, poll = gates(tmp_path)
        fetch.set_delay(HOST, 0.3)
        async with fetch.turn(HOST):
            pass
        ended = time.monotonic()
        async with poll.turn(HOST):
            assert time.monotonic() - ended >= 0.2
        assert note_of(tmp_path).delay == 0.3
        ended = time.monotonic()
        third = HostGate(0.0, machine=MachineGate(tmp_path))
        third.set_delay(HOST, 0.6)
        async with third.turn(HOST):  # known since the last request, and counts from its end
            assert time.monotonic() - ended >= 0.5
        fetch.set_delay(HOST, None)  # its robots.txt has changed
        async with fetch.turn(HOST):
            pass
        assert note_of(tmp_path).delay == 0

    run(main())


def test_a_crawl_delay_counts_for_who_waits_already(tmp_path: Path) -> None:
    """`poll` waits while `fetch` reads the robots.txt that names it."""
    ours, theirs = gates(tmp_path, patience=4.0)

    async def ask() -> None:
        async with theirs.turn(HOST):
            pytest.fail("the pause is longer than their patience")

    async def main() -> None:
        async with ours.turn(HOST) as learn:
            waiting = asyncio.create_task(ask())
            await asyncio.sleep(0)
            learn(5.0)
        with pytest.raises(HostOnHold) as hold:
            await waiting
        assert 4.0 < (hold.value.retry_after or 0.0) <= 5.0

    run(main())


def test_retry_after_counts_for_all_before_anybody_else_can_ask(tmp_path: Path) -> None:
    async def main() -> None:
        fetch, poll = gates(tmp_path)
        with pytest.raises(FetchFault):
            async with fetch.turn(HOST):
                raise FetchFault("no", reason="http-429", retryable=True, status=429, retry_after=900.0)
        for gate in (fetch, poll):
            with pytest.raises(HostOnHold) as caught:
                async with gate.turn(HOST):
                    pytest.fail("let through")
            assert caught.value.retry_after == pytest.approx(900, abs=5)
            assert gate.expected_wait(HOST) == pytest.approx(900, abs=5)
        async with poll.turn("other.example"):
            pass
        poll.hold("other.example", 900.0)
        with pytest.raises(HostOnHold):
            async with fetch.turn("other.example"):
                pytest.fail("let through")

    run(main())


def test_a_turn_that_fails_or_is_cancelled_frees_the_host(tmp_path: Path) -> None:
    async def main() -> None:
        first, second = gates(tmp_path)
        with pytest.raises(ValueError, match="broken"):
            async with first.turn(HOST):
                raise ValueError("broken")
        hanging = asyncio.create_task(_hang(first))
        while note_of(tmp_path).ended_at is not None:
            await asyncio.sleep(0)
        hanging.cancel()
        async with second.turn(HOST):
            pass
        assert note_of(tmp_path).ended_at is not None

    async def _hang(gate: HostGate) -> None:
        async with gate.turn(HOST):
            await asyncio.Event().wait()

    before = len(os.listdir("/proc/self/fd"))
    run(main())
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("kind", ["a file", "in a file", "a note that is a folder"])
def test_without_a_folder_each_process_goes_by_itself_and_says_so_once(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "hosts"
    if kind == "a note that is a folder":
        file_of(folder).mkdir(parents=True)
    else:
        folder.write_text("")
    folder = folder / "deeper" if kind == "in a file" else folder

    async def main() -> None:
        gate, _ = gates(folder)
        for _ in range(3):
            async with gate.turn(HOST):
                pass
        gate.hold(HOST, 5.0)
        assert gate.expected_wait(HOST) == pytest.approx(5.0, abs=0.5)

    with caplog.at_level(logging.WARNING):
        run(main())
    assert caplog.text.count("fetch.gate_directory") == 1


def test_old_files_go_and_no_others(tmp_path: Path) -> None:
    async def main() -> None:
        gate, other = MachineGate(tmp_path), HostGate(0.0, machine=MachineGate(tmp_path))
        turns = ("old", "held", "on-hold", "new")
        for host in turns:
            async with other.turn(host):
                pass
        gate.hold("on-hold", 3 * 86_400)
        two_days_ago = time.time() - 2 * 86_400
        for host in turns[:3]:
            os.utime(file_of(tmp_path, host), (two_days_ago, two_days_ago))
        async with MachineGate(tmp_path).turn("held", delay=0, crawl_delay=None, patience=1):
            os.utime(file_of(tmp_path, "held"), (two_days_ago, two_days_ago))
            for number in range(256):
                gate._sweep(number)
        assert [file_of(tmp_path, host).exists() for host in turns] == [False, True, True, True]

    run(main())


def test_a_file_that_is_removed_while_somebody_waits_for_it_is_made_afresh(tmp_path: Path) -> None:
    async def main() -> None:
        first, second = gates(tmp_path)
        async with first.turn(HOST):
            waiting = asyncio.create_task(_ask(second))
            await asyncio.sleep(0.05)
            file_of(tmp_path).unlink()
        await waiting
        assert note_of(tmp_path).ended_at is not None

    async def _ask(gate: HostGate) -> None:
        async with gate.turn(HOST):
            assert file_of(tmp_path).exists()

    run(main())


def test_files_are_swept_on_the_way(tmp_path: Path) -> None:
    async def main() -> None:
        gate = HostGate(0.0, machine=MachineGate(tmp_path))
        async with gate.turn(HOST):
            pass
        old = time.time() - 2 * 86_400
        os.utime(file_of(tmp_path), (old, old))
        other = MachineGate(tmp_path)
        other._turns = int(file_of(tmp_path).parent.name, 16) * 500 - 1
        async with other.turn("other.example", delay=0, crawl_delay=None, patience=1):
            pass
        assert not file_of(tmp_path).exists()

    run(main())


def test_a_host_may_have_any_name(tmp_path: Path) -> None:
    async def main() -> None:
        gate = MachineGate(tmp_path)
        for host in ("[::1]:8080", "../../etc/passwd", "a" * 5000, "müller.example", ""):
            async with gate.turn(host, delay=0, crawl_delay=None, patience=1):
                assert file_of(tmp_path, host).is_file()
        assert len(list(tmp_path.rglob("*"))) <= 10

    run(main())


def test_the_settings_make_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with host_gate(FetchSettings(delay_seconds=0.0, gate_directory=tmp_path), 1.0).turn(HOST):
            assert note_of(tmp_path) == HostNote(None)

    run(main())
