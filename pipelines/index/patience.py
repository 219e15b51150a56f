"""Waiting for Elasticsearch: for ever, with capped and jittered pauses, said on the log and in `newsriver status`.

Whoever writes or looks something up waits by the same rule, so that a server that is busy or away is never an error.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from pipelines.backoff import Backoff
from pipelines.errors import ServiceError
from pipelines.index.verdict import Wait
from pipelines.runtime.heartbeat import Waits

log = logging.getLogger(__name__)

T = TypeVar("T")

BACKOFF = Backoff(0.25, 20.0, jitter=0.5)
"""Processes that were refused together do not come back together."""
LOG_SECONDS = 10.0
"""Who waits says so at most this often."""


class Patience:
    """Waits in the name of one user of Elasticsearch.

    Args:
        url: the server's address, for messages.
        stop: once set, waiting ends with an error instead of going on.
        waits: told what this process waits for.

    Attributes:
        waiting: why work waits just now; None while it goes on.
    """

    def __init__(self, url: str, stop: threading.Event | None = None, waits: Waits | None = None) -> None:
        self.waiting: Wait | None = None
        self._url = url
        self._stop = stop or threading.Event()
        self._waits = waits or Waits()
        self._since = 0.0
        self._logged_at = -LOG_SECONDS

    def until_answered(self, ask: Callable[[], T | Wait], what: str) -> T:
        """Ask again and again until there is an answer.

        Args:
            ask: makes one try; a Wait it gives, and a ServiceError it raises, can pass by waiting.
            what: what waits for the answer, for people.

        Raises:
            ServiceError: the process is asked to stop meanwhile.
        """
        rounds = 0
        while True:
            try:
                answer = ask()
            except ServiceError as error:
                answer = Wait("no-answer", error.message)
            if not isinstance(answer, Wait):
                self.go_on()
                return answer
            rounds += 1
            self.pause(rounds, what, answer)

    def pause(self, rounds: int, what: str, wait: Wait) -> None:
        """Wait before the next try, and say so.

        Args:
            rounds: tries that failed in a row.
            what: what waits, for people.
            wait: why.

        Raises:
            ServiceError: the process is asked to stop; nothing may be committed.
        """
        now = time.monotonic()
        self._since = self._since if self.waiting else now
        self.waiting = wait
        self._waits.begin(wait.reason, wait.detail)
        if now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            log.warning("%s wait for Elasticsearch (%s): %s", what, wait.reason, wait.detail)
        if self._stop.wait(BACKOFF.pause(rounds)):
            raise ServiceError(
                f"stopped while {what} waited for Elasticsearch ({wait.reason}): {wait.detail}",
                hint="they are read again at the next start",
                resource=self._url,
            )

    def go_on(self) -> None:
        """Note that Elasticsearch answers."""
        if self.waiting is not None:
            log.info("Elasticsearch answers again after %.1f s", time.monotonic() - self._since)
            self.waiting = None
        self._waits.end()  # also what an earlier user in this process began and could not end
