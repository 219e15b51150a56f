"""Starting server processes that outlive their caller, finding them again, ending them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from pipelines.errors import StackError

SERVER_USER = "newsriver"
"""System user that the servers run as when root starts them: Elasticsearch refuses root."""

STOP_SECONDS = 60.0
"""How long a server may take to end by itself before it is killed."""

CLOCK_SECONDS = 2.0
"""How far two readings of one process's creation time may lie apart: Linux derives it from a clock that is adjusted."""

# The shell starts the server in the background and ends: the server belongs to nobody who might wait for it,
# so no caller's death touches it and none keeps it as a zombie.
_DETACH = 'output=$1; shift; "$@" >"$output" 2>&1 </dev/null & echo $!'


@dataclass(frozen=True)
class Account:
    """The user that the servers run as, where it is not the caller."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Launch:
    """One server process to be started.

    Attributes:
        command: program and arguments, the stack's mark among them.
        environment: all of its environment: nothing of the caller's leaks into a process that outlives it.
        folder: working directory.
        output: file for its output, begun anew.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    output: Path


def server_account() -> Account | None:
    """Give the unprivileged user for the servers, made where it is missing; None when the caller is not root.

    Raises:
        StackError: the user is missing and cannot be made.
    """
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam(SERVER_USER)
    except KeyError:
        _add_user()
        entry = pwd.getpwnam(SERVER_USER)
    return Account(name=SERVER_USER, uid=entry.pw_uid, gid=entry.pw_gid)


def hand_over(folder: Path, account: Account | None) -> None:
    """Give a folder and all in it to the servers' user; links are not followed."""
    if account is None:
        return
    for path in (folder, *folder.rglob("*")):
        if path.lstat().st_uid != account.uid:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def check_access(account: Account | None, paths: Iterable[Path]) -> None:
    """Check that the servers' user, where it is another, can read these files or folders.

    Raises:
        StackError: it cannot, because of the permissions of the path or of a folder above it.
    """
    if account is None:
        return
    for path in paths:
        answer = subprocess.run(["test", "-r", str(path)], cwd="/", check=False, **_identity(account))
        if answer.returncode != 0:
            raise StackError(
                f"the user {account.name}, which the servers run as, cannot read {path}",
                hint="choose folders that others may enter: --set stack.directory=... or stack.software_directory=...",
                resource=str(path),
            )


def start(launch: Launch, account: Account | None) -> psutil.Process | None:
    """Start a server in a session of its own; None when it ended at once."""
    answer = subprocess.run(
        ["/bin/sh", "-c", _DETACH, "sh", str(launch.output), *launch.command],
        cwd=launch.folder,
        env=dict(launch.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        check=True,
        **_identity(account),
    )
    with suppress(psutil.Error):
        return psutil.Process(int(answer.stdout))
    return None


def same(pid: int | None, created: float | None, mark: str) -> psutil.Process | None:
    """Give the process that was recorded, or None when it ended, whoever has its number now."""
    if pid is None or created is None:
        return None
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if abs(process.create_time() - created) <= CLOCK_SECONDS and mark in process.cmdline():
            return process
    return None


def marked(mark: str) -> list[psutil.Process]:
    """Give all processes with this argument: also one whose caller died before it wrote the number down."""
    return [process for process in psutil.process_iter(["cmdline"]) if mark in (process.info["cmdline"] or ())]


def end(processes: Iterable[psutil.Process], seconds: float = STOP_SECONDS) -> list[psutil.Process]:
    """End processes, all at once: asked first, killed when they take longer; give those that had to be killed."""
    asked = list(processes)
    for process in asked:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, slow = psutil.wait_procs(asked, timeout=seconds)
    for process in slow:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(slow, timeout=seconds)
    return list(slow)


def _identity(account: Account | None) -> dict[str, Any]:
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def _add_user() -> None:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    command = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER]
    answer = subprocess.run([useradd, *command], capture_output=True, text=True, check=False) if useradd else None
    if answer is None or answer.returncode not in (0, 9):  # 9: it exists, made by another call just now
        detail = f": {answer.stderr.strip()}" if answer else ", for there is no `useradd`"
        raise StackError(
            f"the user {SERVER_USER}, which the servers run as when root starts them, cannot be made{detail}",
            hint="make it yourself or run newsriver as an ordinary user",
            resource=SERVER_USER,
        )
