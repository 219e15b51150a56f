"""The feeds that a poller holds: their definitions, their states, and which is due next. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from pipelines.poll.schedule import first_state
from schemas.records import Feed, FeedState

_WORST = 3


class FeedTable:
    """Feeds and their states by URL; a feed is handed out when it is due, and not again before it is `done`.

    States are kept as JSON, which takes a tenth of the memory of the record with its known entries. They outlast
    their feed: one that is removed and added again announces nothing twice.
    """

    def __init__(self) -> None:
        self._feeds: dict[str, tuple[Feed, int]] = {}
        self._states: dict[str, tuple[bytes, int]] = {}
        self._due: dict[str, datetime] = {}
        self._queue: list[tuple[datetime, str]] = []
        self._busy: set[str] = set()
        self._failing: dict[str, str] = {}

    def __len__(self) -> int:
        """Give the number of feeds."""
        return len(self._feeds)

    def __contains__(self, url: str) -> bool:
        """Tell whether a feed is held."""
        return url in self._feeds

    def partition_of(self, url: str) -> int | None:
        """Give the partition that a feed's definition came from; None when the feed is not held."""
        return self._feeds[url][1] if url in self._feeds else None

    def put(self, feed: Feed, partition: int, now: datetime) -> None:
        """Add a feed, or its new definition; one that was never asked is due now."""
        self._feeds[feed.url] = feed, partition
        self._enqueue(feed.url, self._due.get(feed.url, now))

    def put_state(self, state: FeedState, partition: int) -> bool:
        """Note a feed's state, unless it is older than the one that is known; tells whether it was noted."""
        if self.state(state.url, state.next_poll_at).polls > state.polls:
            return False
        self._states[state.url] = state.to_json(), partition
        self._failing.pop(state.url, None)
        if state.failures:
            self._failing[state.url] = state.last_failure
        self._enqueue(state.url, state.next_poll_at)
        return True

    def state(self, url: str, now: datetime) -> FeedState:
        """Give a feed's state; one that was never asked is due now."""
        kept = self._states.get(url)
        return FeedState.from_json(kept[0]) if kept else first_state(url, now)

    def remove(self, url: str) -> None:
        """Let a feed go."""
        self._feeds.pop(url, None)

    def remove_partitions(self, partitions: Collection[int]) -> None:
        """Let go of everything in some partitions."""
        self._feeds = {url: row for url, row in self._feeds.items() if row[1] not in partitions}
        self._states = {url: row for url, row in self._states.items() if row[1] not in partitions}
        self._due = {url: due for url, due in self._due.items() if url in self._feeds or url in self._states}
        self._failing = {url: why for url, why in self._failing.items() if url in self._states}

    def due(self, now: datetime) -> Iterator[tuple[Feed, FeedState]]:
        """Hand out the feeds that are due, the longest waiting first."""
        while self._queue and self._queue[0][0] <= now:
            due, url = heapq.heappop(self._queue)
            if url not in self._feeds or url in self._busy or self._due.get(url) != due:
                continue  # a place in the queue that a later one replaced
            feed = self._feeds[url][0]
            if not feed.paused:
                self._busy.add(url)
                yield feed, self.state(url, now)

    def all(self, now: datetime) -> Iterator[tuple[Feed, FeedState]]:
        """Hand out all feeds that are not paused, due or not."""
        for url, (feed, _) in list(self._feeds.items()):
            if not feed.paused and url not in self._busy:
                self._busy.add(url)
                yield feed, self.state(url, now)

    def figures(self) -> dict[str, Any]:
        """Give the figures that a heartbeat tells (`WorkerState`): of feeds that are asked, paused ones left out."""
        asked = {url for url, (feed, _) in self._feeds.items() if not feed.paused}
        failing = [url for url in self._failing if url in asked]
        return {
            "feeds": len(asked),
            "failing": len(failing),
            "worst": [f"{url}: {self._failing[url]}" for url in failing[-_WORST:]],
            "next_poll_at": min((self._due[url] for url in asked - self._busy if url in self._due), default=None),
        }

    def busy(self, url: str) -> bool:
        """Tell whether a feed is handed out."""
        return url in self._busy

    def take(self, url: str, now: datetime) -> tuple[Feed, FeedState] | None:
        """Hand out one feed, due or not; None where it is handed out already, paused or not held."""
        feed = self._feeds[url][0] if url in self._feeds else None
        if feed is None or feed.paused or url in self._busy:
            return None
        self._busy.add(url)
        return feed, self.state(url, now)

    def done(self, url: str) -> None:
        """Take a feed back."""
        self._busy.discard(url)
        if url in self._due:
            self._enqueue(url, self._due[url])

    def _enqueue(self, url: str, due: datetime) -> None:
        self._due[url] = due
        heapq.heappush(self._queue, (due, url))
