"""What a running role asks of the dead-letter breaker: how its records end goes in, whether to read on comes out."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pipelines import __version__
from pipelines.breaker.state import BreakerWatch
from pipelines.breaker.window import Count, RecentEnds, is_broken
from pipelines.worker_environment import NAME
from schemas.records import BreakerState, DeadLetter
from schemas.topics import Role

log = logging.getLogger(__name__)

Publish = Callable[[BreakerState], None]
"""Puts a state on Kafka before anything that is read afterwards can be committed."""


class Breaker:
    """The breaker of one process; all its threads share it.

    Args:
        role: whose breaker it is.
    """

    def __init__(self, role: Role = Role.PROCESS) -> None:
        self._role = role
        self._lock = threading.Lock()
        self._ends = RecentEnds()
        self._own: BreakerState | None = None
        self._changes = 0
        self._watch: BreakerWatch | None = None

    def follow(self, watch: BreakerWatch) -> BreakerWatch:
        """Obey a watch, too, which sees what other copies and persons say; give the one obeyed, the first one given."""
        with self._lock:
            if self._watch is None:
                self._watch = watch
                watch.start()
            return self._watch

    @property
    def tripped(self) -> BreakerState | None:
        """The state that stops this role; None while it may read on."""
        watch = self._watch
        own = self._own
        # What was put on Kafka comes back by the watch; from then on its word counts, a person's reset among it.
        state = own if watch is None or (own is not None and watch.changes <= self._changes) else watch.state
        return state if state is not None and state.tripped else None

    def passed(self, feed_url: str, page_url: str, origin: str) -> None:
        """Note that our code could work on a record.

        Args:
            feed_url: the feed that announced it.
            page_url: its own address.
            origin: its Kafka coordinates.
        """
        with self._lock:
            self._ends.note(_site(feed_url), _site(page_url), origin, failed=False)

    def failed(self, feed_url: str, page_url: str, letter: DeadLetter, most_share: float, publish: Publish) -> None:
        """Note a dead letter that is our own fault; when most sites have such, stop this role for good.

        Args:
            feed_url: the feed that announced it.
            page_url: its own address.
            letter: the letter.
            most_share: largest share of failing sites that is borne.
            publish: called with the state when the breaker trips.
        """
        with self._lock:
            self._ends.note(_site(feed_url), _site(page_url), letter.origin, failed=True)
            count = self._ends.count(most_share)
            if self.tripped is not None or not is_broken(count, most_share):
                return
            self._changes = 0 if self._watch is None else self._watch.changes
            self._own = self._state(count, letter)
            self._ends = RecentEnds()  # who is let go on begins to count anew
            publish(self._own)
        log.error("most pages of %d of %d sites fail by a fault of ours: stopping", count.failing, count.sites)

    def _state(self, count: Count, letter: DeadLetter) -> BreakerState:
        return BreakerState(
            role=str(self._role),
            tripped=True,
            at=datetime.now(UTC),
            by=f"{os.environ.get(NAME) or self._role}@{socket.gethostname()}",
            version=__version__,
            failing_sites=count.failing,
            sites=count.sites,
            letters=count.faults,
            reason=f"{letter.stage}: {letter.reason}",
            detail=" ".join(letter.message.split())[:300],
            origin=letter.origin,
        )


def _site(url: str) -> str:
    """Give the host of an address; the text itself where it has none."""
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
