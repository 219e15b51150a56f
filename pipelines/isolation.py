"""Work on hostile input in a child process that the kernel ends when it takes too much.

A page can keep a parser busy for minutes, eat all memory or crash the interpreter, and nothing inside the process can
stop C code that does. So pages are worked on in a child: its CPU time, its memory and the time on the clock are
limited by the kernel, and the page that ends it is named while its neighbours never notice. A child serves many
calls: starting one takes about a second, a call a fraction of a millisecond.

The child is `python -m pipelines.isolation`, not a fork: Beam's threads hold locks that a forked child would inherit.
Limits: setitimer(2) with the signals' default action, which ends a process also inside C code; RLIMIT_DATA of
getrlimit(2), which counts private memory since Linux 4.7.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import Connection, Pipe
from typing import Any

from pipelines.errors import NewsriverError, Poison, RecordFault
from pipelines.settings import CleanSettings

log = logging.getLogger(__name__)

KILLED_CPU, KILLED_MEMORY, KILLED_TIME, CRASHED = "killed-cpu", "killed-memory", "killed-time", "crashed"
UNEXPECTED = "unexpected-error"
"""Reason of an error that nobody foresaw, raised by the work itself."""

_OUT_OF_MEMORY = 83
"""Exit status by which a child says that it ran out of memory."""
_READY = b"ready"
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take.

    Attributes:
        cpu_seconds: CPU time.
        memory_mb: private memory of the child as a whole, in MiB.
        wall_seconds: time on the clock: for what waits for ever without computing.
    """

    cpu_seconds: float = 5.0
    memory_mb: int = 1024
    wall_seconds: float = 60.0


class Isolation:
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

    def call(self, function: str, *arguments: Any) -> Any:  # noqa: ANN401 - whatever the function takes and gives
        """Run a function in a child and give its result.

        A child that a call ends is replaced. The call gets a second try in a fresh one, so that a verdict depends
        neither on what the child did before nor on who killed it; CPU time depends on neither, and needs none.

        Args:
            function: `module:name` of an importable function.
            arguments: what it is called with; must survive pickling, as must its result.

        Raises:
            RecordFault: the function raised it.
            Poison: the child was ended: `killed-cpu`, `killed-memory`, `killed-time`, `crashed`; or the function
                raised something else: `unexpected-error`, with its trace as a note.
            NewsriverError: a child cannot be started: no fault of the input.
        """
        request = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
        try:
            answer = self._ask(self._take(), request)
        except _Ended as end:
            if end.reason == KILLED_CPU:
                raise end.poison(self._limits) from None
            log.info("extraction process ended (%s): once more in a fresh one", end.reason)
            try:
                answer = self._ask(_Child(self._limits, self._preload), request)
            except _Ended as again:
                raise again.poison(self._limits) from None
        done, value = pickle.loads(answer)  # noqa: S301 - written by our own child
        if done:
            return value
        raise value

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


@lru_cache(maxsize=4)
def extraction(settings: CleanSettings) -> Isolation:
    """Give this process's children for `pipelines.clean:clean` and `pipelines.tag:tag`, with the settings' limits."""
    limits = Limits(settings.cpu_seconds, settings.memory_mb, wall_seconds=12 * settings.cpu_seconds + 10)
    return Isolation(limits, preload=("pipelines.clean", "pipelines.tag"))


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
        command = [sys.executable, "-m", "pipelines.isolation", str(theirs.fileno()), *map(str, figures), *preload]
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
            if self._exchange(None, _START_SECONDS) == _READY:
                return
        except _Ended as end:
            raise NewsriverError(f"the extraction process does not start ({_status_name(end.status)})") from None
        raise NewsriverError("the extraction process does not start: it answers nonsense")

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
            _OUT_OF_MEMORY: KILLED_MEMORY,
        }
        return _Ended(reasons.get(status, CRASHED), status)


def _status_name(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def main(arguments: Sequence[str]) -> None:
    """Serve calls until the parent hangs up: the child's side.

    Args:
        arguments: file descriptor of the connection, the three limits, modules to import.
    """
    descriptor, cpu, memory, wall, *preload = arguments
    limits = Limits(float(cpu), int(memory), float(wall))
    connection = Connection(int(descriptor))
    logging.getLogger().addHandler(logging.NullHandler())  # what libraries say of a page, we say as a reason
    for module in preload:
        importlib.import_module(module)
    # What is there by now stays: the collector need not look through it again and again (2 % of a page's time).
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_DATA, limits.memory_mb << 20)
    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        connection.send_bytes(_READY)
        while True:
            connection.send_bytes(_served(connection.recv_bytes(), limits))


def _served(request: bytes, limits: Limits) -> bytes:
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_seconds)
    # The parent's own limit comes first; this one is for a parent that is gone.
    signal.setitimer(signal.ITIMER_REAL, 2 * limits.wall_seconds)
    try:
        function, given = pickle.loads(request)  # noqa: S301 - written by our own parent
        return _answer(_named(function), given)
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(function: Callable[..., Any], given: Sequence[Any]) -> bytes:
    """Call the function; what it gives or raises, pickled.

    Raises:
        MemoryError: there was not enough.
    """
    try:
        return pickle.dumps((True, function(*given)), pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        raise
    except RecordFault as fault:
        with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
            return pickle.dumps((False, fault))
        return pickle.dumps((False, Poison(str(fault), reason=fault.reason)))
    except Exception as error:  # noqa: BLE001 - whatever a page makes a library raise is that page's fault
        poison = Poison(f"{type(error).__name__}: {error}"[:1000], reason=UNEXPECTED)
        poison.add_note("".join(traceback.format_exception(error))[-8000:])
        return pickle.dumps((False, poison))


@lru_cache
def _named(function: str) -> Callable[..., Any]:
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def _limit(what: int, most: int) -> None:
    """Lower a limit, as far as the system lets us."""
    _, hard = resource.getrlimit(what)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    main(sys.argv[1:])
