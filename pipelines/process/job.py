"""The Beam graph: pages in, articles indexed, every page accounted for. It reads as the diagram.

One function builds the same graph for every runner. All steps fuse into one stage, so a bundle's offset is committed
only after the index has answered and outcomes and dead letters are acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam as beam

from pipelines.process.source import Generation, Partition, ReadPages
from pipelines.process.steps import DEAD, REFUSED, Index, MakeArticle, WriteDeadLetter, WriteOutcomes
from pipelines.settings import Settings
from schemas.topics import BREAKER


def build(
    pipeline: beam.Pipeline,
    partitions: Sequence[Partition],
    settings: Settings,
    generation: Generation | None = None,
) -> None:
    """Add the whole job to a pipeline.

    Args:
        pipeline: an empty pipeline with its runner chosen.
        partitions: the partitions of the topic of pages that this run reads.
        settings: all settings; they travel to the workers inside the steps.
        generation: when the source ends by itself; None for never.
    """
    wait = settings.process.poll_milliseconds / 1000 / len(partitions)  # they are polled in turn
    states = BREAKER.full_name(settings.river.name)
    pages = (
        pipeline
        | "partitions" >> beam.Create(partitions)
        | "read pages" >> beam.ParDo(ReadPages(wait, settings.process.bundle_pages, generation, states))
    )
    made = pages | "make articles" >> beam.ParDo(MakeArticle(settings)).with_outputs(REFUSED, DEAD, main="articles")
    indexed = made["articles"] | "index" >> beam.ParDo(Index(settings)).with_outputs(DEAD, main="outcomes")

    indexed["outcomes"] | "account for articles" >> beam.ParDo(WriteOutcomes(settings))
    made[REFUSED] | "account for refusals" >> beam.ParDo(WriteOutcomes(settings))
    made[DEAD] | "dead letters of pages" >> beam.ParDo(WriteDeadLetter(settings))
    indexed[DEAD] | "dead letters of articles" >> beam.ParDo(WriteDeadLetter(settings))
