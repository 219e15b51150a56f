"""How the pulling roles run and end: turns and work alternate, and nothing that hangs holds up the end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection

import pytest

from pipelines.runtime.run_loop import Role, run_loop, spawn


class Counting:
    """A role whose work takes two turns each and whose turns can be made to hang."""

    def __init__(self, work: int = 3) -> None:
        self.left = work
        self.events: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.hang: threading.Event | None = None

    def turn(self) -> None:
        self.events.append("turn")
        if self.hang is not None:
            self.hang.wait(30)

    def start(self) -> bool:
        if self.left:
            self.left -= 1
            spawn(self.tasks, self._work())
        return bool(self.left or self.tasks)

    def under_way(self) -> Collection[asyncio.Task[None]]:
        return self.tasks

    def close(self) -> None:
        self.events.append("close")

    async def _work(self) -> None:
        await asyncio.sleep(0.01)
        self.events.append("work")


def run(make: Callable[[], Role], stop: threading.Event | None = None) -> float:
    """Drive a role and give the seconds it took from `stop` on, or in all."""
    began = time.monotonic()
    asyncio.run(run_loop(make, stop or threading.Event()))
    return time.monotonic() - began


def test_a_role_without_more_to_do_is_finished_whole() -> None:
    role = Counting()
    run(lambda: role)
    assert role.events.count("work") == 3
    assert role.events[-2:] == ["turn", "close"]
    assert not role.tasks


def test_a_signal_drains() -> None:
    role, stop = Counting(work=10**9), threading.Event()
    threading.Timer(0.2, stop.set).start()
    assert run(lambda: role, stop) < 5
    assert role.events[-1] == "close"


def test_a_turn_that_hangs_is_left_behind_and_no_other_call_is_made_beside_it() -> None:
    role, stop = Counting(work=10**9), threading.Event()
    role.hang = threading.Event()
    threading.Timer(0.2, stop.set).start()
    assert run(lambda: role, stop) < 5.5
    assert role.events == ["turn"]  # a second one would be beside the first, on the same consumer
    role.hang.set()


def test_a_turn_that_ends_while_work_is_waited_for_is_followed_by_the_last_one() -> None:
    stop, given_up = threading.Event(), threading.Event()

    class Slow(Counting):
        def turn(self) -> None:
            self.events.append("turn")
            if self.tasks and not given_up.is_set():
                stop.set()
                given_up.wait(30)

        async def _work(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()

    role = Slow()
    run(lambda: role, stop)
    assert role.events == ["turn", "turn", "turn", "close"]


def test_a_broker_that_is_away_from_the_start_is_left_behind_too() -> None:
    never, stop = threading.Event(), threading.Event()

    def make() -> Role:
        never.wait(30)
        return Counting()

    threading.Timer(0.1, stop.set).start()
    assert run(make, stop) < 5
    never.set()


def test_work_that_hangs_is_cancelled() -> None:
    stop = threading.Event()

    class Hanging(Counting):
        async def _work(self) -> None:
            await asyncio.Event().wait()

    role = Hanging()
    threading.Timer(0.1, stop.set).start()
    assert run(lambda: role, stop) < 5
    assert role.events[-1] == "close"


@pytest.mark.parametrize("name", ["turn", "start"])
def test_a_fault_in_the_role_ends_it_loudly(name: str) -> None:
    def fail(_: Counting) -> bool:
        raise ValueError(name)

    broken = type("Broken", (Counting,), {name: fail})
    with pytest.raises(ValueError, match=name):
        run(broken)


def test_a_fault_in_a_task_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Counting):
        async def _work(self) -> None:
            raise ValueError("broken")

    run(lambda: Failing(work=1))
    assert "a task failed" in caplog.text
