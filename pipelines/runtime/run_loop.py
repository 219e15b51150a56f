"""How the pulling roles run: turns with Kafka beside the event loop, work on it, and an end within seconds.

A role does all its Kafka calls in its turn, one turn at a time, in a thread; between two turns it starts work on the
loop. So a broker that is away stops neither the loop nor the end of the process.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Protocol

from pipelines.runtime.health import LoopClock
from pipelines.runtime.threads import run_in_thread

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
_UNDER_WAY_SECONDS = 2.0
_KAFKA_SECONDS = 1.5


class Role(Protocol):
    """What a pulling role offers."""

    def turn(self) -> None:
        """Put on Kafka what is finished, then read on; blocks, for ever while the broker is away."""

    def start(self) -> bool:
        """Start what there is to do; False when there will never be more and nothing is under way."""

    def under_way(self) -> Collection[asyncio.Task[None]]:
        """Give the tasks that are running."""

    def close(self) -> None:
        """Hang up; blocks while the broker is away."""


async def run_loop(make: Callable[[], Role], stop: threading.Event, loop: LoopClock | None = None) -> None:
    """Run a role until `stop` is set or it has nothing more to do, then drain it within 5 seconds.

    What is not finished by then is given up; its offsets are not committed, so the next start repeats it.

    Args:
        make: makes the role; may block for as long as the broker is away.
        stop: set it to drain and return.
        loop: told of each turn.
    """
    _allow_many_sockets()
    making = asyncio.create_task(run_in_thread(make))
    if not await _ends(making, stop):
        return
    role = making.result()
    more = True
    turn: asyncio.Task[Any] = making  # the call that is under way, or was last
    while more and not stop.is_set():
        turn = asyncio.create_task(run_in_thread(role.turn))
        if not await _ends(turn, stop):
            break
        turn.result()
        if loop is not None:
            loop.tick()
        more = role.start()
    await _drain(role, turn, stop)


def _allow_many_sockets() -> None:
    """Take all the open files the system grants: connections to hundreds of hosts are kept open for some seconds."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems call the limit unlimited and grant less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _ends(task: asyncio.Task[Any], stop: threading.Event) -> bool:
    """Wait for a task; gives False when `stop` came and the task did not end soon after."""
    while not task.done() and not stop.is_set():
        await asyncio.wait([task], timeout=_LOOK_SECONDS)
    if not task.done():
        await asyncio.wait([task], timeout=_KAFKA_SECONDS)
    return task.done()


async def _drain(role: Role, turn: asyncio.Task[Any], stop: threading.Event) -> None:
    """Give up the work under way, and have one more turn and hang up; not beside a turn that hangs."""
    tasks = list(role.under_way())
    if tasks:
        await asyncio.wait(tasks, timeout=_UNDER_WAY_SECONDS)
    for task in tasks:
        task.cancel()
    # One call at a time: a second turn beside one that hangs would share its consumer, and commit what is unfinished.
    if await _completes(turn, stop) and await _completes(asyncio.create_task(run_in_thread(role.turn)), stop):
        await _completes(asyncio.create_task(run_in_thread(role.close)), stop)


async def _completes(call: asyncio.Task[Any], stop: threading.Event) -> bool:
    """Wait for a call that asks Kafka; gives False when `stop` is set and the call does not end soon."""
    if stop.is_set() and not await _ends(call, stop):
        log.warning("Kafka does not answer: what is not yet on it will be repeated after the next start")
        return False
    await call
    return True


def spawn(tasks: set[asyncio.Task[None]], work: Any) -> None:  # noqa: ANN401 - any coroutine
    """Start a task and keep it among `tasks` until it ends; asyncio itself keeps only weak references."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    task.add_done_callback(_report)


def _report(task: asyncio.Task[None]) -> None:
    with suppress(asyncio.CancelledError):
        error = task.exception()
        if error is not None:
            log.error("a task failed", exc_info=error)
