"""What tests of isolation run in the child: functions that misbehave in every way a page can make a library do."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
import time
from pathlib import Path

from pipelines.errors import Poison, Rejected

_HELD: list[bytearray] = []


def pid() -> int:
    return os.getpid()


def echo(*given: object) -> tuple[object, ...]:
    return given


def burn() -> None:
    while True:
        pass


def burn_in_c() -> None:
    """One call into C that holds the interpreter and never comes back."""
    re.match(r"(a|aa)+$", "a" * 200 + "b")


def sleep() -> None:
    time.sleep(600)


def eat() -> None:
    while True:
        _HELD.append(bytearray(16 << 20))


def hold(megabytes: int) -> int:
    """Keep memory, as a leak does."""
    _HELD.append(bytearray(megabytes << 20))
    return len(_HELD)


def need(megabytes: int) -> int:
    return len(bytearray(megabytes << 20))


def crash() -> None:
    ctypes.string_at(0)


def crash_once(marker: str) -> int:
    """Crash the first time only, as after damage that an earlier page did."""
    path = Path(marker)
    if not path.exists():
        path.touch()
        crash()
    return os.getpid()


def leave() -> None:
    sys.exit(3)


def abort() -> None:
    os.abort()


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def reject() -> None:
    raise Rejected("three words are no article", reason="too-short", resource="https://post.example/1")


def raise_unpicklable_fault() -> None:
    error = Poison("a fault that holds a function", reason="odd")
    error.__dict__["hook"] = lambda: None
    raise error


def raise_unpicklable() -> None:
    class Local(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(f"{one} and {two}")
            self.hook = lambda: None

    raise Local(1, 2)


def give_unpicklable() -> object:
    return lambda: None


def talk() -> str:
    """Write where the answers must not go."""
    sys.stdout.write("noise\n")
    os.write(1, b"more noise\n")
    return "quiet"


def big(size: int) -> bytes:
    return b"x" * size


def burn_on(*_: object, **__: object) -> None:
    burn()


def raise_anything(*_: object, **__: object) -> None:
    raise_unpicklable()


def eat_up(*_: object, **__: object) -> None:
    eat()
