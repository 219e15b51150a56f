"""Panel -> what Elasticsearch is asked, and its answer -> a table of numbers. Pure.

Charts break down by their split first, so that its largest values are those of the whole time; tables by their rows
first. Kibana's columns are in the same order (`schemas/dashboards/lens.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.dashboards.period import ChosenPeriod
from schemas.dashboards.filters import PanelFilter
from schemas.dashboards.order import breakdowns, used_fields
from schemas.dashboards.spec import Measure, Operation, Panel, Steps, Terms

Json = dict[str, Any]
Key = str | int | bool | datetime
WriteFilter = Callable[[PanelFilter], Json]

LATEST_ROWS = 20
"""Documents of a panel that shows the newest."""

_METRICS = {
    Operation.UNIQUE: "cardinality",
    Operation.AVERAGE: "avg",
    Operation.MAX: "max",
    Operation.MIN: "min",
    Operation.SUM: "sum",
}


@dataclass(frozen=True, slots=True)
class PanelRow:
    """One row of a panel's numbers.

    Attributes:
        keys: values of the breakdowns, in the order of the table's.
        values: of the measures; None where there is nothing to compute.
    """

    keys: tuple[Key, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class PanelTable:
    """A panel's numbers.

    Attributes:
        panel: what they are of.
        breakdowns: what the keys of the rows are values of.
        rows: in the order of the answer.
        step: length of its steps in time; empty without any.
        documents: of a panel that shows the newest, the documents.
    """

    panel: Panel
    breakdowns: tuple[Terms | Steps, ...]
    rows: tuple[PanelRow, ...]
    step: str = ""
    documents: tuple[Json, ...] = ()


def clause(tree: PanelFilter) -> Json:
    """Write a filter as a clause that every Elasticsearch knows."""
    return tree.clause()


def panel_body(panel: Panel, period: ChosenPeriod, write: WriteFilter = clause) -> Json:
    """Give the search that answers a panel.

    Args:
        panel: one that asks.
        period: the chosen time; of no account to views without a time.
        write: how filters are written.
    """
    view = panel.source
    filters = [write(panel.filter)] if panel.filter else []
    if view.time_field:
        bounds = {"gte": period.since.isoformat(), "lt": period.until.isoformat()}
        filters.append({"range": {view.time_field: bounds}})
    body: Json = {"size": 0, "track_total_hits": True, "query": {"bool": {"filter": filters}}}
    if computed := {each.name: each.script for each in view.runtime if each.name in used_fields(panel)}:
        scripts = {name: {"type": "long", "script": {"source": script}} for name, script in computed.items()}
        body["runtime_mappings"] = scripts
    if not panel.asks:
        return body | {"size": LATEST_ROWS, "sort": [{view.time_field: "desc"}], "_source": ["id", *panel.columns]}
    inner = {f"m{number}": _measure(each, write) for number, each in enumerate(panel.measures) if not _plain(each)}
    first = {"m0": inner["m0"]} if "m0" in inner else {}
    for breakdown in reversed(breakdowns(panel)):
        # What buckets are ordered by must be computed in each of them, also where they are broken down further.
        below = inner | (first if isinstance(breakdown, Terms) else {})
        inner = {"b": _breakdown(breakdown, panel, period) | ({"aggs": below} if below else {})}
    return body | ({"aggs": inner} if inner else {})


def _plain(measure: Measure) -> bool:
    """Whether a measure is the number of documents itself."""
    return measure.operation is Operation.COUNT and measure.filter is None


def _breakdown(breakdown: Terms | Steps, panel: Panel, period: ChosenPeriod) -> Json:
    if isinstance(breakdown, Steps):
        # To the last millisecond before the end: a step that begins at the end is empty, and none of the chosen time.
        bounds = {"min": int(period.since.timestamp() * 1000), "max": int(period.until.timestamp() * 1000) - 1}
        step = {"field": panel.source.time_field, "fixed_interval": period.step(breakdown), "min_doc_count": 0}
        return {"date_histogram": step | {"extended_bounds": bounds}}
    if breakdown.by_key:
        return {"terms": {"field": breakdown.field, "size": breakdown.size, "order": {"_key": "asc"}}}
    return {"terms": {"field": breakdown.field, "size": breakdown.size, "order": _order(panel.measures[0])}}


def _order(first: Measure) -> list[Json]:
    by = "_count"
    if not _plain(first):
        percentile = _percentile(first)
        by = "m0" if percentile is None else f"m0.{percentile}"
    return [{by: "desc"}, {"_key": "asc"}]


def _percentile(measure: Measure) -> float | None:
    if measure.operation is Operation.MEDIAN:
        return 50.0
    return float(measure.percentile) if measure.operation is Operation.PERCENTILE else None


def _measure(measure: Measure, write: WriteFilter) -> Json:
    metric: Json | None = None
    if (percentile := _percentile(measure)) is not None:
        metric = {"percentiles": {"field": measure.field, "percents": [percentile]}}
    elif measure.operation is not Operation.COUNT:
        metric = {_METRICS[measure.operation]: {"field": measure.field}}
    if measure.filter is None:
        return metric or {}
    return {"filter": write(measure.filter)} | ({"aggs": {"v": metric}} if metric else {})


def panel_table(panel: Panel, period: ChosenPeriod, answer: Mapping[str, Any]) -> PanelTable:
    """Read the answer to `panel_body`."""
    if not panel.asks:
        documents = tuple(hit["_source"] for hit in answer["hits"]["hits"])
        return PanelTable(panel, (), (), documents=documents)
    order = breakdowns(panel)
    whole = {"doc_count": answer["hits"]["total"]["value"], **answer.get("aggregations", {})}
    rows = tuple(_rows(panel.measures, order, whole, ()))
    step = next((period.step(each) for each in order if isinstance(each, Steps)), "")
    return PanelTable(panel, order, rows, step)


def _rows(
    measures: tuple[Measure, ...], order: tuple[Terms | Steps, ...], bucket: Mapping[str, Any], keys: tuple[Key, ...]
) -> Iterator[PanelRow]:
    if not order:
        yield PanelRow(keys, tuple(_value(each, f"m{number}", bucket) for number, each in enumerate(measures)))
        return
    # Without an index the server gives no aggregations at all.
    for inner in bucket.get("b", {}).get("buckets", ()):
        yield from _rows(measures, order[1:], inner, (*keys, _key(order[0], inner)))


def _key(breakdown: Terms | Steps, bucket: Mapping[str, Any]) -> Key:
    if isinstance(breakdown, Steps):
        return datetime.fromtimestamp(bucket["key"] / 1000, UTC)
    # Of all fields that are broken down by, only booleans have both: a number, and a text for it.
    if bucket.get("key_as_string") in ("true", "false"):
        return bool(bucket["key"])
    key: Key = bucket["key"]
    return key


def _value(measure: Measure, name: str, bucket: Mapping[str, Any]) -> float | None:
    if _plain(measure):
        return float(bucket["doc_count"])
    found = bucket.get(name)
    if found is None:
        return 0.0 if measure.operation in (Operation.COUNT, Operation.UNIQUE) else None
    if measure.operation is Operation.COUNT:
        return float(found["doc_count"])
    inner = found["v"] if measure.filter is not None else found
    value = inner["value"] if "value" in inner else next(iter(inner["values"].values()))
    return None if value is None else float(value)
