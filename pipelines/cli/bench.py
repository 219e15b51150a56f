"""`newsriver bench`: how fast the river is, against its floor."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipelines.cli.console import err, out, print_json, write
from pipelines.cli.context import Context

if TYPE_CHECKING:
    from pipelines.lab.bench.river import Tell

_HALF_LOAD_PAGES = 400


class _Result(Protocol):
    def as_json(self) -> dict[str, Any]: ...


@click.group()
def bench() -> None:
    """Measure the river on this machine, each part against its floor in the same run.

    Uses topics and indices of its own on the servers of the settings, and removes them.
    """


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every benchmark has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON document; with a floor, its field `ratio`."),
        click.option("--keep", is_flag=True, help="Leave the topics and indices for a look."),
        click.option("--seed", type=int, default=1, show_default=True, help="Other seeds make other texts."),
    ):
        command = option(command)
    return command


_workers = click.option(
    "--workers", type=click.IntRange(1, 64), help="`process` workers; as the settings say by default: one a core."
)


@bench.command()
@click.option("--pages", type=click.IntRange(20, 5000), default=1500, show_default=True, help="Pages of one round.")
@click.option("--rounds", type=click.IntRange(1, 20), default=2, show_default=True, help="Rounds of floor and river.")
@_workers
@_shared
@click.pass_obj
def pipeline(
    context: Context, pages: int, rounds: int, workers: int | None, seed: int, keep: bool, as_json: bool
) -> None:
    """Articles a second from Kafka to searchable, against bare extraction of the same pages."""
    context = _own(context, workers)
    from pipelines.lab.bench import pipeline as bench_pipeline
    from pipelines.lab.bench.report import pipeline_tables

    with _progress() as tell:
        result = bench_pipeline.run(
            context.settings, context.arguments, pages=pages, rounds=rounds, seed=seed, keep=keep, tell=tell
        )
    _show(context, result, pipeline_tables(result), as_json=as_json)
    _tell_kept(context, keep=keep)


@bench.command()
@click.option(
    "--documents", type=click.IntRange(1, 200_000), default=20_000, show_default=True, help="Documents of each side."
)
@_shared
@click.pass_obj
def sink(context: Context, documents: int, seed: int, keep: bool, as_json: bool) -> None:
    """Documents a second of the sink, against a bare bulk loop into the same server."""
    context = _own(context, None)
    from pipelines.lab.bench import sink as bench_sink
    from pipelines.lab.bench.report import sink_tables

    with _progress() as tell:
        result = bench_sink.run(context.settings, documents=documents, seed=seed, keep=keep, tell=tell)
    _show(context, result, sink_tables(result), as_json=as_json)
    _tell_kept(context, keep=keep)


@bench.command()
@click.option(
    "--articles", type=click.IntRange(500, 10_000_000), default=1_000_000, show_default=True, help="Articles indexed."
)
@click.option(
    "--queries", type=click.IntRange(10, 10_000), default=200, show_default=True, help="Queries of each kind."
)
@_shared
@click.pass_obj
def search(context: Context, articles: int, queries: int, seed: int, keep: bool, as_json: bool) -> None:
    """Ten kinds of query through the HTTP API, against the same requests sent straight to Elasticsearch."""
    context = _own(context, None)
    from pipelines.lab.bench import search as bench_search
    from pipelines.lab.bench.report import search_tables

    with _progress() as tell:
        result = bench_search.run(context.settings, articles=articles, queries=queries, seed=seed, keep=keep, tell=tell)
    _show(context, result, search_tables(result), as_json=as_json)
    _tell_kept(context, keep=keep)


@bench.command()
@click.option("--minutes", type=click.FloatRange(0.05, 600), default=2.0, show_default=True, help="Length of the run.")
@click.option("--rate", type=click.FloatRange(0.5, 5000), help="Pages a second; half the measured throughput else.")
@_workers
@_shared
@click.pass_obj
def latency(
    context: Context, minutes: float, rate: float | None, workers: int | None, seed: int, keep: bool, as_json: bool
) -> None:
    """Time from a page on Kafka to a search that finds it, at half load, and the processes' memory."""
    context = _own(context, workers)
    from pipelines.lab.bench import latency as bench_latency
    from pipelines.lab.bench import pipeline as bench_pipeline
    from pipelines.lab.bench.report import latency_tables

    settings, arguments = context.settings, context.arguments
    with _progress() as tell:
        if rate is None:
            load = bench_pipeline.run(
                settings, arguments, pages=_HALF_LOAD_PAGES, rounds=1, seed=seed, keep=False, tell=tell
            )
            rate = load.per_second / 2
        result = bench_latency.run(
            settings, arguments, rate=rate, seconds=minutes * 60, seed=seed, keep=keep, tell=tell
        )
    _show(context, result, latency_tables(result), as_json=as_json)
    _tell_kept(context, keep=keep)


@bench.command()
@click.option("--feeds", type=click.IntRange(1, 100_000), default=10_000, show_default=True, help="Feeds.")
@click.option("--hosts", type=click.IntRange(1, 20_000), default=2000, show_default=True, help="Hosts they are on.")
@click.option("--minutes", type=click.FloatRange(0.2, 600), default=10.0, show_default=True, help="Length of the run.")
@click.option("--speed", type=click.FloatRange(1, 2000), help="Factor on what feeds publish; 10 by default.")
@click.option("--copies", type=click.IntRange(1, 8), default=1, show_default=True, help="Copies of poll, and of fetch.")
@click.option("--kill-every", type=click.FloatRange(0), default=0.0, help="Seconds between two kills with -9; 0: none.")
@click.option(
    "--move-every",
    type=click.FloatRange(0),
    default=0.0,
    help="Seconds until a copy leaves in order, or comes; 0: never.",
)
@_shared
@click.pass_obj
def pull(
    context: Context,
    *,
    feeds: int,
    hosts: int,
    minutes: float,
    speed: float | None,
    copies: int,
    kill_every: float,
    move_every: float,
    seed: int,
    keep: bool,
    as_json: bool,
) -> None:
    """Pull from thousands of feeds of a simulated internet, and audit it by the servers' own log.

    The internet is on loopback: hosts that are slow, dead, busy or lie, as real ones do. Ends with 1 when a request
    broke a rule of good manners, more than 0.01 % of the articles were missed, poll and fetch used more than one core,
    or the books do not balance.
    """
    from pipelines.lab.bench import pull as bench_pull
    from pipelines.lab.bench.pull_report import pull_tables
    from pipelines.lab.internet.river import Faults, options

    factor = speed or bench_pull.DEFAULT_SPEED
    with ExitStack() as ending:
        folder = bench_pull.workspace("pull", ending, keep=keep)
        context = _own(context, None, options(factor, folder))
        settings = context.settings
        with _progress() as tell:
            orders = bench_pull.prepared(settings, feeds=feeds, hosts=hosts, minutes=minutes, speed=factor, seed=seed)
            faults = Faults(kill_every, move_every)
            result = bench_pull.run(
                settings, context.arguments, folder, orders, copies=copies, faults=faults, keep=keep, tell=tell
            )
    _show(context, result, pull_tables(result), as_json=as_json)
    _tell_kept(context, keep=keep)
    if keep:
        err.print(f"logs of the servers and of the copies: {folder}")
    if result.faults:
        raise SystemExit(1)


@bench.command()
@click.option("--pages", type=click.IntRange(200, 1_000_000), default=20_000, show_default=True, help="Pages a leg.")
@click.option("--bytes", "size", type=click.IntRange(1000, 4_000_000), default=100_000, help="Of a page; 100,000.")
@_shared
@click.pass_obj
def fetch(context: Context, pages: int, size: int, seed: int, keep: bool, as_json: bool) -> None:
    """Pages a second from fast hosts on loopback to Kafka, with one copy of `fetch` and with two."""
    from pipelines.lab.bench import fetch as bench_fetch
    from pipelines.lab.bench.pull import workspace
    from pipelines.lab.bench.pull_report import fetch_tables

    context = _own(context, None, bench_fetch.OPTIONS)
    with ExitStack() as ending, _progress() as tell:
        folder = workspace("fetch", ending, keep=keep)
        result = bench_fetch.run(
            context.settings, context.arguments, folder, pages=pages, page_bytes=size, seed=seed, keep=keep, tell=tell
        )
    _show(context, result, fetch_tables(result), as_json=as_json)
    _tell_kept(context, keep=keep)


@bench.command()
@click.option("--feeds", type=click.IntRange(1, 100_000), default=1500, show_default=True, help="Simulated feeds.")
@click.option("--days", type=click.FloatRange(1, 365), default=14.0, show_default=True, help="Simulated time.")
@click.option("--seed", type=int, default=1, show_default=True, help="Other seeds make other feeds.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, delays in seconds.")
def schedule(feeds: int, days: float, seed: int, as_json: bool) -> None:
    """Polls, delays and missed items of the schedule, beside fixed intervals and other rules; needs no server."""
    from pipelines.lab.bench import schedule as bench_schedule
    from pipelines.lab.bench.report import schedule_tables

    with _progress() as tell:
        result = bench_schedule.run(feeds=feeds, days=days, seed=seed, tell=tell)
    if as_json:
        print_json(result.as_json())
        return
    for table in schedule_tables(result):
        out.print(table, "")


@bench.command()
@click.option("--feeds", type=click.IntRange(1), default=180_000, show_default=True, help="Feeds in the list.")
@click.option("--articles", type=click.IntRange(1), default=1_000_000, show_default=True, help="New articles a day.")
@click.option("--copies", type=click.IntRange(1, 7), default=3, show_default=True, help="Of each record and document.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, with the figures it is computed from.")
def scale(feeds: int, articles: int, copies: int, as_json: bool) -> None:
    """Compute what a river of some size takes, from figures that the other benchmarks gave; runs nothing."""
    from dataclasses import asdict

    from pipelines.lab.bench.scale import FIGURES, RiverPlan, plan_table

    plan = RiverPlan(feeds, articles, copies)
    if not as_json:
        write(plan_table([plan]) + "\n")
        return
    computed = {name: getattr(plan, name) for name, kind in vars(RiverPlan).items() if isinstance(kind, property)}
    print_json({**asdict(plan), **computed, "figures": [asdict(figure) for figure in FIGURES]})


def _own(context: Context, workers: int | None, options: Sequence[str] = ()) -> Context:
    """Give the same context for a river of the benchmark's own; SIGTERM removes it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from pipelines.lab.bench.river import own_name

    more = [f"river.name={own_name()}", *([] if workers is None else [f"process.workers={workers}"]), *options]
    return replace(context, assignments=(*context.assignments, *more))


@contextmanager
def _progress() -> Iterator[Tell]:
    """Show how far a benchmark is, on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda what, done, total: progress.update(task, description=what, completed=done, total=total)


def _show(context: Context, result: _Result, tables: Sequence[Table], *, as_json: bool) -> None:
    if as_json:
        print_json({"river": context.settings.river.name, **result.as_json()})
        return
    machine = result.as_json()["machine"]
    for table in tables:
        out.print(table, "")
    out.print(f"On {machine['processor']}, {machine['cores']} cores, Python {machine['python']}.")


def _tell_kept(context: Context, *, keep: bool) -> None:
    if keep:
        name = context.settings.river.name
        err.print(f"kept as river {name}: look with `newsriver --set river.name={name} status`")
