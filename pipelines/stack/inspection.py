"""The servers as they are now."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from pipelines.settings import Settings
from pipelines.stack.parts import SERVERS, elsewhere, process_of, server_of
from pipelines.stack.server import Server
from pipelines.stack.state import StackState, folder, load


@dataclass(frozen=True)
class PartStatus:
    """One server as it is now.

    Attributes:
        part: its name for people.
        state: `up`, `not answering` (starting, or stuck), `down`, or `elsewhere`: the settings name another one.
        version: the server's own; empty when it was never started or is elsewhere.
        address: where clients find it; empty when it was never started.
        pid: its process, while there is one.
        memory_bytes: resident memory of the process.
        data_bytes: room that its data takes on disk.
        since: when the process began.
        log: its log file.
    """

    part: str
    state: str
    version: str = ""
    address: str = ""
    pid: int | None = None
    memory_bytes: int | None = None
    data_bytes: int | None = None
    since: datetime | None = None
    log: Path | None = None


def status(settings: Settings) -> tuple[PartStatus, ...]:
    """Look at both servers, Kafka first.

    Raises:
        StackError: the state file cannot be read.
    """
    state = load(folder(settings))
    return tuple(_look(kind, settings, state) for kind in reversed(SERVERS))


def _look(kind: type[Server], settings: Settings, state: StackState | None) -> PartStatus:
    named = elsewhere(settings, kind)
    if named:
        return PartStatus(part=kind.artifact.label, state="elsewhere", address=named)
    if state is None:
        return PartStatus(part=kind.artifact.label, state="down")
    server = server_of(kind, settings, state)
    process = process_of(server)
    seen = PartStatus(
        part=server.label,
        state="down",
        version=server.ports.version,
        address=server.address,
        data_bytes=_disk_bytes(server.folder / "data"),
        log=server.log,
    )
    with suppress(psutil.NoSuchProcess):
        if process is not None:
            return replace(
                seen,
                state="up" if server.answers() else "not answering",
                pid=process.pid,
                memory_bytes=process.memory_info().rss,
                since=datetime.fromtimestamp(process.create_time(), UTC),
            )
    return seen


def _disk_bytes(path: Path) -> int:
    """Add up the blocks in use: Kafka's index files are much longer than what they hold."""
    total = 0
    for folder_name, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):  # the servers go on deleting files while we look
                total += (Path(folder_name) / name).lstat().st_blocks * 512
    return total
