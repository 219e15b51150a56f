"""The readers of Beam's source: what counts as committed."""

from __future__ import annotations

import pytest

from pipelines.process import readers
from pipelines.process.readers import Partition, Readers
from pipelines.process.refusals import Refusals

PAGES = Partition("news.pages", 3, "news-process")


class Broker:
    """Takes or refuses commits."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.refuses = False

    def reader(self, *_: object, **__: object) -> Broker:
        return self

    def commit(self, offset: int) -> bool:
        if not self.refuses:
            self.taken.append(offset)
        return not self.refuses

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    found = Broker()
    monkeypatch.setattr(readers, "PartitionReader", found.reader)
    return found


def test_a_commit_that_was_refused_is_made_again(broker: Broker) -> None:
    made = Readers("nowhere:9092", Refusals())
    broker.refuses = True
    made.commit(PAGES, 10)
    broker.refuses = False
    made.commit(PAGES, 10)
    assert broker.taken == [10]


def test_a_commit_that_comes_late_or_again_is_not_made(broker: Broker) -> None:
    made = Readers("nowhere:9092", Refusals())
    for offset in (10, 20, 15, 20, 21):
        made.commit(PAGES, offset)
    assert broker.taken == [10, 20, 21]
