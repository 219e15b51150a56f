"""Numbers of panels -> what the dashboards' templates show. Pure but for the time that drawing takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.dashboards.aggregations import Key, PanelRow, PanelTable
from pipelines.dashboards.charts import ChartPoint, ChartSeries, chart
from pipelines.dashboards.numbers import key_text, search_of, value_text
from pipelines.dashboards.period import ChosenPeriod
from pipelines.errors import NewsriverError
from pipelines.web.links import search_link
from schemas.dashboards.spec import Dashboard, Kind, Measure, Panel

_OVER_TIME = frozenset({Kind.LINE, Kind.AREA, Kind.BAR})
_SHADES = 5


@dataclass(frozen=True, slots=True)
class PanelCell:
    """One cell of a table or a heat map: what it says, where it leads, and how it is marked."""

    text: str
    href: str = ""
    number: bool = False
    share: float = 0.0
    shade: int = 0
    bad: bool = False


@dataclass(frozen=True, slots=True)
class PanelView:
    """One panel as a page shows it; what its kind does not need is empty."""

    name: str
    title: str
    kind: str
    width: int
    note: str = ""
    error: str = ""
    chart: str = ""
    legend: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[PanelCell, ...], ...] = ()
    grid_header: tuple[str, ...] = ()
    grid: tuple[tuple[str, tuple[PanelCell, ...]], ...] = ()
    articles: tuple[dict[str, object], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    csv: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show where numbers or articles should be."""
        return not (self.error or self.links or self.rows or self.articles or self.kind == Kind.TEXT)


@dataclass(frozen=True, slots=True)
class DashboardView:
    """One dashboard as a page shows it."""

    name: str
    title: str
    about: str
    until: datetime
    panels: tuple[PanelView, ...]


def dashboard_view(
    board: Dashboard, tables: Mapping[str, PanelTable | NewsriverError], period: ChosenPeriod
) -> DashboardView:
    """Make the page of a dashboard, its panels by rows of the grid; charts are drawn, which takes some 10 ms each."""
    placed = sorted(board.panels, key=lambda panel: (panel.grid.y, panel.grid.x))
    panels = tuple(panel_view(board, panel, tables.get(panel.name), period) for panel in placed)
    return DashboardView(board.name, board.title, board.about, period.until, panels)


def panel_view(
    board: Dashboard, panel: Panel, found: PanelTable | NewsriverError | None, period: ChosenPeriod
) -> PanelView:
    """Make one panel."""
    if not isinstance(found, PanelTable):
        error = str(found) if found is not None else ""
        links = tuple((link.label, f"/dashboards/{link.to}?range={period.name}") for link in panel.links)
        return PanelView(panel.name, panel.title, panel.kind, panel.grid.w, panel.note, error, links=links)
    series, steps = _series(found, period)
    grid_header, grid = _grid(found) if panel.kind is Kind.HEATMAP else ((), ())
    return PanelView(
        name=panel.name,
        title=panel.title,
        kind=panel.kind,
        width=panel.grid.w,
        note=panel.note,
        chart=chart(panel.kind, steps, series) if series else "",
        legend=tuple(each.name for each in series) if len(series) > 1 else (),
        header=(*(each.label for each in found.breakdowns), *(each.label for each in panel.measures)),
        rows=tuple(_row(found, row, period) for row in found.rows if _says_something(found, row)),
        grid_header=grid_header,
        grid=grid,
        articles=found.documents,
        csv=f"/dashboards/{board.name}/{panel.name}.csv?range={period.name}",
    )


def _says_something(table: PanelTable, row: PanelRow) -> bool:
    """Leave steps without anything out of the table below a chart, as the chart shows them."""
    return table.panel.kind not in _OVER_TIME or any(row.values)


def _row(table: PanelTable, row: PanelRow, period: ChosenPeriod) -> tuple[PanelCell, ...]:
    query = search_of(table, row, period)
    href = search_link(query) if query else ""
    most = max((each.values[0] or 0 for each in table.rows), default=0) or 1
    cells = [PanelCell(key_text(key, table.step), href if at == 0 else "") for at, key in enumerate(row.keys)]
    for at, (measure, value) in enumerate(zip(table.panel.measures, row.values, strict=True)):
        text = value_text(measure, value, period.until)
        share = 100 * (value or 0) / most if at == 0 else 0.0
        whole = href if not row.keys and at == 0 else ""
        cells.append(PanelCell(text, whole, number=True, share=share, shade=_shade(share), bad=_bad(measure, value)))
    return tuple(cells)


def _bad(measure: Measure, value: float | None) -> bool:
    return not measure.good and bool(value) and not measure.unit


def _shade(share: float) -> int:
    """Give the shade of a share of the largest number: 0 for nothing, up to `_SHADES`."""
    return 0 if share <= 0 else min(_SHADES, 1 + int(share * _SHADES / 100))


def _series(table: PanelTable, period: ChosenPeriod) -> tuple[list[ChartSeries], list[str]]:
    """Give what a chart draws and the names of its steps; nothing for a panel that is no chart."""
    panel = table.panel
    if panel.kind is Kind.DONUT:
        rows = {key_text(row.keys[0], ""): row for row in table.rows}
        return [ChartSeries(name, (_point(table, row, 0, name, period),)) for name, row in rows.items()], [""]
    if panel.kind not in _OVER_TIME:
        return [], []
    starts = list(dict.fromkeys(row.keys[-1] for row in table.rows))
    lines: dict[tuple[str, int], dict[Key, PanelRow]] = {}
    for row in table.rows:
        for number, measure in enumerate(panel.measures):
            name = key_text(row.keys[0], "") if panel.split else measure.label
            lines.setdefault((name, number), {})[row.keys[-1]] = row
    series = [
        ChartSeries(name, tuple(_point(table, rows.get(start), number, name, period) for start in starts))
        for (name, number), rows in lines.items()
    ]
    return series, [key_text(start, table.step) for start in starts]


def _point(table: PanelTable, row: PanelRow | None, number: int, name: str, period: ChosenPeriod) -> ChartPoint:
    if row is None:
        return ChartPoint(0.0, "")
    measure, value = table.panel.measures[number], row.values[number]
    moment = f", {key_text(row.keys[-1], table.step)}" if isinstance(row.keys[-1], datetime) else ""
    text = f"{name}{moment}: {value_text(measure, value, period.until)}"
    query = search_of(table, row, period) if value else ""
    return ChartPoint(value, text, search_link(query) if query else "")


def _grid(table: PanelTable) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[PanelCell, ...]], ...]]:
    """Give a heat map as a table: names of its columns, and of each line its name and cells."""
    counts = {row.keys: row.values[0] or 0 for row in table.rows}
    lines = list(dict.fromkeys(row.keys[0] for row in table.rows))
    columns = sorted({row.keys[1] for row in table.rows}, key=lambda key: (isinstance(key, str), key))
    most = max(counts.values(), default=0) or 1

    def cell(line: Key, column: Key) -> PanelCell:
        count = counts.get((line, column), 0)
        return PanelCell(f"{count:,.0f}" if count else "", number=True, shade=_shade(100 * count / most))

    grid = tuple((key_text(line, ""), tuple(cell(line, column) for column in columns)) for line in lines)
    return tuple(key_text(column, "") for column in columns), grid


def now() -> datetime:
    """Give the present to the second, so that all panels of a page have the same bounds."""
    return datetime.now(UTC).replace(microsecond=0)
