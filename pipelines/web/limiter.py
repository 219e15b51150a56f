"""How many requests a client may make: a token bucket each, of bounded memory. Pure."""

from __future__ import annotations

from collections import OrderedDict

_MOST_CLIENTS = 10_000
_BURST_SECONDS = 10.0


class RateLimiter:
    """Counts requests of clients.

    Args:
        per_minute: requests that a client may make for ever; at once it may make those of ten seconds.
        most_clients: clients that are remembered; who asked least recently is forgotten, and may begin anew.
    """

    def __init__(self, per_minute: int, most_clients: int = _MOST_CLIENTS) -> None:
        self._per_second = per_minute / 60
        self._burst = max(1.0, self._per_second * _BURST_SECONDS)
        self._most = most_clients
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str, now: float) -> float:
        """Count a request.

        Args:
            client: who makes it.
            now: seconds on a clock that never goes back.

        Returns:
            0 where it may be made, else the seconds after which one may; a refused request counts for nothing.
        """
        left, then = self._buckets.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._per_second)
        allowed = left >= 1
        self._buckets[client] = (left - 1 if allowed else left, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_second
