"""`newsriver run`: the whole river on one machine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pipelines.cli.console import err
from pipelines.cli.context import Context
from pipelines.cli.stack import console_report
from pipelines.runtime.logs import in_json
from pipelines.stack.report import Silent, StackReport

log = logging.getLogger(__name__)


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
    """Pull, clean, tag and index your feeds until Ctrl-C; starts the local servers where the settings name none.

    A line says now and then what came, what waits, which feeds fail and when the next one is asked. A feed is asked
    often at first and then as often as it publishes: one of ten articles a day about once an hour, a silent one twice
    a day. Ctrl-C drains the river; servers that were started here go on, `newsriver stack down` stops them.
    """
    from pipelines.breaker.state import ResumeWatch
    from pipelines.cli.feed_files import listed_feeds
    from pipelines.index.provision import provision
    from pipelines.overview import told
    from pipelines.runtime.signals import drain_on_signals
    from pipelines.runtime.supervisor import Supervisor, workers_of
    from pipelines.stack import up
    from pipelines.stack.search_page import end_search_page
    from pipelines.stack.state import folder

    settings = context.settings
    known = listed_feeds(feeds or settings.river.feeds)  # a wrong list is said before anything is started
    context.start_logging("run")
    with _report() as report:
        up(settings, report)
    provision(settings)
    end_search_page(folder(settings))  # that of a demonstration has the port
    what = f"{len(known)} feeds from lists" if known else "the feeds on Kafka (`newsriver feeds list`)"
    address = f"http://{settings.serve.host}:{settings.serve.port}/"
    page = f"; search page: {address}, dashboards: {address}dashboards" if settings.serve.with_run else ""
    _tell(f"the river flows: {what}; Ctrl-C drains it{page}; `newsriver search WORDS` in another terminal")
    stop = threading.Event()
    with told(settings, stop):
        workers, may_go_on = workers_of(settings, feeds), ResumeWatch(settings)
        Supervisor(workers, context.arguments, may_go_on=may_go_on).run(drain_on_signals(stop))
    local = not settings.kafka.bootstrap_servers or not settings.elasticsearch.url
    _tell("the river is drained" + ("; its servers go on: `newsriver stack down` stops them" if local else ""))


def _tell(message: str) -> None:
    """Say something for people, in the log where that is read by programs."""
    if in_json():
        log.info("%s", message)
    else:
        err.print(message)


@contextmanager
def _report() -> Iterator[StackReport]:
    """Say what the servers do likewise."""
    if in_json():
        yield _LoggedReport()
        return
    with console_report() as report:
        yield report


class _LoggedReport(Silent):
    def say(self, message: str) -> None:
        """Log the sentence."""
        log.info("%s", message)
