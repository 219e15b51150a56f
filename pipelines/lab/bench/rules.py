"""Rules by which a feed may be polled: our own, fixed intervals, and those of other systems. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from pipelines.lab.bench.publishers import DAY, START, Publisher
from pipelines.poll.schedule import PollSighting, after_failure, after_success, conditional, first_state, new_keys
from pipelines.settings import PollSettings
from schemas.records import Feed

_QUARTER_HOUR = 900.0


class PollingRule(Protocol):
    """When one feed is asked; made anew for each feed."""

    def etag(self) -> str | None:
        """Give the validator to send, or None."""

    def answered(self, at: float, count: int, new: int, etag: str | None, *, same: bool) -> float:
        """Give the time of the next poll.

        Args:
            at: time of this poll, seconds from `START`.
            count: items that have appeared up to now; the window shows the last of them.
            new: how many of those that it shows were not seen before.
            etag: the ETag that the server sent.
            same: whether it answered 304.
        """

    def failed(self, at: float) -> float:
        """Give the time of the next poll after one that failed."""


class Ours:
    """`pipelines.poll.schedule`, as `poll` uses it."""

    def __init__(self, source: Publisher) -> None:
        self._source = source
        self._feed = Feed(url=source.url)
        self._settings = PollSettings()
        self._state = first_state(source.url, _moment(source.first_poll))
        self._asks_if_changed = False

    def etag(self) -> str | None:
        """Give the feed's last ETag, unless it is time to ask without."""
        self._asks_if_changed = conditional(self._state)
        return self._state.etag if self._asks_if_changed else None

    def answered(self, at: float, count: int, new: int, etag: str | None, *, same: bool) -> float:
        """Give the time of the next poll."""
        hint = self._source.hint_seconds
        seen = PollSighting(at=_moment(at), conditional=self._asks_if_changed, etag=etag, hint_seconds=hint)
        digest = f"{count:032x}"
        if same:
            seen = replace(seen, not_modified=True)
        elif digest == self._state.content_digest:
            seen = replace(seen, not_modified=True, digest=digest)
        else:
            window = range(count - 1, max(0, count - self._source.window) - 1, -1)
            keys = tuple(f"{number:016x}" for number in window)
            new = len(new_keys(self._state, keys))
            dates = () if self._state.rates else tuple(_moment(self._source.items[number]) for number in window)
            seen = replace(seen, keys=keys, new=new, dates=dates, digest=digest)
        self._state = after_success(self._feed, self._state, seen, self._settings)
        return _seconds(self._state.next_poll_at)

    def failed(self, at: float) -> float:
        """Give the time of the next poll after one that failed."""
        self._state = after_failure(self._feed, self._state, _moment(at), "http-503", None, self._settings)
        return _seconds(self._state.next_poll_at)


class Fixed:
    """The same interval always, in seconds."""

    def __init__(self, interval: float) -> None:
        self._interval = interval

    def etag(self) -> str | None:
        """Send none."""
        return None

    def answered(self, at: float, count: int, new: int, etag: str | None, *, same: bool) -> float:  # noqa: ARG002 - PollingRule
        """Give the time of the next poll."""
        return at + self._interval

    def failed(self, at: float) -> float:
        """Give the time of the next poll."""
        return at + self._interval


class Doubling(Fixed):
    """A quarter of an hour after something new; twice the interval before after nothing or a failure, up to a day."""

    def __init__(self) -> None:
        super().__init__(_QUARTER_HOUR)

    def answered(self, at: float, count: int, new: int, etag: str | None, *, same: bool) -> float:  # noqa: ARG002 - PollingRule
        """Give the time of the next poll."""
        self._interval = _QUARTER_HOUR if new else min(2 * self._interval, DAY)
        return at + self._interval

    def failed(self, at: float) -> float:
        """Give the time of the next poll."""
        return self.answered(at, 0, 0, None, same=False)


class MeanGap(Fixed):
    """The mean gap between the last ten items and now, from a quarter of an hour to a day."""

    def __init__(self, source: Publisher) -> None:
        super().__init__(_QUARTER_HOUR)
        self._items = source.items

    def answered(self, at: float, count: int, new: int, etag: str | None, *, same: bool) -> float:  # noqa: ARG002 - PollingRule
        """Give the time of the next poll."""
        last = min(count, 10)
        gap = (at - self._items[count - last]) / last if last else DAY
        self._interval = min(max(gap, _QUARTER_HOUR), DAY)
        return at + self._interval


class WeekCount(Fixed):
    """A week over the number of the last week's items, from five minutes to a day."""

    def __init__(self, source: Publisher) -> None:
        super().__init__(_QUARTER_HOUR)
        self._items = source.items

    def answered(self, at: float, count: int, new: int, etag: str | None, *, same: bool) -> float:  # noqa: ARG002 - PollingRule
        """Give the time of the next poll."""
        items = count - bisect_right(self._items, at - 7 * DAY, 0, count)
        self._interval = min(max(7 * DAY / items, 300.0), DAY) if items else DAY
        return at + self._interval


OURS = "newsriver"
RULES: Mapping[str, Callable[[Publisher], PollingRule]] = {
    OURS: Ours,
    "fixed 5 min": lambda _: Fixed(300.0),
    "fixed 15 min": lambda _: Fixed(900.0),
    "fixed 30 min": lambda _: Fixed(1800.0),
    "fixed 60 min": lambda _: Fixed(3600.0),
    "doubling while nothing is new": lambda _: Doubling(),
    "mean gap of the last 10 items": MeanGap,
    "a week over its number of items": WeekCount,
}
"""The rules by name."""


def _moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _seconds(moment: datetime) -> float:
    return (moment - START).total_seconds()
