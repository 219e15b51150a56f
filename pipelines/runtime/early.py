"""The first thing that a process of ours does, before it imports anything large: be ready for SIGTERM.

Importing what a role needs takes a second or more on a busy machine. Who is told to end in that time has begun
nothing, so it may leave at once, and as orderly as later: with 0. The role itself puts `drain_on_signals` in its place.
"""

from __future__ import annotations

import os
import signal
import sys

from schemas.roles import Role

_ROLES = {"run", *Role} - {Role.CLI}
_PROGRAMS = (os.path.join("pipelines", "__main__.py"), os.sep + "newsriver")


def _leave(*_: object) -> None:
    os._exit(0)


if sys.argv[0].endswith(_PROGRAMS):  # only as a program: a test that imports us keeps its own ways
    if _ROLES.intersection(sys.argv[1:]):
        signal.signal(signal.SIGTERM, _leave)
    # A supervisor holds the signal back until we can answer it (`pipelines.runtime.signals.held`).
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
