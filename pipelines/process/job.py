"""The Beam graph: pages in, articles indexed, every page accounted for. It reads as the diagram.

One function builds the same graph for every runner. All steps fuse into one stage, so a bundle's offset is committed
only after the index has answered and outcomes and dead letters are acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam as beam

from pipelines.process.readers import Partition
from pipelines.process.source import Generation, ReadPages
from pipelines.process.step import DEAD, REFUSED
from pipelines.process.steps import Index, MakeArticle, WriteDeadLetter, WriteOutcomes
from pipelines.process.worker import WorkerHandle


def build(
    pipeline: beam.Pipeline,
    partitions: Sequence[Partition],
    handle: WorkerHandle,
    generation: Generation | None = None,
) -> None:
    """Add the whole job to a pipeline.

    Args:
        pipeline: an empty pipeline with its runner chosen.
        partitions: the partitions of the topic of pages that this run reads.
        handle: the way to each process's worker, with its configuration; it travels inside the steps.
        generation: when the source ends by itself; None for never.
    """
    read = ReadPages(handle, len(partitions), generation)
    pages = pipeline | "partitions" >> beam.Create(partitions) | "read pages" >> beam.ParDo(read)
    made = pages | "make articles" >> beam.ParDo(MakeArticle(handle)).with_outputs(REFUSED, DEAD, main="articles")
    indexed = made["articles"] | "index" >> beam.ParDo(Index(handle)).with_outputs(DEAD, main="outcomes")

    indexed["outcomes"] | "account for articles" >> beam.ParDo(WriteOutcomes(handle))
    made[REFUSED] | "account for refusals" >> beam.ParDo(WriteOutcomes(handle))
    made[DEAD] | "dead letters of pages" >> beam.ParDo(WriteDeadLetter(handle))
    indexed[DEAD] | "dead letters of articles" >> beam.ParDo(WriteDeadLetter(handle))
