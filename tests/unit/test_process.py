"""The generations of `process`: what fails is repeated, what Kafka refuses ends them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.errors import ServiceError
from pipelines.process import refusals, role, source
from pipelines.settings import Settings

ASSIGNED = [source.Partition("nowhere:9092", "news.pages", 0, "news-process")]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(refusals.refusals, "met", None)
    source.stop.clear()
    yield
    source.stop.clear()


def run(monkeypatch: pytest.MonkeyPatch, *generations: object) -> int:
    """Run generations that end in turn as told, the last one by draining, and give how many there were."""
    ends = iter(generations)
    count = 0

    def generation(*_: object) -> None:
        nonlocal count
        count += 1
        try:
            end = next(ends)
        except StopIteration:
            source.stop.set()
            return
        if callable(end):
            end()

    monkeypatch.setattr(role, "_generation", generation)
    monkeypatch.setattr(source.stop, "wait", lambda _: None)
    role._generations(Settings(), ASSIGNED, ())
    return count


def refused() -> None:
    """End as a step does that Kafka refuses something: Beam hands on the text alone."""
    with pytest.raises(ServiceError), refusals.refusals.noted():
        raise ServiceError("Kafka at nowhere:9092 refuses: no right to topic news.outcomes")
    raise RuntimeError("Traceback ... ServiceError ... [while running 'Account']")


def test_a_generation_that_fails_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise RuntimeError("Elasticsearch hiccups")

    assert run(monkeypatch, fails, None, fails) == 4


def test_a_refusal_in_a_step_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServiceError, match=r"no right to topic news\.outcomes"):
        run(monkeypatch, None, refused)


def test_a_refused_commit_ends_it_too_although_beam_keeps_what_a_finalizer_raises_to_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Refusing:
        def __init__(self, *_: object, **__: object) -> None: ...

        def commit(self, _: int) -> bool:
            raise ServiceError("Kafka at nowhere:9092 refuses: no right to consumer group news-process")

        def close(self) -> None: ...

    monkeypatch.setattr(source, "PartitionReader", Refusing)

    def finalizer() -> None:
        with pytest.raises(ServiceError):
            source._Readers().commit(ASSIGNED[0], 10)

    with pytest.raises(ServiceError, match="no right to consumer group"):
        run(monkeypatch, finalizer)
