"""The dashboard Source quality: which feeds and sources fail, fall silent or send little. Data."""

from __future__ import annotations

from schemas.dashboards.filters import Compared, Exists, Not, PanelFilter, both, either, has
from schemas.dashboards.health import FAILING, LISTED
from schemas.dashboards.spec import (
    Control,
    Dashboard,
    DataView,
    Grid,
    Kind,
    Measure,
    Operation,
    Panel,
    PanelLink,
    Steps,
    Terms,
)
from schemas.dashboards.views import ARTICLES, FEEDS, OUTCOMES

SILENT = both(LISTED, either(Compared("succeeded_at", "<", "now-1d"), Not(Exists("succeeded_at"))))
"""Feeds that are asked and have given nothing for a day."""

_UNDATED = Not(Exists("published_at"))
_ANONYMOUS = Not(Exists("authors"))
_ARTICLES = Measure(label="Articles")
_SOURCE = Terms(label="Source", field="source", size=15)
_FEED = Terms(label="Feed", field="url", size=20)
_LAST_SUCCESS = Measure(label="Last success", operation=Operation.MAX, field="succeeded_at", unit="time")


def _number(name: str, title: str, x: int, view: DataView, tree: PanelFilter) -> Panel:
    return Panel(
        name=name,
        title=title,
        kind=Kind.METRIC,
        grid=Grid(x, 0, 8, 6),
        view=view,
        filter=tree,
        measures=(Measure(label=title, good=False),),
    )


_NUMBERS = (
    Panel(
        name="feeds",
        title="Feeds that are asked",
        kind=Kind.METRIC,
        grid=Grid(0, 0, 8, 6),
        view=FEEDS,
        filter=LISTED,
        measures=(Measure(label="Feeds"),),
    ),
    _number("failing", "Failing feeds", 8, FEEDS, FAILING),
    _number("silent", "Silent feeds", 16, FEEDS, SILENT),
    _number("undated", "Articles without a date", 24, ARTICLES, _UNDATED),
    _number("anonymous", "Articles without an author", 32, ARTICLES, _ANONYMOUS),
    Panel(
        name="words",
        title="Median words",
        kind=Kind.METRIC,
        grid=Grid(40, 0, 8, 6),
        view=ARTICLES,
        measures=(Measure(label="Words", operation=Operation.MEDIAN, field="words"),),
    ),
)

_FEEDS = (
    Panel(
        name="failing-feeds",
        title="Feeds that fail",
        kind=Kind.TABLE,
        grid=Grid(0, 6, 24, 13),
        view=FEEDS,
        filter=FAILING,
        measures=(
            Measure(label="Failures in a row", operation=Operation.MAX, field="failures"),
            _LAST_SUCCESS,
        ),
        rows=_FEED,
        split=Terms(label="Reason", field="last_failure", size=1),
        note="newsriver feeds check URL says what is wrong with one.",
    ),
    Panel(
        name="silent-feeds",
        title="Feeds without a success for a day",
        kind=Kind.TABLE,
        grid=Grid(24, 6, 24, 13),
        view=FEEDS,
        filter=SILENT,
        measures=(
            Measure(label="Entries a day, expected", operation=Operation.MAX, field="new_per_day"),
            _LAST_SUCCESS,
        ),
        rows=_FEED,
    ),
    Panel(
        name="failure-reasons",
        title="Why feeds fail",
        kind=Kind.DONUT,
        grid=Grid(0, 19, 16, 13),
        view=FEEDS,
        filter=FAILING,
        measures=(Measure(label="Feeds", good=False),),
        rows=Terms(label="Reason", field="last_failure", size=8),
    ),
    Panel(
        name="a-day",
        title="Articles a day by source",
        kind=Kind.BAR,
        grid=Grid(16, 19, 32, 13),
        view=ARTICLES,
        measures=(_ARTICLES,),
        rows=Steps(label="Day", interval="1d"),
        split=Terms(label="Source", field="source", size=10),
        note="A source whose days fall far below their mean has changed, or no longer lets itself be read.",
    ),
)

_SOURCES = (
    Panel(
        name="ends-by-source",
        title="How visits ended, by source",
        kind=Kind.TABLE,
        grid=Grid(0, 32, 24, 14),
        view=OUTCOMES,
        filter=has("terminal", True),
        measures=(
            Measure(label="Ended"),
            Measure(label="Dead", filter=has("kind", "dead"), good=False),
            Measure(label="Rejected", filter=has("kind", "rejected"), good=False),
            Measure(label="Skipped", filter=has("kind", "skipped"), good=False),
        ),
        rows=_SOURCE,
    ),
    Panel(
        name="no-article",
        title="Pages that gave no article, by source and reason",
        kind=Kind.HEATMAP,
        grid=Grid(24, 32, 24, 14),
        view=OUTCOMES,
        filter=has("kind", "rejected", "dead"),
        measures=(Measure(label="Pages", good=False),),
        rows=Terms(label="Reason", field="reason", size=8),
        split=Terms(label="Source", field="source", size=12),
    ),
    Panel(
        name="facts",
        title="Missing facts and freshness, by source",
        kind=Kind.TABLE,
        grid=Grid(0, 46, 32, 14),
        view=ARTICLES,
        measures=(
            _ARTICLES,
            Measure(label="Without a date", filter=_UNDATED, good=False),
            Measure(label="Without an author", filter=_ANONYMOUS, good=False),
            Measure(label="Median words", operation=Operation.MEDIAN, field="words"),
            Measure(label="Newest", operation=Operation.MAX, field="dated_at", unit="time"),
        ),
        rows=_SOURCE,
    ),
    Panel(
        name="updates",
        title="Articles changed after publication",
        kind=Kind.RANKING,
        grid=Grid(32, 46, 16, 14),
        view=OUTCOMES,
        filter=has("kind", "updated"),
        measures=(Measure(label="Changes"),),
        rows=_SOURCE,
    ),
    Panel(
        name="refused",
        title="Refused by robots.txt, by source",
        kind=Kind.RANKING,
        grid=Grid(0, 60, 16, 12),
        view=OUTCOMES,
        filter=both(has("kind", "skipped"), has("reason", "robots")),
        measures=(Measure(label="Pages", good=False),),
        rows=_SOURCE,
    ),
    Panel(
        name="rights",
        title="Rights that publishers reserve",
        kind=Kind.RANKING,
        grid=Grid(16, 60, 16, 12),
        view=ARTICLES,
        measures=(_ARTICLES,),
        rows=Terms(label="Right", field="rights", size=12),
    ),
    Panel(
        name="paywalls",
        title="Readable without paying",
        kind=Kind.DONUT,
        grid=Grid(32, 60, 8, 12),
        view=ARTICLES,
        filter=Exists("free"),
        measures=(_ARTICLES,),
        rows=Terms(label="Free", field="free", size=2),
        note="Of the articles whose page says so or not.",
    ),
    Panel(
        name="go",
        title="More",
        kind=Kind.LINKS,
        grid=Grid(40, 60, 8, 12),
        links=(PanelLink("Newsroom", "newsroom"), PanelLink("Pipeline health", "health")),
    ),
)

QUALITY = Dashboard(
    name="quality",
    title="Source quality",
    about="Which feeds fail or fall silent, which pages give no article, and what is missing in those that do.",
    panels=(*_NUMBERS, *_FEEDS, *_SOURCES),
    controls=(Control("Source", "source", ARTICLES),),
)
