"""The parent's side: calls handed to children, which are replaced when a call ends them."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Pipe
from typing import ParamSpec, TypeVar

from pipelines.errors import NewsriverError, Poison
from pipelines.sandbox.protocol import CRASHED, KILLED_CPU, KILLED_MEMORY, KILLED_TIME, OUT_OF_MEMORY, READY, Limits

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_START_SECONDS = 60.0


class Sandbox:
    """Children that wait for calls; each call has one alone, so threads may call at the same time.

    Args:
        limits: what one call may take.
        preload: modules that a child imports before its first call; their memory counts, their time does not.
    """

    def __init__(self, limits: Limits, preload: Sequence[str] = ()) -> None:
        self._limits = limits
        self._preload = tuple(preload)
        self._idle: list[_Child] = []
        self._lock = threading.Lock()

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a child and give its result.

        A child that a call ends is replaced. The call gets a second try in a fresh one, so that a verdict depends
        neither on what the child did before nor on who killed it; CPU time depends on neither, and needs none.

        Args:
            function: a function at the top of a module that the child can import, too.
            args: what it is called with; must survive pickling, as must its result.
            kwargs: the same by name.

        Raises:
            NewsriverError: the function raised it; or a child cannot be started, which is no fault of the input.
            Poison: the child was ended: `killed-cpu`, `killed-memory`, `killed-time`, `crashed`; or the function
                raised something else: `unexpected-error`, with its trace as a note.
        """
        request = pickle.dumps((function, args, kwargs), pickle.HIGHEST_PROTOCOL)
        try:
            answer = self._ask(self._take(), request)
        except _Ended as end:
            if end.reason == KILLED_CPU:
                raise end.poison(self._limits) from None
            log.info("%s ended its process (%s): once more in a fresh one", function.__name__, end.reason)
            try:
                answer = self._ask(_Child(self._limits, self._preload), request)
            except _Ended as again:
                raise again.poison(self._limits) from None
        done, value = pickle.loads(answer)  # noqa: S301 - written by our own child
        if not done:
            raise value
        result: T = value
        return result

    def prepare(self) -> None:
        """Start a child beside whatever else starts now, so that the first call need not wait for it."""

        def start() -> None:
            with contextlib.suppress(NewsriverError):  # the first call will say so
                child = _Child(self._limits, self._preload)
                with self._lock:
                    self._idle.append(child)

        threading.Thread(target=start, daemon=True, name="prepare").start()

    def close(self) -> None:
        """End the children that are idle; those that are needed again are started again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.close()

    def _ask(self, child: _Child, request: bytes) -> bytes:
        answer = child.ask(request)
        with self._lock:
            self._idle.append(child)
        return answer

    def _take(self) -> _Child:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Child(self._limits, self._preload)


class _Ended(Exception):
    """A child is gone; `status` is its exit status as `subprocess` gives it."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status

    def poison(self, limits: Limits) -> Poison:
        meaning = {
            KILLED_CPU: f"took more than {limits.cpu_seconds:g} s of CPU time",
            KILLED_MEMORY: f"took more than {limits.memory_mb} MiB of memory",
            KILLED_TIME: f"did not end within {limits.wall_seconds:g} s",
            CRASHED: f"ended the process that worked on it ({_status_name(self.status)})",
        }[self.reason]
        return Poison(meaning, reason=self.reason)


class _Child:
    """The parent's side of one child process."""

    def __init__(self, limits: Limits, preload: Sequence[str]) -> None:
        self._limits = limits
        self._connection, theirs = Pipe()
        figures = [limits.cpu_seconds, limits.memory_mb, limits.wall_seconds]
        command = [
            sys.executable,
            "-m",
            "pipelines.sandbox.child",
            str(theirs.fileno()),
            *map(str, figures),
            *preload,
        ]
        # One child a core: threads of the numeric libraries would only reserve memory.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        try:
            # A session of its own: Ctrl-C is for the parent, which drains.
            self._process = subprocess.Popen(
                command,
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            theirs.close()
        try:
            if self._exchange(None, _START_SECONDS) == READY:
                return
        except _Ended as end:
            raise NewsriverError(f"the process for foreign input does not start ({_status_name(end.status)})") from None
        raise NewsriverError("the process for foreign input does not start: it answers nonsense")

    def ask(self, request: bytes) -> bytes:
        """Hand over a call and give its answer.

        Raises:
            _Ended: there is none, and the child is gone.
        """
        return self._exchange(request, self._limits.wall_seconds)

    def _exchange(self, request: bytes | None, seconds: float) -> bytes:
        try:
            if request is not None:
                self._connection.send_bytes(request)
            if self._connection.poll(seconds):
                return self._connection.recv_bytes()
        except (EOFError, OSError):
            raise self._ended() from None
        self._process.kill()
        self.close()
        raise _Ended(KILLED_TIME, self._process.returncode)

    def close(self) -> None:
        """Hang up, upon which the child ends, and wait for it."""
        self._connection.close()
        try:
            self._process.wait(self._limits.cpu_seconds + 1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ended(self) -> _Ended:
        self.close()
        status = self._process.returncode
        # Nobody here sends SIGKILL to a child that still talks: it is the kernel, out of memory.
        reasons = {
            -signal.SIGPROF: KILLED_CPU,
            -signal.SIGALRM: KILLED_TIME,
            -signal.SIGKILL: KILLED_MEMORY,
            OUT_OF_MEMORY: KILLED_MEMORY,
        }
        return _Ended(reasons.get(status, CRASHED), status)


def _status_name(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"
