"""What both sides of a call know: the limits, and the names of its ends."""

from __future__ import annotations

from dataclasses import dataclass

KILLED_CPU, KILLED_MEMORY, KILLED_TIME, CRASHED = "killed-cpu", "killed-memory", "killed-time", "crashed"
UNEXPECTED = "unexpected-error"
"""Reason of an error that nobody foresaw, raised by the work itself."""

OUT_OF_MEMORY = 83
"""Exit status by which a child says that it ran out of memory."""

READY = b"ready"
"""What a child says when it waits for calls."""

NAME = "extraction"
"""What a child that waits for calls is called in lists of processes, where the system allows it."""


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
