"""`newsriver run`: the whole river on one machine."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from pipelines.cli.console import err
from pipelines.cli.context import Context


@click.command()
@click.option(
    "--feeds",
    "feeds",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Feed list, TOML or OPML, merged into the list on Kafka; repeatable. Default: those that river.feeds names.",
)
@click.pass_obj
def run(context: Context, feeds: tuple[Path, ...]) -> None:
    """Pull, clean, tag and index your feeds until Ctrl-C; starts the local servers where the settings name none."""
    from pipelines.cli.feed_files import listed_feeds
    from pipelines.cli.stack import console_report
    from pipelines.index.provision import provision
    from pipelines.signals import drain_on_signals
    from pipelines.stack import up
    from pipelines.supervise import Supervisor, workers_of

    settings = context.settings
    known = listed_feeds(feeds or settings.river.feeds)  # a wrong list is said before anything is started
    context.start_logging("run")
    with console_report() as report:
        up(settings, report)
    provision(settings)
    what = (
        f"{len(known)} feeds from lists"
        if known
        else "The feeds on Kafka (`newsriver feeds list`); --feeds names a list"
    )
    err.print(f"{what}. Ctrl-C drains and stops. `newsriver search WORDS` in another terminal.")
    Supervisor(workers_of(settings, feeds), context.arguments).run(drain_on_signals(threading.Event()))
