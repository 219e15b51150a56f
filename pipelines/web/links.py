"""Addresses of our own pages: searches that take a part away or add one. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from pipelines.search.query import Query
from pipelines.search.tree import All, Period, quoted

_DAYS = {"day": 1, "week": 7}
_FINE = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}


def search_link(text: str, sort: str = "", cursor: str | None = None) -> str:
    """Give the address of a search page; the order of relevance is not named."""
    asked = {"q": text, "sort": "" if sort == "relevance" else sort, "cursor": cursor or ""}
    return "/search?" + urlencode({name: value for name, value in asked.items() if value or name == "q"})


def narrowed(text: str, filter_: str) -> str:
    """Add a filter to a query's text."""
    return filter_ if text.strip() in ("", "*") else f"{text} {filter_}"


def within(query: Query, since: datetime | str | None, until: datetime | str | None) -> str:
    """Give a query's text for another time: what it says of time is replaced.

    Args:
        query: the query.
        since: at or after this; text as a user writes it, None or empty for no bound.
        until: before this.
    """
    rest = tuple(node for node in query.nodes if not isinstance(node, Period))
    bounds = [f"{name}:{_written(when)}" for name, when in (("after", since), ("before", until)) if when]
    return " ".join([*([str(All(rest))] if rest else []), *bounds]) or "*"


def step_end(start: datetime, interval: str) -> datetime:
    """Give when a step of a timeline ends."""
    if interval in _FINE:
        return start + _FINE[interval]
    if interval in _DAYS:
        return start + timedelta(days=_DAYS[interval])
    if interval == "year":
        return start.replace(year=start.year + 1)
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)


def _written(when: datetime | str) -> str:
    if isinstance(when, str):
        return quoted(when)
    when = when.astimezone(UTC)
    return f"{when:%Y-%m-%d}" if when.hour == when.minute == 0 else quoted(f"{when:%Y-%m-%dT%H:%M}")
