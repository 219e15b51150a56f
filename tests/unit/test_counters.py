"""What Beam's steps count reaches the process's metrics when a generation has ended well."""

from __future__ import annotations

from collections.abc import Callable

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from pipelines.metrics.declared import PROCESS_OUTCOMES
from pipelines.process.counters import count, hand_in


def run(step: Callable[[int], None]) -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([], streaming=True))
    pipeline | beam.Create(range(5)) | beam.Map(step)
    result = pipeline.run()
    result.wait_until_finish()
    hand_in(result)


def values() -> tuple[float, float]:
    return (
        PROCESS_OUTCOMES.value(kind="indexed", reason=""),
        PROCESS_OUTCOMES.value(kind="rejected", reason="no-text"),
    )


def judge(number: int) -> None:
    if number % 2:
        count(PROCESS_OUTCOMES, kind="indexed", reason="")
    else:
        count(PROCESS_OUTCOMES, kind="rejected", reason="no-text")


def test_counters_of_a_generation_are_added() -> None:
    indexed, rejected = values()
    run(judge)
    assert values() == (indexed + 2, rejected + 3)
    run(judge)
    assert values() == (indexed + 4, rejected + 6)


def test_a_generation_that_fails_counts_nothing() -> None:
    before = values()

    def fails(number: int) -> None:
        judge(number)
        if number == 4:
            raise OSError("no room left")

    with pytest.raises(Exception, match="no room left"):
        run(fails)
    assert values() == before
