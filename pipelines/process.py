"""The role `process`: the Beam job in generations on one machine, or handed over to another runner.

Beam's own FnApiRunner keeps about 21 KB for every bundle, so one machine runs the graph again and again for some
seconds each time (docs/decisions.md). A generation that fails is repeated from the committed offsets.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Sequence

from pipelines import job, source
from pipelines.connect import kafka_bootstrap
from pipelines.errors import ServiceError, UsageError
from pipelines.kafka import Admin
from pipelines.settings import Settings
from schemas.topics import PAGES

log = logging.getLogger(__name__)

_RETRY_SECONDS = 30.0


def group(settings: Settings) -> str:
    """Give the consumer group under which offsets of pages are committed."""
    return f"{settings.river.name}-process"


def partitions(settings: Settings, worker: int = 0, workers: int = 1) -> list[source.Partition]:
    """Give the partitions of pages that one of several workers reads.

    Raises:
        ServiceError: Kafka does not answer, or the topic does not exist.
    """
    bootstrap, topic = kafka_bootstrap(settings), PAGES.full_name(settings.river.name)
    with Admin(bootstrap) as admin:
        count = admin.topics().get(topic)
    if count is None:
        raise ServiceError(f"topic {topic} does not exist", hint="create it with `newsriver setup`", resource=topic)
    return [
        source.Partition(bootstrap, topic, number, group(settings))
        for number in range(count)
        if number % workers == worker
    ]


def run(settings: Settings, worker: int = 0, workers: int = 1, beam_arguments: Sequence[str] = ()) -> None:
    """Run the job until `source.stop` is set, or on the runner that Beam's arguments name.

    Args:
        settings: all settings.
        worker: which share of the partitions this process reads, from 0.
        workers: number of shares.
        beam_arguments: options for Beam, as on its own command line.

    Raises:
        UsageError: the arguments ask for what is known to lose records.
        ServiceError: see `partitions`.
    """
    _refuse_what_loses(beam_arguments)
    assigned = partitions(settings, worker, workers)
    if not assigned:
        log.warning("worker %d of %d has no partition to read: raise kafka.partitions or start fewer", worker, workers)
        source.stop.wait()
    elif any(argument.startswith("--runner") for argument in beam_arguments):
        _hand_over(settings, assigned, beam_arguments)
    else:
        _generations(settings, assigned, beam_arguments)


def _generations(settings: Settings, assigned: Sequence[source.Partition], beam_arguments: Sequence[str]) -> None:
    failures = 0
    log.info("reading %d partitions of %s", len(assigned), assigned[0].topic)
    while not source.stop.is_set():
        try:
            _generation(settings, assigned, beam_arguments)
            failures = 0
        except Exception as error:
            if source.stop.is_set():
                log.info("drained before the bundle was written; it will be read again")
                break
            failures += 1
            wait = min(0.5 * 2**failures, _RETRY_SECONDS)
            log.error("generation failed, again in %.0f s from the committed offsets: %s", wait, _root(error))  # noqa: TRY400 - one line; the trace is for --debug
            log.debug("trace", exc_info=True)
            source.stop.wait(wait)
    source.close_readers()


def _generation(settings: Settings, assigned: Sequence[source.Partition], beam_arguments: Sequence[str]) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.portability.fn_api_runner.fn_runner import (
        FnApiRunner,
    )  # by class: names differ between machines

    generation = source.Generation(ends_at=time.monotonic() + settings.process.generation_seconds)
    options = PipelineOptions(list(beam_arguments), streaming=True)
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=options)
    job.build(pipeline, assigned, settings, generation)
    pipeline.run().wait_until_finish()


def _hand_over(settings: Settings, assigned: Sequence[source.Partition], beam_arguments: Sequence[str]) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    pipeline = beam.Pipeline(options=PipelineOptions(list(beam_arguments), streaming=True))
    job.build(pipeline, assigned, settings)
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
