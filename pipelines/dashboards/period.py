"""The chosen time of a dashboard and the steps that fit it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.dashboards.spec import Steps

RANGES: dict[str, tuple[timedelta, str]] = {
    "1h": (timedelta(hours=1), "1m"),
    "24h": (timedelta(days=1), "30m"),
    "7d": (timedelta(days=7), "3h"),
    "30d": (timedelta(days=30), "12h"),
    "90d": (timedelta(days=90), "1d"),
    "1y": (timedelta(days=365), "7d"),
}
"""Times that can be chosen: how long, and the length of a step."""

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class ChosenPeriod:
    """A stretch of time that ends now.

    Attributes:
        name: of `RANGES`.
        until: its end.
    """

    name: str
    until: datetime

    @property
    def since(self) -> datetime:
        """Its beginning."""
        return self.until - RANGES[self.name][0]

    def step(self, steps: Steps) -> str:
        """Give the length of a step as Elasticsearch writes it, e.g. `30m`."""
        return RANGES[self.name][1] if steps.interval == "auto" else steps.interval


def step_length(written: str) -> timedelta:
    """Give the length of a step."""
    return int(written[:-1]) * _UNITS[written[-1]]


def default_range(since: str) -> str:
    """Give the name of a range for a dashboard's first choice, e.g. `7d` for `now-7d`."""
    return since.removeprefix("now-")


def step_text(start: datetime, step: str) -> str:
    """Give a step's beginning as people read it, in UTC, as exactly as the steps are long."""
    return f"{start.astimezone(UTC):{'%d %b' if step.endswith('d') else '%d %b %H:%M'}}"
