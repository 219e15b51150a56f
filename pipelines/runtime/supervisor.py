"""One machine's river: starts a process for each role, starts it again when it dies, drains all at the end."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipelines.backoff import Backoff
from pipelines.errors import BreakerTripped
from pipelines.private_files import append_private, private_folder
from pipelines.runtime.roles import ROLES, RoleSpec
from pipelines.runtime.signals import held
from pipelines.settings import Settings, as_environment
from pipelines.worker_environment import MEMBER, NAME, PARENT

log = logging.getLogger(__name__)

_DRAIN_SECONDS = 15.0
BACKOFF = Backoff(1.0, 30.0)
"""Pauses before a worker that died soon after its start is started again."""

_HEALTHY_SECONDS = 60.0
_GO_ON_SECONDS = 2.0
"""A worker that stopped for good is not started again before this: its own word needs as long to come round."""
_KILLED_HEALTHY_SECONDS = 10.0
"""A worker that was killed after so long did not die of its own work, mostly: it is started again at once."""


@dataclass
class Worker:
    """One supervised process.

    Attributes:
        name: for people, e.g. `process-1`.
        arguments: the newsriver command with its arguments.
        process: the running process, or None while waiting to start it again.
        started_at: on the clock of `time.monotonic`.
        failures: deaths in a row, each soon after its start.
        restart_at: when to start it again.
        away_until: not to be started again before this; a fault lab keeps it away for so long.
        named: whether it has a name in its consumer groups, under which its successor takes its place.
        stopped: whether it ended for good, until a person lets it go on.
    """

    name: str
    arguments: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    restart_at: float = 0.0
    away_until: float = 0.0
    named: bool = True
    stopped: bool = False


def workers_of(settings: Settings, feeds: Sequence[Path] = ()) -> list[Worker]:
    """Name the processes of a river on one machine, by the table of roles."""
    return [worker for spec in ROLES for worker in _copies(spec, settings, feeds)]


def _copies(spec: RoleSpec, settings: Settings, feeds: Sequence[Path]) -> Iterator[Worker]:
    count = spec.copies(settings)
    lists = [argument for path in feeds for argument in ("--feeds", str(path))] if spec.reads_lists else []
    for number in range(count):
        share = ["--worker", str(number), "--workers", str(count)] if spec.numbered else []
        name = f"{spec.role}-{number}" if spec.numbered or count > 1 else str(spec.role)
        yield Worker(name, [str(spec.role), *lists, *share])


class Supervisor:
    """Keeps workers alive.

    Args:
        workers: what to run.
        global_arguments: `--config` and `--set` of the call, handed to every worker; what was set goes by the
            environment, since all users of a machine see command lines.
        log_file: where the workers' messages go; None for this process's stderr.
        may_go_on: tells whether a person has let workers go on that stopped for good; without it they stay stopped.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        global_arguments: Sequence[str] = (),
        log_file: Path | None = None,
        may_go_on: Callable[[], bool] | None = None,
    ) -> None:
        self.workers = list(workers)
        self._global, self._settings = _apart(global_arguments)
        self._may_go_on = may_go_on or _never
        self._log_file = log_file

    def run(self, stop: threading.Event) -> None:
        """Keep all workers running until `stop` is set, then drain them."""
        self.start()
        while not stop.wait(0.2):
            self.tend()
        self.drain()

    def start(self) -> None:
        """Start all workers."""
        for worker in self.workers:
            self._start(worker)

    def tend(self) -> None:
        """Start again what has died: at once after healthy work, else with growing pauses."""
        now = time.monotonic()
        for worker in self.workers:
            if worker.process is not None and worker.process.poll() is not None:
                self._reap(worker, now)
            elif worker.process is None and now >= max(worker.restart_at, worker.away_until):
                if worker.stopped and not self._may_go_on():
                    continue
                worker.stopped = False
                self._start(worker)

    def add(self, worker: Worker) -> None:
        """Keep one more worker running, from the next `tend` on."""
        self.workers = [*self.workers, worker]

    def remove(self, worker: Worker, *, hard: bool = False) -> None:
        """End a worker for good: in order, or with kill -9."""
        self.workers = [each for each in self.workers if each is not worker]
        process = worker.process
        if process is None:
            return
        (process.kill if hard else process.terminate)()
        try:
            process.wait(_DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("%s did not drain in %.0f s and is killed", worker.name, _DRAIN_SECONDS)
            process.kill()
            process.wait()

    def drain(self) -> None:
        """Ask all workers to end and wait; what does not end in time is killed, and its work repeated next time."""
        running = [worker.process for worker in self.workers if worker.process is not None]
        for process in running:
            process.terminate()
        ends_at = time.monotonic() + _DRAIN_SECONDS
        for worker in self.workers:
            if worker.process is None:
                continue
            try:
                worker.process.wait(max(0.1, ends_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("%s did not drain in %.0f s and is killed", worker.name, _DRAIN_SECONDS)
                worker.process.kill()
                worker.process.wait()
            worker.process = None

    def _start(self, worker: Worker) -> None:
        command = [sys.executable, "-m", "pipelines", *self._global, *worker.arguments]
        # Not the worker's name alone: another supervisor on this machine, or on another one, has the same workers.
        member = f"{socket.gethostname()}-{os.getpid()}-{worker.name}"
        environment = {**os.environ, **self._settings, PARENT: str(os.getpid()), NAME: worker.name, MEMBER: member}
        if not worker.named:
            del environment[MEMBER]
        output: IO[bytes] | None = None
        if self._log_file is not None:
            private_folder(self._log_file.parent, above_servers=True)
            output = append_private(self._log_file)
        try:
            # A session of its own: Ctrl-C reaches the supervisor alone, which then drains in order.
            with held():
                worker.process = subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
        finally:
            if output is not None:
                output.close()
        worker.started_at = time.monotonic()
        log.info("%s started (process %d)", worker.name, worker.process.pid)

    def _reap(self, worker: Worker, now: float) -> None:
        assert worker.process is not None  # noqa: S101 - for mypy: the caller has just asked it
        status, lived = worker.process.returncode, now - worker.started_at
        worker.process = None
        if status == BreakerTripped.exit_code:
            worker.stopped, worker.restart_at = True, now + _GO_ON_SECONDS
            log.error("%s has stopped for good; `newsriver status` says why, all else goes on", worker.name)
            return
        # One that ends by itself would do so again and again.
        healthy = lived > (_KILLED_HEALTHY_SECONDS if status < 0 else _HEALTHY_SECONDS)
        worker.failures = 0 if healthy else worker.failures + 1
        pause = BACKOFF.pause(worker.failures)
        log.error("%s ended with status %s; again in %.1f s", worker.name, status, pause)
        worker.restart_at = now + pause


def _apart(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Give arguments without `--set`, and what was set as variables."""
    left = iter(arguments)
    kept, assignments = [], []
    for argument in left:
        if argument == "--set":
            assignments.append(next(left))
        else:
            kept.append(argument)
    return kept, as_environment(assignments)


def _never() -> bool:
    return False
