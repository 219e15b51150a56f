"""What of a dashboard counts when two are compared, whatever a Kibana has added to it. Pure.

Kibana migrates what it imports, fills in defaults and reorders; so neither bytes nor whole objects can be compared.
From both sides the same is taken: what is asked, of which fields, shown how and where. Its digest stands at the end of
the description of what we push: whether somebody has edited it since shows by the object alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]

_MARK = re.compile(r"\s*\(newsriver ([0-9a-f]{12})\)$")
_PARAMETERS = ("size", "percentile", "interval", "orderBy", "orderDirection")
_METRIC_KEYS = ("operation", "field", "label", "percentile")


def marked(description: str, form: Json) -> str:
    """Give a description with the digest of what it describes."""
    return f"{bare(description)} (newsriver {digest(form)})".strip()


def bare(description: str) -> str:
    """Give a description without that digest."""
    return _MARK.sub("", description)


def mark_of(description: str) -> str:
    """Give the digest in a description; empty where there is none."""
    found = _MARK.search(description)
    return found[1] if found else ""


def digest(form: Json) -> str:
    """Give the digest of a normal form."""
    text = json.dumps(form, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def saved_object_form(found: Mapping[str, Any]) -> Json:
    """Give the normal form of a saved object: tag, data view, saved search or dashboard.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not in the shape that Kibana stores.
    """
    attributes = found["attributes"]
    match found["type"]:
        case "dashboard":
            return _dashboard(attributes, found.get("references", ()))
        case "index-pattern":
            runtime = json.loads(attributes.get("runtimeFieldMap") or "{}")
            scripts = {name: each.get("script", {}).get("source", "") for name, each in runtime.items()}
            return {
                "title": attributes["title"],
                "time": attributes.get("timeFieldName", ""),
                "runtime": scripts,
            }
        case "search":
            source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
            return {
                "title": attributes["title"],
                "description": bare(attributes.get("description", "")),
                "columns": attributes.get("columns", []),
                "sort": attributes.get("sort", []),
                "query": source.get("query", {}).get("query", ""),
                "view": sorted(each["id"] for each in found.get("references", ()) if each["type"] == "index-pattern"),
            }
        case _:
            return {"name": attributes["name"], "description": bare(attributes.get("description", ""))}


def _dashboard(attributes: Mapping[str, Any], references: Any) -> Json:  # noqa: ANN401 - any list of references
    ends = {each["name"]: each["id"] for each in references}
    controls = json.loads((attributes.get("controlGroupInput") or {}).get("panelsJSON") or "{}")
    return {
        "title": attributes["title"],
        "description": bare(attributes.get("description", "")),
        "time": [attributes.get("timeFrom", ""), attributes.get("timeTo", "")],
        "query": _query(json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]).get("query")),
        "panels": {each["panelIndex"]: _panel(each, ends) for each in json.loads(attributes["panelsJSON"])},
        "controls": {name: each["explicitInput"]["fieldName"] for name, each in controls.items()},
    }


def _panel(panel: Mapping[str, Any], ends: Mapping[str, str]) -> Json:
    config = panel.get("embeddableConfig", {})
    prefix = f"{panel['panelIndex']}:"
    form: Json = {
        "grid": [panel["gridData"][key] for key in "xywh"],
        "title": config.get("title", panel.get("title", "")),
        "ends": {name.removeprefix(prefix): end for name, end in ends.items() if name.startswith(prefix)},
    }
    attributes = config.get("attributes", {})
    if links := attributes.get("links"):
        return form | {"links": [[link["label"], link.get("destinationRefName", "")] for link in links]}
    if "visualizationType" not in attributes:
        return form
    state = attributes["state"]
    layers = state["datasourceStates"]["formBased"]["layers"]
    return form | {
        "kind": attributes["visualizationType"],
        "query": _query(state.get("query")),
        "series": [layer.get("seriesType", "") for layer in state["visualization"].get("layers", ())],
        "columns": [
            [name, *_column(layer["columns"][name])] for layer in layers.values() for name in layer["columnOrder"]
        ],
    }


def _column(column: Mapping[str, Any]) -> list[Any]:
    params = column.get("params", {})
    return [
        column["operationType"],
        column.get("sourceField", ""),
        column.get("label", ""),
        _query(column.get("filter")),
        {key: params[key] for key in _PARAMETERS if key in params},
    ]


def _query(found: Any) -> str:  # noqa: ANN401 - a query of either form, or none
    """Give the text of a query, as saved objects or the API write it."""
    return str((found or {}).get("query") or (found or {}).get("expression") or "")


def api_form(body: Mapping[str, Any]) -> Json:
    """Give the normal form of a body of the Dashboards API, as it is sent or given back.

    Raises:
        KeyError, TypeError, AttributeError: it is not in the shape that the API takes.
    """
    return {
        "title": body["title"],
        "description": bare(body.get("description", "")),
        "time": [body.get("time_range", {}).get(key, "") for key in ("from", "to")],
        "query": _query(body.get("query")),
        "panels": {each["id"]: _api_panel(each) for each in body.get("panels", ())},
        "controls": {each["id"]: each["config"]["field_name"] for each in body.get("pinned_panels", ())},
    }


def _api_panel(panel: Mapping[str, Any]) -> Json:
    config = panel["config"]
    return {
        "type": panel["type"],
        "grid": [panel["grid"][key] for key in "xywh"],
        "title": config.get("title", ""),
        "chart": config.get("type", ""),
        "query": _query(config.get("query")),
        "search": config.get("ref_id", ""),
        "links": [[link["label"], link["destination"]] for link in config.get("links", ())],
        "parts": [part for each in (config, *config.get("layers", ())) for part in _parts(each)],
    }


def _parts(config: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Give the measures and breakdowns of a chart or of one of its layers, each with its place."""
    yield ["source", config.get("data_source", {}).get("ref_id", ""), config.get("type", "")]
    for place in ("metrics", "metric", "y", "x", "rows", "breakdown_by", "group_by", "tag_by"):
        found = config.get(place, [])
        for each in found if isinstance(found, list) else [found]:
            plain = [each.get(key, "") for key in _METRIC_KEYS]
            yield [place, *plain, _query(each.get("filter")), each.get("fields", []), each.get("limit", 0)]
