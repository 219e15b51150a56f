"""The benchmarks' tables."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from rich.table import Table

from pipelines.lab.bench import latency, pipeline, schedule, search, sink
from pipelines.lab.bench.cores import Spent

_MIB = 2**20
WORKERS, STRANGERS = "workers", "benchmark and strangers"


def pipeline_tables(result: pipeline.PipelineResult) -> list[Table]:
    """Show articles a second, and who used the cores."""
    bare, river = [one for one, _ in result.rounds], [one for _, one in result.rounds]
    speed = _table("pages cleaned and tagged", "bare extraction", "the river", "ratio")
    rows = (
        ("a core second that the workers could have", result.ratio, "per_available"),
        ("a second on the clock", result.wall_ratio, "per_second"),
        ("a CPU second of the workers' own", result.cpu_ratio, "per_cpu"),
    )
    for name, ratio, attribute in rows:
        low, high = (statistics.median(getattr(leg, attribute) for leg in side) for side in (bare, river))
        speed.add_row(name, f"{low:.1f}", f"{high:.1f}", f"{ratio:.3f}")
    spent = _table("ms of CPU an article", "bare extraction", "the river")
    for name, values in _shares([leg.spent for leg in bare], [leg.spent for leg in river]):
        per = [1000 * seconds / (result.pages * len(result.rounds)) for seconds in values]
        spent.add_row(name, *(f"{value:.1f}" for value in per))
    return [speed, spent]


def _shares(*sides: list[Spent]) -> Iterable[tuple[str, list[float]]]:
    """Give CPU seconds by who used them, one number for each side."""
    yield WORKERS, [sum(one.ours for one in side) for side in sides]
    for name in dict.fromkeys(name for side in sides for one in side for name in one.servers):
        yield name, [sum(one.servers.get(name, 0.0) for one in side) for side in sides]
    yield STRANGERS, [sum(one.others for one in side) for side in sides]


def sink_tables(result: sink.SinkResult) -> list[Table]:
    """Show documents a second, and what they cost."""
    sides = [[bare for bare, _ in result.rounds], [ours for _, ours in result.rounds]]
    table = _table("", "bare bulk loop", "the sink", "ratio")
    rates = [statistics.median(leg.per_second for leg in side) for side in sides]
    table.add_row("documents a second", *(f"{rate:,.0f}" for rate in rates), f"{result.ratio:.3f}")
    for name, values in _shares(*([leg.spent for leg in side] for side in sides)):
        if name != STRANGERS:
            per = [1000 * seconds / sum(leg.documents for leg in sides[0]) for seconds in values]
            label = "client" if name == WORKERS else name
            table.add_row(f"{label}, ms of CPU a document", *(f"{value:.3f}" for value in per), "")
    table.add_row("all CPU of client and Elasticsearch", "", "", f"{result.cpu_ratio:.3f}")
    return [table]


def latency_tables(result: latency.LatencyResult) -> list[Table]:
    """Show delays in seconds, and the processes' memory."""
    delays = _table("seconds until a search finds it", "count", "p50", "p95", "p99", "longest")
    for name, side in (("page on Kafka", result.pages), ("document written straight to the index", result.floor)):
        figures = (side.p50, side.p95, side.p99, side.most)
        delays.add_row(name, f"{side.count:,}", *(f"{seconds:.2f}" for seconds in figures))
    memory = _table("resident memory, MiB", "start", "middle", "end", "most")
    for name, one in result.memory.items():
        memory.add_row(name, *(f"{size / _MIB:,.0f}" for size in (one.start, one.middle, one.end, one.most)))
    return [delays, memory]


def schedule_tables(result: schedule.ScheduleResult) -> list[Table]:
    """Show what each rule costs and brings, and our own rule by the kind of feed; delays in minutes."""
    columns = ("polls a feed and day", "mean delay, min", "p95", "missed", "in reach", "polls for nothing")
    rules = _table("rule", *columns)
    for name, tally in result.tallies.items():
        rules.add_row(name, *_polling(tally, result.feeds * result.days))
    kinds = _table("our own rule by kind of feed", "feeds", *columns)
    for name, (feeds, tally) in result.kinds.items():
        kinds.add_row(name, f"{feeds:,}", *_polling(tally, feeds * result.days))
    return [rules, kinds] if result.kinds else [rules]


def _polling(tally: schedule.Tally, feed_days: float) -> Iterable[str]:
    yield f"{tally.polls / feed_days:.1f}"
    yield from (f"{seconds / 60:.1f}" for seconds in (tally.mean_delay, tally.p95_delay))
    yield from (f"{share:.3%}" for share in (tally.missed_share, tally.missed_in_reach_share))
    yield f"{tally.wasted_share:.0%}"


def _table(first: str, *columns: str) -> Table:
    table = Table(first, box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def search_tables(result: search.SearchBenchResult) -> list[Table]:
    """Show each kind of query through the API and straight, in milliseconds."""
    tables = []
    for clients in search.CLIENTS:
        title = f"milliseconds, {clients} client{'' if clients == 1 else 's'}"
        table = _table(title, "API p50", "p95", "p99", "Elasticsearch p50", "p95", "p99", "overhead p50")
        for leg in result.legs:
            if leg.clients == clients:
                api, straight = search.percentiles(leg.api), search.percentiles(leg.straight)
                figures = (*api.values(), *straight.values(), api["p50"] - straight["p50"])
                table.add_row(leg.kind, *(f"{figure:.1f}" for figure in figures))
        tables.append(table)
    sizes = _table("bytes an article", "in the index", "its JSON", "ratio")
    ratio = result.bytes_per_article / result.source_bytes
    sizes.add_row(
        f"{result.articles:,} articles",
        f"{result.bytes_per_article:,.0f}",
        f"{result.source_bytes:,.0f}",
        f"{ratio:.2f}",
    )
    return [*tables, sizes]
