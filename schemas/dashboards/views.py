"""The data views of the dashboards, and the type of each of their fields. Pure."""

from __future__ import annotations

from schemas.dashboards.spec import DataView, RuntimeField
from schemas.mapping import fields, mappings
from schemas.records import Article, FeedHealth, Outcome, Record, WorkerState


def _seconds(name: str, start: str, end: str) -> RuntimeField:
    """Compute the time between two fields; a clock that goes wrong makes no negative delay."""
    source = (
        f"if (doc['{start}'].size() != 0 && doc['{end}'].size() != 0) "
        f"{{ long s = (doc['{end}'].value.toInstant().toEpochMilli() - doc['{start}'].value.toInstant().toEpochMilli())"
        " / 1000; emit(s < 0 ? 0 : s) }"
    )
    return RuntimeField(name, source, (start, end))


HOUR = RuntimeField(
    "hour_of_day",
    "if (doc['dated_at'].size() != 0) { emit(doc['dated_at'].value.getHour()) }",
    ("dated_at",),
)
DISCOVERY_SECONDS = _seconds("discovery_seconds", "published_at", "first_seen")
RIVER_SECONDS = _seconds("river_seconds", "first_seen", "at")

ARTICLES = DataView("articles", "Newsriver articles", "dated_at", (HOUR, DISCOVERY_SECONDS))
OUTCOMES = DataView("outcomes", "Newsriver outcomes", "at", (RIVER_SECONDS,))
# The last word of each feed and process, however long ago that was: no chosen time hides one that is silent.
FEEDS = DataView("feeds", "Newsriver feeds", "")
WORKERS = DataView("workers", "Newsriver processes", "")

VIEWS = (ARTICLES, OUTCOMES, FEEDS, WORKERS)

_RECORDS: dict[str, type[Record]] = {
    "articles": Article,
    "outcomes": Outcome,
    "feeds": FeedHealth,
    "workers": WorkerState,
}


def field_types(view: DataView) -> dict[str, str]:
    """Give the type of each field of a view, those that are computed included, by its dotted name."""
    indexed = fields(mappings(_RECORDS[view.name])["properties"])
    return {name: definition["type"] for name, definition in indexed.items()} | {
        field.name: "long" for field in view.runtime
    }
