"""The steps of the job as Beam DoFns: thin wrappers around pure functions and the sink.

What reads a page runs in a child process (`pipelines.sandbox`). Whatever goes wrong with one page becomes a Failure
on an output of its own, and a dead letter; an error of the infrastructure fails the bundle, which is read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from apache_beam import pvalue
from apache_beam.typehints import with_output_types

from pipelines.errors import Rejected, Skipped
from pipelines.extraction import Page, TaggingFault, make_article
from pipelines.kafka import Message
from pipelines.ledger import outcomes as ledger
from pipelines.metrics.declared import INDEX_DELAY, PROCESS_OUTCOMES
from pipelines.process.counters import count
from pipelines.process.failures import Failure, failure_of
from pipelines.process.pages import read_page
from pipelines.process.step import DEAD, REFUSED, BatchStep, OutputStep, Step, dead
from schemas.records import Article, Entry, Outcome, OutcomeKind, PageFacts, Stage

_WRITTEN = (OutcomeKind.INDEXED, OutcomeKind.UPDATED)


class ArticleDraft(NamedTuple):
    """An article on its way to the index, with the page it came from; without one where its site has removed it."""

    message: Message
    entry: Entry
    facts: PageFacts
    article: Article | None


@with_output_types(ArticleDraft, refused=Outcome, dead=Failure)
class MakeArticle(Step):
    """Message -> ArticleDraft, or an Outcome tagged `refused`: rejected or skipped; or a Failure tagged `dead`."""

    def process(self, element: Message) -> Iterator[ArticleDraft | pvalue.TaggedOutput[str, Outcome | Failure]]:
        """Make an article of one page."""
        result: ArticleDraft | pvalue.TaggedOutput[str, Outcome | Failure]
        try:
            result = self._made(element)
        except Exception as error:  # noqa: BLE001 - what is not the page's fault is raised again
            stage = Stage.TAG if isinstance(error, TaggingFault) else Stage.CLEAN
            result = pvalue.TaggedOutput(DEAD, failure_of(error, element, stage))
        self.worker.progress.done()
        yield result

    def _made(self, element: Message) -> ArticleDraft | pvalue.TaggedOutput[str, Outcome | Failure]:
        entry, facts = read_page(element)
        if facts.removed:
            return ArticleDraft(element, entry, facts, None)
        result: ArticleDraft | pvalue.TaggedOutput[str, Outcome | Failure]
        page = Page(element.value or b"", entry, facts)
        try:
            article = self.worker.sandbox.call(make_article, page, self.worker.config.context)
            result = ArticleDraft(element, entry, facts, article)
        except (Rejected, Skipped) as error:
            result = pvalue.TaggedOutput(REFUSED, _refusal(element, entry, error))
        self.worker.breaker.passed(entry.feed_url, entry.url, element.origin)
        return result


@with_output_types(Outcome, dead=Failure)
class Index(BatchStep[ArticleDraft]):
    """ArticleDraft -> Outcome, or a Failure tagged `dead`; a bundle ends when Elasticsearch has answered for all."""

    def setup(self) -> None:
        """Take a writer."""
        super().setup()
        self._writer = self.worker.article_writer()

    def size_of(self, element: ArticleDraft) -> int:
        """Give the bytes of a document: the text is in it twice."""
        return 2 * len(element.article.body) if element.article else 0

    def work(self, batch: list[ArticleDraft]) -> Iterator[Outcome | pvalue.TaggedOutput[str, Failure]]:
        """Write articles."""
        from pipelines.index.arrival import Arrival

        known: list[ArticleDraft] = []
        arrivals: list[Arrival] = []
        for draft in batch:
            try:
                arrivals.append(Arrival.of(draft.entry, draft.facts, draft.article))
                known.append(draft)
            except Exception as error:  # noqa: BLE001 - what is not the article's fault is raised again
                yield dead(failure_of(error, draft.message, Stage.INDEX))
        for draft, end in zip(known, self._writer.write(arrivals), strict=True):
            if end.kind is OutcomeKind.DEAD:
                yield dead(Failure(draft.message, Stage.INDEX, end.reason, "Verdict", end.detail))
            else:
                if end.kind in _WRITTEN:
                    INDEX_DELAY.observe((datetime.now(UTC) - draft.facts.fetched_at).total_seconds())
                yield ledger.outcome(
                    draft.entry,
                    Stage.INDEX,
                    end.kind,
                    reason=end.reason,
                    detail=end.detail,
                    document_id=end.place.id if end.stored and end.place.id != draft.entry.id else "",
                    document_index=end.place.index_name if end.stored else "",
                    document_version=end.version if end.stored else None,
                    origin=draft.message.origin,
                )


class WriteOutcomes(OutputStep):
    """Outcome -> the ledger's topic."""

    def process(self, element: Outcome) -> None:
        """Send one outcome."""
        with self.worker.refusals.noted():
            self.output.outcome(element)
        count(PROCESS_OUTCOMES, kind=element.kind, reason=element.reason)


class WriteDeadLetter(OutputStep):
    """Failure -> a dead letter with payload and headers, and its outcome."""

    def process(self, element: Failure) -> None:
        """Set one page aside."""
        with self.worker.refusals.noted():
            self.output.dead(element)
        count(PROCESS_OUTCOMES, kind=OutcomeKind.DEAD, reason=element.reason)


def _refusal(message: Message, entry: Entry, error: Rejected | Skipped) -> Outcome:
    kind = OutcomeKind.SKIPPED if isinstance(error, Skipped) else OutcomeKind.REJECTED
    return ledger.outcome(entry, Stage.CLEAN, kind, reason=error.reason, detail=error.message, origin=message.origin)
