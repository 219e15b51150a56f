"""What tests of the whole river share: pages of our own making on Kafka, roles as processes, waiting for conditions."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.errors import ServiceError
from pipelines.index.elastic import connect
from pipelines.kafka import Message, PartitionReader, Sender
from pipelines.runtime.signals import held
from pipelines.settings import Settings, sections
from pipelines.urls import article_id
from schemas.records import Entry, PageFacts
from schemas.topics import PAGES, Topic

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

_PLACES = ("Aldermere", "Brackwater", "Corriefield", "Dunlow", "Eastmarch", "Fennick", "Garrowby", "Holmstead")
_SENTENCES = (
    "The council of {place} voted on Tuesday to rebuild the old bridge over the river, after years of argument.",
    "Engineers told the meeting that case {number} of the survey had found rust in four of the nine piers.",
    "Traders in the market said they feared a long closure, while drivers asked for a ferry in the meantime.",
    "The mayor promised that work would begin in spring and that the town would publish its costs each month.",
    "An independent inspector, who wrote report {number}, called the plan sound but asked for more rail crossings.",
)


def until(condition: Callable[[], object], seconds: float = 180, what: str = "the condition") -> None:
    """Wait until a condition holds; fail when it does not in time."""
    ends_at = time.monotonic() + seconds
    while not _holds(condition):
        assert time.monotonic() < ends_at, f"{what} did not come true in {seconds} s"
        time.sleep(0.1)


def _holds(condition: Callable[[], object]) -> bool:
    try:
        return bool(condition())
    except ServiceError:  # an index made a moment ago cannot be searched yet
        return False


def entry(number: int) -> Entry:
    """Make one entry."""
    url = f"https://{_PLACES[number % 8].lower()}.example.org/news/{number}"
    return Entry(
        id=article_id(url),
        url=url,
        link=url,
        feed_url=f"https://{_PLACES[number % 8].lower()}.example.org/feed",
        source=f"{_PLACES[number % 8].lower()}.example.org",
        title=f"Bridge vote number {number}",
        first_seen=NOON,
    )


def page(number: int) -> bytes:
    """Make one article page of about a hundred words, different for each number."""
    place = _PLACES[number % 8]
    text = "".join(f"<p>{s.format(place=place, number=number)}</p>" for s in _SENTENCES)
    title = f"{place} votes to rebuild bridge {number}"
    return (
        f"<!doctype html><html lang=en><head><title>{title}</title></head><body><nav><a href=/>Home</a></nav>"
        f"<article><h1>{title}</h1>{text}</article><footer>All rights reserved</footer></body></html>"
    ).encode()


def facts(number: int, **fields: Any) -> PageFacts:
    """Make a page's facts; the fetch time moves on with the number."""
    known: dict[str, Any] = {
        "url": entry(number).url,
        "status": 200,
        "content_type": "text/html; charset=utf-8",
        "fetched_at": NOON + timedelta(seconds=number),
    }
    return PageFacts(**{**known, **fields})


def send_pages(settings: Settings, numbers: Iterator[int] | range, bodies: dict[int, bytes] | None = None) -> None:
    """Put pages on Kafka as `fetch` does."""
    with Sender(settings.kafka.bootstrap_servers, client_id="test") as sender:
        for number in numbers:
            headers = {"entry": entry(number).to_json(), "page": facts(number).to_json()}
            body = (bodies or {}).get(number, page(number))
            sender.send(PAGES.full_name(settings.river.name), entry(number).url, body, headers)


def as_environment(settings: Settings) -> dict[str, str]:
    """Give the environment that makes a process use these settings."""
    environment = dict(os.environ)
    for section in sections():
        for key, value in getattr(settings, section).model_dump(mode="json", exclude_unset=True).items():
            given = "" if value is None else str(value)
            text = given.lower() if isinstance(value, bool) else given.replace("'", '"')
            environment[f"NEWSRIVER_{section.upper()}__{key.upper()}"] = text
    return environment


@contextmanager
def role(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of newsriver as a process of its own; it is killed at the end if it still runs."""
    command = [sys.executable, "-m", "pipelines", *arguments]
    with held():  # a signal that comes before the process can answer it waits
        process = subprocess.Popen(command, env=as_environment(settings), stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def children(pid: int) -> list[int]:
    """Give the processes that a process has started and that still run."""
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def call(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of newsriver to its end."""
    command = [sys.executable, "-m", "pipelines", *arguments]
    return subprocess.run(
        command, env=as_environment(settings), capture_output=True, text=True, timeout=60, check=False
    )


def documents(settings: Settings, kind: str = "articles") -> dict[str, dict[str, Any]]:
    """Give all documents of a river by id, those too that a search would find only after the next refresh."""
    client = connect(settings)
    try:
        indices, some = f"/{settings.river.name}-{kind}*", {"ignore_unavailable": "true"}
        client.ask("POST", f"{indices}/_refresh", params=some)
        answer = client.ask("POST", f"{indices}/_search", {"size": 10_000, "version": True}, some)
    finally:
        client.close()
    return {hit["_id"]: {**hit["_source"], "_version": hit["_version"]} for hit in answer["hits"]["hits"]}


def records(settings: Settings, topic: Topic) -> list[Message]:
    """Give all records of a topic, partition by partition."""
    found: list[Message] = []
    name = topic.full_name(settings.river.name)
    for number in range(settings.kafka.partitions):
        reader = PartitionReader(settings.kafka.bootstrap_servers, "look", name, number, client_id="test")
        position, end = 0, reader.end()
        while position < end:
            messages = reader.read(position, 1.0, 1000)
            found += messages
            position = messages[-1].offset + 1 if messages else position
        reader.close()
    return found


def waiting(settings: Settings, role_name: str) -> int:
    """Count the records that a role has yet to commit."""
    from pipelines.status import topic_status

    return sum(topic.waiting.get(role_name, 0) for topic in topic_status(settings))
