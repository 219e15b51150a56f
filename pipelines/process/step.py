"""What the job's steps have in common: the process's worker, batches of a bundle, what is acknowledged at its end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from apache_beam import DoFn, pvalue
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipelines.process.failures import Failure
from pipelines.process.worker import WorkerHandle

T = TypeVar("T")

REFUSED, DEAD = "refused", "dead"
"""Names of the outputs beside the main one: outcomes of pages that are no articles, and failures."""


def dead(failure: Failure) -> pvalue.TaggedOutput[str, Failure]:
    """Put a failure on the output of dead letters."""
    return pvalue.TaggedOutput(DEAD, failure)


class Step(DoFn):
    """A step of the job.

    Args:
        handle: the way to this process's worker.

    Attributes:
        worker: what the steps of this process share, once the step is set up.
    """

    def __init__(self, handle: WorkerHandle) -> None:
        self._handle = handle

    def setup(self) -> None:
        """Take this process's worker."""
        self.worker = self._handle.open()


class BatchStep(Step, Generic[T]):
    """A step that works on many elements at once: when enough have come together, and at the end of a bundle.

    A bundle's effects are complete only once `work` is through with all of them, so `work` waits for its servers.
    """

    def __init__(self, handle: WorkerHandle) -> None:
        super().__init__(handle)
        self._batch: list[T] = []
        self._bytes = 0

    @abstractmethod
    def work(self, batch: list[T]) -> Iterator[Any]:
        """Work on a batch, in the order of its elements; yields elements and tagged outputs."""

    def size_of(self, element: T) -> int:  # noqa: ARG002 - for those that override it
        """Give the bytes that an element adds to a request to Elasticsearch."""
        return 0

    def start_bundle(self) -> None:
        """Forget what a failed bundle left: its messages will be read again."""
        self._batch, self._bytes = [], 0

    def process(self, element: T) -> Iterator[Any]:
        """Take one element; work when enough have come together."""
        self._batch.append(element)
        self._bytes += self.size_of(element)
        limits = self._handle.config.elastic
        if len(self._batch) >= limits.bulk_documents or self._bytes >= limits.bulk_bytes:
            yield from self._work()

    def finish_bundle(self) -> Iterator[Any]:
        """Work on what is left."""
        for result in self._work():
            if isinstance(result, pvalue.TaggedOutput):
                yield pvalue.TaggedOutput(result.tag, _everywhere(result.value))
            else:
                yield _everywhere(result)

    def _work(self) -> Iterator[Any]:
        batch, self._batch, self._bytes = self._batch, [], 0
        if batch:
            yield from self.work(batch)


class OutputStep(Step):
    """A step that sends to Kafka, and ends its bundle only when Kafka has acknowledged what it sent."""

    def setup(self) -> None:
        """Take this process's output."""
        super().setup()
        with self.worker.refusals.noted():
            self.output = self.worker.output

    def finish_bundle(self) -> None:
        """Wait for the acknowledgements."""
        with self.worker.refusals.noted():
            self.output.flush()


def _everywhere(value: Any) -> WindowedValue:  # noqa: ANN401 - whatever the step yields
    """Wrap a value for `finish_bundle`, which has no element to inherit time and window from."""
    return WindowedValue(value, 0, (GlobalWindow(),))
