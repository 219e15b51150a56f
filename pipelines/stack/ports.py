"""Free ports on the loopback address."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Container

LOOPBACK = "127.0.0.1"

# Below the ranges from which Linux (32768 on) and macOS (49152 on) take ports for outgoing connections: a port that
# is free today is then still free when the server comes back to it tomorrow.
_FIRST, _LAST = 20_000, 31_999


def choose(taken: Container[int] = ()) -> int:
    """Choose a free port at random, so that several stacks on one machine rarely want the same."""
    while True:
        port = _FIRST + secrets.randbelow(_LAST - _FIRST + 1)
        if port not in taken and is_free(port):
            return port


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java does: lingering connections do not count
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
