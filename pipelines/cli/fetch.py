"""`newsriver fetch`: get the entries' pages."""

from __future__ import annotations

import threading

import click

from pipelines.cli.context import Context


@click.command()
@click.pass_obj
def fetch(context: Context) -> None:
    """Fetch the entries' pages and put them on Kafka, until SIGTERM."""
    from pipelines.fetch.fetcher import run
    from pipelines.runtime.signals import drain_on_signals

    context.start_logging("fetch")
    run(context.settings, drain_on_signals(threading.Event()))
