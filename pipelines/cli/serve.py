"""`newsriver serve`: the HTTP server."""

from __future__ import annotations

import threading

import click

from pipelines.cli.context import Context


@click.command()
@click.pass_obj
def serve(context: Context) -> None:
    """Serve /healthz, and with serve.websub the callbacks of WebSub hubs, until SIGTERM."""
    from pipelines.runtime.signals import DRAIN_SECONDS, drain_on_signals, leave_within
    from pipelines.web.role import run

    context.start_logging("serve")
    stop = drain_on_signals(threading.Event())
    leave_within(stop, DRAIN_SECONDS)
    run(context.settings, stop)
