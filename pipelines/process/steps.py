"""The steps of the job as Beam DoFns: thin wrappers around pure functions and the sink.

What reads a page runs in a child process (`pipelines.sandbox`). Whatever goes wrong with one page becomes a Failure
on an output of its own, and a dead letter; an error of the infrastructure fails the bundle, which is read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from apache_beam import DoFn, pvalue
from apache_beam.transforms.window import GlobalWindow
from apache_beam.typehints import with_output_types
from apache_beam.utils.windowed_value import WindowedValue

from pipelines.errors import Rejected, Skipped
from pipelines.extraction import ArticleContext, Page, TaggingFault, article_sandbox, make_article
from pipelines.index.lookup import Recent
from pipelines.kafka import Message
from pipelines.ledger import outcomes as ledger
from pipelines.process.books import books_of, breaker
from pipelines.process.failures import Failure, failure_of
from pipelines.process.pages import read_page
from pipelines.process.refusals import refusals
from pipelines.process.source import stop
from pipelines.runtime.heartbeat import Waits
from pipelines.runtime.limits import WorkCount
from pipelines.settings import Settings
from schemas.records import Article, Entry, Outcome, OutcomeKind, PageFacts, Stage


class ArticleDraft(NamedTuple):
    """An article on its way to the index, with the page it came from; without one where its site has removed it."""

    message: Message
    entry: Entry
    facts: PageFacts
    article: Article | None


REFUSED, DEAD = "refused", "dead"
"""Names of the outputs beside the main one: outcomes of pages that are no articles, and failures."""

waits = Waits()
"""What this process waits for."""
progress = WorkCount()
"""Pages that this process has worked on."""


@with_output_types(ArticleDraft, refused=Outcome, dead=Failure)
class MakeArticle(DoFn):
    """Message -> ArticleDraft, or an Outcome tagged `refused`: rejected or skipped; or a Failure tagged `dead`."""

    def __init__(self, settings: Settings) -> None:
        self._context = ArticleContext(settings.clean)

    def setup(self) -> None:
        """Take this process's children."""
        self._sandbox = article_sandbox(self._context.clean)

    def process(self, element: Message) -> Iterator[ArticleDraft | pvalue.TaggedOutput[str, Outcome | Failure]]:
        """Make an article of one page."""
        result: ArticleDraft | pvalue.TaggedOutput[str, Outcome | Failure]
        try:
            result = self._made(element)
        except Exception as error:  # noqa: BLE001 - what is not the page's fault is raised again
            stage = Stage.TAG if isinstance(error, TaggingFault) else Stage.CLEAN
            result = pvalue.TaggedOutput(DEAD, failure_of(error, element, stage))
        progress.done()
        yield result

    def _made(self, element: Message) -> ArticleDraft | pvalue.TaggedOutput[str, Outcome | Failure]:
        entry, facts = read_page(element)
        if facts.removed:
            return ArticleDraft(element, entry, facts, None)
        result: ArticleDraft | pvalue.TaggedOutput[str, Outcome | Failure]
        try:
            article = self._sandbox.call(make_article, Page(element.value or b"", entry, facts), self._context)
            result = ArticleDraft(element, entry, facts, article)
        except (Rejected, Skipped) as error:
            result = pvalue.TaggedOutput(REFUSED, _refusal(element, entry, error))
        breaker.passed(entry.feed_url, entry.url, element.origin)
        return result


@with_output_types(Outcome, dead=Failure)
class Index(DoFn):
    """ArticleDraft -> Outcome, or a Failure tagged `dead`; a bundle ends when Elasticsearch has answered for all."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._drafts: list[ArticleDraft] = []
        self._bytes = 0

    def setup(self) -> None:
        """Connect."""
        from pipelines.index.articles import ArticleWriter
        from pipelines.index.elastic import connect
        from pipelines.index.lookup import Lookup
        from pipelines.index.sink import Sink

        self._client = connect(self._settings)
        river = self._settings.river.name
        lookup = Lookup(self._client, river, recent(self._client.url, river), stop, waits)
        self._writer = ArticleWriter(lookup, Sink(self._client, self._settings, stop, waits), river)

    def teardown(self) -> None:
        """Hang up."""
        self._client.close()

    def start_bundle(self) -> None:
        """Forget what a failed bundle left: its messages will be read again."""
        self._drafts, self._bytes = [], 0

    def process(self, element: ArticleDraft) -> Iterator[Outcome | pvalue.TaggedOutput[str, Failure]]:
        """Take one article; write when enough have come together."""
        self._drafts.append(element)
        self._bytes += len(element.article.body) if element.article else 0
        limits = self._settings.elasticsearch
        if len(self._drafts) >= limits.bulk_documents or 2 * self._bytes >= limits.bulk_bytes:
            yield from self._write()

    def finish_bundle(self) -> Iterator[WindowedValue | pvalue.TaggedOutput[str, WindowedValue]]:
        """Write what is left."""
        for result in self._write():
            if isinstance(result, pvalue.TaggedOutput):
                yield pvalue.TaggedOutput(result.tag, _everywhere(result.value))
            else:
                yield _everywhere(result)

    def _write(self) -> Iterator[Outcome | pvalue.TaggedOutput[str, Failure]]:
        from pipelines.index.arrival import Arrival

        drafts, self._drafts, self._bytes = self._drafts, [], 0
        known: list[ArticleDraft] = []
        arrivals: list[Arrival] = []
        for draft in drafts:
            try:
                arrivals.append(Arrival.of(draft.entry, draft.facts, draft.article))
                known.append(draft)
            except Exception as error:  # noqa: BLE001 - what is not the article's fault is raised again
                yield pvalue.TaggedOutput(DEAD, failure_of(error, draft.message, Stage.INDEX))
        for draft, end in zip(known, self._writer.write(arrivals), strict=True):
            if end.kind is OutcomeKind.DEAD:
                yield pvalue.TaggedOutput(DEAD, Failure(draft.message, Stage.INDEX, end.reason, "Verdict", end.detail))
            else:
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


class _Accounting(DoFn):
    """A step that ends its bundle only when Kafka has acknowledged what it sent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def setup(self) -> None:
        """Take this process's books."""
        with refusals.noted():
            self._books = books_of(self._settings)

    def finish_bundle(self) -> None:
        """Wait for the acknowledgements."""
        with refusals.noted():
            self._books.flush()


class WriteOutcomes(_Accounting):
    """Outcome -> the ledger's topic."""

    def process(self, element: Outcome) -> None:
        """Send one outcome."""
        with refusals.noted():
            self._books.outcome(element)


class WriteDeadLetter(_Accounting):
    """Failure -> a dead letter with payload and headers, and its outcome."""

    def process(self, element: Failure) -> None:
        """Set one page aside."""
        with refusals.noted():
            self._books.dead(element)


def _refusal(message: Message, entry: Entry, error: Rejected | Skipped) -> Outcome:
    kind = OutcomeKind.SKIPPED if isinstance(error, Skipped) else OutcomeKind.REJECTED
    return ledger.outcome(entry, Stage.CLEAN, kind, reason=error.reason, detail=error.message, origin=message.origin)


def _everywhere(value: Any) -> WindowedValue:  # noqa: ANN401 - whatever the step yields
    """Wrap a value for `finish_bundle`, which has no element to inherit time and window from."""
    return WindowedValue(value, 0, (GlobalWindow(),))


@lru_cache(maxsize=4)
def recent(url: str, river: str) -> Recent:  # noqa: ARG001 - the key
    """What this process has written lately, kept between generations."""
    return Recent()
