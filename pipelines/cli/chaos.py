"""`newsriver chaos`: the fault lab."""

from __future__ import annotations

import json
import logging
import math
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipelines.cli.console import err, line, out, print_json, styled
from pipelines.cli.context import Context
from pipelines.errors import NewsriverError, UsageError
from pipelines.private_files import private_folder
from pipelines.runtime.logs import to_file

if TYPE_CHECKING:
    from pipelines.lab.chaos.lab import ChaosResult
    from pipelines.lab.chaos.plan import FaultKind
    from pipelines.lab.chaos.watch import Now
    from pipelines.settings import Settings

_SHOWN = 10
_LOGS = ("chaos.log", "roles.log", "report.json")


@click.command()
@click.option(
    "--articles", type=click.IntRange(300, 1_000_000), default=20_000, show_default=True, help="Pages to feed."
)
@click.option("--seed", default=1, show_default=True, help="The same seed and size, the same plan.")
@click.option(
    "--minutes", type=click.FloatRange(1), default=30.0, show_default=True, help="Longest time for pages to flow."
)
@click.option("--only", multiple=True, metavar="FAULT", help="Leave out every other kind of fault; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def chaos(context: Context, articles: int, seed: int, minutes: float, only: Sequence[str], as_json: bool) -> None:
    """Run a river on servers of its own, break everything in it, and prove that nothing is lost.

    Kills each kind of process with -9, lets copies join and leave, restarts Kafka, refuses commits, stops
    Elasticsearch, answers 429, late and by halves, mixes poison into the pages, and puts a hostile site beside the
    good ones. Your own river and its servers are not touched. Ends with 0 when nothing is lost, twice, late or
    unaccounted for, with 1 otherwise.
    """
    from pipelines.cli.stack import ConsoleReport
    from pipelines.lab.chaos.lab import Lab
    from pipelines.lab.chaos.plan import hostile
    from pipelines.lab.chaos.river import folder
    from pipelines.lab.chaos.site import press
    from pipelines.stack.ports import choose

    def apply(options: Sequence[str]) -> tuple[Settings, list[str]]:
        own = replace(context, assignments=(*context.assignments, *options))
        return own.settings, own.arguments

    home = folder(context.settings)
    served = press(articles, seed, choose(), _kinds(only))
    beside = hostile(served.plan, choose(), apart=served.apart)
    lab = Lab(context.settings, apply, served, beside, minutes, ConsoleReport(err, None))
    with _logging_to(home), _ending_on_sigterm(), _shown(lab.now):
        result = lab.run()
    report = _as_json(result, articles, seed)
    (home / "report.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
    if as_json:
        print_json(report)
    else:
        _show(result)
    if not result.good:
        raise NewsriverError("the river did not keep its promises", hint=f"{home} holds the logs", resource=str(home))


def _kinds(names: Sequence[str]) -> list[FaultKind]:
    """Read the names of kinds of fault.

    Raises:
        UsageError: there is no such kind.
    """
    from pipelines.lab.chaos.plan import FaultKind

    for name in names:
        if name not in list(FaultKind):
            raise UsageError(f"there is no fault {name!r}", hint=f"one of: {', '.join(FaultKind)}", resource="--only")
    return [FaultKind(name) for name in names]


@contextmanager
def _logging_to(home: Path) -> Iterator[None]:
    """Keep what the lab does in its own log; logs of the run before go."""
    private_folder(home, above_servers=True)
    for name in _LOGS:
        (home / name).unlink(missing_ok=True)
    logger = logging.getLogger("pipelines")
    logger.setLevel(logging.INFO)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it reports every broken connection, and we break them
    with to_file(home / "chaos.log", logger):
        yield


@contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """End on SIGTERM as on Ctrl-C: in order."""

    def interrupt(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a signal handler
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _shown(now: Now) -> Iterator[None]:
    """Show what goes on: a live line on a terminal, else a line for each step."""
    if err.is_terminal:
        with Live(console=err, get_renderable=lambda: _line(now), refresh_per_second=4, transient=True):
            yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_tell, args=(now, over), daemon=True, name="tell")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _tell(now: Now, over: threading.Event) -> None:
    told = ""
    while not over.wait(0.5):
        if now.doing != told:
            told = now.doing
            err.print(_line(now))


def _line(now: Now) -> Text:
    parts = [f"{now.done}/{now.faults}", f"{now.doing} ({time.monotonic() - now.since:.0f} s)"]
    if now.sample is not None:
        lags = ", ".join(f"{role} {lag:,}" for role, lag in now.sample.lags.items())
        parts += [f"announced {now.sample.positions['poll']:,}", f"processed {now.sample.positions['process']:,}"]
        parts.append(f"waiting: {lags}")
    return Text("  ".join(parts), no_wrap=True, overflow="ellipsis")


def _as_json(result: ChaosResult, articles: int, seed: int) -> dict[str, Any]:
    return {
        "good": result.good,
        "articles": articles,
        "seed": seed,
        "seconds": round(result.seconds, 1),
        "at_rest": result.at_rest,
        "accounts": result.accounts.as_json(),
        "second_river": result.second and result.second.as_json(),
        "peak_mb": dict(result.peaks),
        "standstill_seconds": {role: round(seconds) for role, seconds in result.standstills.items()},
        "raw_lines": list(result.raw),
        "faults": [one.as_json() for one in result.happened],
    }


def _show(result: ChaosResult) -> None:
    table = Table("at", "fault", "lasted", "back after", "slowest", box=None, pad_edge=False)
    for column in table.columns[2:4]:
        column.justify = "right"
    for one in result.happened:
        back, level = one.recovery.seconds, one.recovery.level
        slowest = max(level, key=lambda role: level[role] or math.inf, default="")
        took = "-" if not level else "not seen" if back is None else f"{back:.1f} s"
        table.add_row(f"{one.at:.0f} s", str(one.fault), f"{one.outage:.1f} s", took, slowest)
    out.print(table, "")
    table = Table("first visits ended as", "articles", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, count in result.accounts.ends.items():
        table.add_row(line(name), f"{count:,}")
    out.print(table, "")
    _verdict(result)


def _verdict(result: ChaosResult) -> None:
    from pipelines.lab.chaos.verdict import FINDINGS

    found = result.accounts
    for name, meaning in FINDINGS.items():
        for one, detail in list(found.findings[name].items())[:_SHOWN]:
            out.print(styled("[red]✗[/] {}: {}", one, f"{meaning}: {detail}" if detail else meaning))
    for what in _beside(result):
        out.print(styled("[red]✗[/] {}", what))
    sent, ended = found.unreadable
    counts = {name: len(ids) for name, ids in found.findings.items()}
    losses = (
        f"lost {counts['lost']}, duplicate documents {counts['duplicate_documents']}, "
        f"unaccounted {found.unaccounted}, late {counts['late']}"
    )
    out.print(
        Text.assemble(
            f"{found.announced:,} articles in {result.seconds:,.0f} s: ",
            (losses, "bold"),
            f"; wrong ends {counts['wrong_ends']}, unreadable records {ended} of {sent} ended; ",
            f"most memory {max(result.peaks.values(), default=0)} MB; ",
            ("at rest", "") if result.at_rest else ("not at rest", "red"),
        )
    )


def _beside(result: ChaosResult) -> Iterator[str]:
    """Say what is wrong beside the articles."""
    if result.second is not None and not result.second.good:
        yield "the second river did not keep its promises"
    for name, megabytes in result.too_large.items():
        yield f"{name} took {megabytes} MB"
    for role, seconds in result.standstills.items():
        yield f"{role} stood still for {seconds:.0f} s although something waited"
    for raw in result.raw[:_SHOWN]:
        yield f"raw in a log: {raw}"
