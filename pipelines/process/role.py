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

from pipelines.backoff import Backoff
from pipelines.breaker.state import read, tripped_error
from pipelines.errors import UsageError
from pipelines.index.preflight import require_rights
from pipelines.kafka import Admin, RangeReader, missing, patiently, topics
from pipelines.kafka.assignment import Place
from pipelines.metrics.declared import PROCESS_GENERATIONS
from pipelines.process import job
from pipelines.process.counters import hand_in
from pipelines.process.readers import Partition
from pipelines.process.source import Generation
from pipelines.process.worker import ProcessConfig, ProcessWorker, WorkerHandle
from pipelines.runtime.frame import RunningRole
from pipelines.runtime.limits import StallWatch
from pipelines.sandbox import Sandbox
from pipelines.settings import Settings
from schemas.records import BreakerState
from schemas.topics import BREAKER, Role

log = logging.getLogger(__name__)

_BACKOFF = Backoff(1.0, 30.0)
_LOOKS = 10
"""How often a partition is looked at in the time that it may stand still."""
_STALLED = 1
"""Exit code of a process that ends because it stalls."""


def partitions(config: ProcessConfig, share: int = 0, shares: int = 1) -> list[Partition]:
    """Give the partitions of all lanes that one of several processes reads.

    Raises:
        ServiceError: Kafka refuses, or a topic does not exist.
    """
    counts = patiently(lambda: topics(config.bootstrap), config.bootstrap)
    needed = [*(lane.topic for lane in config.lanes), BREAKER.full_name(config.river)]
    if absent := [name for name in needed if name not in counts]:
        raise missing(absent)
    return [one for lane in config.lanes for one in lane.partitions(range(share, counts[lane.topic], shares))]


def run(
    running: RunningRole,
    config: ProcessConfig,
    share: int = 0,
    shares: int = 1,
    beam_arguments: Sequence[str] = (),
    *,
    sandbox: Sandbox | None = None,
) -> None:
    """Run the job until it is told to stop or all is read, or on the runner that Beam's arguments name.

    Told to stop, it finishes the bundle under way.

    Args:
        running: settings, and when to stop.
        config: what is read and where it goes.
        share: which share of the partitions this process reads, from 0.
        shares: number of shares.
        beam_arguments: options for Beam, as on its own command line.
        sandbox: a sandbox for articles that is started already.

    Raises:
        UsageError: the arguments ask for what is known to lose records.
        ServiceError: a topic does not exist, or Kafka or Elasticsearch refuses something.
        BreakerTripped: too many pages ended as dead letters by a fault of ours, now or before this start.
    """
    _refuse_what_loses(beam_arguments)
    settings, stop = running.settings, running.stop
    require_rights(settings, Role.PROCESS)
    assigned = partitions(config, share, shares)
    _end_when_tripped(read(settings))
    handle = WorkerHandle(config)
    access = settings.elasticsearch
    worker = handle.open(stop=stop, waits=running.waits, loop=running.loop, sandbox=sandbox, access=access)
    if not assigned:
        log.warning("share %d of %d has no partition to read: raise kafka.partitions or start fewer", share, shares)
        running.waits.begin("no-partition", "no partition for this share: other copies have them")
        stop.wait()
    elif any(argument.startswith("--runner") for argument in beam_arguments):
        _hand_over(handle, assigned, beam_arguments)
    else:
        log.info("reading %d partitions of %s", len(assigned), ", ".join(lane.topic for lane in config.lanes))
        watch = threading.Thread(target=_watch, args=(settings, assigned, worker), daemon=True, name="watch-stalls")
        watch.start()
        _generations(worker, assigned, lambda: _generation(settings, handle, assigned, beam_arguments))
        _end_when_tripped(worker.breaker.tripped)


def _generations(worker: ProcessWorker, assigned: Sequence[Partition], generation: Callable[[], None]) -> None:
    """Run generations until the process is asked to stop, its breaker trips or all is read; what fails is repeated."""
    failures = 0
    while not worker.stop.is_set() and worker.breaker.tripped is None:
        try:
            generation()
            PROCESS_GENERATIONS.add(result="ok")
            worker.refusals.raise_met()
            if failures:
                worker.waits.end()
            failures = 0
            if all(worker.readers.finished(one) for one in assigned):
                break
        except Exception as error:
            worker.refusals.raise_met()
            if worker.stop.is_set():
                log.info("drained before the bundle was written; it will be read again")
                break
            failures += 1
            PROCESS_GENERATIONS.add(result="failed")
            wait = _BACKOFF.pause(failures)
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
    watch: StallWatch[Place] = StallWatch(settings.process.stall_seconds)
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
        for place in watch.look(time.monotonic(), positions, ends, worker.progress.count):
            log.error(
                "partition %d of %s stands still at offset %d of %d for %.0f s: ending, to be started afresh",
                place[1],
                place[0],
                positions[place],
                ends[place],
                settings.process.stall_seconds,
            )
            os._exit(_STALLED)  # whatever hangs would hang an orderly end too


def _positions(bootstrap: str, assigned: Sequence[Partition]) -> tuple[dict[Place, int], dict[Place, int]]:
    """Give committed offsets and ends by partition; one that was never committed stands where its records begin."""
    of = {(one.topic, one.number): one for one in assigned}
    with closing(RangeReader(bootstrap, client_id=f"{assigned[0].group}-watch")) as spans, Admin(bootstrap) as admin:
        starts, ends = spans.starts(of), spans.ends(of)
        committed = {group: admin.committed(group) for group in {one.group for one in assigned}}
    positions = {place: max(committed[one.group].get(place, one.start), starts[place]) for place, one in of.items()}
    return positions, {place: min(end, of[place].end) for place, end in ends.items()}


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
    result = pipeline.run()
    result.wait_until_finish()
    hand_in(result)


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
