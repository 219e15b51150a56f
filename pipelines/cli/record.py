"""`newsriver record`: index the outcomes."""

from __future__ import annotations

import threading

import click

from pipelines.cli.context import Context


@click.command()
@click.pass_obj
def record(context: Context) -> None:
    """Index the outcomes until SIGTERM: the ledger."""
    from pipelines.ledger.recorder import run
    from pipelines.runtime.signals import DRAIN_SECONDS, drain_on_signals, leave_within

    context.start_logging("record")
    stop = drain_on_signals(threading.Event())
    leave_within(stop, DRAIN_SECONDS)
    run(context.settings, stop)
