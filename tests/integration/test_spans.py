"""Stretches of partitions, read from a real Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.errors import ServiceError
from pipelines.kafka import Sender, Spans
from pipelines.settings import Settings
from schemas.topics import FEED_STATE, FEEDS, OUTCOMES

pytestmark = pytest.mark.servers


@pytest.fixture
def spans(river: Settings) -> Iterator[Spans]:
    with closing(Spans(river.kafka.bootstrap_servers, client_id="test")) as found:
        yield found


def test_the_same_stretch_can_be_read_again_and_another_in_between(river: Settings, spans: Spans) -> None:
    topics = [topic.full_name(river.river.name) for topic in (OUTCOMES, FEEDS)]
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        for topic in topics:
            for number in range(500):
                sender.send(topic, f"{number}", b"x" * 1000)
    for topic in (topics[0], topics[0], topics[1], topics[0]):
        places = [(topic, 0), (topic, 1)]
        ends = spans.ends(places)
        assert sum(ends.values()) == 500
        found = list(spans.read({place: (start, ends[place]) for place, start in spans.starts(places).items()}))
        assert {message.key for message in found} == {f"{number}" for number in range(500)}
        assert {message.topic for message in found} == {topic}


def test_a_stretch_ends_where_it_is_told(river: Settings, spans: Spans) -> None:
    topic = FEED_STATE.full_name(river.river.name)
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        for number in range(20):
            sender.send(topic, "same key, same partition", f"{number}".encode())
    [place] = [place for place, end in spans.ends([(topic, 0), (topic, 1)]).items() if end]
    assert [message.value for message in spans.read({place: (3, 6)})] == [b"3", b"4", b"5"]
    assert list(spans.read({place: (6, 6)})) == []
    now = datetime.now(UTC)
    assert spans.since([place], now - timedelta(hours=1)) == {place: 0}
    assert spans.since([place], now + timedelta(hours=1)) == {}


def test_without_a_broker_it_says_so() -> None:
    with pytest.raises(ServiceError, match="does not answer"):
        Spans("127.0.0.1:9", client_id="test")
