"""`newsriver stack`: Kafka and Elasticsearch on this machine, without Docker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pipelines import stack as local
from pipelines.cli.console import err, out, print_json
from pipelines.cli.context import Context
from pipelines.errors import ServiceError


class ConsoleReport:
    """Says each step on a line of its own; on a terminal downloads have a progress bar."""

    def __init__(self, console: Console, bars: Progress | None) -> None:
        self._console = console
        self._bars = bars
        self._what = ""
        self._task: TaskID | None = None

    def say(self, message: str) -> None:
        """Print the sentence above any bar."""
        self._end_bar()
        self._console.print(message)

    def progress(self, what: str, done: int, total: int) -> None:
        """Move the bar, a new one where this is another thing than before."""
        if self._bars is None:
            return
        if what != self._what or self._task is None:
            self._end_bar()
            self._what, self._task = what, self._bars.add_task(what, total=total)
        self._bars.update(self._task, completed=done)

    def _end_bar(self) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None


@contextmanager
def console_report(console: Console = err) -> Iterator[ConsoleReport]:
    """Give a report on the terminal, whose bars end with the block."""
    if not console.is_terminal:
        yield ConsoleReport(console, None)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        yield ConsoleReport(console, bars)


@click.group()
def stack() -> None:
    """Kafka and Elasticsearch on this machine, without Docker.

    They are downloaded once, listen on the loopback address only and keep their data until `reset`.
    """


@stack.command()
@click.pass_obj
def up(context: Context) -> None:
    """Start both servers, where they are not up already, and wait until they answer."""
    settings = context.settings
    with console_report() as report:
        started = local.up(settings, report)
    parts = [part for part in local.status(settings) if part.state != "elsewhere"]
    if not parts:
        out.print("nothing to start: the settings name both servers")
        return
    addresses = ", ".join(f"{part.part} at {part.address}" for part in parts)
    out.print(f"{'up' if started else 'already up'}: {addresses}")


@stack.command()
@click.pass_obj
def down(context: Context) -> None:
    """Stop both servers; their data stays."""
    with console_report() as report:
        stopped = local.down(context.settings, report)
    out.print(f"stopped: {', '.join(stopped)}" if stopped else "already down")


@stack.command()
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def status(context: Context, as_json: bool) -> None:
    """Show both servers; the exit code is 3 when one is not up."""
    parts = local.status(context.settings)
    if as_json:
        print_json(
            {
                "up": all(part.state in ("up", "elsewhere") for part in parts),
                "directory": str(context.settings.stack.directory),
                "parts": [vars(part) for part in parts],
            }
        )
    else:
        out.print(_table(parts))
    away = [part for part in parts if part.state not in ("up", "elsewhere")]
    if away:
        raise ServiceError(
            " and ".join(f"{part.part} is {part.state}" for part in away),
            hint="start the servers with `newsriver stack up`",
        )


@stack.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def reset(context: Context, yes: bool) -> None:
    """Stop both servers and delete all that they hold; the downloads stay."""
    if not yes:
        click.confirm(
            f"Delete all articles, topics and logs in {context.settings.stack.directory}?", abort=True, err=True
        )
    with console_report() as report:
        gone = local.reset(context.settings, report)
    out.print("deleted" if gone else "nothing to delete")


def _table(parts: tuple[local.PartStatus, ...]) -> str:
    """Lay out the parts in columns that are never cut: addresses are there to be copied."""
    rows = [("part", "state", "version", "address", "pid", "memory", "data", "since")]
    for part in parts:
        sizes = _megabytes(part.memory_bytes), _megabytes(part.data_bytes)
        place = part.version or "-", part.address or "-", str(part.pid or "-")
        rows.append((part.part, part.state, *place, *sizes, _local_time(part.since)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:,.0f} MB"


def _local_time(moment: datetime | None) -> str:
    return "-" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
