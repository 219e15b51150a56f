"""Dashboards -> Kibana's saved objects, for its import (8.8 to 9.4, data views and searches above too). Pure.

What Kibana keeps as text of JSON is text here; the versions are the oldest that know what is used.
"""

from __future__ import annotations

import json
from typing import Any

from schemas.dashboards.identifiers import TAG, control_id, dashboard_id, panel_id, search_id, view_id
from schemas.dashboards.lens import kuery, layer_reference, lens
from schemas.dashboards.spec import Dashboard, DataView, Kind, Panel
from schemas.mapping import RIVER

Json = dict[str, Any]

CORE_VERSION = "8.8.0"
TYPE_VERSIONS = {"dashboard": "10.2.0", "index-pattern": "8.0.0", "search": "8.0.0", "tag": "8.0.0"}
REFRESH_MILLISECONDS = 60_000
_SEARCH_INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"


def saved_objects(boards: tuple[Dashboard, ...], views: tuple[DataView, ...]) -> list[Json]:
    """Give all objects: the tag, the data views, the saved searches, the dashboards."""
    searches = [_search(board, panel) for board in boards for panel in board.panels if panel.kind is Kind.LATEST]
    return [_tag(), *map(_view, views), *searches, *map(_dashboard, boards)]


def ndjson(objects: list[Json]) -> str:
    """Give objects as Kibana's import takes them: one a line."""
    return "".join(text(each) + "\n" for each in objects)


def text(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Give JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _object(kind: str, name: str, attributes: Json, references: list[Json] | None = None) -> Json:
    return {
        "type": kind,
        "id": name,
        "attributes": attributes,
        "references": references or [],
        "managed": False,
        "coreMigrationVersion": CORE_VERSION,
        "typeMigrationVersion": TYPE_VERSIONS[kind],
    }


def _tag() -> Json:
    about = "Made by newsriver dashboards push"
    return _object("tag", TAG, {"name": f"Newsriver {RIVER}", "description": about, "color": "#0b5fa5"})


def _view(view: DataView) -> Json:
    runtime = {field.name: {"type": "long", "script": {"source": field.script}} for field in view.runtime}
    attributes: Json = {
        "title": f"{RIVER}-{view.name}",
        "name": f"{view.title} ({RIVER})",
        "fieldAttrs": "{}",
        "fieldFormatMap": "{}",
        "fields": "[]",
        "runtimeFieldMap": text(runtime),
        "sourceFilters": "[]",
        "typeMeta": "{}",
        "allowHidden": False,
    }
    return _object(
        "index-pattern", view_id(view), attributes | ({"timeFieldName": view.time_field} if view.time_field else {})
    )


def _search(board: Dashboard, panel: Panel) -> Json:
    query = kuery(panel.filter.kql() if panel.filter else "")
    source = {"query": query, "filter": [], "indexRefName": _SEARCH_INDEX}
    attributes = {
        "title": f"Newsriver {RIVER}: {panel.title}",
        "description": panel.note,
        "columns": list(panel.columns),
        "sort": [[panel.source.time_field, "desc"]],
        "grid": {},
        "hideChart": True,
        "isTextBasedQuery": False,
        "timeRestore": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
    }
    reference = {"type": "index-pattern", "id": view_id(panel.source), "name": _SEARCH_INDEX}
    return _object("search", search_id(board, panel), attributes, [reference])


def _dashboard(board: Dashboard) -> Json:
    made = [_panel(board, panel) for panel in board.panels]
    controls = [
        {
            "type": "index-pattern",
            "id": view_id(each.view),
            "name": f"controlGroup_{control_id(each.field)}:optionsListDataView",
        }
        for each in board.controls
    ]
    options = {"useMargins": True, "syncColors": True, "syncCursor": True, "syncTooltips": False}
    attributes = {
        "title": f"Newsriver {RIVER}: {board.title}",
        "description": board.about,
        "panelsJSON": text([panel for panel, _ in made]),
        "optionsJSON": text(options | {"hidePanelTitles": False}),
        "kibanaSavedObjectMeta": {"searchSourceJSON": text({"query": kuery(""), "filter": []})},
        "timeRestore": True,
        "timeFrom": board.since,
        "timeTo": "now",
        "refreshInterval": {"pause": False, "value": REFRESH_MILLISECONDS},
        "version": 1,
        "controlGroupInput": _controls(board),
    }
    tag = {"type": "tag", "id": TAG, "name": f"tag-ref-{TAG}"}
    return _object(
        "dashboard",
        dashboard_id(board.name),
        attributes,
        [*(each for _, references in made for each in references), *controls, tag],
    )


def _panel(board: Dashboard, panel: Panel) -> tuple[Json, list[Json]]:
    """Give a panel as it stands in the dashboard's text, and what the dashboard must refer to for it."""
    name = panel_id(panel)
    grid = {"x": panel.grid.x, "y": panel.grid.y, "w": panel.grid.w, "h": panel.grid.h, "i": name}
    frame: Json = {"panelIndex": name, "gridData": grid}
    config: Json = {"title": panel.title, "enhancements": {}}
    if panel.kind is Kind.LATEST:
        reference = f"panel_{name}"
        found = {"type": "search", "id": search_id(board, panel), "name": f"{name}:{reference}"}
        return {"type": "search", **frame, "embeddableConfig": config, "panelRefName": reference}, [found]
    if panel.kind is Kind.LINKS:
        links, references = _links(panel, name)
        return {"type": "links", **frame, "embeddableConfig": config | {"attributes": links}}, references
    config["attributes"] = lens(board, panel)
    return {"type": "lens", **frame, "embeddableConfig": config}, [layer_reference(panel, f"{name}:")]


def _links(panel: Panel, name: str) -> tuple[Json, list[Json]]:
    links, references = [], []
    for order, link in enumerate(panel.links):
        reference = f"link_{link.to}_dashboard"
        options = {"openInNewTab": False, "useCurrentDateRange": True, "useCurrentFilters": False}
        links.append(
            {
                "id": link.to,
                "order": order,
                "type": "dashboardLink",
                "label": link.label,
                "destinationRefName": reference,
                "options": options,
            }
        )
        references.append({"type": "dashboard", "id": dashboard_id(link.to), "name": f"{name}:{reference}"})
    return {"layout": "vertical", "links": links}, references


def _controls(board: Dashboard) -> Json:
    panels = {}
    for order, control in enumerate(board.controls):
        name = control_id(control.field)
        explicit = {
            "id": name,
            "fieldName": control.field,
            "title": control.label,
            "searchTechnique": "prefix",
            "selectedOptions": [],
            "singleSelect": False,
            "sort": {"by": "_count", "direction": "desc"},
            "enhancements": {},
        }
        panels[name] = {
            "type": "optionsListControl",
            "order": order,
            "width": "medium",
            "grow": True,
            "explicitInput": explicit,
        }
    ignored = {"ignoreFilters": False, "ignoreQuery": False, "ignoreTimerange": False, "ignoreValidations": False}
    return {
        "controlStyle": "oneLine",
        "chainingSystem": "HIERARCHICAL",
        "showApplySelections": False,
        "ignoreParentSettingsJSON": text(ignored),
        "panelsJSON": text(panels),
    }
