"""What the roles use and leave: the most memory that any of their processes took, and what is raw in their logs."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from pipelines.runtime.supervisor import Supervisor

MOST_MB = 700
"""No process of a role may take more memory."""

_EVERY_SECONDS = 0.5
_PEAK = re.compile(rb"^VmHWM:\s+(\d+) kB", re.MULTILINE)
_RAW = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]")
"""Control characters of ASCII and Latin-1 but tab and line feed, and those that turn the direction of text (UTF-8)."""


class Footprint:
    """Looks at the memory of the roles' processes twice a second for as long as its block lasts, in a thread.

    Attributes:
        peaks: the most resident memory in MB of any process, by its worker, children apart.

    Args:
        supervisor: keeps the processes.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self.peaks: dict[str, int] = {}
        self._supervisor = supervisor
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="footprint", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            for worker in self._supervisor.workers:
                process = worker.process
                if process is not None:
                    self._look(worker.name, process.pid)

    def _look(self, name: str, pid: int) -> None:
        with suppress(psutil.Error, OSError):
            self._note(name, peak_mb(pid))
            for child in psutil.Process(pid).children(recursive=True):
                self._note(f"{name}, {child.name()}", peak_mb(child.pid))

    def _note(self, name: str, megabytes: int) -> None:
        self.peaks[name] = max(self.peaks.get(name, 0), megabytes)


def peak_mb(pid: int) -> int:
    """Give the most resident memory that a process ever took, in MB; what it takes now where that is not kept.

    Raises:
        OSError: it is gone.
        psutil.Error: it is gone.
    """
    status = Path(f"/proc/{pid}/status")
    if status.exists() and (found := _PEAK.search(status.read_bytes())):
        return int(found[1]) * 1024 // 1_000_000
    return int(psutil.Process(pid).memory_info().rss) // 1_000_000


def raw_lines(logs: Iterable[Path]) -> Iterator[str]:
    """Give the lines of logs that hold what a terminal would obey, as Python would write them."""
    for log in logs:
        with log.open("rb") as file:
            for line in file:
                if _RAW.search(line):
                    yield ascii(line.decode("utf-8", "replace").rstrip("\n"))
