"""The dashboard Newsroom: what is written where, by whom, about what. Data."""

from __future__ import annotations

from schemas.dashboards.filters import Exists, has
from schemas.dashboards.spec import Control, Dashboard, Grid, Kind, Measure, Operation, Panel, PanelLink, Steps, Terms
from schemas.dashboards.views import ARTICLES, OUTCOMES

_COUNT = Measure(label="Articles")
_TOPIC = Terms(label="Topic", field="topics.label", size=10)
_SOURCE = Terms(label="Source", field="source", size=15)

_NUMBERS = (
    Panel(
        name="articles", title="Articles", kind=Kind.METRIC, grid=Grid(0, 0, 8, 6), view=ARTICLES, measures=(_COUNT,)
    ),
    Panel(
        name="sources",
        title="Sources",
        kind=Kind.METRIC,
        grid=Grid(8, 0, 8, 6),
        view=ARTICLES,
        measures=(Measure(label="Sources", operation=Operation.UNIQUE, field="source"),),
    ),
    Panel(
        name="languages",
        title="Languages",
        kind=Kind.METRIC,
        grid=Grid(16, 0, 8, 6),
        view=ARTICLES,
        measures=(Measure(label="Languages", operation=Operation.UNIQUE, field="language"),),
    ),
    Panel(
        name="discovery",
        title="From publication to discovery",
        kind=Kind.METRIC,
        grid=Grid(24, 0, 8, 6),
        view=ARTICLES,
        measures=(Measure(label="Median", operation=Operation.MEDIAN, field="discovery_seconds", unit="s"),),
        note="Articles with a date of publication. The delay to searchable is this and the one beside it.",
    ),
    Panel(
        name="searchable",
        title="From discovery to searchable",
        kind=Kind.METRIC,
        grid=Grid(32, 0, 8, 6),
        view=OUTCOMES,
        filter=has("kind", "indexed"),
        measures=(Measure(label="Median", operation=Operation.MEDIAN, field="river_seconds", unit="s"),),
    ),
    Panel(
        name="removed",
        title="Removed by their sites",
        kind=Kind.METRIC,
        grid=Grid(40, 0, 8, 6),
        view=ARTICLES,
        filter=Exists("gone_at"),
        measures=(_COUNT,),
    ),
)

_CHARTS = (
    Panel(
        name="topics-over-time",
        title="Articles by topic",
        kind=Kind.AREA,
        grid=Grid(0, 6, 24, 13),
        view=ARTICLES,
        measures=(_COUNT,),
        rows=Steps(),
        split=Terms(label="Topic", field="topics.label", size=8),
        note="An article with several topics counts for each of them.",
    ),
    Panel(
        name="top-sources",
        title="Sources with most articles",
        kind=Kind.RANKING,
        grid=Grid(24, 6, 12, 13),
        view=ARTICLES,
        measures=(_COUNT,),
        rows=_SOURCE,
    ),
    Panel(
        name="language-share",
        title="Articles by language",
        kind=Kind.DONUT,
        grid=Grid(36, 6, 12, 13),
        view=ARTICLES,
        measures=(_COUNT,),
        rows=Terms(label="Language", field="language", size=8),
    ),
    Panel(
        name="topics-by-hour",
        title="Topics by hour of day (UTC)",
        kind=Kind.HEATMAP,
        grid=Grid(0, 19, 24, 14),
        view=ARTICLES,
        measures=(_COUNT,),
        rows=Terms(label="Hour", field="hour_of_day", size=24, by_key=True),
        split=_TOPIC,
    ),
    Panel(
        name="new-and-updated",
        title="New and updated by source",
        kind=Kind.TABLE,
        grid=Grid(24, 19, 24, 14),
        view=OUTCOMES,
        filter=has("kind", "indexed", "updated", "gone"),
        measures=(
            Measure(label="All"),
            Measure(label="New", filter=has("kind", "indexed")),
            Measure(label="Updated", filter=has("kind", "updated")),
            Measure(label="Removed", filter=has("kind", "gone")),
        ),
        rows=_SOURCE,
    ),
    Panel(
        name="topic-words",
        title="Words that speak for the topics",
        kind=Kind.TAGS,
        grid=Grid(0, 33, 24, 12),
        view=ARTICLES,
        measures=(_COUNT,),
        rows=Terms(label="Word", field="topics.evidence", size=40),
    ),
    Panel(
        name="authors",
        title="Authors with most articles",
        kind=Kind.RANKING,
        grid=Grid(24, 33, 12, 12),
        view=ARTICLES,
        measures=(_COUNT,),
        rows=Terms(label="Author", field="authors", size=12),
    ),
    Panel(
        name="go",
        title="More",
        kind=Kind.LINKS,
        grid=Grid(36, 33, 12, 12),
        links=(PanelLink("Pipeline health", "health"), PanelLink("Source quality", "quality")),
    ),
    Panel(
        name="latest",
        title="Latest articles",
        kind=Kind.LATEST,
        grid=Grid(0, 45, 48, 16),
        view=ARTICLES,
        columns=("title", "source", "language", "topics.label"),
    ),
)

NEWSROOM = Dashboard(
    name="newsroom",
    title="Newsroom",
    about="What is written where, in which language, about what, and how soon the river has it.",
    panels=(*_NUMBERS, *_CHARTS),
    controls=(
        Control("Topic", "topics.label", ARTICLES),
        Control("Source", "source", ARTICLES),
        Control("Language", "language", ARTICLES),
    ),
)
