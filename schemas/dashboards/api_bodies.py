"""Dashboard -> the body of Kibana's Dashboards API (`PUT /api/dashboards/{id}`), 9.5 and newer. Pure.

The server refuses any key that it does not know, so only what is needed is written. Nothing here was run against a
Kibana.
"""

from __future__ import annotations

from typing import Any

from schemas.dashboards.identifiers import (
    TAG,
    control_id,
    dashboard_id,
    ignores_controls,
    panel_id,
    search_id,
    view_id,
)
from schemas.dashboards.lens import SERIES, labelled
from schemas.dashboards.saved_objects import REFRESH_MILLISECONDS
from schemas.dashboards.spec import Dashboard, Kind, Measure, Operation, Panel, Steps, Terms
from schemas.mapping import RIVER

Json = dict[str, Any]

_OPERATIONS = {Operation.UNIQUE: "unique_count"}


def api_body(board: Dashboard) -> Json:
    """Give the whole dashboard; what a body leaves out returns to its default in Kibana."""
    return {
        "title": f"Newsriver {RIVER}: {board.title}",
        "description": board.about,
        "time_range": {"from": board.since, "to": "now"},
        "refresh_interval": {"pause": False, "value": REFRESH_MILLISECONDS},
        "query": _kql(""),
        "options": {"use_margins": True, "sync_cursor": True, "sync_colors": True},
        "tags": [TAG],
        "pinned_panels": [
            {
                "id": control_id(each.field),
                "type": "options_list_control",
                "width": "medium",
                "grow": True,
                "config": {"data_view_id": view_id(each.view), "field_name": each.field, "title": each.label},
            }
            for each in board.controls
        ],
        "panels": [_panel(board, panel) for panel in board.panels],
    }


def _kql(text: str) -> Json:
    return {"expression": text, "language": "kql"}


def _panel(board: Dashboard, panel: Panel) -> Json:
    grid = {"x": panel.grid.x, "y": panel.grid.y, "w": panel.grid.w, "h": panel.grid.h}
    kind, config = _config(board, panel)
    return {"id": panel_id(panel), "type": kind, "grid": grid, "config": {"title": panel.title, **config}}


def _config(board: Dashboard, panel: Panel) -> tuple[str, Json]:
    if panel.kind is Kind.LATEST:
        return "discover_session", {"ref_id": search_id(board, panel)}
    if panel.kind is Kind.LINKS:
        links = [
            {
                "type": "dashboardLink",
                "destination": dashboard_id(link.to),
                "label": link.label,
                "options": {"use_filters": False, "use_time_range": True, "open_in_new_tab": False},
            }
            for link in panel.links
        ]
        return "links", {"layout": "vertical", "links": links}
    config: Json = {"description": panel.note} if panel.note else {}
    if panel.filter:
        config["query"] = _kql(panel.filter.kql())
    if ignores_controls(board, panel):
        config["ignore_global_filters"] = True
    return "vis", config | _chart(panel)


def _chart(panel: Panel) -> Json:
    """Give what is a chart's own: its type, its data, its measures and its breakdowns."""
    source = {"data_source": {"type": "data_view_reference", "ref_id": view_id(panel.source)}}
    measures = [_metric(each) for each in panel.measures]
    rows = _bucket(panel, panel.rows) if panel.rows else {}
    split = _bucket(panel, panel.split) if panel.split else {}
    match panel.kind:
        case Kind.METRIC:
            places = ("primary", "secondary")
            return {
                "type": "metric",
                **source,
                "metrics": [{"type": p, **m} for p, m in zip(places, measures, strict=False)],
            }
        case Kind.TABLE:
            return {
                "type": "data_table",
                **source,
                "metrics": measures,
                "rows": [each for each in (rows, split) if each],
            }
        case Kind.HEATMAP:
            return {"type": "heatmap", **source, "x": rows, "y": split, "metric": measures[0]}
        case Kind.DONUT:
            return {"type": "pie", **source, "metrics": measures, "group_by": [rows], "styling": {"donut_hole": "m"}}
        case Kind.TAGS:
            return {"type": "tag_cloud", **source, "metric": measures[0], "tag_by": rows}
        case _:
            layer = {"type": SERIES[panel.kind], **source, "x": rows, "y": measures}
            return {"type": "xy", "layers": [layer | ({"breakdown_by": split} if split else {})]}


def _metric(measure: Measure) -> Json:
    metric: Json = {
        "operation": _OPERATIONS.get(measure.operation, measure.operation.value),
        "label": labelled(measure),
    }
    if measure.field:
        metric["field"] = measure.field
    if measure.operation is Operation.PERCENTILE:
        metric["percentile"] = measure.percentile
    if measure.filter:
        metric["filter"] = _kql(measure.filter.kql())
    return metric


def _bucket(panel: Panel, breakdown: Terms | Steps) -> Json:
    if isinstance(breakdown, Steps):
        return {
            "operation": "date_histogram",
            "field": panel.source.time_field,
            "suggested_interval": breakdown.interval,
            "include_empty_rows": True,
        }
    rank: Json = {"type": "alphabetical", "direction": "asc"}
    if not breakdown.by_key:
        rank = {"type": "metric", "metric_index": 0, "direction": "desc"}
    return {"operation": "terms", "fields": [breakdown.field], "limit": breakdown.size, "rank_by": rank}
