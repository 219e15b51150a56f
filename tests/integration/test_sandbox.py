"""The job with pages that end the process that works on them: one dead letter each, neighbours as if nothing was."""

from __future__ import annotations

import os
import signal

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from pipelines.kafka import PartitionReader
from pipelines.process import job
from pipelines.process.role import partitions
from pipelines.process.worker import ProcessConfig, WorkerHandle
from pipelines.settings import Settings
from pipelines.status import worker_status
from schemas.records import DeadLetter, Outcome, OutcomeKind
from schemas.topics import DEAD_LETTERS, OUTCOMES, PAGES, Role
from tests.rivers import children, documents, entry, records, role, send_pages, until, waiting

pytestmark = [pytest.mark.servers, pytest.mark.timeout(150)]

SLOW = (
    "<html><body><article><h1>Ferry</h1>"
    + "".join(f"<p>{number} {'The ferry to the island was late again on Monday. ' * 4}</p>" for number in range(20_000))
    + "</article></body></html>"
).encode()
"""Four seconds of work for the cleaner in four megabytes, and nothing in it that the guard refuses."""


def limited(river: Settings, cpu_seconds: float) -> Settings:
    return river.model_copy(update={"clean": river.clean.model_copy(update={"cpu_seconds": cpu_seconds})})


def test_a_page_that_takes_too_long_is_one_dead_letter_and_neighbours_are_indexed_once(river: Settings) -> None:
    slow = {5: SLOW, 6: SLOW, 17: SLOW}
    send_pages(river, range(30), bodies=slow)
    with role(limited(river, 1.0), "process") as process:
        until(lambda: waiting(river, "process") == 0, what="all pages done")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    letters = [DeadLetter.from_json(one.headers["dead-letter"]) for one in records(river, DEAD_LETTERS)]
    assert sorted(one.article_id for one in letters) == sorted(entry(number).id for number in slow)
    assert {(one.stage, one.reason) for one in letters} == {("clean", "killed-cpu")}
    assert "1 s of CPU" in letters[0].message
    ends = [Outcome.from_json(one.value or b"") for one in records(river, OUTCOMES)]
    assert len(ends) == 30  # nothing was done twice
    assert sum(end.kind is OutcomeKind.INDEXED for end in ends) == 27
    assert set(documents(river)) == {entry(number).id for number in range(30) if number not in slow}


def test_a_child_killed_from_outside_costs_no_page(river: Settings) -> None:
    total = 200
    send_pages(river, range(total))
    with role(river, "process") as process:
        for cut in (20, 60, 100):
            until(lambda: len(documents(river)) >= cut, what=f"{cut} articles")  # noqa: B023 - called at once
            for child in children(process.pid):
                os.kill(child, signal.SIGKILL)
        until(lambda: waiting(river, "process") == 0, what="all pages done")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert records(river, DEAD_LETTERS) == []
    assert set(documents(river)) == {entry(number).id for number in range(total)}


def test_all_steps_fuse_into_one_stage(river: Settings) -> None:
    """A bundle's offset is committed after its effects only while nothing stands between source and sink."""
    config = ProcessConfig.of(river)
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([], streaming=True))
    job.build(pipeline, partitions(config), WorkerHandle(config))
    _, stages = FnApiRunner().create_stages(pipeline.to_runner_api())
    named = [{transform.unique_name for transform in stage.transforms} for stage in stages]
    [inside] = [names for names in named if "read pages/Process" in names]
    accounts = {f"account for {what}" for what in ("articles", "refusals")}
    last = accounts | {f"dead letters of {what}" for what in ("pages", "articles")}
    assert last <= inside


def test_what_the_sink_has_not_written_is_not_committed(river: Settings) -> None:
    send_pages(river, range(5))
    closed = river.model_copy(
        update={"elasticsearch": river.elasticsearch.model_copy(update={"url": "http://127.0.0.1:9"})}
    )
    with role(closed, "process") as process:
        until(lambda: any(worker.state == "waiting" for worker in worker_status(river)), what="a sink that waits")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    topic = PAGES.full_name(river.river.name)
    for number in range(2):
        reader = PartitionReader(
            river.kafka.bootstrap_servers, Role.PROCESS.group(river.river.name), topic, number, client_id="test"
        )
        assert reader.committed() == 0
        reader.close()
    assert waiting(river, "process") == 5
