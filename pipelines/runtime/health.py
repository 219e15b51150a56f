"""Whether a role is alive and whether it is ready: what `/healthz` and `/readyz` say.

Alive: its loop comes round, or it waits for a server and says so; a restart mends nothing else. Ready: it has a share
of the work and the servers it needs answer.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from pipelines.runtime.heartbeat import Waits

_REMEMBERED_SECONDS = 5.0
_IDLE = ("no-feed",)
"""Waits of a role that has all it needs: there is nothing to do."""

_CONNECT_SECONDS = 2.0


class LoopClock:
    """Tells how long ago a loop last came round.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()

    def tick(self) -> None:
        """Note that it comes round."""
        self._at = self._clock()

    @property
    def idle(self) -> float:
        """Seconds since then."""
        return self._clock() - self._at


class Liveness:
    """Judges one role.

    Args:
        loop: when it last came round.
        waits: what it waits for.
        stall_seconds: longest time that it may not come round while it waits for nothing.
        servers: for each server it needs its addresses as host and port, any of which will do.
        draining: whether it was told to stop.
    """

    def __init__(
        self,
        loop: LoopClock,
        waits: Waits,
        stall_seconds: float,
        servers: Mapping[str, Sequence[tuple[str, int]]],
        draining: Callable[[], bool],
    ) -> None:
        self._loop, self._waits, self._stall_seconds = loop, waits, stall_seconds
        self._servers, self._draining = servers, draining
        self._lock = threading.Lock()  # however many ask, each server is asked once
        self._away: list[str] = []
        self._asked_at = -_REMEMBERED_SECONDS

    def stalled(self) -> str:
        """Say why a restart is due; empty where none is."""
        idle = self._loop.idle
        if self._waits.now is None and idle > self._stall_seconds:
            return f"the loop has not come round for {idle:.0f} s"
        return ""

    def unready(self) -> list[str]:
        """Say why work cannot go on just now; empty where it can."""
        reasons = ["draining"] if self._draining() else []
        if (now := self._waits.now) is not None and now[0] not in _IDLE:
            reasons.append(f"waits, {now[0]}: {now[1]}")
        if stalled := self.stalled():
            reasons.append(stalled)
        return reasons + [f"{server} does not answer" for server in self._silent()]

    def _silent(self) -> list[str]:
        with self._lock:
            if time.monotonic() - self._asked_at > _REMEMBERED_SECONDS:
                self._away = [name for name, places in self._servers.items() if not any(map(_listens, places))]
                self._asked_at = time.monotonic()
            return self._away


def _listens(place: tuple[str, int]) -> bool:
    """Tell whether a server takes connections; what it does with them the role finds out, and waits."""
    try:
        socket.create_connection(place, timeout=_CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
