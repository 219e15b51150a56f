"""Whether anything moves in a copy of `poll`, and if not, why: for the heartbeat."""

from __future__ import annotations

from collections import OrderedDict

from pipelines.runtime.heartbeat import Waits

_MANY = 10
"""Feeds that fail one after the other, without one that answers: then it is hardly the feeds."""


class IdleReason:
    """Says what the work waits for when there is nothing to ask or nobody answers.

    Args:
        waits: told of it.
    """

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self._failing: OrderedDict[str, str] = OrderedDict()  # reasons by feed, since one answered last

    def polled(self, url: str, failure: str) -> None:
        """Note how a poll went.

        Args:
            url: the feed.
            failure: why it failed; empty when it did not.
        """
        if not failure:
            self._failing.clear()
            return
        self._failing[url] = failure
        if len(self._failing) > _MANY:
            self._failing.popitem(last=False)

    def look(self, feeds: int, *, has_partitions: bool) -> None:
        """Tell of the present state.

        Args:
            feeds: number of feeds that this copy holds.
            has_partitions: whether it has a share of the feed list.
        """
        if not has_partitions:
            self._waits.begin("no-partition", "no share of the feed list: other copies have it, or the group forms")
        elif not feeds:
            self._waits.begin("no-feed", "no feed in this copy's partitions of the list")
        elif len(self._failing) >= _MANY:
            last = next(reversed(self._failing.values()))
            self._waits.begin("no-answer", f"the last {_MANY} feeds that were asked failed, one with {last}")
        else:
            self._waits.end()
