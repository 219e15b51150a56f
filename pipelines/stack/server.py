"""What the two servers have in common, as the lifecycle sees them."""

from __future__ import annotations

import os
import re
import shutil
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pipelines.private_files import OWNER_ONLY, private_folder
from pipelines.stack.artifacts import Artifact, place
from pipelines.stack.java import Java
from pipelines.stack.ports import LOOPBACK
from pipelines.stack.processes import Launch
from pipelines.stack.state import ServerState

_TELLING = re.compile(
    r"Caused by: |\b(ERROR|FATAL)\b|Exception\b|Error: |^error|fatal|refusing|not found", re.IGNORECASE
)
_LINES = 400
_STACK_FRAME = re.compile(r"^\s+at |^\s*\.\.\. \d+ more")


@dataclass(frozen=True)
class Server(ABC):
    """One server of the stack: what it is made of, how it is configured and started, how to ask whether it answers.

    Attributes:
        stack: the stack's folder.
        software: the folder of all downloaded software.
        ports: where it listens.
        heap_mb: its Java heap in MiB.
    """

    name: ClassVar[str]
    artifact: ClassVar[Artifact]
    launcher: ClassVar[str] = ""
    """Argument of a process that only starts the server and ends when that is ready; empty when there is none."""

    stack: Path
    software: Path
    ports: ServerState
    heap_mb: int

    @property
    def label(self) -> str:
        """Its name for people."""
        return self.artifact.label

    @property
    def folder(self) -> Path:
        """All that it writes is in here."""
        return self.stack / self.name

    @property
    def home(self) -> Path:
        """Its downloaded software."""
        return place(self.software, self.artifact)

    @property
    def output(self) -> Path:
        """What it wrote to its standard output and error since it was started, its errors among it."""
        return self.folder / "logs" / f"{self.name}.out"

    @property
    @abstractmethod
    def log(self) -> Path:
        """Its own log."""

    @property
    @abstractmethod
    def address(self) -> str:
        """Where clients find it."""

    @property
    def mark(self) -> str:
        """The argument by which its processes are told from all others."""
        return f"-Dnewsriver.stack={self.folder}"

    @abstractmethod
    def prepare(self, java: Java) -> Launch:
        """Write its configuration and give what starts it."""

    @abstractmethod
    def answers(self) -> bool:
        """Tell whether it does what clients need of it."""

    def folders(self) -> None:
        """Make its folders, the temporary one anew: nothing runs that could still use it."""
        private_folder(self.folder)
        self.folder.chmod(OWNER_ONLY)  # also one that was made before; it is ours by its name
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        for name in ("config", "data", "logs", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def environment(self, java: Java) -> dict[str, str]:
        """Give what any Java server needs of an environment."""
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
        home = {"HOME": str(self.folder), "TMPDIR": str(self.folder / "tmp"), "JAVA_HOME": str(java.home)}
        return {"PATH": os.environ.get("PATH", os.defpath), **kept, **home}

    def complaint(self) -> str:
        """Say where its last words since its start are and which of them tell most."""
        try:
            with self.output.open(encoding="utf-8", errors="replace") as file:
                last = telling_line("".join(deque(file, maxlen=_LINES)))
        except OSError:
            last = ""
        return f"{self.output} says: {last}" if last else f"{self.output} says nothing"


def address(port: int) -> str:
    """Give host:port on the loopback address."""
    return f"{LOOPBACK}:{port}"


def telling_line(text: str) -> str:
    """Give the line that best says why a Java server ended: the last root cause, else the last error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _STACK_FRAME.match(line)]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    errors = [line for line in lines if _TELLING.search(line)]
    return (causes or errors or lines or [""])[-1][:400]
