"""The feed list on Kafka: the compacted topic `news.feeds`, read and written by people's commands."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from pipelines.connect import kafka_bootstrap
from pipelines.errors import ServiceError
from pipelines.kafka import Admin, Sender, read_whole
from pipelines.settings import Settings
from schemas.records import Feed
from schemas.topics import FEEDS

_CLIENT = "newsriver-feeds"


def stored_feeds(settings: Settings) -> list[Feed]:
    """Give the feeds in the list, by URL; records that are no feeds are left out.

    Raises:
        ServiceError: Kafka does not answer, or the topic does not exist.
    """
    topic, bootstrap = FEEDS.full_name(settings.river.name), kafka_bootstrap(settings)
    found: dict[str, Feed] = {}
    for message in read_whole(bootstrap, [(topic, at) for at in range(_partitions(settings))], client_id=_CLIENT):
        if message.value is None:
            found.pop(message.key or "", None)
            continue
        try:
            feed = Feed.from_json(message.value)
        except ValidationError:  # poll, which reads them all the time, reports it
            continue
        found[feed.url] = feed
    return [found[url] for url in sorted(found)]


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


def _send(settings: Settings, records: dict[str, bytes | None]) -> None:
    _partitions(settings)
    topic = FEEDS.full_name(settings.river.name)
    with Sender(kafka_bootstrap(settings), client_id=_CLIENT) as sender:
        for url, value in records.items():
            sender.send(topic, url, value)


def _partitions(settings: Settings) -> int:
    topic = FEEDS.full_name(settings.river.name)
    with Admin(kafka_bootstrap(settings)) as admin:
        count = admin.topics().get(topic)
    if count is None:
        raise ServiceError(f"topic {topic} does not exist", hint="create it with `newsriver setup`", resource=topic)
    return count
