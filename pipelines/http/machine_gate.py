"""One gate for all processes of a machine: `poll` and any number of `fetch` ask a host one at a time.

A host is a small file that whoever asks it keeps locked (`flock`, which the kernel undoes when a process is killed)
and in which the next one reads when that may be. The files lie in 256 folders by a digest of the host; those that
nobody has touched for a day are removed on the way.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import logging
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pipelines.errors import FetchFault
from pipelines.http.host_note import HostNote
from pipelines.http.politeness import HostGate, HostOnHold, Learn
from pipelines.private_files import private_folder
from pipelines.settings import FetchSettings

log = logging.getLogger(__name__)

_FIRST_LOOK = 0.01
_LONGEST_LOOK = 0.25
_MOST_BYTES = 400
_FORGET_SECONDS = 86_400.0
_TURNS_A_SWEEP = 500
_FOLDERS = 256


def host_gate(settings: FetchSettings, patience: float) -> HostGate:
    """Make the gate of one process, with that of the machine beneath it.

    Args:
        settings: the pause between two requests and the machine's folder.
        patience: as for `HostGate`.
    """
    return HostGate(settings.delay_seconds, patience, machine=MachineGate(settings.gate_directory))


class MachineGate:
    """Lets one process at a time ask a host; where its folder cannot be used it says so once and lets all through.

    The calls that block are those of a small file: some 40 us for a whole turn.

    Args:
        directory: the machine's folder; made when it is missing.
        clock: gives seconds since 1970, the same for all processes.
    """

    def __init__(self, directory: Path, clock: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._clock = clock
        self._warned = False
        self._turns = random.randrange(_TURNS_A_SWEEP * _FOLDERS)  # noqa: S311 - each process begins at another folder

    @asynccontextmanager
    async def turn(
        self, host: str, *, delay: float, crawl_delay: float | None, patience: float
    ) -> AsyncIterator[Learn]:
        """Wait for the machine's turn at a host and hold it for the length of the block.

        The block is given a function for the crawl-delay that the answer names: told later, it would come too late
        for somebody who waits with the lock by then.

        Args:
            host: the host as politeness counts it.
            delay: least seconds from the end of the last request to the start of this one.
            crawl_delay: what its robots.txt says, 0 for nothing; None from somebody who has not read it.
            patience: longest wait in seconds.

        Raises:
            HostOnHold: others are at it, or it is on hold, for longer than `patience`.
        """
        self._turns += 1
        if self._turns % _TURNS_A_SWEEP == 0:
            self._sweep(self._turns // _TURNS_A_SWEEP % _FOLDERS)
        file = await self._locked(host, patience)
        if file is None:
            yield lambda _: None
            return
        try:
            note = self._read(file).knowing(crawl_delay)
            wait = note.wait(self._clock(), delay)
            if wait > patience:
                raise HostOnHold(host, wait)
            if wait:  # with the lock: whoever waits longest is next, and nobody else comes between
                await asyncio.sleep(wait)
            self._write(file, note.begun())
            retry_after = 0.0

            def learn(seconds: float | None) -> None:
                nonlocal note
                note = note.knowing(seconds)

            try:
                yield learn
            except FetchFault as fault:
                retry_after = fault.retry_after or 0.0
                raise
            finally:
                self._write(file, note.over(self._clock(), retry_after))
        finally:
            os.close(file)

    def hold(self, host: str, seconds: float) -> None:
        """Let nobody of the machine ask a host for so long; without effect while somebody asks it."""
        file = self._try(host)
        if file is not None and file >= 0:
            try:
                self._write(file, self._read(file).held(self._clock(), seconds))
            finally:
                os.close(file)

    async def _locked(self, host: str, patience: float) -> int | None:
        """Open and lock a host's file; None when the folder cannot be used."""
        ends_at, look = time.monotonic() + patience, _FIRST_LOOK
        while (file := self._try(host)) == _TAKEN:
            if time.monotonic() > ends_at:
                raise HostOnHold(host, patience)
            await asyncio.sleep(look * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all look at once
            look = min(look * 1.5, _LONGEST_LOOK)
        return file

    def _try(self, host: str) -> int | None:
        """Open and lock a host's file without waiting; `_TAKEN` where somebody else has it, None for no file."""
        path = self._path(host)
        try:
            file = _open(path)
        except OSError as error:
            self._warn(error)
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(file, path):
                return file
        except BlockingIOError:
            pass
        except OSError as error:  # a file system without locks
            self._warn(error)
            os.close(file)
            return None
        os.close(file)  # taken, or removed between opening and locking: to be opened afresh
        return _TAKEN

    def _read(self, file: int) -> HostNote:
        try:
            return HostNote.from_bytes(os.pread(file, _MOST_BYTES, 0))
        except OSError as error:
            self._warn(error)
            return HostNote(None)

    def _write(self, file: int, note: HostNote) -> None:
        content = note.to_bytes()
        try:
            os.pwrite(file, content, 0)
            os.ftruncate(file, len(content))
        except OSError as error:
            self._warn(error)

    def _warn(self, error: OSError) -> None:
        """Say once that processes of this machine do not know of each other."""
        if not self._warned:
            self._warned = True
            log.warning(
                "hosts are not shared with the machine's other processes, two of them may ask one at a time: %s; "
                "name a folder that can be written with fetch.gate_directory",
                error,
            )

    def _path(self, host: str) -> Path:
        digest = hashlib.blake2b(host.encode(), digest_size=16).hexdigest()
        return self._directory / digest[:2] / digest[2:]

    def _sweep(self, number: int) -> None:
        """Remove what nobody has touched for a day from one of the folders."""
        oldest = self._clock() - _FORGET_SECONDS
        with suppress(OSError), os.scandir(self._directory / f"{number:02x}") as found:
            for each in found:
                with suppress(OSError):
                    if each.stat().st_mtime < oldest:
                        _remove(Path(each.path), oldest)


_TAKEN = -1


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        private_folder(path.parent.parent)  # `mkdir` gives its mode to the last folder alone
        private_folder(path.parent)
        return os.open(path, flags, 0o600)


def _is_at(file: int, path: Path) -> bool:
    """Tell whether an open file is still the one with that name."""
    ours = os.fstat(file)
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def _remove(path: Path, oldest: float) -> None:
    """Remove a file that nobody has locked or touched; whoever opened it meanwhile sees that its name is gone.

    Raises:
        OSError: somebody has it, or it is gone.
    """
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        note = HostNote.from_bytes(os.pread(file, _MOST_BYTES, 0))
        on_hold = note.hold_until > oldest + _FORGET_SECONDS
        if not on_hold and os.fstat(file).st_mtime < oldest and _is_at(file, path):
            path.unlink()
    finally:
        os.close(file)
