"""Waiting for Kafka: for ever and visibly while it may pass, with one line and an end when it does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from pipelines.backoff import Backoff
from pipelines.kafka.admin import topics as existing
from pipelines.kafka.client import Message, message
from pipelines.kafka.faults import Away, lasting, missing, refusal
from pipelines.kafka.handshake import lasting_refusal
from pipelines.kafka.outage import last_words, outage

_AWAY_SECONDS = 0.5
_BACKOFF = Backoff(1.0, 10.0)

_LOGIN_SECONDS = 10.0
_MISSING_SECONDS = 5.0
"""So long a topic may be absent from what the client knows before the broker is asked whether it exists."""


def patiently(ask: Callable[[], Any], bootstrap: str, topics: Iterable[str] = ()) -> Any:  # noqa: ANN401 - kafka-python's clients have no type
    """Ask until the broker answers.

    Args:
        ask: asks it; may be called again and again.
        bootstrap: its address.
        topics: what the question is about.

    Raises:
        ServiceError: it refuses, or a topic does not exist.
    """
    client, waits, began = object(), 0, time.monotonic()
    try:
        while True:
            try:
                return ask()
            except (KafkaError, OSError, Away) as error:
                if lasting(error):
                    raise refusal(error, bootstrap) from None
                waits += 1
                if refused := lasting_refusal(bootstrap):
                    raise refused from None
                outage.fails(client, f"Kafka at {bootstrap}: {error}", since=began)
                if waits > 1:
                    require(bootstrap, topics)
                time.sleep(_BACKOFF.pause(waits))
    finally:
        outage.works(client)


def require(bootstrap: str, topics: Iterable[str]) -> None:
    """Make sure that topics exist, where the broker answers.

    Raises:
        ServiceError: one does not.
    """
    wanted = set(topics)
    if not wanted:
        return
    try:
        absent = sorted(wanted - existing(bootstrap).keys())
    except Away:
        return
    if absent:
        raise missing(absent)


def polled(consumer: KafkaConsumer, watch: TopicWatch, seconds: float, limit: int | None = None) -> list[Message]:
    """Wait for records, at most so long; while the broker is away there are none, visibly.

    Raises:
        ServiceError: the broker refuses, and waiting does not help.
    """
    try:
        batches = consumer.poll(timeout_ms=int(seconds * 1000), max_records=limit)
    except KafkaError as error:
        watch.failed(error)
        time.sleep(_AWAY_SECONDS)
        return []
    watch.polled(empty=not batches)
    return [message(record) for records in batches.values() for record in records]


class TopicWatch:
    """What it means when a consumer gives nothing: there is nothing, the broker is away, or it will never come.

    The client says neither the second nor the third: it waits for a topic that was deleted, or that it may not see.

    Args:
        consumer: what to watch.
        bootstrap: address of the brokers.
        topics: what it reads.
    """

    def __init__(self, consumer: KafkaConsumer, bootstrap: str, topics: Collection[str]) -> None:
        self._manager = consumer._manager  # noqa: SLF001 - kafka-python 3.0.12 has no public way
        self._bootstrap = bootstrap
        self._topics = frozenset(topics)
        self._absent_since: float | None = None
        self._login_at = time.monotonic()

    def polled(self, *, empty: bool) -> None:
        """Note what a poll brought.

        Raises:
            ServiceError: a topic does not exist, or may not be seen.
        """
        if not empty:
            self._absent_since = None
            outage.works(self)
            return
        if not any(each.connected for each in list(self._manager._conns.values())):  # noqa: SLF001 - as above
            outage.fails(self, f"no connection to {self._bootstrap} ({last_words.text})")
            self._look_at_login()
            return
        outage.works(self)
        self._look_for_topics()

    def failed(self, error: KafkaError) -> None:
        """Note that a poll failed.

        Raises:
            ServiceError: the broker refuses, and waiting does not help.
        """
        if lasting(error):
            raise refusal(error, self._bootstrap) from None
        outage.fails(self, f"Kafka at {self._bootstrap} gives no records: {error}")

    def close(self) -> None:
        """Forget it."""
        outage.works(self)

    def _look_at_login(self) -> None:
        """See now and then whether the connection fails for good.

        Raises:
            ServiceError: it does.
        """
        if time.monotonic() - self._login_at > _LOGIN_SECONDS:
            self._login_at = time.monotonic()
            if refused := lasting_refusal(self._bootstrap):
                raise refused

    def _look_for_topics(self) -> None:
        cluster = self._manager.cluster
        if hidden := self._topics & cluster.unauthorized_topics:
            raise refusal(TopicAuthorizationFailedError(hidden), self._bootstrap)
        if all(cluster.partitions_for_topic(topic) for topic in self._topics):
            self._absent_since = None
        elif self._absent_since is None:
            self._absent_since = time.monotonic()
        elif time.monotonic() - self._absent_since > _MISSING_SECONDS:
            require(self._bootstrap, self._topics)
            self._absent_since = None  # the broker knows it: the client will, too
