"""Looking at a topic without a group, against a real Kafka."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from pipelines.errors import ServiceError
from pipelines.kafka import Admin, Onlooker, Sender
from pipelines.settings import Settings
from schemas.topics import DEAD_LETTER_MARKS, PAGES
from tests.rivers import entry, send_pages

pytestmark = pytest.mark.servers


def onlooker(settings: Settings, topic: str) -> closing[Onlooker]:
    return closing(Onlooker(settings.kafka.bootstrap_servers, topic, client_id="test"))


def test_what_is_there_is_given_once_and_it_ends(river: Settings) -> None:
    topic = PAGES.full_name(river.river.name)
    with onlooker(river, topic) as looking:
        assert list(looking.present()) == []
    send_pages(river, range(40))
    with onlooker(river, topic) as looking:
        seen = []
        for message in looking.present():
            seen.append(message)
            if len(seen) == 1:
                send_pages(river, range(40, 45))  # what comes meanwhile is not part of it
        assert sorted(message.key or "" for message in seen) == sorted(entry(n).url for n in range(40))
        assert {message.partition for message in seen} == {0, 1}
        assert len(list(looking.present())) == 45


def test_what_was_sent_before_a_time_is_left_out(river: Settings) -> None:
    topic = PAGES.full_name(river.river.name)
    send_pages(river, range(4))
    with onlooker(river, topic) as looking:
        last = max(message.timestamp_ms for message in looking.present())
        later = datetime.fromtimestamp(last / 1000, UTC) + timedelta(milliseconds=1)
        send_pages(river, range(4, 7))
        assert {message.key for message in looking.present(later)} == {entry(n).url for n in range(4, 7)}
        assert len(list(looking.present(later - timedelta(days=1)))) == 7
        assert list(looking.present(datetime.now(UTC) + timedelta(days=1))) == []


def test_removals_are_records_too(river: Settings) -> None:
    topic = DEAD_LETTER_MARKS.full_name(river.river.name)
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        for value in (b"1", None, b"2"):
            sender.send(topic, "key", value)
    with onlooker(river, topic) as looking:
        assert [message.value for message in looking.present()] == [b"1", None, b"2"]


def test_it_goes_on_with_what_comes(river: Settings) -> None:
    send_pages(river, range(2))
    with onlooker(river, PAGES.full_name(river.river.name)) as looking:
        coming = looking.coming(from_start=True)
        assert {message.key for message in islice(coming, 2)} == {entry(n).url for n in range(2)}
        send_pages(river, range(2, 3))
        assert next(coming).key == entry(2).url


def test_a_missing_topic_is_said_and_not_made(river: Settings) -> None:
    missing = f"{river.river.name}.nothing"
    with pytest.raises(ServiceError, match="newsriver setup"):
        Onlooker(river.kafka.bootstrap_servers, missing, client_id="test")
    with Admin(river.kafka.bootstrap_servers) as admin:
        assert missing not in admin.topics()
