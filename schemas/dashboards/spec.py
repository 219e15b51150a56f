"""What a dashboard is: panels on a grid, each a question with measures, breakdowns and a filter. Pure.

The words are Kibana's where it has one; Kibana's objects, its API's bodies, Elasticsearch's aggregations and our own
pages are all made of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schemas.dashboards.filters import PanelFilter

COLUMNS = 48
"""Width of Kibana's grid."""


class Kind(StrEnum):
    """How a panel shows its numbers."""

    METRIC = "metric"
    LINE = "line"
    AREA = "area"
    """Stacked over time."""
    BAR = "bar"
    """Stacked bars over time."""
    RANKING = "ranking"
    """Horizontal bars of the largest values."""
    DONUT = "donut"
    TABLE = "table"
    HEATMAP = "heatmap"
    TAGS = "tags"
    """Words, the larger the more often."""
    LATEST = "latest"
    """The newest documents themselves."""
    LINKS = "links"
    TEXT = "text"


class Operation(StrEnum):
    """How a measure is computed."""

    COUNT = "count"
    UNIQUE = "unique"
    AVERAGE = "average"
    MEDIAN = "median"
    PERCENTILE = "percentile"
    MAX = "max"
    MIN = "min"
    SUM = "sum"


@dataclass(frozen=True, slots=True)
class RuntimeField:
    """A number computed of a document's own fields when it is asked for.

    Attributes:
        name: what it is called.
        script: Painless that emits a long.
        needs: fields that the script reads.
    """

    name: str
    script: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataView:
    """A family of indices as dashboards see it.

    Attributes:
        name: of the family, e.g. `articles`: its alias is `<river>-articles`.
        title: for people.
        time_field: what the chosen time restricts; empty where all documents are always shown.
        runtime: numbers beside the indexed fields.
    """

    name: str
    title: str
    time_field: str
    runtime: tuple[RuntimeField, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number of a panel.

    Attributes:
        label: for people.
        operation: how it is computed.
        field: of what; empty for a count.
        percentile: which one, 1 to 99, where that is the operation.
        filter: documents that it counts, of those of the panel.
        unit: `s` for seconds, `time` for a point of time, empty for a plain number.
        good: False where more is worse.
    """

    label: str
    operation: Operation = Operation.COUNT
    field: str = ""
    percentile: int = 0
    filter: PanelFilter | None = None
    unit: str = ""
    good: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A breakdown by the values of a field.

    Attributes:
        label: for people.
        field: a field that is no text.
        size: most values.
        by_key: whether they are in the order of the values, not of the first measure.
    """

    label: str
    field: str
    size: int = 10
    by_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """A breakdown by time, in steps that fit the chosen time, or of a given length.

    Attributes:
        label: for people.
        interval: `auto`, or a fixed one such as `1d`.
    """

    label: str = "Time"
    interval: str = "auto"


@dataclass(frozen=True, slots=True)
class Grid:
    """Where a panel lies: left, top, width and height on a grid of `COLUMNS` columns."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class PanelLink:
    """Where a panel of links leads: a dashboard's name, or an address."""

    label: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel.

    Attributes:
        name: unique in its dashboard, part of addresses and ids.
        title: for people.
        kind: how it is shown.
        grid: where.
        view: what is asked; None for links and texts.
        measures: numbers, the first one orders breakdowns.
        rows: breakdown along the chart or the table; None for a single row.
        split: second breakdown, of each row.
        filter: documents that it is about.
        note: what to know when reading it.
        columns: of the newest documents, their fields.
        links: where it leads.
    """

    name: str
    title: str
    kind: Kind
    grid: Grid
    view: DataView | None = None
    measures: tuple[Measure, ...] = ()
    rows: Terms | Steps | None = None
    split: Terms | None = None
    filter: PanelFilter | None = None
    note: str = ""
    columns: tuple[str, ...] = ()
    links: tuple[PanelLink, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether it shows numbers."""
        return bool(self.measures)

    @property
    def source(self) -> DataView:
        """What it is asked of.

        Raises:
            ValueError: it is a text or links.
        """
        if self.view is None:
            raise ValueError(f"panel {self.name} asks nothing")
        return self.view


@dataclass(frozen=True, slots=True)
class Control:
    """A choice above a dashboard's panels: the values of a field."""

    label: str
    field: str
    view: DataView


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One dashboard.

    Attributes:
        name: part of addresses and ids.
        title: for people.
        about: one sentence.
        panels: by their place on the grid.
        controls: choices above them.
        since: time that is chosen at first, e.g. `now-7d`.
    """

    name: str
    title: str
    about: str
    panels: tuple[Panel, ...]
    controls: tuple[Control, ...] = ()
    since: str = "now-7d"

    def panel(self, name: str) -> Panel | None:
        """Give a panel by its name."""
        return next((panel for panel in self.panels if panel.name == name), None)
