"""`newsriver poll`: ask feeds for new entries."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.cli.context import Context
from schemas.roles import Role


@click.command()
@click.option(
    "--feeds",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Feed list, TOML or OPML, merged into the list on Kafka; repeatable. Default: those that river.feeds names.",
)
@click.option("--once", is_flag=True, help="Ask every feed once, due or not, and end.")
@click.pass_obj
def poll(context: Context, files: tuple[Path, ...], once: bool) -> None:
    """Ask feeds when they are due and put new entries on Kafka, until SIGTERM.

    All copies of a river poll its one list, the one on Kafka. With --once only the feeds in the files are asked.
    """
    from pipelines.cli.feed_files import listed_feeds
    from pipelines.poll.poller import run
    from pipelines.runtime.frame import run_role

    paths = files or tuple(context.settings.river.feeds)
    feeds = listed_feeds(paths) if paths else None  # a wrong list is said before anything else
    context.start_logging("poll")
    run_role(
        Role.POLL,
        context.settings,
        lambda running: run(running, feeds if once else None, lists=() if once else paths, once=once),
        observed=not once,
    )
