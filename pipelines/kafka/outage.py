"""What a process says of a Kafka that does not answer: once when it begins, now and then, and once when it is over.

A process has many clients, and each would say it by itself, again and again; the client library does so hundreds of
times a minute. So its messages are kept from the log (`pipelines.runtime.logs`), and the last one tells why.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.runtime.heartbeat import Waits

log = logging.getLogger(__name__)

_AT_ONCE_SECONDS = 2.0
"""What is over sooner is not worth a word."""

_AGAIN_SECONDS = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""When it is said again, from the last time on; the last one counts for all that follow."""


class LastWords(logging.Handler):
    """Keeps what the client library complained of last."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message; how long its own tasks take is none that explains anything."""
        if record.name != "kafka.net.selector":
            self.text = record.getMessage()[:300]


last_words = LastWords()
logging.getLogger("kafka").addHandler(last_words)


class Outage:
    """Which clients of this process wait for Kafka, and since when.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since: dict[object, float] = {}
        self._waits: list[Waits] = []
        self._began = 0.0
        self._said = 0
        self._next = 0.0

    def tell(self, waits: Waits) -> None:
        """Have the heartbeat say it, too."""
        with self._lock:
            self._waits.append(waits)

    def fails(self, client: object, why: str, *, since: float | None = None) -> None:
        """Note that a client waits.

        Args:
            client: names it, with its action where one may fail while another works.
            why: for people.
            since: when it began to wait, by the clock; by default now.
        """
        with self._lock:
            now = self._clock()
            self._since.setdefault(client, now if since is None else since)
            if not self._said:
                self._began = min(self._since.values())
                self._next = self._began + _AT_ONCE_SECONDS
            if now < self._next:
                return
            if self._said:
                log.warning("still waiting for Kafka, for %.0f s: %s", now - self._began, why)
            else:
                log.warning("waiting for Kafka: %s", why)
            self._next = now + _AGAIN_SECONDS[min(self._said, len(_AGAIN_SECONDS) - 1)]
            self._said += 1
            for waits in self._waits:
                waits.begin("kafka", why, of="kafka")

    def works(self, client: object) -> None:
        """Note that a client need not wait any more, or is gone."""
        with self._lock:
            if self._since.pop(client, None) is None or self._since:
                return
            if self._said:
                log.info("Kafka works again, after %.0f s", self._clock() - self._began)
                self._said = 0
            for waits in self._waits:
                waits.end(of="kafka")


outage = Outage()
"""That of this process."""
