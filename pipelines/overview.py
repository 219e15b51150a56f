"""What `newsriver run` says while it runs: now and then one line of what came, what waits, what fails and what is next.

Two cheap questions each time: Kafka for offsets and for what the processes tell of themselves, Elasticsearch for a
count. A server that does not answer is said once, and once when it answers again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pipelines.errors import NewsriverError
from pipelines.index.elastic import Elastic, connect
from pipelines.printable import span
from pipelines.settings import Settings
from pipelines.status import TopicStatus, WorkerStatus, count_articles, topic_status, worker_status
from schemas.topics import ENTRIES, PAGES, Role

log = logging.getLogger(__name__)

_FIRST_LOOKS = (3.0, 5.0, 10.0, 15.0, 30.0)
_LOOK_SECONDS = 60.0
_SAY_AGAIN = timedelta(minutes=30)
_NO_TROUBLE = frozenset({"no-partition", "no-feed"})
"""Reasons to wait that belong to a start, or are said in other words."""


@dataclass(frozen=True, slots=True)
class View:
    """The river at one moment.

    Attributes:
        articles: articles that can be found; None where Elasticsearch does not answer.
        entries: announced articles whose page is to be fetched.
        pages: pages to be cleaned and indexed.
        feeds: feeds that are asked; None before any `poll` has told.
        failing: those of them whose last poll failed.
        worst: some of these, each with its reason.
        next_poll_at: when the next feed is due.
        troubles: what processes wait for, each in one line.
    """

    articles: int | None = None
    entries: int = 0
    pages: int = 0
    feeds: int | None = None
    failing: int = 0
    worst: tuple[str, ...] = ()
    next_poll_at: datetime | None = None
    troubles: tuple[str, ...] = ()


def view_of(topics: Sequence[TopicStatus], workers: Sequence[WorkerStatus], articles: int | None, river: str) -> View:
    """Put together what the servers said. Pure."""
    waiting = {topic.topic: topic.waiting for topic in topics}
    told = [worker for worker in workers if worker.feeds is not None and worker.state != "silent"]
    return View(
        articles=articles,
        entries=waiting.get(ENTRIES.full_name(river), {}).get(Role.FETCH, 0),
        pages=waiting.get(PAGES.full_name(river), {}).get(Role.PROCESS, 0),
        feeds=sum(one.feeds or 0 for one in told) if told else None,
        failing=sum(one.failing for one in told),
        worst=tuple(each for one in told for each in one.worst)[:3],
        next_poll_at=min((one.next_poll_at for one in told if one.next_poll_at), default=None),
        troubles=tuple(
            [f"{one.name} waits: {one.detail or one.waits_for}" for one in workers if _in_trouble(one)]
            + [f"{one.name} is silent" for one in workers if one.state == "silent"]
        ),
    )


def _in_trouble(worker: WorkerStatus) -> bool:
    return worker.state == "waiting" and worker.waits_for not in _NO_TROUBLE


def line_of(view: View, before: View, now: datetime) -> str:
    """Say it in one line. Pure.

    Args:
        view: the river now.
        before: as it was when the last line was said.
        now: the present.
    """
    parts = []
    if view.articles is not None:
        more = view.articles - (before.articles or 0) if before.articles is not None else 0
        parts.append(f"{view.articles:,} article{'' if view.articles == 1 else 's'}{f' ({more:+,})' if more else ''}")
    waiting = [f"{count:,} {what}" for count, what in ((view.entries, "to fetch"), (view.pages, "to index")) if count]
    parts.append(", ".join(waiting) or "nothing waits")
    if view.feeds == 0:
        parts.append("no feed yet: `newsriver feeds add URL` adds one")
    elif view.feeds is not None:
        parts.append(f"{view.feeds:,} feed{'' if view.feeds == 1 else 's'}{_failing(view)}{_next(view, now)}")
    return "; ".join([*parts, *view.troubles])


def _failing(view: View) -> str:
    if not view.failing:
        return ""
    more = ", ..." if view.failing > len(view.worst) else ""
    return f", {view.failing:,} failing" + (f" ({', '.join(view.worst)}{more})" if view.worst else "")


def _next(view: View, now: datetime) -> str:
    if view.next_poll_at is None:
        return ""
    return ", next poll " + ("now" if view.next_poll_at <= now else f"in {span(view.next_poll_at - now)}")


class Overview:
    """Looks at a river and says what is new in it.

    Args:
        settings: all settings.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Elastic | None = None
        self._said, self._said_at = View(), datetime.min.replace(tzinfo=UTC)
        self._away = ""

    def run(self, stop: threading.Event) -> None:
        """Look now and then until `stop` is set."""
        looks = iter(_FIRST_LOOKS)
        while not stop.wait(next(looks, _LOOK_SECONDS)):
            try:
                self._say(self._look())
            except NewsriverError as error:
                self._miss(error)
        if self._client is not None:
            self._client.close()

    def _look(self) -> View:
        topics, workers = topic_status(self._settings), worker_status(self._settings)
        return view_of(topics, workers, self._count(), self._settings.river.name)

    def _count(self) -> int | None:
        try:
            self._client = self._client or connect(self._settings)
            return count_articles(self._client, self._settings.river.name)
        except NewsriverError:
            return None  # the processes that wait for it say so

    def _say(self, view: View) -> None:
        if self._away:
            log.info("the servers answer again")
            self._away = ""
        now = datetime.now(UTC)
        if view.feeds is None:
            return
        if (
            replace(view, next_poll_at=None) == replace(self._said, next_poll_at=None)
            and now - self._said_at < _SAY_AGAIN
        ):
            return
        facts = {"articles": view.articles, "entries": view.entries, "pages": view.pages}
        facts |= {"feeds": view.feeds, "failing": view.failing}
        log.info("%s", line_of(view, self._said, now), extra=facts)
        self._said, self._said_at = view, now

    def _miss(self, error: NewsriverError) -> None:
        if not self._away:
            log.warning("nothing can be said of the river for now: %s", error)
        self._away = str(error)


@contextmanager
def told(settings: Settings, stop: threading.Event) -> Iterator[None]:
    """Say what happens in a river for as long as the block lasts and `stop` is not set."""
    thread = threading.Thread(target=Overview(settings).run, args=(stop,), daemon=True, name="overview")
    thread.start()
    yield
    stop.set()
    thread.join(5.0)
