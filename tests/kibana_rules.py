"""What Kibana's import does not check and its pages trip over: fifty rules as one table, for the committed files.

Each rule says in a sentence what must hold and finds what breaks it; one that does not concern our files says why.
`tests/unit/test_kibana_objects.py` breaks each of them in a copy and sees it complain.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from schemas.dashboards.views import VIEWS, field_types

Json = dict[str, Any]

NEWEST = {"dashboard": "10.2.0", "index-pattern": "8.0.0", "search": "8.0.0", "tag": "8.0.0"}
KINDS = {"lnsMetric", "lnsXY", "lnsDatatable", "lnsHeatmap", "lnsPie", "lnsTagcloud", "lnsGauge"}
BUCKETS = {"terms", "date_histogram", "filters", "range"}
METRICS = {"count", "unique_count", "average", "median", "percentile", "min", "max", "sum"}
SERIES = {
    *("bar", "line", "area", "bar_stacked", "area_stacked", "bar_horizontal", "bar_horizontal_stacked"),
    *("bar_percentage_stacked", "area_percentage_stacked", "bar_horizontal_percentage_stacked"),
}
SCALES = {"terms": "ordinal", "date_histogram": "interval", "filters": "ordinal", "range": "interval"}
TYPES = {"keyword": "string", "boolean": "boolean", "long": "number", "float": "number", "date": "date", "text": ""}
VIS_TYPES = {"metric", "xy", "data_table", "heatmap", "pie", "tag_cloud"}
VIS_KEYS = {
    "metric": {"metrics"},
    "xy": {"layers"},
    "data_table": {"metrics", "rows", "styling"},
    "heatmap": {"x", "y", "metric"},
    "pie": {"metrics", "group_by", "styling"},
    "tag_cloud": {"metric", "tag_by"},
}
SHARED_KEYS = {"type", "title", "description", "query", "data_source", "ignore_global_filters"}
BODY_KEYS = {
    *("title", "description", "time_range", "refresh_interval", "query", "options", "tags", "pinned_panels", "panels"),
}
LAYER_REFERENCE = "indexpattern-datasource-layer-"


class Bundle:
    """The files as Kibana reads them.

    Attributes:
        objects: the saved objects.
        bodies: the bodies of the Dashboards API by dashboard.
        text: the import file.
    """

    def __init__(self, text: str, bodies: dict[str, Json]) -> None:
        self.text = text
        self.objects: list[Json] = [json.loads(line) for line in text.splitlines()]
        self.bodies = bodies

    def of(self, kind: str) -> list[Json]:
        return [each for each in self.objects if each.get("type") == kind]

    def panels(self) -> Iterator[tuple[Json, Json]]:
        for board in self.of("dashboard"):
            yield from ((board, panel) for panel in json.loads(board["attributes"]["panelsJSON"]) or ())

    def lenses(self) -> Iterator[tuple[str, Json, Json, Json]]:
        """Give each visualization: its panel's id, its dashboard, its attributes, its layer."""
        for board, panel in self.panels():
            if panel["type"] == "lens":
                attributes = panel["embeddableConfig"]["attributes"]
                for layer in attributes["state"]["datasourceStates"]["formBased"]["layers"].values():
                    yield panel["panelIndex"], board, attributes, layer

    def columns(self) -> Iterator[tuple[str, str, Json, dict[str, str]]]:
        """Give each column: its panel's id, its own, itself, and the types of its view's fields."""
        for name, _, attributes, layer in self.lenses():
            types = types_of(attributes["references"][0]["id"]) if attributes["references"] else {}
            yield from ((name, each, column, types) for each, column in layer["columns"].items())

    def controls(self) -> Iterator[tuple[Json, str, Json]]:
        for board in self.of("dashboard"):
            group = json.loads(board["attributes"]["controlGroupInput"]["panelsJSON"])
            yield from ((board, name, control) for name, control in group.items())

    def charts(self) -> Iterator[tuple[str, Json]]:
        """Give each chart of the API's bodies."""
        for body in self.bodies.values():
            yield from ((panel["id"], panel["config"]) for panel in body["panels"] if panel["type"] == "vis")


def types_of(view_id: str) -> dict[str, str]:
    """Give the types of a data view's fields by its id."""
    return next((field_types(view) for view in VIEWS if view_id.endswith(f"-{view.name}")), {})


def accessors(attributes: Json) -> list[str]:
    """Give the columns that a visualization names, whatever its kind."""
    state, found = attributes["state"]["visualization"], []
    for part in (state, *state.get("layers", ())):
        for key, value in part.items():
            if key in ("accessors", "primaryGroups", "metrics"):
                found += value
            elif key == "columns":
                found += [each["columnId"] for each in value]
            elif key.endswith("Accessor"):
                found.append(value)
    return found


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        says: what must hold.
        broken: finds what breaks it; None where it does not concern our files.
        why_not: why it does not concern them.
    """

    number: int
    says: str
    broken: Callable[[Bundle], Iterator[str]] | None = None
    why_not: str = ""


def rule_1(b: Bundle) -> Iterator[str]:
    keys = {"type", "id", "attributes", "references"}
    yield from (str(each)[:60] for each in b.objects if not keys <= set(each) or each["type"] not in NEWEST)


def rule_2(b: Bundle) -> Iterator[str]:
    for each in b.objects:
        if not {"coreMigrationVersion", "typeMigrationVersion"} <= set(each):
            yield each["id"]


def rule_3(b: Bundle) -> Iterator[str]:
    for each in b.objects:
        if each.get("typeMigrationVersion", "") not in ("", NEWEST[each["type"]]):
            yield each["id"]


def rule_4(b: Bundle) -> Iterator[str]:
    texts = ("panelsJSON", "optionsJSON", "searchSourceJSON", "ignoreParentSettingsJSON")
    texts += ("fieldAttrs", "fieldFormatMap", "fields", "runtimeFieldMap", "sourceFilters", "typeMeta")
    for each in b.objects:
        parts = [each["attributes"], *(v for v in each["attributes"].values() if isinstance(v, dict))]
        for part in parts:
            for key in set(texts) & set(part):
                try:
                    json.loads(part[key])
                except (TypeError, ValueError):
                    yield f"{each['id']} {key}"


def rule_5(b: Bundle) -> Iterator[str]:
    for each in b.of("dashboard"):
        if not isinstance(json.loads(each["attributes"]["panelsJSON"]), list):
            yield each["id"]


def rule_6(b: Bundle) -> Iterator[str]:
    counts = Counter((board["id"], panel.get("panelIndex")) for board, panel in b.panels())
    yield from (str(key) for key, count in counts.items() if count > 1 or not key[1])
    yield from (panel["panelIndex"] for _, panel in b.panels() if not panel.get("type"))


def rule_7(b: Bundle) -> Iterator[str]:
    for _, panel in b.panels():
        grid = panel["gridData"]
        place = [grid[key] for key in "xywh"]
        fits = all(isinstance(n, int) for n in place) and min(place[:2]) >= 0 and min(place[2:]) >= 1
        if not fits or grid["x"] + grid["w"] > 48 or grid["i"] != panel["panelIndex"]:
            yield panel["panelIndex"]


def rule_8(b: Bundle) -> Iterator[str]:
    taken: set[tuple[Any, ...]] = set()
    for board, panel in b.panels():
        g = panel["gridData"]
        cells = {(board["id"], x, y) for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])}
        if cells & taken:
            yield panel["panelIndex"]
        taken |= cells


def rule_10(b: Bundle) -> Iterator[str]:
    yield from (name for name, _, a, _ in b.lenses() if a["visualizationType"] not in KINDS)


def rule_11(b: Bundle) -> Iterator[str]:
    for name, _, attributes, _ in b.lenses():
        names = {each["name"] for each in attributes["references"]}
        layers = attributes["state"]["datasourceStates"]["formBased"]["layers"]
        yield from (name for layer in layers if LAYER_REFERENCE + layer not in names)


def rule_12(b: Bundle) -> Iterator[str]:
    for name, board, attributes, _ in b.lenses():
        given = {(each["name"], each["id"]) for each in board["references"]}
        for each in attributes["references"]:
            if (f"{name}:{each['name']}", each["id"]) not in given:
                yield name


def rule_13(b: Bundle) -> Iterator[str]:
    for board in b.of("dashboard"):
        names = [each["name"] for each in board["references"]]
        yield from (name for name, count in Counter(names).items() if count > 1)
        ids = {panel["panelIndex"] for other, panel in b.panels() if other is board}
        for name in names:
            if not name.startswith(("controlGroup_", "tag-ref-")) and name.partition(":")[0] not in ids:
                yield name


def _there(b: Bundle) -> set[tuple[str, str]]:
    return {(each["type"], each["id"]) for each in b.objects}


def rule_14(b: Bundle) -> Iterator[str]:
    for each in b.objects:
        for to in each["references"]:
            if to["type"] in ("index-pattern", "search", "tag") and (to["type"], to["id"]) not in _there(b):
                yield to["name"]


def rule_15(b: Bundle) -> Iterator[str]:
    for each in b.objects:
        for to in each["references"]:
            if to["type"] == "dashboard" and ("dashboard", to["id"]) not in _there(b):
                yield to["name"]


def rule_16(b: Bundle) -> Iterator[str]:
    for name, _, _, layer in b.lenses():
        if not layer["columnOrder"] or sorted(layer["columnOrder"]) != sorted(layer["columns"]):
            yield name


def rule_17(b: Bundle) -> Iterator[str]:
    for name, _, _, layer in b.lenses():
        flags = [layer["columns"][each]["isBucketed"] for each in layer["columnOrder"] if each in layer["columns"]]
        if flags != sorted(flags, reverse=True):
            yield name


def rule_18(b: Bundle) -> Iterator[str]:
    yield from (name for name, _, column, _ in b.columns() if column["operationType"] not in BUCKETS | METRICS)


def rule_19(b: Bundle) -> Iterator[str]:
    for name, _, column, _ in b.columns():
        kind = column["operationType"]
        if column["isBucketed"] != (kind in BUCKETS) or column["scale"] != SCALES.get(kind, "ratio"):
            yield name


def rule_20(b: Bundle) -> Iterator[str]:
    for name, _, column, types in b.columns():
        if column["operationType"] != "count" and column["sourceField"] not in types:
            yield f"{name} {column['sourceField']}"


def rule_21(b: Bundle) -> Iterator[str]:
    numbers, keys = {"long", "float"}, {"keyword", "boolean", "long"}
    fitting = {"average": numbers, "median": numbers, "percentile": numbers, "sum": numbers}
    fitting |= {"min": numbers | {"date"}, "max": numbers | {"date"}, "date_histogram": {"date"}}
    fitting |= {"terms": keys, "unique_count": keys}
    for name, _, column, types in b.columns():
        kind = column["operationType"]
        if kind in fitting and types.get(column["sourceField"]) not in fitting[kind]:
            yield name


def rule_22(b: Bundle) -> Iterator[str]:
    for name, _, column, types in b.columns():
        kept = column["operationType"] in ("terms", "min", "max")
        if kept and column["dataType"] != TYPES.get(types.get(column["sourceField"], ""), "?"):
            yield name


def rule_23(b: Bundle) -> Iterator[str]:
    needed = {"size", "orderBy", "orderDirection", "otherBucket", "missingBucket"}
    for name, _, column, _ in b.columns():
        if column["operationType"] == "terms" and not needed <= set(column["params"]):
            yield name


def rule_24(b: Bundle) -> Iterator[str]:
    for name, _, _, layer in b.lenses():
        for column in layer["columns"].values():
            by = column["params"].get("orderBy", {})
            if by.get("type") == "column" and layer["columns"].get(by["columnId"], {}).get("isBucketed", True):
                yield name


def rule_25(b: Bundle) -> Iterator[str]:
    for name, _, column, _ in b.columns():
        interval = column["params"].get("interval", "")
        if column["operationType"] == "date_histogram" and not re.fullmatch(r"auto|\d+[smhdw]", interval):
            yield name


def rule_26(b: Bundle) -> Iterator[str]:
    for name, _, column, _ in b.columns():
        if (column["operationType"] == "count") != (column["sourceField"] == "___records___"):
            yield name


def rule_27(b: Bundle) -> Iterator[str]:
    for name, _, attributes, layer in b.lenses():
        yield from (f"{name} {each}" for each in accessors(attributes) if each not in layer["columns"])


def rule_28(b: Bundle) -> Iterator[str]:
    for name, _, attributes, layer in b.lenses():
        yield from (f"{name} {each}" for each in layer["columns"] if each not in accessors(attributes))


def rule_29(b: Bundle) -> Iterator[str]:
    for name, _, attributes, _ in b.lenses():
        state = attributes["state"]
        for part in state["visualization"].get("layers", [state["visualization"]]):
            known = state["datasourceStates"]["formBased"]["layers"]
            if part.get("layerId") not in known or part.get("layerType") != "data":
                yield name


def _drawn(b: Bundle, kind: str) -> Iterator[tuple[str, Json, Json]]:
    for name, _, attributes, layer in b.lenses():
        if attributes["visualizationType"] == kind:
            yield name, attributes["state"]["visualization"], layer


def rule_30(b: Bundle) -> Iterator[str]:
    yield from (n for n, state, _ in _drawn(b, "lnsXY") for each in state["layers"] if not each["accessors"])


def rule_31(b: Bundle) -> Iterator[str]:
    for name, state, layer in _drawn(b, "lnsHeatmap"):
        axes = [layer["columns"].get(state.get(key, ""), {}) for key in ("xAccessor", "yAccessor")]
        if not all(each.get("isBucketed") and each["scale"] in ("ordinal", "interval") for each in axes):
            yield name
        if not {"valueAccessor", "legend", "gridConfig"} <= set(state):
            yield name


def rule_32(b: Bundle) -> Iterator[str]:
    for name, state, _ in _drawn(b, "lnsXY"):
        series = {state.get("preferredSeriesType"), *(each["seriesType"] for each in state["layers"])}
        if not {"legend", "valueLabels"} <= set(state) or not series <= SERIES:
            yield name


def rule_33(b: Bundle) -> Iterator[str]:
    for name, state, _ in _drawn(b, "lnsPie"):
        for each in state["layers"]:
            lists = isinstance(each.get("primaryGroups"), list) and isinstance(each.get("metrics"), list)
            if state["shape"] not in ("pie", "donut") or not lists or len(each["primaryGroups"]) > 3:
                yield name


def rule_34(b: Bundle) -> Iterator[str]:
    for name, state, _ in _drawn(b, "lnsMetric"):
        if not state.get("metricAccessor") or ("showBar" in state and "maxAccessor" not in state):
            yield name


def rule_35(b: Bundle) -> Iterator[str]:
    yield from (name for name, _, _, layer in b.lenses() if layer["incompleteColumns"] != {})


def rule_39(b: Bundle) -> Iterator[str]:
    for board, panel in b.panels():
        if panel["type"] == "links":
            links = panel["embeddableConfig"]["attributes"]["links"]
            names = {each["name"] for each in board["references"]}
            if len({each["order"] for each in links}) != len(links):
                yield panel["panelIndex"]
            for link in links:
                if f"{panel['panelIndex']}:{link['destinationRefName']}" not in names:
                    yield link["id"]


def rule_40(b: Bundle) -> Iterator[str]:
    for board, panel in b.panels():
        if panel["type"] == "search":
            name, wanted = panel["panelIndex"], f"panel_{panel['panelIndex']}"
            known = {each["name"] for each in board["references"]}
            if panel.get("panelRefName") != wanted or f"{name}:{wanted}" not in known:
                yield name


def rule_41(b: Bundle) -> Iterator[str]:
    for each in b.of("search"):
        source = json.loads(each["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        index = [to["id"] for to in each["references"] if to["name"] == source.get("indexRefName")]
        types = types_of(index[0]) if index else {}
        columns, sort = each["attributes"]["columns"], each["attributes"]["sort"]
        if not set(columns) <= set(types) or not all(len(pair) == 2 and pair[0] in types for pair in sort):
            yield each["id"]


def rule_42(b: Bundle) -> Iterator[str]:
    orders = Counter((board["id"], control["order"]) for board, _, control in b.controls())
    yield from (str(key) for key, count in orders.items() if count > 1)
    for board, name, control in b.controls():
        to = [each["id"] for each in board["references"] if each["name"] == f"controlGroup_{name}:optionsListDataView"]
        field = control["explicitInput"]["fieldName"]
        if control["explicitInput"]["id"] != name or not to or types_of(to[0]).get(field) not in ("keyword", "boolean"):
            yield name


def rule_43(b: Bundle) -> Iterator[str]:
    for each in b.of("dashboard"):
        if {"controlGroupInput", "pinned_panels"} <= set(each["attributes"]):
            yield each["id"]


def queries(b: Bundle) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Give every KQL of the files: where it is, its text, and the types of the fields that it may name."""
    for name, _, attributes, layer in b.lenses():
        types = types_of(attributes["references"][0]["id"]) if attributes["references"] else {}
        yield name, attributes["state"]["query"]["query"], types
        for column in layer["columns"].values():
            yield name, column.get("filter", {"query": ""})["query"], types
    for board in b.of("dashboard"):
        source = json.loads(board["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        yield board["id"], source["query"]["query"], {}


def rule_45(b: Bundle) -> Iterator[str]:
    for name, text, types in queries(b):
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
        fields = set(re.findall(r"([\w.]+)\s*(?::|<=?|>=?)", bare))
        if bare.count('"') % 2 or bare.count("(") != bare.count(")") or not fields <= set(types):
            yield f"{name}: {text}"


def rule_46(b: Bundle) -> Iterator[str]:
    for each in b.of("dashboard"):
        attributes = each["attributes"]
        if attributes["timeRestore"] and not (attributes.get("timeFrom") and attributes.get("timeTo")):
            yield each["id"]


def rule_47(b: Bundle) -> Iterator[str]:
    yield from (str(key) for key, n in Counter((o["type"], o["id"]) for o in b.objects).items() if n > 1)
    for each in b.of("index-pattern"):
        time = each["attributes"].get("timeFieldName")
        if not each["attributes"]["title"] or (time is not None and types_of(each["id"]).get(time) != "date"):
            yield each["id"]


def rule_48(b: Bundle) -> Iterator[str]:
    if len(b.text.encode()) >= 26_214_400 or len(b.objects) > 10_000:
        yield "the import file"


def rule_49(b: Bundle) -> Iterator[str]:
    for name, body in b.bodies.items():
        if set(body) - BODY_KEYS or not body["title"]:
            yield name
        for panel in body["panels"]:
            if set(panel) != {"id", "type", "grid", "config"} or set(panel["grid"]) != set("xywh"):
                yield panel["id"]
    for name, config in b.charts():
        kind = config.get("type", "")
        order = [metric.get("type") for metric in config.get("metrics", ())]
        fits = kind != "metric" or order in (["primary"], ["primary", "secondary"])
        fits = fits and (kind != "pie" or 1 <= len(config["group_by"]) <= 3)
        if kind not in VIS_TYPES or set(config) - SHARED_KEYS - VIS_KEYS[kind] or not fits:
            yield name


def rule_50(b: Bundle) -> Iterator[str]:
    there = _there(b)
    for body in b.bodies.values():
        yield from (
            each["id"]
            for each in body["pinned_panels"]
            if ("index-pattern", each["config"]["data_view_id"]) not in there
        )
        yield from (tag for tag in body["tags"] if ("tag", tag) not in there)
        for panel in body["panels"]:
            config = panel["config"]
            ends = [("dashboard", link["destination"]) for link in config.get("links", ())]
            ends += [("search", config["ref_id"])] if "ref_id" in config else []
            sources = [each["data_source"] for each in (config, *config.get("layers", ())) if "data_source" in each]
            ends += [("index-pattern", each["ref_id"]) for each in sources]
            if not set(ends) <= there or (panel["type"] == "vis" and not sources):
                yield panel["id"]


NO_SECTIONS = "no dashboard has sections"
NO_FORMULA = "no formulas are written; an operation of that name would break rule 18"
NO_ESQL = "nothing is asked in ES|QL: local servers may not have it"
NO_FILTERS = "filters are KQL in queries; `filter` is always empty"

RULES = (
    Rule(1, "each line is an object of a known type with id, attributes and references", rule_1),
    Rule(2, "each object says its core and type migration version", rule_2),
    Rule(3, "no version is newer than the oldest Kibana that is supported", rule_3),
    Rule(4, "what Kibana keeps as text of JSON is text, and parses", rule_4),
    Rule(5, "a dashboard's panels are a list", rule_5),
    Rule(6, "each panel has a type and an index of its own", rule_6),
    Rule(7, "each panel lies on 48 columns, under the index as its id", rule_7),
    Rule(8, "no two panels lie over each other", rule_8),
    Rule(9, "sections that panels name exist", why_not=NO_SECTIONS),
    Rule(10, "each visualization is of a kind that Lens knows", rule_10),
    Rule(11, "each layer has the reference to its data view", rule_11),
    Rule(12, "the dashboard repeats that reference behind the panel's index", rule_12),
    Rule(13, "each reference of a dashboard is somebody's, and its name unique", rule_13),
    Rule(14, "data views, searches and tags that are referred to are in the file", rule_14),
    Rule(15, "dashboards that are linked to are in the file", rule_15),
    Rule(16, "the order of columns names each column once", rule_16),
    Rule(17, "buckets stand before metrics", rule_17),
    Rule(18, "each operation is one that Lens knows", rule_18),
    Rule(19, "bucket and scale fit the operation", rule_19),
    Rule(20, "each field is in the mapping or computed by the data view", rule_20),
    Rule(21, "the field's type fits the operation", rule_21),
    Rule(22, "the column's type is the field's", rule_22),
    Rule(23, "terms say size, order and what of others and missing ones", rule_23),
    Rule(24, "terms are ordered by a metric of the same layer", rule_24),
    Rule(25, "a date histogram has an interval", rule_25),
    Rule(26, "counts, and only they, are of the records", rule_26),
    Rule(27, "each accessor names a column", rule_27),
    Rule(28, "each column is used", rule_28),
    Rule(29, "a visualization's layer exists and is of data", rule_29),
    Rule(30, "a chart's layer draws something", rule_30),
    Rule(31, "a heat map has two bucketed axes, a value, legend and grid", rule_31),
    Rule(32, "a chart says legend, labels of values and a known kind of series", rule_32),
    Rule(33, "a donut has lists of groups and metrics", rule_33),
    Rule(34, "a metric has its number, and a bar only with a maximum", rule_34),
    Rule(35, "no column is left incomplete", rule_35),
    Rule(36, "formulas have their hidden columns", why_not=NO_FORMULA),
    Rule(37, "ES|QL layers agree with their query", why_not=NO_ESQL),
    Rule(38, "ES|QL takes the chosen time", why_not=NO_ESQL),
    Rule(39, "each link has its reference, and a place of its own", rule_39),
    Rule(40, "a panel of a saved search has the two names that belong together", rule_40),
    Rule(41, "a saved search has its data view, its columns and an order", rule_41),
    Rule(42, "each control has its id three times, its data view and a field to choose from", rule_42),
    Rule(43, "controls are written in one form, not in both", rule_43),
    Rule(44, "filters refer to their data view", why_not=NO_FILTERS),
    Rule(45, "KQL is balanced and names fields that exist", rule_45),
    Rule(46, "a time that is restored is there", rule_46),
    Rule(47, "a data view has a title, a date as its time and an id of its own", rule_47),
    Rule(48, "the file is within the import's limits", rule_48),
    Rule(49, "the API's bodies have no key that the server does not know", rule_49),
    Rule(50, "what the API's bodies name exists in the same file", rule_50),
)
