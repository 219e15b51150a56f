"""Who used the cores, and whose memory grew: processes counted with all their descendants.

The servers share the machine with what is measured, so that their part must be told apart. What counts as lost by the
river is only time in which its workers could have run: see `Spent.available`.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

_LOCAL = {"127.0.0.1", "localhost", "::1"}
_PART = 0.1
"""Part of a run over which memory is averaged."""


@dataclass(frozen=True)
class Spent:
    """CPU time of one stretch of a run.

    Attributes:
        wall: seconds on the clock.
        cores: cores of the machine.
        workers: processes that may each keep one core busy.
        ours: CPU seconds of the workers and their children.
        servers: CPU seconds of each local server that can be seen.
        others: CPU seconds of everything else: the benchmark itself, strangers, what the host of a virtual machine
            took away.
    """

    wall: float
    cores: int
    workers: int
    ours: float
    servers: Mapping[str, float]
    others: float

    @property
    def available(self) -> float:
        """Core seconds that the workers could have had: all that nobody else used, at most one core each.

        Waiting is not taken off: a worker that waits for a server leaves a core idle, and that counts against it.
        """
        left = self.cores * self.wall - sum(self.servers.values()) - self.others
        return max(0.0, min(self.workers * self.wall, left))


class Meter:
    """Counts CPU time from the moment it is made.

    Args:
        workers: the processes that are measured; their descendants count with them.
        servers: process ids of the local servers by name.
    """

    def __init__(self, workers: Sequence[int], servers: Mapping[str, int]) -> None:
        self._workers, self._servers = list(workers), dict(servers)
        self._begun = self._look()

    def read(self) -> Spent:
        """Give what was used up to now."""
        begun, now = self._begun, self._look()
        servers = {name: now.servers[name] - begun.servers[name] for name in now.servers}
        ours = now.ours - begun.ours
        return Spent(
            wall=now.at - begun.at,
            cores=os.cpu_count() or 1,
            workers=len(self._workers),
            ours=ours,
            servers=servers,
            others=max(0.0, now.busy - begun.busy - ours - sum(servers.values())),
        )

    def _look(self) -> _Look:
        machine = psutil.cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        inside = getattr(machine, "guest", 0.0) + getattr(machine, "guest_nice", 0.0)  # counted in user and nice too
        return _Look(
            at=time.monotonic(),
            busy=sum(machine) - idle - inside,
            ours=sum(cpu_seconds(pid) for pid in self._workers),
            servers={name: cpu_seconds(pid) for name, pid in self._servers.items()},
        )


@dataclass(frozen=True)
class _Look:
    at: float
    busy: float
    ours: float
    servers: dict[str, float]


def cpu_seconds(pid: int) -> float:
    """Give the CPU time of a process and its descendants, ended ones included; 0 when it is gone."""
    total = 0.0
    for process in _family(pid):
        with suppress(psutil.Error):
            times = process.cpu_times()
            # Beside its own time, what ended children took that it has waited for; live ones come by themselves.
            total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_bytes(pid: int) -> tuple[int, int]:
    """Give the resident memory of a process, and that of its descendants."""
    sizes = []
    for process in _family(pid):
        try:
            sizes.append(process.memory_info().rss)
        except psutil.Error:
            sizes.append(0)
    return (sizes[0], sum(sizes[1:])) if sizes else (0, 0)


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def server_pids(addresses: Mapping[str, str]) -> dict[str, int]:
    """Find the processes that listen at local addresses.

    Args:
        addresses: host:port or URL by name; of several separated by commas the first.

    Returns:
        Process ids by name; servers elsewhere, or of another user whom we may not look at, are left out.
    """
    found = {}
    for name, address in addresses.items():
        first = address.split(",")[0]
        parts = urlsplit(first if "//" in first else f"//{first}")
        if parts.hostname in _LOCAL and (pid := _listener(parts.port)):
            found[name] = pid
    return found


def _listener(port: int | None) -> int | None:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return None
    listening = (one for one in connections if one.status == psutil.CONN_LISTEN and one.laddr and one.pid)
    return next((one.pid for one in listening if getattr(one.laddr, "port", None) == port), None)


@dataclass(frozen=True)
class Memory:
    """Resident memory of one process over a run, in bytes.

    Attributes:
        start: median over the first tenth of the run.
        middle: median over the tenth in its middle: allocators take some minutes to settle.
        end: median over the last tenth.
        most: largest value seen.
    """

    start: int
    middle: int
    end: int
    most: int

    @classmethod
    def of(cls, samples: Sequence[int]) -> Memory:
        """Sum up samples taken at equal distances."""
        tenth = max(1, round(len(samples) * _PART))
        half = (len(samples) - tenth) // 2
        parts = (samples[:tenth], samples[half : half + tenth], samples[-tenth:])
        start, middle, end = (round(statistics.median(part or [0])) for part in parts)
        return cls(start, middle, end, max(samples, default=0))


def machine() -> dict[str, str | int]:
    """Describe this machine in the words that figures need beside them."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
    }


def _processor() -> str:
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
