"""All subscriptions of a river: which feeds want one, which they have, whose callback a token is. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

from pipelines.websub.lifecycle import Act, Hub, begun, come_back, decide, left, pushes
from schemas.records import Feed, FeedState, Subscription


class Subscriptions:
    """The table that the subscriber keeps.

    Args:
        token: makes random text that nobody can guess.
    """

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token
        self._feeds: dict[str, bool] = {}  # feed -> whether it is paused
        self._hubs: dict[str, Hub] = {}
        self._held: dict[str, Subscription] = {}
        self._callbacks: dict[str, str] = {}

    def list_feed(self, feed: Feed) -> None:
        """Note a feed of the list, or its new definition."""
        self._feeds[feed.url] = feed.paused

    def unlist(self, feed_url: str) -> None:
        """Note that a feed is not in the list any more."""
        self._feeds.pop(feed_url, None)

    def learn(self, state: FeedState) -> None:
        """Note which hub a feed names; a feed that gives itself no address is subscribed to by the one it has here."""
        if state.hub:
            self._hubs[state.url] = state.hub, state.hub_topic or state.url
        else:
            self._hubs.pop(state.url, None)

    def put(self, held: Subscription) -> None:
        """Keep a subscription in the place of the feed's last one."""
        self.forget(held.feed_url)
        self._held[held.feed_url] = held
        self._callbacks[held.callback.get_secret_value()] = held.feed_url

    def forget(self, feed_url: str) -> None:
        """Let a feed's subscription go; its callback exists no more."""
        gone = self._held.pop(feed_url, None)
        if gone is not None:
            self._callbacks.pop(gone.callback.get_secret_value(), None)

    def of(self, feed_url: str) -> Subscription | None:
        """Give a feed's subscription."""
        return self._held.get(feed_url)

    def of_callback(self, token: str) -> Subscription | None:
        """Give the subscription whose callback has this token."""
        feed_url = self._callbacks.get(token)
        return None if feed_url is None else self._held.get(feed_url)

    def wanted(self, feed_url: str) -> Hub | None:
        """Give where a feed is to be subscribed to: it is listed, not paused, and names a hub."""
        return self._hubs.get(feed_url) if self._feeds.get(feed_url) is False else None

    def settle(self, now: datetime) -> Iterator[tuple[str, Subscription | None]]:
        """Bring the table in line with what is wanted; gives each change: the feed, and what is held now."""
        for feed_url in self._hubs.keys() | self._held.keys():
            held, wanted = self._held.get(feed_url), self.wanted(feed_url)
            act = decide(held, wanted, now)
            if act is Act.BEGIN and wanted is not None:
                self.put(begun(feed_url, wanted, self._token, now))
            elif act is Act.FORGET:
                self.forget(feed_url)
            elif held is not None and act in (Act.LEAVE, Act.COME_BACK):
                self.put(left(held, now) if act is Act.LEAVE else come_back(held, now))
            else:
                continue
            yield feed_url, self._held.get(feed_url)

    def due(self, now: datetime) -> list[Subscription]:
        """Give the subscriptions whose hub is to be asked, the longest waiting first."""
        found = [
            held
            for url, held in self._held.items()
            if held.next_at <= now and decide(held, self.wanted(url), now) is Act.ASK
        ]
        return sorted(found, key=lambda held: held.next_at)

    def counts(self, now: datetime) -> dict[str, int]:
        """Count the subscriptions by how they stand; `live` are those whose hub has promised to push at present."""
        found = Counter(str(held.status) for held in self._held.values())
        return {**dict(sorted(found.items())), "live": sum(pushes(held, now) for held in self._held.values())}
