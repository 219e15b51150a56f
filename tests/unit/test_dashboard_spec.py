"""What holds of every panel: its fields exist and fit, it lies on the grid, its names are unique."""

from __future__ import annotations

from collections import Counter

import pytest

from pipelines.dashboards.period import RANGES, default_range, step_length
from schemas.dashboards.catalogue import DASHBOARDS, dashboard_named
from schemas.dashboards.filters import Compared, Exists, Not, both, either, fields_of, has
from schemas.dashboards.order import breakdowns, used_fields
from schemas.dashboards.spec import COLUMNS, Dashboard, DataView, Kind, Operation, Panel, Steps, Terms
from schemas.dashboards.views import VIEWS, field_types

PANELS = [panel for board in DASHBOARDS for panel in board.panels]
ASKING = [panel for panel in PANELS if panel.asks]
NUMERIC = {"long", "float"}


@pytest.mark.parametrize("panel", [panel for panel in PANELS if panel.view], ids=lambda panel: panel.name)
def test_its_fields_are_in_the_mapping_and_of_a_fitting_type(panel: Panel) -> None:
    types = field_types(panel.source)
    assert used_fields(panel) <= set(types)
    for measure in panel.measures:
        if measure.operation in (Operation.COUNT, Operation.UNIQUE):
            assert (measure.operation is Operation.COUNT) == (measure.field == "")
        elif measure.operation in (Operation.MAX, Operation.MIN):
            assert types[measure.field] in NUMERIC | {"date"}
            assert (types[measure.field] == "date") == (measure.unit == "time")
        else:
            assert types[measure.field] in NUMERIC
    for breakdown in breakdowns(panel):
        if isinstance(breakdown, Terms):
            assert types[breakdown.field] in {"keyword", "boolean", "long"}
        else:
            assert types[panel.source.time_field] == "date"


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_what_is_computed_is_computed_of_fields_that_are_there(view: DataView) -> None:
    types = field_types(view)
    assert not view.time_field or types[view.time_field] == "date"
    for field in view.runtime:
        assert {types[name] for name in field.needs} == {"date"}
        assert all(f"doc['{name}']" in field.script for name in field.needs)


@pytest.mark.parametrize("panel", ASKING, ids=lambda panel: panel.name)
def test_its_shape_fits_its_kind(panel: Panel) -> None:
    if panel.kind is Kind.METRIC:
        assert panel.rows is panel.split is None
    else:
        assert panel.rows is not None
        # What rows are ordered by is asked of every bucket: a filter there would order by something else in Kibana.
        assert panel.measures[0].filter is None or isinstance(panel.rows, Steps)
    if panel.kind in (Kind.AREA, Kind.BAR, Kind.HEATMAP):
        assert panel.split is not None
    if panel.kind in (Kind.LINE, Kind.AREA, Kind.BAR):
        assert isinstance(panel.rows, Steps)
    if panel.kind in (Kind.DONUT, Kind.RANKING, Kind.TAGS, Kind.HEATMAP):
        assert len(panel.measures) == 1
        assert isinstance(panel.rows, Terms)


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.name)
def test_panels_lie_on_the_grid_and_nowhere_over_each_other(board: Dashboard) -> None:
    cells: Counter[tuple[int, int]] = Counter()
    for panel in board.panels:
        grid = panel.grid
        assert min(grid.x, grid.y) >= 0
        assert min(grid.w, grid.h) >= 1
        assert grid.x + grid.w <= COLUMNS
        cells.update((x, y) for x in range(grid.x, grid.x + grid.w) for y in range(grid.y, grid.y + grid.h))
    assert set(cells.values()) == {1}


def test_names_are_unique_and_links_lead_somewhere() -> None:
    for board in DASHBOARDS:
        assert dashboard_named(board.name) is board
        assert set(Counter(panel.name for panel in board.panels).values()) == {1}
        assert set(Counter(panel.title for panel in board.panels).values()) == {1}
        assert default_range(board.since) in RANGES
        for panel in board.panels:
            assert all(dashboard_named(link.to) for link in panel.links)
    assert len(ASKING) >= 30


def test_no_chosen_time_makes_more_steps_than_a_chart_can_show() -> None:
    assert all(length / step_length(step) <= 100 for length, step in RANGES.values())


def test_filters_are_written_alike_in_both_languages() -> None:
    tree = both(
        has("kind", "a", 'b"c'), Not(Exists("free")), either(has("terminal", True), Compared("at", "<", "now-1d"))
    )
    assert tree.kql() == (
        '(kind : "a" or kind : "b\\"c") and (not (free : *)) and ((terminal : true) or (at < now-1d))'
    )
    assert tree.clause() == {
        "bool": {
            "filter": [
                {"terms": {"kind": ["a", 'b"c']}},
                {"bool": {"must_not": [{"exists": {"field": "free"}}]}},
                {
                    "bool": {
                        "should": [{"terms": {"terminal": [True]}}, {"range": {"at": {"lt": "now-1d"}}}],
                        "minimum_should_match": 1,
                    }
                },
            ]
        }
    }
    assert fields_of(tree) == {"kind", "free", "terminal", "at"}
