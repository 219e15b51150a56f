"""The feed list on Kafka: the compacted topic `news.feeds`, read and written by people's commands.

What is known of the feeds (`news.feed-state`) is only read here: `poll` alone writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TypeVar

from pydantic import ValidationError

from pipelines.errors import ServiceError
from pipelines.feeds.duplicates import NEWEST
from pipelines.feeds.partitions import feed_partition
from pipelines.kafka import Admin, Sender, read_topic
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from schemas.records import Feed, FeedState
from schemas.topics import FEED_STATE, FEEDS, Topic

Row = TypeVar("Row", Feed, FeedState)

_CLIENT = "newsriver-feeds"


def stored_feeds(settings: Settings) -> list[Feed]:
    """Give the feeds in the list, by URL; records that are no feeds are left out.

    Raises:
        ServiceError: Kafka does not answer, or the topic does not exist.
    """
    return sorted(_rows(settings, FEEDS, Feed), key=lambda feed: feed.url)


def stored_states(settings: Settings) -> dict[str, FeedState]:
    """Give what `poll` knows of each feed, by URL; feeds that were taken out of the list are among them.

    Of the known entries only the newest are kept, as many as tell feeds apart: all of ten thousand feeds are two
    million.

    Raises:
        ServiceError: as `stored_feeds`.
    """
    states = _rows(settings, FEED_STATE, FeedState)
    return {state.url: state.model_copy(update={"known": state.known[-NEWEST:]}) for state in states}


def _rows(settings: Settings, topic: Topic, kind: type[Row]) -> Iterator[Row]:
    """Give the last record of each key; what is no such record is left out."""
    last: dict[str | None, bytes | None] = {}
    name = topic.full_name(settings.river.name)
    for message in read_topic(kafka_bootstrap(settings), name, client_id=_CLIENT):
        last[message.key] = message.value
    for value in last.values():
        if value is not None:
            with suppress(ValidationError):  # poll, which reads them all the time, reports it
                yield kind.from_json(value)


def store_feeds(settings: Settings, feeds: Iterable[Feed]) -> None:
    """Put feeds into the list; one that is there gets the new definition.

    Raises:
        ServiceError: as `stored_feeds`.
    """
    _send(settings, {feed.url: feed.to_json() for feed in feeds})


def remove_feeds(settings: Settings, urls: Iterable[str]) -> None:
    """Take feeds out of the list; what is known of them stays, so that they can come back.

    Raises:
        ServiceError: as `stored_feeds`.
    """
    _send(settings, dict.fromkeys(urls))


def change_feeds(settings: Settings, changes: Mapping[str, Feed | None]) -> None:
    """Give feeds a new definition, or take out those whose definition is None.

    Raises:
        ServiceError: as `stored_feeds`.
    """
    if changes:
        _send(settings, {url: None if feed is None else feed.to_json() for url, feed in changes.items()})


def _send(settings: Settings, records: dict[str, bytes | None]) -> None:
    topic = FEEDS.full_name(settings.river.name)
    with Admin(kafka_bootstrap(settings)) as admin:
        partitions = admin.topics().get(topic)
        if partitions is None:
            raise ServiceError(f"topic {topic} does not exist", hint="create it with `newsriver setup`", resource=topic)
    with Sender(kafka_bootstrap(settings), client_id=_CLIENT) as sender:
        for url, value in records.items():
            sender.send(topic, url, value, partition=feed_partition(url, partitions))
