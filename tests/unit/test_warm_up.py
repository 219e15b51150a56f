"""What a new copy of fetch reads back: the last announcements before its start, within bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ServiceError
from pipelines.fetch import warm_up
from pipelines.fetch.deduplication import Announcement, SeenArticles
from pipelines.fetch.warm_up import WarmUp
from pipelines.kafka import Message
from pipelines.ledger.dead_letter_rules import REPLAY
from pipelines.urls import article_id
from schemas.records import Entry

TOPIC = "news.entries"
Places = Mapping[tuple[str, int], Any]


def message(partition: int, offset: int, **fields: Any) -> Message:
    url = f"https://ferry.example/{partition}/{offset}"
    known = {"id": article_id(url), "url": url, "link": url, "feed_url": "https://a.example/feed", "source": "x"}
    entry = Entry(**{**known, "first_seen": datetime(2026, 1, 5, tzinfo=UTC), **fields})
    return Message(TOPIC, partition, offset, "ferry.example", entry.to_json())


class Log:
    """Kafka as far as it matters here: partitions from an offset on, and what is committed of them."""

    def __init__(self, start: int, committed: dict[int, int]) -> None:
        self.start = start
        self.ends = {(TOPIC, partition): end for partition, end in committed.items()}
        self.others: dict[tuple[int, int], Message] = {}
        self.read_offsets: list[tuple[int, int]] = []

    def __call__(self, *_: object, **__: object) -> Log:
        return self

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None: ...

    def committed(self, _: str) -> Places:
        return self.ends

    def starts(self, places: list[tuple[str, int]]) -> Places:
        return dict.fromkeys(places, self.start)

    def read(self, spans: Places) -> Iterator[Message]:
        for (_, partition), (start, end) in spans.items():
            for offset in range(start, end):
                self.read_offsets.append((partition, offset))
                yield self.others.get((partition, offset)) or message(partition, offset)


def back(log: Log, monkeypatch: pytest.MonkeyPatch, most: int = 20_000) -> tuple[WarmUp, SeenArticles]:
    known = SeenArticles()
    monkeypatch.setattr(warm_up, "Admin", log)
    monkeypatch.setattr(warm_up, "RangeReader", log)
    return WarmUp("broker", "news-fetch", known, most), known


def again(known: SeenArticles, partition: int, offset: int) -> bool:
    entry = Entry.from_json(message(partition, offset).value or b"")
    return known.take(entry, partition, offset + 1_000_000) is Announcement.AGAIN


def test_all_that_was_committed_is_known_and_is_not_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(5, {0: 2500, 1: 7, 2: 5})
    reader, known = back(log, monkeypatch)
    places = [(TOPIC, partition) for partition in range(4)]
    reader.fill(places)
    assert sorted(log.read_offsets) == [(0, offset) for offset in range(5, 2500)] + [(1, 5), (1, 6)]
    assert log.read_offsets[0] == (0, 1500)  # the last ones first
    assert [again(known, *at) for at in ((0, 5), (0, 2499), (1, 6))] == [True] * 3
    log.read_offsets.clear()
    reader.fill(places)
    assert log.read_offsets == []
    reader.saw(message(0, 2600))
    log.ends[TOPIC, 0] = 2700
    reader.fill(places)
    assert log.read_offsets == [(0, offset) for offset in range(2601, 2700)]


def test_it_reads_no_more_records_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(0, {0: 10**7})
    reader, _ = back(log, monkeypatch, most=1500)
    reader.fill([(TOPIC, 0)])
    assert len(log.read_offsets) == 1500


def test_of_a_few_it_reads_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(0, {0: 10**7, 1: 500})
    reader, _ = back(log, monkeypatch, most=4)
    reader.fill([(TOPIC, 0), (TOPIC, 1)])
    assert sorted(log.read_offsets) == [(0, 10**7 - 2), (0, 10**7 - 1), (1, 498), (1, 499)]


@pytest.mark.parametrize(("limit", "value"), [("_MOST_BYTES", 600_000), ("_MOST_SECONDS", 0.05)])
def test_it_ends_at_each_bound(limit: str, value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(0, {0: 10**7})
    reader, _ = back(log, monkeypatch)
    monkeypatch.setattr(warm_up, limit, value)
    reader.fill([(TOPIC, 0)])
    assert 0 < len(log.read_offsets) < 100_000
    assert log.read_offsets[0] == (0, 10**7 - 1000)


def test_only_announcements_are_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(0, {0: 5})
    log.others = {
        (0, 0): Message(TOPIC, 0, 0, "x", b"{no entry"),
        (0, 1): Message(TOPIC, 0, 1, "x", message(0, 1).value, {REPLAY: b"news.entries/0/0"}),
        (0, 2): message(0, 2, visit=1),
        (0, 3): message(0, 3, further=True, feed_url="https://b.example/feed"),
    }
    reader, known = back(log, monkeypatch)
    reader.fill([(TOPIC, 0)])
    assert [again(known, 0, offset) for offset in range(1, 5)] == [False, False, False, True]
    joined = known.joined(Entry.from_json(message(0, 3).value or b""))
    assert joined.origins == ["https://b.example/feed"]


def test_without_kafka_it_goes_on_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ServiceError("Kafka does not answer")

    log = Log(0, {0: 5})
    reader, known = back(log, monkeypatch)
    monkeypatch.setattr(warm_up, "RangeReader", away)
    reader.fill([(TOPIC, 0)])
    assert "may be fetched twice" in caplog.text
    monkeypatch.setattr(warm_up, "RangeReader", log)
    reader.fill([(TOPIC, 0)])
    assert again(known, 0, 4)


@given(st.dictionaries(st.integers(0, 3), st.integers(0, 4000)), st.integers(0, 3000), st.integers(50, 1000))
def test_each_record_is_read_once(committed: dict[int, int], start: int, most: int) -> None:
    log = Log(start, committed)
    ends = {place: end for place, end in log.ends.items() if end > start}
    read = warm_up._backwards(log, log.starts(list(ends)), dict(ends), most)  # type: ignore[arg-type]  # stands for RangeReader
    found = [(each.partition, each.offset) for each in read]
    wanted = [(partition, offset) for partition, end in committed.items() for offset in range(start, end)]
    assert sorted(found) == sorted(wanted)
