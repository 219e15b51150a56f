"""How each feed of the list is doing: its definition and what is known of it, as rows of a table. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schemas.records import Feed, FeedState


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """One feed as `newsriver feeds list` shows it.

    Attributes:
        feed: its definition.
        state: what is known of it; None before it was ever asked.
    """

    feed: Feed
    state: FeedState | None

    @property
    def failing(self) -> bool:
        """Whether its last poll failed."""
        return self.state is not None and self.state.failures > 0

    @property
    def polled_at(self) -> datetime | None:
        """When it was last asked."""
        return self.state.polled_at if self.state else None

    @property
    def next_poll_at(self) -> datetime | None:
        """When it is due; None while it is paused, and before the first poll, which is due at once."""
        return None if self.feed.paused or self.state is None else self.state.next_poll_at

    @property
    def per_day(self) -> float | None:
        """New entries expected a day; None before anything is known."""
        return sum(self.state.rates) if self.state and self.state.rates else None

    def as_json(self) -> dict[str, Any]:
        """Give the definition's fields, and beside them those of the state that people ask for."""
        state = self.state
        return {
            **self.feed.model_dump(mode="json", exclude_none=True),
            "last_poll": _text(self.polled_at),
            "last_success": _text(state.succeeded_at if state else None),
            "next_poll": _text(self.next_poll_at),
            "polls": state.polls if state else 0,
            "failures": state.failures if state else 0,
            "reason": state.last_failure if state else "",
            "moved_to": state.moved_to if state else None,
            "per_day": None if self.per_day is None else round(self.per_day, 2),
        }


def standings(feeds: Iterable[Feed], states: Mapping[str, FeedState], *, failing: bool = False) -> list[FeedStatus]:
    """Give the rows: by address, or with `failing` only those whose last poll failed, the longest failing first."""
    rows = [FeedStatus(feed, states.get(feed.url)) for feed in sorted(feeds, key=lambda feed: feed.url)]
    if not failing:
        return rows
    return sorted((row for row in rows if row.failing), key=lambda row: -(row.state.failures if row.state else 0))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
