"""What the local stack remembers between calls: ports, which stay, and processes, which may end."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.errors import StackError
from pipelines.settings import Settings
from pipelines.stack.ports import LOOPBACK

FILE_NAME = "state.json"


class ServerState(BaseModel):
    """One server: where it listens and which process it was last.

    Attributes:
        port: where clients connect, on the loopback address.
        inner_port: Kafka's controller port, Elasticsearch's transport port; only the server itself uses it.
        version: version of the server that was started last; empty before the first start.
        pid: process id of the last start; None when it was stopped on purpose.
        created: when that process began, in seconds since the epoch as the operating system tells it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    port: int
    inner_port: int
    version: str = ""
    pid: int | None = None
    created: float | None = None


class StackState(BaseModel):
    """Both servers of one stack."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kafka: ServerState
    elasticsearch: ServerState


@dataclass(frozen=True)
class Endpoints:
    """Where the local servers listen, running or not.

    Attributes:
        bootstrap: Kafka, as host:port.
        elasticsearch: Elasticsearch, as a URL.
    """

    bootstrap: str
    elasticsearch: str


def endpoints(settings: Settings) -> Endpoints | None:
    """Give the local servers' addresses, or None when they were never started.

    Raises:
        StackError: the state file cannot be read.
    """
    state = load(folder(settings))
    if state is None:
        return None
    return Endpoints(
        bootstrap=f"{LOOPBACK}:{state.kafka.port}",
        elasticsearch=f"http://{LOOPBACK}:{state.elasticsearch.port}",
    )


def folder(settings: Settings) -> Path:
    """Give the stack's folder as an absolute path without links: it is also the mark of its processes."""
    return settings.stack.directory.expanduser().resolve()


def load(directory: Path) -> StackState | None:
    """Read the state; None when this stack was never started.

    Raises:
        StackError: the file is there and cannot be read.
    """
    path = directory / FILE_NAME
    try:
        return StackState.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not what `newsriver stack up` wrote"
        raise StackError(
            f"state file {path} cannot be read: {reason}",
            hint="end the servers, delete the file and start again",
            resource=str(path),
        ) from None


def save(directory: Path, state: StackState) -> None:
    """Write the state; a reader or a crash sees the old file or the new one, never half of one."""
    write_whole(directory / FILE_NAME, json.dumps(state.model_dump(), indent=2) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step, readable for all.

    The folder may belong to the servers' user: a link planted under the file's name is replaced, not followed.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[int]:
    """Hold a file's lock, which the kernel takes back from a process that dies.

    Args:
        path: the lock file; it stays there.
        waiting: called once when somebody else holds the lock, before waiting for it.

    Yields:
        The file descriptor: a child process that inherits it holds the lock until it ends too.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
