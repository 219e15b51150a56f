"""The role `process`: the Beam job in generations on one machine, or handed over to another runner.

Beam's own FnApiRunner keeps about 21 KB for every bundle, so one machine runs the graph again and again for some
seconds each time (docs/decisions.md). A generation that fails is repeated from the committed offsets. The process ends
by itself when a partition stands still, and its supervisor starts it again; and when the dead-letter breaker trips
(`pipelines.breaker`), for good, until a person lets it go on.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from pipelines.breaker.state import read, tripped_error
from pipelines.errors import UsageError
from pipelines.kafka import Admin, Spans, missing, patiently, topics
from pipelines.process import job
from pipelines.process.readers import Partition
from pipelines.process.source import Generation
from pipelines.process.worker import ProcessConfig, ProcessWorker, WorkerHandle
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.runtime.heartbeat import Heartbeat
from pipelines.runtime.limits import StallWatch
from pipelines.sandbox import Sandbox
from pipelines.settings import Settings
from schemas.records import BreakerState
from schemas.topics import BREAKER, PAGES, Role

log = logging.getLogger(__name__)

_RETRY_SECONDS = 30.0
_LOOKS = 10
"""How often a partition is looked at in the time that it may stand still."""
_STALLED = 1
"""Exit code of a process that ends because it stalls."""


def group(settings: Settings) -> str:
    """Give the consumer group under which offsets of pages are committed."""
    return f"{settings.river.name}-process"


def partitions(settings: Settings, share: int = 0, shares: int = 1) -> list[Partition]:
    """Give the partitions of pages that one of several processes reads.

    Raises:
        ServiceError: Kafka refuses, or the topic does not exist.
    """
    bootstrap, topic = kafka_bootstrap(settings), PAGES.full_name(settings.river.name)
    counts = patiently(lambda: topics(bootstrap), bootstrap)
    if absent := [name for name in (topic, BREAKER.full_name(settings.river.name)) if name not in counts]:
        raise missing(absent)
    return [Partition(topic, number, group(settings)) for number in range(counts[topic]) if number % shares == share]


def run(
    settings: Settings,
    share: int = 0,
    shares: int = 1,
    beam_arguments: Sequence[str] = (),
    *,
    stop: threading.Event,
    sandbox: Sandbox | None = None,
    settings_file: Path | None = None,
) -> None:
    """Run the job until it is asked to stop, or on the runner that Beam's arguments name.

    Args:
        settings: all settings.
        share: which share of the partitions this process reads, from 0.
        shares: number of shares.
        beam_arguments: options for Beam, as on its own command line.
        stop: once set, the bundle under way is finished, then the job ends.
        sandbox: a sandbox for articles that is started already.
        settings_file: where workers of another runner find their credentials.

    Raises:
        UsageError: the arguments ask for what is known to lose records.
        ServiceError: a topic does not exist, or Kafka refuses something.
        BreakerTripped: too many pages ended as dead letters by a fault of ours, now or before this start.
    """
    _refuse_what_loses(beam_arguments)
    assigned = partitions(settings, share, shares)
    _end_when_tripped(read(settings))
    handle = WorkerHandle(ProcessConfig.of(settings, settings_file))
    worker = handle.open(stop=stop, sandbox=sandbox, access=settings.elasticsearch)
    if not assigned:
        log.warning("share %d of %d has no partition to read: raise kafka.partitions or start fewer", share, shares)
        stop.wait()
    elif any(argument.startswith("--runner") for argument in beam_arguments):
        _hand_over(handle, assigned, beam_arguments)
    else:
        log.info("reading %d partitions of %s", len(assigned), assigned[0].topic)
        watch = threading.Thread(target=_watch, args=(settings, assigned, worker), daemon=True, name="watch-stalls")
        watch.start()
        with Heartbeat(settings, Role.PROCESS, worker.waits, share):
            _generations(worker, lambda: _generation(settings, handle, assigned, beam_arguments))
        _end_when_tripped(worker.breaker.tripped)


def _generations(worker: ProcessWorker, generation: Callable[[], None]) -> None:
    """Run generations until the process is asked to stop, or its breaker trips; one that fails is repeated."""
    failures = 0
    while not worker.stop.is_set() and worker.breaker.tripped is None:
        try:
            generation()
            worker.refusals.raise_met()
            if failures:
                worker.waits.end()
            failures = 0
        except Exception as error:
            worker.refusals.raise_met()
            if worker.stop.is_set():
                log.info("drained before the bundle was written; it will be read again")
                break
            failures += 1
            wait = min(0.5 * 2**failures, _RETRY_SECONDS)
            log.error("generation failed, again in %.0f s from the committed offsets: %s", wait, _root(error))  # noqa: TRY400 - one line; the trace is for --debug
            log.debug("trace", exc_info=True)
            worker.waits.begin("bundle-fails", _root(error))  # until the sink writes again
            worker.stop.wait(wait)
    worker.readers.close()


def _end_when_tripped(state: BreakerState | None) -> None:
    """End this process while a person has not let it go on: what it read is committed, what it would read waits.

    Raises:
        BreakerTripped: the breaker has tripped.
    """
    if state is not None and state.tripped:
        raise tripped_error(state)


def _watch(settings: Settings, assigned: Sequence[Partition], worker: ProcessWorker) -> None:
    """End this process when a partition stands still with pages to read, unless it waits for a server."""
    watch = StallWatch(settings.process.stall_seconds)
    while not worker.stop.wait(settings.process.stall_seconds / _LOOKS):
        if worker.waits.now is not None:
            watch.excuse()
            continue
        try:
            positions, ends = _positions(worker.config.bootstrap, assigned)
        except Exception as error:  # noqa: BLE001 - whatever keeps Kafka from answering, it is no stall of ours
            log.debug("no look at offsets: %s", error)
            watch.excuse()
            continue
        for number in watch.look(time.monotonic(), positions, ends, worker.progress.count):
            log.error(
                "partition %d of %s stands still at offset %d of %d for %.0f s: ending, to be started afresh",
                number,
                assigned[0].topic,
                positions[number],
                ends[number],
                settings.process.stall_seconds,
            )
            os._exit(_STALLED)  # whatever hangs would hang an orderly end too


def _positions(bootstrap: str, assigned: Sequence[Partition]) -> tuple[dict[int, int], dict[int, int]]:
    """Give committed offsets and ends by partition; one that was never committed stands where its records begin."""
    topic, _, name = assigned[0]
    places = [(topic, partition.number) for partition in assigned]
    with closing(Spans(bootstrap, client_id=f"{name}-watch")) as spans, Admin(bootstrap) as admin:
        starts, ends, committed = spans.starts(places), spans.ends(places), admin.committed(name)
    positions = {place[1]: max(committed.get(place, 0), starts[place]) for place in places}
    return positions, {place[1]: end for place, end in ends.items()}


def _generation(
    settings: Settings, handle: WorkerHandle, assigned: Sequence[Partition], beam_arguments: Sequence[str]
) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.portability.fn_api_runner.fn_runner import (
        FnApiRunner,
    )  # by class: names differ between machines

    generation = Generation(ends_at=time.monotonic() + settings.process.generation_seconds)
    options = PipelineOptions(list(beam_arguments), streaming=True)
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=options)
    job.build(pipeline, assigned, handle, generation)
    pipeline.run().wait_until_finish()


def _hand_over(handle: WorkerHandle, assigned: Sequence[Partition], beam_arguments: Sequence[str]) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    pipeline = beam.Pipeline(options=PipelineOptions(list(beam_arguments), streaming=True))
    job.build(pipeline, assigned, handle)
    pipeline.run().wait_until_finish()


def _refuse_what_loses(beam_arguments: Sequence[str]) -> None:
    """Refuse options of Beam that were measured to lose records in silence (docs/decisions.md)."""
    words = " ".join(beam_arguments).replace("=", " ").split()
    for name, value in itertools.pairwise(words):
        if name == "--direct_num_workers" and value != "1":
            raise UsageError(
                "--direct_num_workers above 1 loses records", hint="start more `process` workers instead", resource=name
            )


def _root(error: BaseException) -> str:
    """Give the last line of an error: Beam wraps traces into messages."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
