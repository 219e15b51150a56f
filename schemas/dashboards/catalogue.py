"""All dashboards, in the order in which they are listed. Data."""

from __future__ import annotations

from schemas.dashboards.health import HEALTH
from schemas.dashboards.newsroom import NEWSROOM
from schemas.dashboards.quality import QUALITY
from schemas.dashboards.spec import Dashboard

DASHBOARDS: tuple[Dashboard, ...] = (NEWSROOM, HEALTH, QUALITY)


def dashboard_named(name: str) -> Dashboard | None:
    """Give a dashboard by its name."""
    return next((each for each in DASHBOARDS if each.name == name), None)
