"""Which articles and visits were taken before, and from which record: none is fetched for a second one. Pure.

Two feeds announce one article; a `poll` that is killed at the wrong moment announces it twice; a `fetch` that is
killed at the wrong moment sends a revisit twice. Each makes a second record of the same thing. The first record in
its partition is the one that counts, so whoever reads the partition comes to the same answer.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pipelines.fetch.partition_queues import Place
from schemas.records import Entry


class Announcement(StrEnum):
    """What an announcement is."""

    FIRST = "first"
    AGAIN = "again"
    """Its feed has announced the article before."""
    FURTHER = "further"
    """Another feed has announced the article before."""


class _Taken(NamedTuple):
    feed_url: str
    at: tuple[int, int]  # partition and offset of the first record
    since: float  # when it was taken, or else discovered, seconds since 1970: its first visit was no earlier
    further: tuple[str, ...]


class SeenArticles:
    """The articles announced last: by which record first, and by which further feeds.

    It only saves fetches: whether an article is a new one, the index decides.

    Args:
        limit: most articles remembered; one takes some 300 bytes.
        seconds: how long after that an article is remembered: while revisits bring further feeds to its document.
            What is announced again later is fetched again.
    """

    def __init__(self, limit: int = 100_000, seconds: float = math.inf) -> None:
        self._limit = limit
        self._seconds = seconds
        self._taken: OrderedDict[int, _Taken] = OrderedDict()
        # Forgotten but for feeds that a revisit has yet to bring to the document.
        self._owed: OrderedDict[int, _Taken] = OrderedDict()
        self._feeds: dict[str, str] = {}

    def take(self, entry: Entry, partition: int, offset: int, now: datetime | None = None) -> Announcement:
        """Note an announcement, in the order of its partition, and say what it is.

        The record that came first stays `first` however often it is read.

        Args:
            entry: what is announced.
            partition: where the record is.
            offset: likewise.
            now: the present, by which the last revisit may be over; without it the time of discovery counts.
        """
        key, feed_url, seen = int(entry.id, 16), self._one(entry.feed_url), (now or entry.first_seen).timestamp()
        taken = self._taken.get(key)
        if taken is not None and taken.at == (partition, offset):
            return Announcement.FIRST
        if taken is None or seen - taken.since > self._seconds:
            self._put(key, _Taken(feed_url, (partition, offset), seen, ()))
            return Announcement.FIRST
        if feed_url == taken.feed_url:
            return Announcement.AGAIN
        if feed_url not in taken.further:
            self._taken[key] = taken._replace(further=(*taken.further, feed_url))
        return Announcement.FURTHER

    def first_feed(self, article_id: str) -> str:
        """Give the feed that announced an article first, or nothing."""
        taken = self._taken.get(int(article_id, 16))
        return "" if taken is None else taken.feed_url

    def joined(self, entry: Entry) -> Entry:
        """Give an entry with all feeds among its origins that announced the article as well."""
        key = int(entry.id, 16)
        found = [taken for taken in (self._owed.get(key), self._taken.get(key)) if taken is not None]
        feeds = dict.fromkeys(feed for taken in found for feed in (taken.feed_url, *taken.further))
        known = {entry.feed_url, *entry.origins}
        more = [feed for feed in feeds if feed not in known]
        return entry.model_copy(update={"origins": [*entry.origins, *more]}) if more else entry

    def for_visit(self, entry: Entry) -> Entry:
        """Give an entry as it is to be fetched.

        When feeds joined since the page was last processed, a revisit has nothing to compare with: the page comes
        whole, goes on Kafka although it may not have changed, and its document gets the feeds.
        """
        joined = self.joined(entry)
        if joined is entry or not entry.visit:
            return joined
        self._owed.pop(int(entry.id, 16), None)
        return joined.model_copy(update={"etag": None, "last_modified": None, "content_digest": None})

    def _put(self, key: int, taken: _Taken) -> None:
        self._taken[key] = taken
        self._taken.move_to_end(key)
        while len(self._taken) > self._limit:
            forgotten, taken = self._taken.popitem(last=False)
            if taken.further:
                self._owed[forgotten] = taken
        while len(self._owed) > self._limit:
            self._owed.popitem(last=False)

    def _one(self, feed_url: str) -> str:
        """Give the one copy of a feed's address that all its articles share."""
        if len(self._feeds) > self._limit:
            self._feeds.clear()
        return self._feeds.setdefault(feed_url, feed_url)


class SeenAttempts:
    """The revisits and retries taken last from each partition of a later-tier, so that a second record is seen.

    Args:
        limit: most records remembered.
    """

    def __init__(self, limit: int = 50_000) -> None:
        self._limit = limit
        self._taken: OrderedDict[tuple[Place, int], tuple[int, int, int]] = OrderedDict()

    def take(self, place: Place, offset: int, entry: Entry) -> bool:
        """Note a record and tell whether its try is to be made: False when another record brought it before."""
        key, found = (place, int(entry.id, 16)), (entry.visit, entry.attempt, offset)
        taken = self._taken.get(key)
        if taken is not None and taken[2] != offset and taken[:2] >= found[:2]:
            return False
        self._taken[key] = found
        self._taken.move_to_end(key)
        while len(self._taken) > self._limit:
            self._taken.popitem(last=False)
        return True

    def put_off(self, place: Place, entry: Entry) -> None:
        """Note that a try was not made: the same one comes again, in another record."""
        self._taken.pop((place, int(entry.id, 16)), None)

    def drop(self, places: Iterable[Place]) -> None:
        """Forget partitions that go to another copy: what it puts off comes again, and this one would not know."""
        gone = set(places)
        for key in [key for key in self._taken if key[0] in gone]:
            del self._taken[key]
