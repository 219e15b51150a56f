"""The river that reads the simulated internet: its settings, the internet's process, the copies of poll and fetch."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pipelines.demo.timetable import whole_loopback
from pipelines.errors import StackError
from pipelines.feeds.partitions import feed_partition
from pipelines.kafka import Sender
from pipelines.lab.bench.cores import cpu_seconds, resident_bytes
from pipelines.lab.internet.plan import NETWORKS
from pipelines.lab.internet.site import READY
from pipelines.lab.internet.traits import Host
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.runtime.supervisor import Supervisor, Worker
from pipelines.settings import FetchSettings, PollSettings, Settings
from schemas.records import Feed, FeedState
from schemas.topics import FEED_STATE, FEEDS

ROLES = ("poll", "fetch")
"""The roles that are measured."""

_LOOK_SECONDS = 1.0


def options(speed: float, folder: Path) -> list[str]:
    """Give the settings in which the run differs from a river's defaults, as `section.key=value`.

    The speed divides the bounds between polls and the delays of the later-tiers, because it multiplies what is
    published; pauses and time limits stay. One revisit of the four is made, so that conditional requests to pages and
    the later-tiers take part: the later ones would hardly fall due in a run.
    """
    polls = PollSettings()
    chosen = [
        "river.contact=https://example.org/newsriver-bench",
        f"fetch.allow_networks={json.dumps(NETWORKS)}",
        'fetch.revisit=["15m"]',
        f"fetch.later_scale={1 / max(1.0, speed)}",
        f"poll.min_interval_seconds={max(1.0, polls.min_interval_seconds / speed)}",
        f"poll.max_interval_seconds={max(1.0, polls.max_interval_seconds / speed)}",
    ]
    if "gate_directory" in FetchSettings.model_fields:
        chosen.append(f"fetch.gate_directory={folder / 'gate'}")
    return chosen


def free_port(hosts: Sequence[Host]) -> int:
    """Find a port for all hosts.

    Raises:
        StackError: this machine has only one loopback address.
    """
    if not whole_loopback():
        raise StackError(
            "the simulated internet needs all addresses from 127.0.0.0 to 127.255.255.255",
            resource="loopback",
            hint="run it on Linux; macOS has 127.0.0.1 only",
        )
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((hosts[0].address, 0))
        return int(probe.getsockname()[1])


@contextmanager
def site(module: str, orders: bytes, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a site as a process of its own, for as long as the block lasts; its log is `requests.log` in the folder.

    Raises:
        StackError: it does not start.
    """
    messages = folder / "site.log"
    with messages.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(folder / "requests.log")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
    try:
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.write(orders)
                process.stdin.flush()
        if process.stdout is None or process.stdout.readline() != READY:
            raise StackError("the simulated internet does not start", resource=str(messages), hint="that file says why")
        yield process
    finally:
        with suppress(OSError, subprocess.TimeoutExpired):
            process.communicate(timeout=15)
        process.kill()
        process.wait()


def seed(settings: Settings, feeds: Sequence[Feed], states: Sequence[FeedState]) -> None:
    """Put the feeds and what is known of them on Kafka, each state in the partition of its feed."""
    listed, known = (topic.full_name(settings.river.name) for topic in (FEEDS, FEED_STATE))
    with Sender(kafka_bootstrap(settings), client_id="newsriver-bench") as sender:
        for feed, state in zip(feeds, states, strict=True):
            place = feed_partition(feed.url, settings.kafka.partitions)
            sender.send(known, state.url, state.to_json(), partition=place)
            sender.send(listed, feed.url, feed.to_json(), partition=place)


@dataclass
class Usage:
    """What one copy used, over all the processes that it was.

    Attributes:
        cpu: CPU seconds of each process.
        memory: resident bytes, looked at once a second.
    """

    cpu: dict[int, float] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)


class Faults(NamedTuple):
    """What happens to the copies meanwhile.

    Attributes:
        kill_every: seconds between two kills with -9; 0 for none.
        move_every: seconds between two moves, in which a copy leaves in order or comes; 0 for none.
    """

    kill_every: float = 0.0
    move_every: float = 0.0


class Crew:
    """Copies of roles, kept alive, measured, and killed, ended and started again on demand.

    Attributes:
        usage: by the copy's name.
        kills: when which copy was killed: seconds since the crew started, and its name.
        moves: when which copy came or left, by its name and `came` or `left`.

    Args:
        names: the copies: `poll-0`, `fetch-0`, ...; a name without a number is its role.
        arguments: global options that give them their settings.
        log_file: where their messages go.
        guests: those of them that are away at first, and have no name in their consumer groups.
    """

    def __init__(
        self, names: Sequence[str], arguments: Sequence[str], log_file: Path, guests: Collection[str] = ()
    ) -> None:
        self.usage = {name: Usage() for name in names}
        self.kills: list[tuple[float, str]] = []
        self.moves: list[tuple[float, str, str]] = []
        workers = [Worker(name, [name.partition("-")[0]], named=name not in guests) for name in names]
        self._workers = {worker.name: worker for worker in workers}
        self._supervisor = Supervisor([worker for worker in workers if worker.name not in guests], arguments, log_file)
        self._leaving: list[threading.Thread] = []
        self._started = 0.0

    def start(self) -> None:
        """Start all copies that are not away."""
        self._started = time.monotonic()
        self._supervisor.start()

    def run(self, seconds: float, faults: Faults, chance: random.Random, tell: Callable[[float], None]) -> None:
        """Let them work for so long; meanwhile kill one of `ROLES` with -9, or let one leave or come, by chance."""
        began = time.monotonic()
        turn: list[str] = []
        killed = moved = 0
        while (passed := time.monotonic() - began) < seconds:
            self._supervisor.tend()
            self.look()
            if faults.kill_every and passed > (killed + 1) * faults.kill_every:
                turn = turn or self._shuffled(chance)
                self._kill(turn.pop())
                killed += 1
            if faults.move_every and passed > (moved + 1) * faults.move_every:
                self._move(chance)
                moved += 1
            tell(passed)
            time.sleep(_LOOK_SECONDS)
        self.look()

    def look(self) -> None:
        """Read CPU time and memory of every copy."""
        for name, pid in self.pids().items():
            used = cpu_seconds(pid)
            if used:
                self.usage[name].cpu[pid] = used
                self.usage[name].memory.append(sum(resident_bytes(pid)))

    def pids(self) -> dict[str, int]:
        """Give the process ids of those that run."""
        return {one.name: one.process.pid for one in self._supervisor.workers if one.process is not None}

    @property
    def deaths(self) -> int:
        """How often one ended soon after its start although nobody asked it to."""
        return sum(worker.failures for worker in self._workers.values())

    def drain(self) -> None:
        """End them all in order."""
        self._supervisor.drain()
        for thread in self._leaving:
            thread.join()

    def _move(self, chance: random.Random) -> None:
        """Let a copy that is away come, or one that is not the last of its role leave in order."""
        there = [worker.name for worker in self._supervisor.workers if worker.name.startswith(ROLES)]
        roles = Counter(name.partition("-")[0] for name in there)
        away = [name for name in self._workers if name.startswith(ROLES) and name not in there]
        name = chance.choice([*away, *(name for name in there if roles[name.partition("-")[0]] > 1)])
        worker = self._workers[name]
        self.moves.append((time.monotonic() - self._started, name, "came" if name in away else "left"))
        if name not in away:
            thread = threading.Thread(target=self._supervisor.remove, args=(worker,), name=f"end {name}")
            thread.start()
            self._leaving.append(thread)
        else:
            self._workers[name] = fresh = Worker(name, worker.arguments, named=worker.named)
            self._supervisor.add(fresh)

    def _shuffled(self, chance: random.Random) -> list[str]:
        names = [name for name in self.usage if name.startswith(ROLES)]
        chance.shuffle(names)
        return names

    def _kill(self, name: str) -> None:
        pid = self.pids().get(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self.kills.append((time.monotonic() - self._started, name))
