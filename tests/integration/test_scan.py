"""Topics read outside every group, against a real Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from pipelines.errors import ServiceError
from pipelines.kafka import Admin, Message, RangeReader, Sender, read_topic
from pipelines.settings import Settings
from schemas.topics import DEAD_LETTER_MARKS, FEED_STATE, FEEDS, OUTCOMES, PAGES
from tests.rivers import entry, send_pages

pytestmark = pytest.mark.servers


def present(settings: Settings, topic: str, since: datetime | None = None) -> Iterator[Message]:
    return read_topic(settings.kafka.bootstrap_servers, topic, client_id="test", since=since)


def test_what_is_there_is_given_once_and_it_ends(river: Settings) -> None:
    topic = PAGES.full_name(river.river.name)
    assert list(present(river, topic)) == []
    send_pages(river, range(40))
    seen = []
    for message in present(river, topic):
        seen.append(message)
        if len(seen) == 1:
            send_pages(river, range(40, 45))  # what comes meanwhile is not part of it
    assert sorted(message.key or "" for message in seen) == sorted(entry(n).url for n in range(40))
    assert {message.partition for message in seen} == {0, 1}
    assert len(list(present(river, topic))) == 45


def test_what_was_sent_before_a_time_is_left_out(river: Settings) -> None:
    topic = PAGES.full_name(river.river.name)
    send_pages(river, range(4))
    last = max(message.timestamp_ms for message in present(river, topic))
    later = datetime.fromtimestamp(last / 1000, UTC) + timedelta(milliseconds=1)
    send_pages(river, range(4, 7))
    assert {message.key for message in present(river, topic, later)} == {entry(n).url for n in range(4, 7)}
    assert len(list(present(river, topic, later - timedelta(days=1)))) == 7
    assert list(present(river, topic, datetime.now(UTC) + timedelta(days=1))) == []


def test_removals_are_records_too(river: Settings) -> None:
    topic = DEAD_LETTER_MARKS.full_name(river.river.name)
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        for value in (b"1", None, b"2"):
            sender.send(topic, "key", value)
    assert [message.value for message in present(river, topic)] == [b"1", None, b"2"]


def test_it_goes_on_with_what_comes(river: Settings) -> None:
    send_pages(river, range(2))
    name, bootstrap = PAGES.full_name(river.river.name), river.kafka.bootstrap_servers
    with closing(RangeReader(bootstrap, client_id="test")) as reader:
        coming = reader.follow(reader.starts(reader.places(name)))
        assert {message.key for message in islice(coming, 2)} == {entry(n).url for n in range(2)}
        send_pages(river, range(2, 3))
        assert next(coming).key == entry(2).url


def test_a_missing_topic_is_said_and_not_made(river: Settings) -> None:
    missing = f"{river.river.name}.nothing"
    with pytest.raises(ServiceError, match="newsriver setup"):
        next(present(river, missing))
    with Admin(river.kafka.bootstrap_servers) as admin:
        assert missing not in admin.topics()


# From one offset to another


@pytest.fixture
def reader(river: Settings) -> Iterator[RangeReader]:
    with closing(RangeReader(river.kafka.bootstrap_servers, client_id="test")) as found:
        yield found


def test_the_same_stretch_can_be_read_again_and_another_in_between(river: Settings, reader: RangeReader) -> None:
    topics = [topic.full_name(river.river.name) for topic in (OUTCOMES, FEEDS)]
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        for topic in topics:
            for number in range(500):
                sender.send(topic, f"{number}", b"x" * 1000)
    for topic in (topics[0], topics[0], topics[1], topics[0]):
        places = [(topic, 0), (topic, 1)]
        ends = reader.ends(places)
        assert sum(ends.values()) == 500
        found = list(reader.read({place: (start, ends[place]) for place, start in reader.starts(places).items()}))
        assert {message.key for message in found} == {f"{number}" for number in range(500)}
        assert {message.topic for message in found} == {topic}


def test_a_stretch_ends_where_it_is_told(river: Settings, reader: RangeReader) -> None:
    topic = FEED_STATE.full_name(river.river.name)
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        for number in range(20):
            sender.send(topic, "same key, same partition", f"{number}".encode())
    [place] = [place for place, end in reader.ends([(topic, 0), (topic, 1)]).items() if end]
    assert [message.value for message in reader.read({place: (3, 6)})] == [b"3", b"4", b"5"]
    assert list(reader.read({place: (6, 6)})) == []
    now = datetime.now(UTC)
    assert reader.since([place], now - timedelta(hours=1)) == {place: 0}
    assert reader.since([place], now + timedelta(hours=1)) == {}


def test_without_a_broker_it_says_so() -> None:
    with pytest.raises(ServiceError, match="does not answer"):
        RangeReader("127.0.0.1:9", client_id="test")
