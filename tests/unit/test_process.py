"""The generations of `process`: what fails is repeated, what Kafka refuses ends them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipelines.errors import ServiceError
from pipelines.process import readers, role
from pipelines.process.readers import Partition
from pipelines.process.worker import ProcessConfig, ProcessWorker
from pipelines.settings import load_settings

PAGES = Partition("news.pages", 0, "news-process")


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> ProcessWorker:
    servers = ["kafka.bootstrap_servers=nowhere:9092", "elasticsearch.url=http://nowhere:9200"]
    made = ProcessWorker(ProcessConfig.of(load_settings(assignments=servers, environment={})))
    monkeypatch.setattr(made.stop, "wait", lambda _: None)
    return made


def run(worker: ProcessWorker, *ends: Callable[[], None] | None) -> int:
    """Run generations that end in turn as told, the last one by draining, and give how many there were."""
    left = list(ends)
    count = 0

    def generation() -> None:
        nonlocal count
        count += 1
        end: Callable[[], None] | None = left.pop(0) if left else worker.stop.set
        if end is not None:
            end()

    role._generations(worker, [PAGES], generation)
    return count


def test_a_generation_that_fails_is_repeated(worker: ProcessWorker) -> None:
    def fails() -> None:
        raise RuntimeError("Elasticsearch hiccups")

    assert run(worker, fails, None, fails) == 4


def test_a_refusal_in_a_step_ends_the_process(worker: ProcessWorker) -> None:
    def refused() -> None:
        """End as a step does that Kafka refuses something: Beam hands on the text alone."""
        with pytest.raises(ServiceError), worker.refusals.noted():
            raise ServiceError("Kafka at nowhere:9092 refuses: no right to topic news.outcomes")
        raise RuntimeError("Traceback ... ServiceError ... [while running 'Account']")

    with pytest.raises(ServiceError, match=r"no right to topic news\.outcomes"):
        run(worker, None, refused)


def test_a_refused_commit_ends_it_too_although_beam_keeps_what_a_finalizer_raises_to_itself(
    worker: ProcessWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        def commit(self, _: int) -> bool:
            raise ServiceError("Kafka at nowhere:9092 refuses: no right to consumer group news-process")

        def close(self) -> None: ...

    monkeypatch.setattr(readers, "PartitionReader", Refusing)

    def finalizer() -> None:
        with pytest.raises(ServiceError):
            worker.readers.commit(PAGES, 10)

    with pytest.raises(ServiceError, match="no right to consumer group"):
        run(worker, finalizer)
