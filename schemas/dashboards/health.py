"""The dashboard Pipeline health: what flows, what waits, what is set aside. Data."""

from __future__ import annotations

from schemas.dashboards.filters import Compared, Not, both, has
from schemas.dashboards.spec import Control, Dashboard, Grid, Kind, Measure, Operation, Panel, PanelLink, Steps, Terms
from schemas.dashboards.views import FEEDS, OUTCOMES, WORKERS

LISTED = Compared("next_poll_at", ">", "now-1d")
"""Feeds that are asked: one that is paused or out of the list is due no more."""

FAILING = both(LISTED, Compared("failures", ">", 0))
_HERE = both(Not(has("waits_for", "left")), Compared("at", ">", "now-1d"))
_FIRST_END = both(has("terminal", True), has("visit", 0), Not(has("kind", "duplicate-url")))
_LINES = Measure(label="Outcomes", good=False)


def _number(name: str, title: str, x: int, *kinds: str, good: bool = True) -> Panel:
    return Panel(
        name=name,
        title=title,
        kind=Kind.METRIC,
        grid=Grid(x, 0, 8, 6),
        view=OUTCOMES,
        filter=has("kind", *kinds),
        measures=(Measure(label=title, good=good),),
    )


def _delay(percentile: int) -> Measure:
    return Measure(
        label=f"p{percentile}",
        operation=Operation.PERCENTILE,
        percentile=percentile,
        field="river_seconds",
        unit="s",
        good=False,
    )


_NUMBERS = (
    _number("discovered", "Discovered", 0, "discovered"),
    _number("fetched", "Pages fetched", 8, "fetched"),
    _number("indexed", "New and updated", 16, "indexed", "updated"),
    _number("dead", "Dead letters", 24, "dead", good=False),
    Panel(
        name="feeds-failing",
        title="Feeds",
        kind=Kind.METRIC,
        grid=Grid(32, 0, 8, 6),
        view=FEEDS,
        filter=LISTED,
        measures=(
            Measure(label="Feeds that are asked"),
            Measure(label="Failing", filter=FAILING, good=False),
        ),
    ),
    Panel(
        name="processes",
        title="Processes",
        kind=Kind.METRIC,
        grid=Grid(40, 0, 8, 6),
        view=WORKERS,
        filter=_HERE,
        measures=(
            Measure(label="Processes"),
            Measure(label="Waiting", filter=Not(has("waits_for", "")), good=False),
        ),
    ),
)

_FLOW = (
    Panel(
        name="flow",
        title="The flow",
        kind=Kind.LINE,
        grid=Grid(0, 6, 24, 13),
        view=OUTCOMES,
        measures=(
            Measure(label="Discovered", filter=has("kind", "discovered")),
            Measure(label="Fetched", filter=has("kind", "fetched")),
            Measure(label="Indexed", filter=has("kind", "indexed")),
            Measure(label="Ended", filter=has("terminal", True)),
        ),
        rows=Steps(),
    ),
    Panel(
        name="ends",
        title="How visits ended",
        kind=Kind.BAR,
        grid=Grid(24, 6, 24, 13),
        view=OUTCOMES,
        filter=has("terminal", True),
        measures=(Measure(label="Visits"),),
        rows=Steps(),
        split=Terms(label="End", field="kind", size=9),
    ),
    Panel(
        name="delay",
        title="From discovery to searchable",
        kind=Kind.LINE,
        grid=Grid(0, 19, 24, 13),
        view=OUTCOMES,
        filter=has("kind", "indexed"),
        measures=(_delay(50), _delay(95), _delay(99)),
        rows=Steps(),
        note="Includes the pause that each site is owed between two requests.",
    ),
    Panel(
        name="fetch-failures",
        title="Fetches that gave no page, by reason",
        kind=Kind.BAR,
        grid=Grid(24, 19, 24, 13),
        view=OUTCOMES,
        filter=both(has("stage", "fetch"), has("kind", "dead", "skipped", "rejected")),
        measures=(_LINES,),
        rows=Steps(),
        split=Terms(label="Reason", field="reason", size=8),
    ),
)

_SET_ASIDE = (
    Panel(
        name="dead-letters",
        title="Dead letters by stage and reason",
        kind=Kind.TABLE,
        grid=Grid(0, 32, 16, 12),
        view=OUTCOMES,
        filter=has("kind", "dead"),
        measures=(_LINES,),
        rows=Terms(label="Stage", field="stage", size=6),
        split=Terms(label="Reason", field="reason", size=20),
        note="newsriver dead list has the letters themselves.",
    ),
    Panel(
        name="rejected",
        title="Pages that are no articles",
        kind=Kind.RANKING,
        grid=Grid(16, 32, 16, 12),
        view=OUTCOMES,
        filter=has("kind", "rejected"),
        measures=(_LINES,),
        rows=Terms(label="Reason", field="reason", size=12),
    ),
    Panel(
        name="skipped",
        title="Skipped",
        kind=Kind.RANKING,
        grid=Grid(32, 32, 16, 12),
        view=OUTCOMES,
        filter=has("kind", "skipped"),
        measures=(_LINES,),
        rows=Terms(label="Reason", field="reason", size=12),
    ),
)

_STANDING = (
    Panel(
        name="balance",
        title="First visits in the ledger",
        kind=Kind.METRIC,
        grid=Grid(0, 44, 12, 8),
        view=OUTCOMES,
        measures=(
            Measure(label="Begun", filter=has("kind", "discovered")),
            Measure(label="Ended", filter=_FIRST_END),
        ),
        note="Begun and not ended: in flight, or ended outside the chosen time. newsriver reconcile is exact.",
    ),
    Panel(
        name="revisits",
        title="What visits found",
        kind=Kind.TABLE,
        grid=Grid(12, 44, 18, 12),
        view=OUTCOMES,
        filter=has("kind", "indexed", "updated", "unchanged", "gone", "superseded"),
        measures=(
            Measure(label="Visits"),
            Measure(label="Changed", filter=has("kind", "updated")),
            Measure(label="Unchanged", filter=has("kind", "unchanged")),
            Measure(label="Removed", filter=has("kind", "gone")),
        ),
        rows=Terms(label="Visit", field="visit", size=6, by_key=True),
        note="Visit 0 is the first one.",
    ),
    Panel(
        name="waits",
        title="What processes wait for",
        kind=Kind.TABLE,
        grid=Grid(30, 44, 18, 12),
        view=WORKERS,
        filter=_HERE,
        measures=(
            Measure(label="Processes"),
            Measure(label="Last word", operation=Operation.MAX, field="at", unit="time"),
        ),
        rows=Terms(label="Role", field="role", size=8),
        split=Terms(label="Waits for", field="waits_for", size=8),
        note="Without a reason it works. A last word of minutes ago: it hangs or was killed.",
    ),
    Panel(
        name="go",
        title="More",
        kind=Kind.LINKS,
        grid=Grid(0, 52, 12, 4),
        links=(PanelLink("Newsroom", "newsroom"), PanelLink("Source quality", "quality")),
    ),
)

HEALTH = Dashboard(
    name="health",
    title="Pipeline health",
    about="What flows from discovery to the index, what waits and for what, and what is set aside.",
    panels=(*_NUMBERS, *_FLOW, *_SET_ASIDE, *_STANDING),
    controls=(Control("Source", "source", OUTCOMES), Control("Stage", "stage", OUTCOMES)),
    since="now-24h",
)
