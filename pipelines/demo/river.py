"""The demonstration: the whole river on the sample site, from feeds to answers, watched until nothing is under way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.demo.site import SampleSite
from pipelines.errors import NewsriverError, ServiceError
from pipelines.private_files import private_folder
from pipelines.runtime.supervisor import Supervisor, workers_of
from pipelines.settings import Settings
from pipelines.status import Status, status

SEARCHES = ("Blinken elections", "bridge", "vaccine|hospital", "storm|flood", "final match", "parliament vote")
"""Searches shown at the end, the first three of them that find something."""

SEARCHES_SHOWN = 3

_CALM_LOOKS = 3


def options(site: SampleSite) -> list[str]:
    """Give the settings that differ from a river's on real feeds: all about time, and about the loopback addresses."""
    return [
        f"fetch.allow_networks={json.dumps(site.networks())}",
        "fetch.delay_seconds=0.1",
        "serve.with_run=false",  # it is started at the end, and stays
        "fetch.later_scale=0.01",  # the revisit after 15 minutes comes after 9 seconds
        'fetch.revisit=["15m"]',
        "fetch.timeout_seconds=10",
        "fetch.max_attempts=2",
        "poll.min_interval_seconds=3",
        "poll.max_interval_seconds=6",
        "poll.max_failure_interval_seconds=15",
        "river.contact=https://example.org/newsriver-demo",
    ]


@dataclass(frozen=True)
class DemoProgress:
    """How far the river has come.

    Attributes:
        discovered: articles that feeds announced, in this river's whole life.
        ended: first visits that have ended, whatever their outcome.
        waiting: records on Kafka that their role has yet to finish.
        feeds_asked: feeds of the site that were asked since the start.
        feeds: feeds of the site.
        status: all figures.
    """

    discovered: int
    ended: int
    waiting: int
    feeds_asked: int
    feeds: int
    status: Status

    @property
    def calm(self) -> bool:
        """Whether all feeds were asked, and nothing is under way."""
        return self.feeds_asked >= self.feeds and self.waiting == 0 and self.discovered > 0


@contextmanager
def flowing(settings: Settings, site: SampleSite, folder: Path, arguments: list[str]) -> Iterator[Supervisor]:
    """Run all roles on the sample site's feeds; drain them at the end.

    Args:
        settings: the settings with `options` applied.
        site: the running site.
        folder: where the feed list and the roles' log are written.
        arguments: global options that give the roles the same settings.
    """
    private_folder(folder, above_servers=True)
    feeds = folder / "demo-feeds.toml"
    site.feeds_toml(feeds)
    supervisor = Supervisor(workers_of(settings, [feeds]), arguments, folder / "demo.log")
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.drain()


def watch(
    settings: Settings, site: SampleSite, supervisor: Supervisor, show: Callable[[DemoProgress], None], seconds: float
) -> DemoProgress:
    """Wait until nothing is under way.

    Args:
        settings: the river's settings.
        site: the running site, whose log says which feeds were asked.
        supervisor: kept alive meanwhile.
        show: called with each look.
        seconds: longest wait.

    Raises:
        NewsriverError: the river did not come to rest in time.
    """
    ends_at = time.monotonic() + seconds
    calm = 0
    while calm < _CALM_LOOKS:
        if time.monotonic() > ends_at:
            raise NewsriverError(
                f"the demonstration did not come to rest in {seconds:.0f} s",
                hint="the roles' messages are in demo.log beside the stack's data",
            )
        supervisor.tend()
        time.sleep(0.5)
        try:
            progress = look(settings, site)
        except ServiceError:  # an index made a moment ago cannot be searched yet
            continue
        show(progress)
        calm = calm + 1 if progress.calm else 0
    return progress


def look(settings: Settings, site: SampleSite) -> DemoProgress:
    """Ask both servers and the site how far things are."""
    found = status(settings)
    outcomes = found.outcomes
    feeds = {feed.url for feed in site.feed_list()}
    return DemoProgress(
        discovered=outcomes.get("discovered", 0),
        ended=sum(count for kind, count in outcomes.items() if kind not in ("discovered", "fetched")),
        waiting=sum(count for topic in found.topics for count in topic.waiting.values()),
        feeds_asked=len(site.feeds_asked() & feeds),
        feeds=len(feeds),
        status=found,
    )
