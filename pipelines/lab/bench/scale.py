"""How many copies, partitions and bytes a river of some size takes, computed from what was measured. Pure.

Every figure names the benchmark that gave it; docs/benchmarks.md has the run. The table of docs/scale.md is made here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_DAY = 86_400


@dataclass(frozen=True)
class MeasuredFigure:
    """A figure that was measured.

    Attributes:
        value: the figure.
        unit: of what.
        bench: the benchmark that gave it, as `newsriver bench NAME`; a setting where it is one of ours.
        text: how docs/benchmarks.md or the settings write it.
    """

    value: float
    unit: str
    bench: str
    text: str


POLLS = MeasuredFigure(20.3, "polls a feed and day", "schedule", "**20.3**")
PULL_POLLS = MeasuredFigure(40.2, "polls a second in one run", "pull", "40.2, 45.4")
PULL_PAGES = MeasuredFigure(45.4, "pages a second in that run", "pull", "40.2, 45.4")
PULL_CORES = MeasuredFigure(0.57, "cores of poll and fetch in that run", "pull", "**0.57**")
FETCH_MS = MeasuredFigure(1.16, "ms of CPU for a page of fetch", "fetch", "1.16")
ARTICLES = MeasuredFigure(34, "articles a second and core of process (68 on two)", "pipeline", "68, 81")
DOCUMENTS = MeasuredFigure(3973, "documents a second into one server", "sink", "3,973")
PAGE_KB = MeasuredFigure(197, "KB, the median page", "pipeline", "median of 197 KB")
PAGE_P95_KB = MeasuredFigure(783, "KB, the 95th percentile of pages", "pipeline", "95th percentile of 783 KB")
DOCUMENT_KB = MeasuredFigure(6, "KB of a document", "sink", "documents/s of 6 KB")

FIGURES = (
    POLLS,
    PULL_POLLS,
    PULL_PAGES,
    PULL_CORES,
    FETCH_MS,
    ARTICLES,
    DOCUMENTS,
    PAGE_KB,
    PAGE_P95_KB,
    DOCUMENT_KB,
)

PEAK = 3.0
"""The busiest hour over the mean of the day: newsrooms of one continent; assumed, not measured."""
VISITS = 5
"""Requests for an article: the first and those of `fetch.revisit`; each gives a page in the worst case."""
PAGE_DAYS = 7
"""How long pages stay on Kafka (`schemas/topics.py`)."""
OUTCOMES = 2 + VISITS
"""Lines of the ledger for an article: announced, fetched, and the end of each visit."""
_95TH = 1.645
"""Standard deviations to the 95th percentile."""

SIZES = ((1_000, 6_000), (10_000, 60_000), (60_000, 330_000), (180_000, 1_000_000))
"""Feeds, and articles a day, of docs/scale.md; the last one is what is aimed at."""


@dataclass(frozen=True)
class RiverPlan:
    """What a river takes in its busiest hour; cores are those of the machine that was measured.

    Attributes:
        feeds: feeds in its list.
        articles: new articles a day.
        copies_more: Kafka's and Elasticsearch's copies of each record and document.
    """

    feeds: int
    articles: int
    copies_more: int = 1

    @property
    def polls_a_second(self) -> float:
        """Feeds asked, at the mean."""
        return self.feeds * POLLS.value / _DAY

    @property
    def pages_a_second(self) -> float:
        """Pages asked for, at the mean, revisits included."""
        return self.articles * VISITS / _DAY

    @property
    def poll_cores(self) -> float:
        """What a run of poll and fetch used, less what fetch alone uses for its pages."""
        poll_run = PULL_CORES.value - PULL_PAGES.value * FETCH_MS.value / 1000
        return self.polls_a_second * poll_run / PULL_POLLS.value * PEAK

    @property
    def fetch_cores(self) -> float:
        """Of fetch, in the busiest hour."""
        return self.pages_a_second * FETCH_MS.value / 1000 * PEAK

    @property
    def process_cores(self) -> float:
        """Of process, as if every revisit brought a page to clean."""
        return self.pages_a_second / ARTICLES.value * PEAK

    @property
    def documents_a_second(self) -> float:
        """Written to Elasticsearch in the busiest hour: pages and lines of the ledger."""
        return self.articles * (VISITS + OUTCOMES) / _DAY * PEAK

    @property
    def kafka_tb(self) -> float:
        """Pages kept, before compression and copies: an upper bound."""
        sigma = math.log(PAGE_P95_KB.value / PAGE_KB.value) / _95TH
        mean_kb = PAGE_KB.value * math.exp(sigma**2 / 2)
        return self.articles * VISITS * PAGE_DAYS * mean_kb * self.copies_more / 1e9

    @property
    def index_tb_a_year(self) -> float:
        """Articles kept for a year, as large as their documents."""
        return self.articles * 365 * DOCUMENT_KB.value * self.copies_more / 1e9

    @property
    def process_copies(self) -> int:
        """Copies of process, a core each."""
        return math.ceil(self.process_cores)

    @property
    def partitions(self) -> int:
        """Partitions of each topic: twice the copies of process, so that shares stay even, and 8 at least."""
        return max(8, 2 * self.process_copies)

    @property
    def elasticsearch_nodes(self) -> int:
        """Nodes that write, at half of what one was measured to take."""
        return math.ceil(self.documents_a_second * self.copies_more / (DOCUMENTS.value / 2))


def plan_table(plans: Sequence[RiverPlan]) -> str:
    """Give the plans as a Markdown table, a size in each column."""
    return "\n".join(_lines(plans))


def plan_of_size(feeds: int, articles: int) -> RiverPlan:
    """Give the plan of docs/scale.md for a size: one machine keeps one copy of all, more keep three."""
    return RiverPlan(feeds, articles, copies_more=1 if feeds <= SIZES[1][0] else 3)


def _lines(plans: Sequence[RiverPlan]) -> Iterator[str]:
    yield "| | " + " | ".join(f"{plan.feeds:,} feeds, {plan.articles:,} articles a day" for plan in plans) + " |"
    yield "|---" * (len(plans) + 1) + "|"
    rows = {
        "polls a second, mean": [f"{plan.polls_a_second:.1f}" for plan in plans],
        "pages a second, mean": [f"{plan.pages_a_second:.1f}" for plan in plans],
        "cores of `poll`": [f"{plan.poll_cores:.2f}" for plan in plans],
        "cores of `fetch`": [f"{plan.fetch_cores:.2f}" for plan in plans],
        "cores of `process`": [f"{plan.process_cores:.1f}" for plan in plans],
        "copies of `poll`, `fetch`, `process`": [
            f"{math.ceil(plan.poll_cores)}, {math.ceil(plan.fetch_cores)}, {plan.process_copies}" for plan in plans
        ],
        "partitions": [f"{plan.partitions}" for plan in plans],
        "documents a second into Elasticsearch": [f"{plan.documents_a_second:.0f}" for plan in plans],
        "Elasticsearch nodes for writing": [f"{plan.elasticsearch_nodes}" for plan in plans],
        "copies of records and documents": [f"{plan.copies_more}" for plan in plans],
        "pages on Kafka, TB uncompressed": [f"{plan.kafka_tb:.2f}" for plan in plans],
        "articles in Elasticsearch, TB a year": [f"{plan.index_tb_a_year:.2f}" for plan in plans],
    }
    for name, cells in rows.items():
        yield f"| {name} | " + " | ".join(cells) + " |"
