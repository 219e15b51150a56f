"""The child's side: serves calls under the kernel's limits until the parent hangs up."""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import pickle
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pipelines.errors import NewsriverError, Poison, RecordFault
from pipelines.sandbox.protocol import NAME, OUT_OF_MEMORY, READY, UNEXPECTED, Limits


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
    with contextlib.suppress(OSError):  # not on Linux
        Path("/proc/self/comm").write_text(NAME, encoding="ascii")
    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        connection.send_bytes(READY)
        while True:
            connection.send_bytes(_served(connection.recv_bytes(), limits))


def _served(request: bytes, limits: Limits) -> bytes:
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_seconds)
    # The parent's own limit comes first; this one is for a parent that is gone.
    signal.setitimer(signal.ITIMER_REAL, 2 * limits.wall_seconds)
    try:
        function, args, kwargs = pickle.loads(request)  # noqa: S301 - written by our own parent
        return _answer(function, args, kwargs)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    """Call the function; what it gives or raises, pickled.

    Raises:
        MemoryError: there was not enough.
    """
    try:
        return pickle.dumps((True, function(*args, **kwargs)), pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        raise
    except NewsriverError as error:
        with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
            return pickle.dumps((False, error))
        reason = error.reason if isinstance(error, RecordFault) else UNEXPECTED
        return pickle.dumps((False, Poison(str(error), reason=reason)))
    except Exception as error:  # noqa: BLE001 - whatever a page makes a library raise is that page's fault
        poison = Poison(f"{type(error).__name__}: {error}"[:1000], reason=UNEXPECTED)
        poison.add_note("".join(traceback.format_exception(error))[-8000:])
        return pickle.dumps((False, poison))


def _limit(what: int, most: int) -> None:
    """Lower a limit, as far as the system lets us."""
    _, hard = resource.getrlimit(what)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    main(sys.argv[1:])
