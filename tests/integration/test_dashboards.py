"""Every panel against a real Elasticsearch: its aggregation, its KQL, and the numbers that the seed has.

The expected numbers are computed from the seed's records by plain Python, panel by panel, apart from the specification.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from pipelines.dashboards.aggregations import Key, PanelTable, panel_body, panel_table
from pipelines.dashboards.answers import DashboardAnswers
from pipelines.dashboards.period import ChosenPeriod, step_length
from pipelines.index.elastic import connect
from pipelines.index.provision import provision_indices, remove_indices
from pipelines.index.sink import Sink
from pipelines.search.session import SearchSession
from pipelines.settings import Settings, load_settings
from schemas.dashboards.catalogue import DASHBOARDS
from schemas.dashboards.filters import PanelFilter
from schemas.dashboards.spec import Panel
from schemas.records import Article, Outcome
from tests.dashboard_seed import Seed
from tests.kibana_double import KibanaDouble, served

pytestmark = pytest.mark.servers

Rows = dict[tuple[Key, ...], tuple[float | None, ...]]
PANELS = [(board.name, panel) for board in DASHBOARDS for panel in board.panels if panel.asks]
NAMES = [f"{board}/{panel.name}" for board, panel in PANELS]
EACH_PANEL = pytest.mark.parametrize(
    ("name", "panel"), [(name, panel) for name, (_, panel) in zip(NAMES, PANELS, strict=True)], ids=NAMES
)


@pytest.fixture(scope="module")
def seed() -> Seed:
    return Seed()


@pytest.fixture(scope="module")
def seeded(servers: tuple[str, str], seed: Seed) -> Iterator[Settings]:
    settings = load_settings(
        assignments=[
            "river.name=t-dashboards",
            f"kafka.bootstrap_servers={servers[0]}",
            f"elasticsearch.url={servers[1]}",
        ],
        environment={},
    )
    provision_indices(settings)
    client = connect(settings)
    documents = seed.documents(settings.river.name)
    assert {each.kind.value for each in Sink(client, settings.elasticsearch).write(documents)} == {"indexed"}
    client.ask("POST", f"/{settings.river.name}-*/_refresh")
    client.close()
    yield settings
    remove_indices(settings)


def period(seed: Seed) -> ChosenPeriod:
    return ChosenPeriod("7d", seed.now)


def asked(settings: Settings, panels: Sequence[Panel], when: ChosenPeriod) -> dict[str, Any]:
    async def call() -> dict[str, Any]:
        async with SearchSession.connect(settings) as session:
            return await DashboardAnswers(session).tables(list(panels), when)

    return asyncio.run(call())


def rows_of(table: PanelTable) -> Rows:
    return {row.keys: row.values for row in table.rows}


class Expected:
    """The numbers of the seed, by dashboard and panel."""

    def __init__(self, seed: Seed) -> None:
        self.now, self.since = seed.now, seed.now - timedelta(days=7)
        self.articles = [each for each in seed.articles if self._within(each.published_at or each.first_seen)]
        self.outcomes = [each for each in seed.outcomes if self._within(each.at)]
        self.feeds = [each for each in seed.feeds if each.next_poll_at > self.now]
        self.workers = [each for each in seed.workers if each.at > self.now - timedelta(days=1)]

    def _within(self, when: datetime) -> bool:
        return self.since <= when < self.now

    def kinds(self, *kinds: str) -> list[Outcome]:
        return [each for each in self.outcomes if each.kind in kinds]

    def steps(self, step: timedelta) -> list[datetime]:
        """Give the beginnings of the steps from the first that the chosen time touches to the last."""
        seconds = int(step.total_seconds())
        first = int(self.since.timestamp()) // seconds * seconds
        return [datetime.fromtimestamp(at, self.now.tzinfo) for at in range(first, int(self.now.timestamp()), seconds)]


def top(counts: Counter[Any], size: int) -> list[Any]:
    return [key for key, _ in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))[:size]]


def ranked(items: Iterable[Any], keys: Callable[[Any], Iterable[Any]], size: int = 15) -> Rows:
    counts = Counter(key for each in items for key in set(keys(each)))
    return {(key,): (counts[key],) for key in top(counts, size)}


def grouped(items: Iterable[Any], key: Callable[[Any], Any], measures: Callable[[list[Any]], tuple[Any, ...]]) -> Rows:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for each in items:
        groups[key(each)].append(each)
    return {(name,): measures(group) for name, group in groups.items()}


def split(outer: Callable[[Any], Iterable[Any]], inner: Callable[[Any], Iterable[Any]], items: Iterable[Any]) -> Rows:
    counts = Counter((one, two) for each in items for one in outer(each) for two in inner(each))
    return {key: (count,) for key, count in counts.items()}


def over_time(
    expected: Expected,
    items: Iterable[Any],
    when: Callable[[Any], datetime],
    keys: Callable[[Any], Iterable[Any]],
    step: str,
) -> Rows:
    """Count by key and step; of steps without anything there are rows too."""
    steps = expected.steps(step_length(step))
    counts = Counter((key, max(at for at in steps if at <= when(each))) for each in items for key in keys(each))
    return {(key, at): (counts[key, at],) for key in {key for key, _ in counts} for at in steps}


def millis(when: datetime) -> float:
    return when.timestamp() * 1000


def source(each: Any) -> list[str]:
    return [each.source]


def labels(each: Article) -> list[str]:
    return [tag.label for tag in each.topics]


def dated(each: Article) -> datetime:
    return each.published_at or each.first_seen


def number(value: float) -> Rows:
    return {(): (value,)}


def newsroom(e: Expected) -> dict[str, Rows]:
    delays = [max(0, (a.first_seen - a.published_at).total_seconds()) for a in e.articles if a.published_at]
    river = [(o.at - o.first_seen).total_seconds() for o in e.kinds("indexed")]
    changed = e.kinds("indexed", "updated", "gone")
    return {
        "articles": number(len(e.articles)),
        "sources": number(len({a.source for a in e.articles})),
        "languages": number(len({a.language for a in e.articles})),
        "discovery": number(median(delays)),
        "searchable": number(median(river)),
        "removed": number(sum(a.gone_at is not None for a in e.articles)),
        "topics-over-time": over_time(e, e.articles, dated, labels, "3h"),
        "top-sources": ranked(e.articles, source),
        "language-share": ranked(e.articles, lambda a: [a.language]),
        "topics-by-hour": split(labels, lambda a: [dated(a).hour], e.articles),
        "new-and-updated": grouped(
            changed,
            lambda o: o.source,
            lambda g: (len(g), *(sum(o.kind == kind for o in g) for kind in ("indexed", "updated", "gone"))),
        ),
        "topic-words": ranked(e.articles, lambda a: [word for tag in a.topics for word in tag.evidence]),
        "authors": ranked(e.articles, lambda a: a.authors),
    }


def health(e: Expected) -> dict[str, Rows]:
    steps = e.steps(timedelta(hours=3))

    def at(line: Outcome) -> datetime:
        return max(step for step in steps if step <= line.at)

    def flow(step: datetime) -> tuple[int, ...]:
        here = [o for o in e.outcomes if at(o) == step]
        kinds = Counter(o.kind for o in here)
        return kinds["discovered"], kinds["fetched"], kinds["indexed"], sum(o.terminal for o in here)

    def delays(step: datetime) -> tuple[float | None, ...]:
        found = [(o.at - o.first_seen).total_seconds() for o in e.kinds("indexed") if at(o) == step]
        return (median(found), max(found), max(found)) if found else (None, None, None)

    failed = [o for o in e.kinds("dead", "skipped", "rejected") if o.stage == "fetch"]
    visits = grouped(
        e.kinds("indexed", "updated", "unchanged", "gone", "superseded"),
        lambda o: o.visit,
        lambda g: (len(g), *(sum(o.kind == kind for o in g) for kind in ("updated", "unchanged", "gone"))),
    )
    words = {
        (role, waits): [w for w in e.workers if (w.role, w.waits_for) == (role, waits)]
        for role in ("poll", "fetch", "process")
        for waits in ("", "no-answer")
    }
    return {
        "discovered": number(len(e.kinds("discovered"))),
        "fetched": number(len(e.kinds("fetched"))),
        "indexed": number(len(e.kinds("indexed", "updated"))),
        "dead": number(len(e.kinds("dead"))),
        "feeds-failing": {(): (len(e.feeds), sum(f.failures > 0 for f in e.feeds))},
        "processes": {(): (len(e.workers), sum(bool(w.waits_for) for w in e.workers))},
        "flow": {(step,): flow(step) for step in steps},
        "ends": over_time(e, [o for o in e.outcomes if o.terminal], lambda o: o.at, lambda o: [o.kind.value], "3h"),
        "delay": {(step,): delays(step) for step in steps},
        "fetch-failures": over_time(e, failed, lambda o: o.at, lambda o: [o.reason], "3h"),
        "dead-letters": split(lambda o: [o.stage.value], lambda o: [o.reason], e.kinds("dead")),
        "rejected": ranked(e.kinds("rejected"), lambda o: [o.reason]),
        "skipped": ranked(e.kinds("skipped"), lambda o: [o.reason]),
        "balance": {
            (): (len(e.kinds("discovered")), sum(o.terminal and o.visit == 0 for o in e.outcomes)),
        },
        "revisits": visits,
        "waits": {key: (len(group), max(millis(w.at) for w in group)) for key, group in words.items() if group},
    }


def quality(e: Expected) -> dict[str, Rows]:
    failing = [f for f in e.feeds if f.failures]
    day = timedelta(days=1)
    silent = [f for f in e.feeds if f.succeeded_at is None or f.succeeded_at < e.now - day]

    def success(feed: Any) -> float | None:
        return None if feed.succeeded_at is None else millis(feed.succeeded_at)

    ended = [o for o in e.outcomes if o.terminal]
    return {
        "feeds": number(len(e.feeds)),
        "failing": number(len(failing)),
        "silent": number(len(silent)),
        "undated": number(sum(a.published_at is None for a in e.articles)),
        "anonymous": number(sum(not a.authors for a in e.articles)),
        "words": number(median(a.words for a in e.articles)),
        "failing-feeds": {(f.url, f.last_failure): (f.failures, success(f)) for f in failing},
        "silent-feeds": {(f.url,): (round(sum(f.rates), 2), success(f)) for f in silent},
        "failure-reasons": ranked(failing, lambda f: [f.last_failure]),
        "a-day": over_time(e, e.articles, dated, source, "1d"),
        "ends-by-source": grouped(
            ended,
            lambda o: o.source,
            lambda g: (len(g), *(sum(o.kind == kind for o in g) for kind in ("dead", "rejected", "skipped"))),
        ),
        "no-article": split(source, lambda o: [o.reason], e.kinds("rejected", "dead")),
        "facts": grouped(
            e.articles,
            lambda a: a.source,
            lambda g: (
                len(g),
                sum(a.published_at is None for a in g),
                sum(not a.authors for a in g),
                median(a.words for a in g),
                max(millis(dated(a)) for a in g),
            ),
        ),
        "updates": ranked(e.kinds("updated"), source),
        "refused": ranked([o for o in e.kinds("skipped") if o.reason == "robots"], source),
        "rights": ranked(e.articles, lambda a: a.rights),
        "paywalls": ranked([a for a in e.articles if a.free is not None], lambda a: [a.free]),
    }


@pytest.fixture(scope="module")
def expected(seed: Seed) -> dict[str, Rows]:
    numbers = Expected(seed)
    boards = {"newsroom": newsroom(numbers), "health": health(numbers), "quality": quality(numbers)}
    return {f"{board}/{name}": rows for board, panels in boards.items() for name, rows in panels.items()}


def test_every_panel_has_an_expectation(expected: dict[str, Rows]) -> None:
    assert sorted(expected) == sorted(NAMES)


@EACH_PANEL
def test_a_panel_shows_the_numbers_of_the_seed(
    name: str, panel: Panel, seeded: Settings, seed: Seed, expected: dict[str, Rows]
) -> None:
    found = rows_of(asked(seeded, [panel], period(seed))[panel.name])
    wanted = expected[name]
    assert any(any(values) for values in wanted.values()), "the seed has nothing for it"
    assert set(found) == set(wanted)
    for keys, values in wanted.items():
        # Percentiles are estimates, a step of a delay's panel holds few values.
        loose = 0.5 if name == "health/delay" else 0.02
        for got, want in zip(found[keys], values, strict=True):
            assert (got is None) == (want is None), keys
            assert got == want or got == pytest.approx(
                want, rel=loose if "median" in str(panel).lower() or loose > 0.1 else 1e-9
            )


@EACH_PANEL
def test_its_kql_finds_the_same_documents(name: str, panel: Panel, seeded: Settings, seed: Seed) -> None:
    del name

    def kql(tree: PanelFilter) -> dict[str, Any]:
        return {"kql": {"query": tree.kql()}}

    client = connect(seeded)
    index = f"/{seeded.river.name}-{panel.source.name}/_search"
    answers = [client.ask("POST", index, panel_body(panel, period(seed), **how)) for how in ({}, {"write": kql})]
    client.close()
    plain, written = (rows_of(panel_table(panel, period(seed), answer)) for answer in answers)
    assert written == plain
    assert plain


def test_the_latest_articles_come_newest_first(seeded: Settings, seed: Seed) -> None:
    [latest] = [panel for panel in DASHBOARDS[0].panels if panel.name == "latest"]
    table = asked(seeded, [latest], period(seed))["latest"]
    newest = sorted(Expected(seed).articles, key=dated, reverse=True)[:20]
    assert [each["title"] for each in table.documents] == [each.title for each in newest]


def test_all_panels_of_a_dashboard_come_at_once(seeded: Settings, seed: Seed) -> None:
    for board in DASHBOARDS:
        tables = asked(seeded, board.panels, period(seed))
        assert set(tables) == {panel.name for panel in board.panels if panel.view}
        assert all(isinstance(table, PanelTable) for table in tables.values())


def test_a_river_without_indices_shows_empty_panels(servers: tuple[str, str], seed: Seed) -> None:
    settings = load_settings(assignments=["river.name=t-nothing", f"elasticsearch.url={servers[1]}"], environment={})
    for board in DASHBOARDS:
        tables = asked(settings, board.panels, period(seed))
        assert all(isinstance(table, PanelTable) for table in tables.values())
        assert {value for table in tables.values() for row in table.rows for value in row.values} <= {0.0, None}


@pytest.mark.parametrize("version", ["8.19.9", "9.5.4"])
def test_the_script_for_a_real_kibana_runs_to_its_end(seeded: Settings, version: str) -> None:
    with served(KibanaDouble(version)) as url:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).parents[2] / "deploy" / "verify-kibana")],
            env={**os.environ, "NEWSRIVER_KIBANA__URL": url, "NEWSRIVER_RIVER__NAME": seeded.river.name},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(" documents") == len(PANELS) + 1
