"""How alerts do, for `newsriver status`: what waits, and how long it took from indexed to delivered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_PERCENTS = (50.0, 95.0)
_SINCE = "now-24h"


@dataclass(frozen=True, slots=True)
class AlertFigures:
    """The alerts of the last 24 hours.

    Attributes:
        searches: saved searches.
        waiting: articles that are found and not delivered.
        delivered: articles delivered in the last 24 hours.
        p50_ms: half of these were delivered in this time after they were indexed; None where there are none.
        p95_ms: nineteen in twenty of them.
    """

    searches: int = 0
    waiting: int = 0
    delivered: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None


def figures_body() -> Json:
    """Give the search on deliveries that `figures_of` reads."""
    recent = {"range": {"delivered_at": {"gte": _SINCE}}}
    times = {"percentiles": {"field": "latency_ms", "percents": list(_PERCENTS)}}
    return {
        "size": 0,
        "track_total_hits": False,
        "aggs": {
            "waiting": {"missing": {"field": "delivered_at"}},
            "recent": {"filter": recent, "aggs": {"latency": times}},
        },
    }


def figures_of(answer: Mapping[str, Any], searches: int) -> AlertFigures:
    """Read the answer; before there are deliveries it has none.

    Args:
        answer: Elasticsearch's.
        searches: the number of saved searches.
    """
    found = answer.get("aggregations", {})
    recent = found.get("recent", {})
    values = recent.get("latency", {}).get("values", {})
    half, most = (values.get(str(percent)) for percent in _PERCENTS)
    waiting, delivered = found.get("waiting", {}).get("doc_count", 0), recent.get("doc_count", 0)
    return AlertFigures(searches, waiting, delivered, half, most)
