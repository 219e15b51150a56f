"""Fields by which answers are counted, and intervals by which they are put on a time line. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import timedelta

from pipelines.errors import UsageError
from pipelines.search.tree import quoted

FACETS: dict[str, str] = {
    "source": "source",
    "site": "site",
    "lang": "language",
    "topic": "topics.label",
    "author": "authors",
    "rights": "rights",
    "license": "license",
    "feed": "feeds",
    "story": "story",
}
"""Public name of each keyword field -> its name in the index."""

_FILTERED = frozenset({"source", "site", "lang", "topic", "author", "rights", "story"})

INTERVALS: dict[str, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=28),
    "year": timedelta(days=365),
}
"""Calendar intervals of a time line, and the shortest time each may take."""

AUTOMATIC = "auto"
_MOST_BUCKETS = 2000
_BUCKETS_WANTED = 60


def facet_field(name: str) -> str:
    """Give the index's field of a facet.

    Raises:
        UsageError: there is no such facet; `resource` is `field`.
    """
    if name in FACETS:
        return FACETS[name]
    raise unknown("field", name, FACETS)


def facet_filter(name: str, value: str) -> str:
    """Give what is added to a query to see only articles with this value; empty where nothing filters by it."""
    return f"{name}:{quoted(value)}" if name in _FILTERED else ""


def chosen_interval(wanted: str, span: timedelta) -> str:
    """Give the calendar interval for a time line of a span.

    Raises:
        UsageError: there is no such interval, or it makes too many buckets; `resource` is `interval`.
    """
    names = list(INTERVALS)
    if wanted == AUTOMATIC:
        return next((name for name in names[1:] if span / INTERVALS[name] <= _BUCKETS_WANTED), names[-1])
    if wanted not in INTERVALS:
        raise unknown("interval", wanted, [*names, AUTOMATIC])
    if span / INTERVALS[wanted] > _MOST_BUCKETS:
        fits = next((name for name in names if span / INTERVALS[name] <= _MOST_BUCKETS), names[-1])
        raise UsageError(
            f"interval {wanted!r} makes more than {_MOST_BUCKETS} steps of {span.days} days",
            hint=f"take {fits!r}, or restrict the time with after: and before:",
            resource="interval",
        )
    return wanted


def unknown(parameter: str, value: str, known: Iterable[str]) -> UsageError:
    """Make the error of a parameter's value that does not exist; it names the nearest one."""
    names = list(known)
    near = difflib.get_close_matches(value[:60], names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(names)}"
    return UsageError(f"no {parameter} {value[:60]!r}", hint=hint, resource=parameter)
