"""The committed files for Kibana: fifty rules hold, each would notice what it is for, and nothing is left out."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.dashboards.aggregations import panel_body
from pipelines.dashboards.period import ChosenPeriod
from schemas.dashboards.api_bodies import api_body
from schemas.dashboards.catalogue import DASHBOARDS
from schemas.dashboards.identifiers import ignores_controls
from schemas.dashboards.saved_objects import ndjson, text
from tests.dashboard_seed import Seed
from tests.kibana_rules import RULES, Bundle, Rule

Json = dict[str, Any]

FOLDER = Path(__file__).parents[2] / "schemas" / "kibana"
BODIES = {board.name: json.loads((FOLDER / f"{board.name}.api.json").read_text("utf-8")) for board in DASHBOARDS}
BUNDLE = Bundle((FOLDER / "dashboards.ndjson").read_text("utf-8"), BODIES)
HOLD = [rule for rule in RULES if rule.broken]


class Draft:
    """A copy of the files to spoil: what is text in them is open here.

    Attributes:
        objects: the saved objects.
        boards: the dashboards among them, their panels and controls as lists and tables.
        bodies: the API's bodies.
    """

    def __init__(self) -> None:
        self.objects = copy.deepcopy(BUNDLE.objects)
        self.bodies = copy.deepcopy(BODIES)
        self.boards = [each for each in self.objects if each["type"] == "dashboard"]
        self.panels: list[Any] = [json.loads(each["attributes"]["panelsJSON"]) for each in self.boards]
        self.controls = [json.loads(each["attributes"]["controlGroupInput"]["panelsJSON"]) for each in self.boards]

    def panel(self, name: str) -> Json:
        found: Json = next(each for panels in self.panels for each in panels if each["panelIndex"] == f"p-{name}")
        return found

    def lens(self, name: str) -> Json:
        found: Json = self.panel(name)["embeddableConfig"]["attributes"]
        return found

    def layer(self, name: str) -> Json:
        found: Json = self.lens(name)["state"]["datasourceStates"]["formBased"]["layers"]["l1"]
        return found

    def column(self, name: str, column: str) -> Json:
        found: Json = self.layer(name)["columns"][column]
        return found

    def state(self, name: str) -> Json:
        found: Json = self.lens(name)["state"]["visualization"]
        return found

    def first(self, kind: str) -> Json:
        return next(each for each in self.objects if each["type"] == kind)

    def chart(self, board: str, name: str) -> Json:
        found: Json = next(each for each in self.bodies[board]["panels"] if each["id"] == f"p-{name}")["config"]
        return found

    def bundle(self) -> Bundle:
        for board, panels, controls in zip(self.boards, self.panels, self.controls, strict=True):
            attributes = board["attributes"]
            if isinstance(attributes["panelsJSON"], str):
                attributes["panelsJSON"] = text(panels)
            attributes["controlGroupInput"]["panelsJSON"] = text(controls)
        return Bundle(ndjson(self.objects), self.bodies)


def drop(table: Json, *keys: str) -> None:
    for key in keys:
        del table[key]


def names(d: Draft, part: str) -> list[Json]:
    return [each for board in d.boards for each in board["references"] if part in each["name"]]


SPOILERS: dict[int, Callable[[Draft], Any]] = {
    1: lambda d: drop(d.objects[0], "references"),
    2: lambda d: drop(d.objects[-1], "typeMigrationVersion"),
    3: lambda d: d.boards[0].update(typeMigrationVersion="10.9.0"),
    4: lambda d: d.first("index-pattern")["attributes"].update(runtimeFieldMap={}),
    5: lambda d: d.panels.__setitem__(0, None),
    6: lambda d: d.panels[0].append(d.panels[0][0]),
    7: lambda d: d.panel("flow")["gridData"].update(x=30),
    8: lambda d: d.panel("flow")["gridData"].update(y=7),
    10: lambda d: d.lens("flow").update(visualizationType="lnsXy"),
    11: lambda d: d.lens("flow")["references"][0].update(name="indexpattern-datasource-layer-l2"),
    12: lambda d: names(d, "p-flow:")[0].update(id="other"),
    13: lambda d: d.boards[0]["references"].append({"type": "tag", "id": "x", "name": "p-nothing:x"}),
    14: lambda d: d.objects.remove(d.first("search")),
    15: lambda d: d.objects.remove(d.boards[0]),
    16: lambda d: d.layer("flow")["columnOrder"].pop(),
    17: lambda d: d.layer("flow")["columnOrder"].reverse(),
    18: lambda d: d.column("words", "m0").update(operationType="avg"),
    19: lambda d: d.column("flow", "rows").update(scale="ordinal"),
    20: lambda d: d.column("words", "m0").update(sourceField="word_count"),
    21: lambda d: d.column("top-sources", "rows").update(sourceField="title"),
    22: lambda d: d.column("topics-by-hour", "rows").update(dataType="string"),
    23: lambda d: drop(d.column("top-sources", "rows")["params"], "otherBucket"),
    24: lambda d: d.column("top-sources", "rows")["params"]["orderBy"].update(columnId="rows"),
    25: lambda d: drop(d.column("flow", "rows")["params"], "interval"),
    26: lambda d: d.column("top-sources", "m0").update(sourceField="id"),
    27: lambda d: d.state("flow")["layers"][0]["accessors"].append("m9"),
    28: lambda d: d.state("flow")["layers"][0]["accessors"].pop(),
    29: lambda d: d.state("flow")["layers"][0].update(layerId="l2"),
    30: lambda d: d.state("flow")["layers"][0].update(accessors=[]),
    31: lambda d: drop(d.state("topics-by-hour"), "gridConfig"),
    32: lambda d: d.state("ends")["layers"][0].update(seriesType="bar_unstacked"),
    33: lambda d: d.state("language-share")["layers"][0].update(primaryGroups="rows"),
    34: lambda d: d.state("articles").update(showBar=True),
    35: lambda d: d.layer("flow").update(incompleteColumns={"m0": {}}),
    39: lambda d: [each.update(order=0) for each in d.lens("go")["links"]],
    40: lambda d: d.panel("latest").update(panelRefName="p-latest:panel_p-latest"),
    41: lambda d: d.first("search")["attributes"]["columns"].append("headline"),
    42: lambda d: d.controls[0]["c-source"]["explicitInput"].update(fieldName="title"),
    43: lambda d: d.boards[0]["attributes"].update(pinned_panels={}),
    45: lambda d: d.lens("refused")["state"]["query"].update(query='kind : "skipped'),
    46: lambda d: drop(d.boards[0]["attributes"], "timeFrom"),
    47: lambda d: d.first("index-pattern")["attributes"].update(timeFieldName="title"),
    48: lambda d: d.first("tag")["attributes"].update(description="x" * 27_000_000),
    49: lambda d: d.chart("health", "flow").update(xAxis={}),
    50: lambda d: d.chart("newsroom", "go")["links"][0].update(destination="nowhere"),
}


def test_the_table_has_all_fifty_rules_and_a_reason_for_each_that_is_not_checked() -> None:
    assert [rule.number for rule in RULES] == list(range(1, 51))
    assert all(bool(rule.broken) != bool(rule.why_not) for rule in RULES)
    assert set(SPOILERS) == {rule.number for rule in HOLD}


@pytest.mark.parametrize("rule", HOLD, ids=lambda rule: f"{rule.number}")
def test_a_rule_holds_and_notices_when_it_does_not(rule: Rule) -> None:
    assert rule.broken is not None
    assert list(rule.broken(BUNDLE)) == [], rule.says
    draft = Draft()
    SPOILERS[rule.number](draft)
    assert list(rule.broken(draft.bundle())), f"does not notice: {rule.says}"


def test_each_form_has_every_panel_of_the_specification() -> None:
    boards = dict(zip((each.name for each in DASHBOARDS), Draft().panels, strict=True))
    for board in DASHBOARDS:
        wanted = sorted(f"p-{panel.name}" for panel in board.panels)
        assert sorted(each["panelIndex"] for each in boards[board.name]) == wanted
        assert sorted(each["id"] for each in BODIES[board.name]["panels"]) == wanted


def test_kibana_asks_for_the_same_breakdowns_in_the_same_order_as_we_do() -> None:
    lenses = {name: layer for name, _, _, layer in BUNDLE.lenses()}
    period = ChosenPeriod("7d", Seed().now)
    for board in DASHBOARDS:
        for panel in board.panels:
            if not panel.asks:
                continue
            layer = lenses[f"p-{panel.name}"] if panel.name != "go" else {}
            columns = [layer["columns"][each] for each in layer["columnOrder"]]
            ours, body = [], panel_body(panel, period)
            while bucket := body.get("aggs", {}).get("b"):
                [kind] = {"terms", "date_histogram"} & set(bucket)
                ours.append((kind, bucket[kind]["field"], bucket[kind].get("size")))
                body = bucket
            theirs = [
                (c["operationType"], c["sourceField"], c["params"].get("size")) for c in columns if c["isBucketed"]
            ]
            assert theirs == ours, panel.name


def test_only_panels_whose_documents_have_the_controls_fields_listen_to_them() -> None:
    for name, board, _, layer in BUNDLE.lenses():
        board_name = board["id"].removeprefix("newsriver-<river>-")
        [spec] = [each for each in DASHBOARDS if each.name == board_name]
        panel = spec.panel(name.removeprefix("p-"))
        assert panel is not None
        assert layer["ignoreGlobalFilters"] is ignores_controls(spec, panel)


def test_a_river_of_another_name_has_objects_of_its_own() -> None:
    for line in BUNDLE.text.splitlines():
        [renamed] = Bundle(line.replace("<river>", "daily-news"), {}).objects
        assert renamed["id"].startswith("newsriver-daily-news")
    assert re.findall(r"<(?!river>)", json.dumps(BODIES["newsroom"])) == []
    assert api_body(DASHBOARDS[0]) == BODIES["newsroom"]
