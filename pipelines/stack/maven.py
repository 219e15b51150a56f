"""One download with the ordinary Maven client: its own settings decide where from."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipelines.errors import StackError
from pipelines.stack.java import Java

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"

ATTEMPTS = 3

_OPTIONS = (
    "--strict-checksums",
    "--update-snapshots",  # Maven remembers for a day that something was missing; this makes it ask again
    "-Dstyle.color=never",
    # A connection that is silent for a minute is given up: the first is Maven 3.8's name, the second that of 3.9 on.
    "-Dmaven.wagon.rto=60000",
    "-Daether.connector.requestTimeout=60000",
)
_UNITS = {"B": 1, "kB": 1_000, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_AMOUNT = re.compile(r"([\d.]+) ?([kKMG]?B)?(?:/[\d.]+ ?([kKMG]?B))?")
_FINISHED = re.compile(r"^(?:\[INFO\] )?Downloaded from .* \(([\d.]+) ([kKMG]?B)\b")


@dataclass(frozen=True)
class Maven:
    """The Maven client with a local repository of its own.

    Attributes:
        executable: the program `mvn`.
        java: what runs it.
        folder: our own existing folder for its repository and its log; Maven 3.9 on takes up part-files left in it.
        inherited: file descriptor of a lock that the client holds on to, should its caller die.
    """

    executable: Path
    java: Java
    folder: Path
    inherited: int

    @property
    def repository(self) -> Path:
        """The local repository."""
        return self.folder / "repository"

    def run(
        self, goal: str, properties: dict[str, str], heard: Callable[[int], None], *, pom: Path | None = None
    ) -> None:
        """Run one goal of the dependency plugin, up to three times while it fails.

        Args:
            goal: e.g. `get`.
            properties: the goal's parameters.
            heard: called with the bytes downloaded so far.
            pom: the project to run it in, for a goal that needs one.

        Raises:
            StackError: Maven failed; its own words are in the message, all of them in the log.
        """
        command = [str(self.executable), *_OPTIONS, f"-Dmaven.repo.local={self.repository}", f"{PLUGIN}:{goal}"]
        command += [f"-D{name}={value}" for name, value in properties.items()]
        command += ["--file", str(pom)] if pom else []
        log = self.folder / "maven.log"
        for attempt in range(1, ATTEMPTS + 1):
            if self._once(command, log, heard) == 0:
                return
            if attempt < ATTEMPTS:
                time.sleep(2 * attempt)
        raise StackError(
            f"Maven could not download: {reason(log.read_text(encoding='utf-8', errors='replace'))}",
            hint=f"see {log}, then try again: what is already here is kept",
            resource=goal,
        )

    def _once(self, command: Sequence[str], log: Path, heard: Callable[[int], None]) -> int:
        process = subprocess.Popen(
            command,
            # Its own folder: a pom.xml or .mvn where the user happens to be is none of our business.
            cwd=self.folder,
            env={**os.environ, "JAVA_HOME": str(self.java.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(self.inherited,),
        )
        transfers = Transfers()
        try:
            with log.open("w", encoding="utf-8") as file:
                for line in _lines(process.stdout):
                    if not transfers.hear(line):
                        file.write(line + "\n")
                    heard(transfers.bytes)
            return process.wait()
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            process.wait()


class Transfers:
    """Adds up what Maven says of its downloads."""

    def __init__(self) -> None:
        self._finished = 0
        self._running = 0
        self._most = 0

    @property
    def bytes(self) -> int:
        """Bytes downloaded so far, as exact as Maven's rounding; never less than before."""
        self._most = max(self._most, self._finished + self._running)
        return self._most

    def hear(self, line: str) -> bool:
        """Take in one line of output; tell whether it was mere progress, not worth a place in the log."""
        if line.startswith("Progress ("):
            amounts = line.partition(":")[2].split("|")
            self._running = sum(_first_amount(amount) for amount in amounts)
            return True
        finished = _FINISHED.match(line)
        if finished:
            self._finished += _bytes(finished[1], finished[2])
            self._running = 0
        return not line.strip()


def reason(log: str) -> str:
    """Give Maven's own first error as one line, without its hints about its own flags."""
    for line in log.splitlines():
        if line.startswith("[ERROR]") and line.removeprefix("[ERROR]").strip():
            return line.removeprefix("[ERROR]").partition("-> [Help")[0].strip()
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _first_amount(text: str) -> int:
    """Read the first figure of `6.0/6.7 MB`, whose unit stands behind the second."""
    found = _AMOUNT.search(text)
    return _bytes(found[1], found[2] or found[3] or "B") if found else 0


def _bytes(figure: str, unit: str) -> int:
    return round(float(figure) * _UNITS[unit])


def _lines(stream: IO[bytes] | None) -> Iterator[str]:
    """Split output at newlines and at the carriage returns of progress displays, as it arrives."""
    rest = b""
    while stream is not None and (chunk := stream.read1(65_536)):  # type: ignore[attr-defined]  # a pipe is a BufferedReader, typed as IO
        *whole, rest = re.split(rb"[\r\n]+", rest + chunk)
        yield from (line.decode("utf-8", "replace") for line in whole)
    yield rest.decode("utf-8", "replace")
