"""`newsriver record`: index the outcomes."""

from __future__ import annotations

import threading

import click

from pipelines.cli.context import Context


@click.command()
@click.pass_obj
def record(context: Context) -> None:
    """Index the outcomes until SIGTERM: the ledger."""
    from pipelines.record import run
    from pipelines.signals import drain_on_signals

    context.start_logging()
    run(context.settings, drain_on_signals(threading.Event()))
