"""Panel -> a Lens visualization by value, as Kibana 8.8 to 9.4 stores it. Pure.

Source: Kibana's own source and exported dashboards; nothing here was run against a Kibana. Written in the oldest form
that has what is used, since Kibana migrates upwards and refuses what is newer than itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.dashboards.identifiers import LAYER, ignores_controls, view_id
from schemas.dashboards.order import breakdowns
from schemas.dashboards.spec import Dashboard, Kind, Measure, Operation, Panel, Steps, Terms
from schemas.dashboards.views import field_types

Json = dict[str, Any]

RECORDS = "___records___"
"""What Lens calls the documents themselves."""

SERIES = {
    Kind.LINE: "line",
    Kind.AREA: "area_stacked",
    Kind.BAR: "bar_stacked",
    Kind.RANKING: "bar_horizontal",
}
_TYPES = {"keyword": "string", "boolean": "boolean", "long": "number", "float": "number", "date": "date"}
_OPERATIONS = {Operation.UNIQUE: "unique_count"}
_ON_AND_OFF = {"x": True, "yLeft": True, "yRight": True}


def layer_reference(panel: Panel, prefix: str = "") -> Json:
    """Give the reference by which a layer finds its data view."""
    return {
        "type": "index-pattern",
        "id": view_id(panel.source),
        "name": f"{prefix}indexpattern-datasource-layer-{LAYER}",
    }


def lens(board: Dashboard, panel: Panel) -> Json:
    """Give the attributes of a panel's visualization."""
    order = breakdowns(panel)
    columns = {_column_id(panel, each): _bucket(panel, each) for each in order}
    columns |= {f"m{number}": _metric(each) for number, each in enumerate(panel.measures)}
    layer = {
        "columns": columns,
        "columnOrder": list(columns),
        "incompleteColumns": {},
        "sampling": 1,
        "ignoreGlobalFilters": ignores_controls(board, panel),
    }
    kind, visualization = _visualization(panel, list(columns))
    return {
        "title": "",
        "description": panel.note,
        "type": "lens",
        "visualizationType": kind,
        "references": [layer_reference(panel)],
        "state": {
            "visualization": visualization,
            "query": kuery(panel.filter.kql() if panel.filter else ""),
            "filters": [],
            "datasourceStates": {"formBased": {"layers": {LAYER: layer}}},
            "internalReferences": [],
            "adHocDataViews": {},
        },
    }


def kuery(text: str) -> Json:
    """Give a query in KQL as Kibana stores it."""
    return {"query": text, "language": "kuery"}


def _column_id(panel: Panel, breakdown: Terms | Steps) -> str:
    return "rows" if breakdown is panel.rows else "split"


def _bucket(panel: Panel, breakdown: Terms | Steps) -> Json:
    common = {"label": breakdown.label, "customLabel": True, "isBucketed": True}
    if isinstance(breakdown, Steps):
        params: Json = {"interval": breakdown.interval, "includeEmptyRows": True, "dropPartials": False}
        return common | {
            "dataType": "date",
            "operationType": "date_histogram",
            "scale": "interval",
            "sourceField": panel.source.time_field,
            "params": params,
        }
    by_key = {"type": "alphabetical", "fallback": False}
    params = {
        "size": breakdown.size,
        "orderBy": by_key if breakdown.by_key else {"type": "column", "columnId": "m0"},
        "orderDirection": "asc" if breakdown.by_key else "desc",
        "otherBucket": False,
        "missingBucket": False,
        "parentFormat": {"id": "terms"},
        "include": [],
        "exclude": [],
        "includeIsRegex": False,
        "excludeIsRegex": False,
    }
    return common | {
        "dataType": _TYPES[field_types(panel.source)[breakdown.field]],
        "operationType": "terms",
        "scale": "ordinal",
        "sourceField": breakdown.field,
        "params": params,
    }


def _metric(measure: Measure) -> Json:
    counted = measure.operation in (Operation.COUNT, Operation.UNIQUE)
    params: Json = {"emptyAsNull": False} if counted else {}
    if measure.operation is Operation.PERCENTILE:
        params["percentile"] = measure.percentile
    column: Json = {
        "label": labelled(measure),
        "customLabel": True,
        "dataType": "date" if measure.unit == "time" else "number",
        "operationType": _OPERATIONS.get(measure.operation, measure.operation.value),
        "isBucketed": False,
        "scale": "ratio",
        "sourceField": measure.field or RECORDS,
        "params": params,
    }
    return column | ({"filter": kuery(measure.filter.kql())} if measure.filter else {})


def labelled(measure: Measure) -> str:
    """Give a measure's label with its unit, which Kibana does not know."""
    return f"{measure.label} (s)" if measure.unit == "s" else measure.label


def _visualization(panel: Panel, columns: list[str]) -> tuple[str, Json]:
    """Give the kind of visualization and its own state."""
    layer = {"layerId": LAYER, "layerType": "data"}
    match panel.kind:
        case Kind.METRIC:
            second = {"secondaryMetricAccessor": "m1"} if len(panel.measures) > 1 else {}
            return "lnsMetric", {**layer, "metricAccessor": "m0", **second}
        case Kind.TABLE:
            return "lnsDatatable", layer | _datatable(columns)
        case Kind.HEATMAP:
            return "lnsHeatmap", layer | _heatmap()
        case Kind.DONUT:
            return "lnsPie", {"shape": "donut", "layers": [layer | _DONUT]}
        case Kind.TAGS:
            return "lnsTagcloud", layer | _TAGS
        case _:
            return "lnsXY", _xy(panel, layer)


_DONUT: Json = {
    "primaryGroups": ["rows"],
    "metrics": ["m0"],
    "numberDisplay": "percent",
    "categoryDisplay": "default",
    "legendDisplay": "default",
    "legendPosition": "right",
    "nestedLegend": False,
    "emptySizeRatio": 0.54,
}
_TAGS: Json = {
    "tagAccessor": "rows",
    "valueAccessor": "m0",
    "orientation": "single",
    "minFontSize": 12,
    "maxFontSize": 48,
    "showLabel": False,
}


def _datatable(columns: list[str]) -> Json:
    return {
        "columns": [{"columnId": each, "isTransposed": False, "isMetric": each.startswith("m")} for each in columns],
        "paging": {"enabled": True, "size": 10},
        "rowHeight": "single",
        "headerRowHeight": "single",
    }


def _heatmap() -> Json:
    return {
        "shape": "heatmap",
        "xAccessor": "rows",
        "yAccessor": "split",
        "valueAccessor": "m0",
        "gridConfig": {
            "type": "heatmap_grid",
            "isCellLabelVisible": True,
            "isXAxisLabelVisible": True,
            "isXAxisTitleVisible": True,
            "isYAxisLabelVisible": True,
            "isYAxisTitleVisible": False,
        },
        "legend": {"type": "heatmap_legend", "isVisible": False, "position": "right"},
    }


def _xy(panel: Panel, layer: Mapping[str, Any]) -> Json:
    series = SERIES[panel.kind]
    drawn: Json = {
        **layer,
        "seriesType": series,
        "xAccessor": "rows",
        "accessors": [f"m{number}" for number in range(len(panel.measures))],
        "position": "top",
        "showGridlines": False,
    }
    return {
        "layers": [drawn | ({"splitAccessor": "split"} if panel.split else {})],
        "preferredSeriesType": series,
        "legend": {"isVisible": panel.kind is not Kind.RANKING, "position": "bottom"},
        "valueLabels": "hide",
        "fittingFunction": "None",
        "axisTitlesVisibilitySettings": {"x": False, "yLeft": False, "yRight": False},
        "tickLabelsVisibilitySettings": _ON_AND_OFF,
        "gridlinesVisibilitySettings": _ON_AND_OFF,
        "labelsOrientation": {"x": 0, "yLeft": 0, "yRight": 0},
        "yLeftExtent": {"mode": "full"},
    }
