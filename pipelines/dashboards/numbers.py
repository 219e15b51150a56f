"""Numbers and keys of panels as people and programs read them, and the searches behind them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pipelines.dashboards.aggregations import Key, PanelRow, PanelTable
from pipelines.dashboards.period import ChosenPeriod, step_length, step_text
from pipelines.printable import span
from pipelines.search.facets import FACETS, facet_filter
from pipelines.search.tree import quoted
from schemas.dashboards.filters import Exists
from schemas.dashboards.spec import Measure, Steps, Terms

_QUALIFIERS = {field: name for name, field in FACETS.items()}
_NONE = "(none)"


def key_text(key: Key, step: str) -> str:
    """Give a breakdown's value as people read it."""
    match key:
        case datetime():
            return step_text(key, step)
        case bool():
            return "yes" if key else "no"
        case _:
            return str(key) or _NONE


def value_text(measure: Measure, value: float | None, now: datetime) -> str:
    """Give a measure's number as people read it: spans and times in words, all else with separators."""
    if value is None:
        return "–"
    if measure.unit == "time":
        return f"{span(now - datetime.fromtimestamp(value / 1000, UTC))} ago"
    if measure.unit == "s":
        return span(timedelta(seconds=value))
    return f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:,.1f}"


def table_lines(table: PanelTable) -> Iterator[list[str]]:
    """Give a panel's numbers as lines of cells for programs, names of the columns first; times as ISO 8601."""
    panel = table.panel
    if not panel.asks:
        yield list(panel.columns)
        yield from ([_field(document, name) for name in panel.columns] for document in table.documents)
        return
    yield [*(each.label for each in table.breakdowns), *(_name(each) for each in panel.measures)]
    for row in table.rows:
        keys = [key.isoformat() if isinstance(key, datetime) else str(key) for key in row.keys]
        yield [*keys, *(_written(one, value) for one, value in zip(panel.measures, row.values, strict=True))]


def _name(measure: Measure) -> str:
    return f"{measure.label} (seconds)" if measure.unit == "s" else measure.label


def _written(measure: Measure, value: float | None) -> str:
    if value is None:
        return ""
    if measure.unit == "time":
        return datetime.fromtimestamp(value / 1000, UTC).isoformat()
    return f"{value:g}" if value != round(value) else f"{value:.0f}"


def _field(document: dict[str, object], name: str) -> str:
    """Give a field of a document by its dotted name; of several values all."""
    found: list[object] = [document]
    for part in name.split("."):
        found = [inner for each in found if isinstance(each, dict) for inner in _several(each.get(part))]
    return "; ".join(map(str, found))


def _several(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def search_of(table: PanelTable, row: PanelRow | None, period: ChosenPeriod) -> str:
    """Give the query that finds the articles behind a number, or behind the whole panel; empty where none does.

    Only where the search finds what the number counts: a panel of outcomes leads to the articles of its source.
    """
    panel, parts = table.panel, []
    view = panel.source.name
    if view == "articles":
        if panel.filter is not None and panel.filter != Exists("gone_at"):
            return ""
        parts += ["gone:only"] if panel.filter else []
    elif view != "outcomes" or row is None:
        return ""
    since, until = period.since, period.until
    for breakdown, key in zip(table.breakdowns, row.keys if row else (), strict=False):
        if isinstance(breakdown, Steps):
            if isinstance(key, datetime):
                since, until = max(since, key), min(until, key + step_length(table.step))
        elif isinstance(key, str) and (part := _narrowing(breakdown, key)):
            parts.append(part)
        elif view == "articles":
            return ""
    if view == "outcomes" and not parts:
        return ""
    return " ".join([*parts, f"after:{_moment(since)}", f"before:{_moment(until)}"])


def _narrowing(breakdown: Terms, key: str) -> str:
    name = _QUALIFIERS.get(breakdown.field, "")
    return facet_filter(name, key) if name else ""


def _moment(when: datetime) -> str:
    return quoted(f"{when.astimezone(UTC):%Y-%m-%dT%H:%M}")
