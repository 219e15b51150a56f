"""`newsriver serve`: the HTTP server."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from pipelines.cli.context import Context


@click.command()
@click.option(
    "--feeds",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Feed list to subscribe for; repeatable. Default: the lists that river.feeds names, else the list on Kafka.",
)
@click.pass_obj
def serve(context: Context, files: tuple[Path, ...]) -> None:
    """Serve /healthz, and with serve.websub the callbacks of WebSub hubs, until SIGTERM."""
    from pipelines.feeds.lists import read_lists
    from pipelines.serve.role import run
    from pipelines.signals import DRAIN_SECONDS, drain_on_signals, leave_within

    paths = files or tuple(context.settings.river.feeds)
    feeds = read_lists(paths) if paths else None
    context.start_logging()
    stop = drain_on_signals(threading.Event())
    leave_within(stop, DRAIN_SECONDS)
    run(context.settings, stop, feeds)
