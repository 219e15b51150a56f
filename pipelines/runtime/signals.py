"""How a role ends: SIGTERM, SIGINT or the death of its supervisor set an event, and the role drains."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipelines.worker_environment import PARENT

log = logging.getLogger(__name__)


def drain_on_signals(stop: threading.Event) -> threading.Event:
    """Set `stop` on SIGTERM or SIGINT, and when the supervisor that started this process is gone.

    A second signal ends the process at once. Call it from the main thread.
    """

    def handle(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a signal handler
        if stop.is_set():
            os._exit(128 + number)
        log.info("draining after %s; again to stop at once", signal.Signals(number).name)
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    parent = os.environ.get(PARENT)
    if parent:
        threading.Thread(target=_watch, args=(int(parent), stop), daemon=True, name="watch-parent").start()
    return stop


@contextmanager
def held() -> Iterator[None]:
    """Start processes of ours within: SIGTERM waits until they can answer it, however slowly they start."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_within(stop: threading.Event, seconds: float, at_last: Callable[[], None] = lambda: None) -> None:
    """End this process at the latest so many seconds after `stop` is set, whatever it is doing then.

    A request that Elasticsearch does not answer, or a broker that is away, must not hold up the end. To leave like
    that is as safe as to be killed: what is not committed is repeated by the next start. `at_last` is called before.
    """

    def leave() -> None:
        stop.wait()
        time.sleep(seconds)
        at_last()
        log.warning("not drained in %.1f s: what is under way will be repeated by the next start", seconds)
        os._exit(0)

    threading.Thread(target=leave, daemon=True, name="leave").start()


def _watch(parent: int, stop: threading.Event) -> None:
    """A supervisor killed with -9 sends no signal, but its children get another parent."""
    while not stop.is_set():
        if os.getppid() != parent:
            log.warning("the supervisor (process %d) is gone: draining", parent)
            stop.set()
        time.sleep(1)
