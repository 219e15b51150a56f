"""How the work of a call grows with its input: by the steps of the interpreter, or by CPU time as a ratio."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any


def operations(call: Callable[[], object]) -> int:
    """Count the lines of Python that a call runs, in all modules.

    Work within C, as in a regular expression, is not counted: for that see `growth`.
    """
    count = 0

    def trace(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def growth(call: Callable[[int], object], size: int) -> float:
    """Give how many times as much CPU time a call takes for four times the size: 4 where it is linear, 16 where not.

    The best of several runs counts, and less than some milliseconds count as that: noise is no growth.
    """
    small, large = (min(_seconds(call, each) for _ in range(3)) for each in (size, 4 * size))
    return large / max(small, _NOISE_SECONDS)


LINEAR = 9.0
"""Between 4, which is linear, and 16, which is quadratic."""

_NOISE_SECONDS = 0.004


def _seconds(call: Callable[[int], object], size: int) -> float:
    gc.disable()  # its rounds come when they will
    try:
        began = time.process_time()
        call(size)
        return time.process_time() - began
    finally:
        gc.enable()
