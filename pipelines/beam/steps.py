"""The steps of the job as Beam DoFns: thin wrappers around pure functions and the sink.

What reads a page runs in a child process (`pipelines.isolation`); whatever a page does there is raised here as a
RecordFault, which Beam's exception handling makes a dead letter. Any other error fails the bundle.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from apache_beam import DoFn, pvalue
from apache_beam.transforms.window import GlobalWindow
from apache_beam.typehints import with_output_types
from apache_beam.utils.windowed_value import WindowedValue

from pipelines.beam.refusals import refusals
from pipelines.beam.source import stop
from pipelines.errors import NewsriverError, Poison, RecordFault, Rejected, Skipped
from pipelines.heartbeat import Waits
from pipelines.index.lookup import Recent
from pipelines.isolation import extraction, work
from pipelines.kafka import Message, Sender
from pipelines.ledger import lines as ledger
from pipelines.limits import DeadShare
from pipelines.redaction import redacted
from pipelines.settings import Settings
from schemas.records import Article, DeadLetter, Entry, Outcome, OutcomeKind, PageFacts, Stage
from schemas.topics import DEAD_LETTERS, OUTCOMES


class Draft(NamedTuple):
    """An article on its way to the index, with the page it came from; without one where its site has removed it."""

    message: Message
    entry: Entry
    facts: PageFacts
    article: Article | None


Failed = tuple[Message | Draft, tuple[type[BaseException], str, list[str]]]
"""An element and why it failed: error class, repr, trace lines, as Beam's exception handling gives them."""

waits = Waits()
"""What this process waits for."""


@with_output_types(Draft, refused=Outcome)
class Clean(DoFn):
    """Message -> Draft, or an Outcome tagged `refused`: rejected or skipped."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def setup(self) -> None:
        """Take this process's children."""
        self._isolation = extraction(self._settings.clean)

    def process(self, element: Message) -> Iterator[Draft | pvalue.TaggedOutput[str, Outcome]]:
        """Clean one page.

        Raises:
            Poison: the page cannot be processed.
        """
        entry, facts = entry_of(element), _facts_of(element)
        body = element.value or b""
        if facts.removed:
            yield Draft(element, entry, facts, None)
            return
        try:
            article = self._isolation.call(work.clean_page, body, entry, facts, self._settings.clean)
        except (Rejected, Skipped) as error:
            yield pvalue.TaggedOutput("refused", _refusal(element, entry, error))
        else:
            yield Draft(element, entry, facts, article)


class Tag(DoFn):
    """Draft -> Draft with topics."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def setup(self) -> None:
        """Take this process's children."""
        self._isolation = extraction(self._settings.clean)

    def process(self, element: Draft) -> Iterator[Draft]:
        """Tag one article.

        Raises:
            Poison: the article cannot be processed.
        """
        article = element.article
        if article is None:
            yield element
            return
        topics = self._isolation.call(work.tag_article, article.title, article.body, article.language)
        yield element._replace(article=article.model_copy(update={"topics": topics}))


@with_output_types(Outcome, dead=Failed)
class Index(DoFn):
    """Draft -> Outcome, or a dead letter as Beam makes them; a bundle ends when Elasticsearch has answered for all."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._drafts: list[Draft] = []
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

    def process(self, element: Draft) -> Iterator[Outcome | pvalue.TaggedOutput[str, Failed]]:
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

    def _write(self) -> Iterator[Outcome | pvalue.TaggedOutput[str, Failed]]:
        from pipelines.index.arrival import Arrival

        drafts, self._drafts, self._bytes = self._drafts, [], 0
        arrivals = [Arrival.of(draft.entry, draft.facts, draft.article) for draft in drafts]
        for draft, end in zip(drafts, self._writer.write(arrivals), strict=True):
            if end.kind is OutcomeKind.DEAD:
                fault = RecordFault(end.detail, reason=end.reason, resource=draft.entry.url)
                yield pvalue.TaggedOutput("dead", (draft, (RecordFault, repr(fault), [])))
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


class _Producing(DoFn):
    """A step that ends its bundle only when Kafka has acknowledged what it sent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def setup(self) -> None:
        """Take this process's sender."""
        from pipelines.connect import kafka_bootstrap

        with refusals.noted():
            self._sender = _sender(kafka_bootstrap(self._settings), self._settings.kafka.linger_ms)
        self._ends = dead_share(self._settings.process.max_dead_share)

    def finish_bundle(self) -> None:
        """Wait for the acknowledgements."""
        with refusals.noted():
            self._sender.flush()

    def _account(self, outcome: Outcome) -> None:
        """Send an outcome.

        Raises:
            NewsriverError: too many pages ended as dead letters lately.
        """
        self._ends.add(dead=outcome.kind is OutcomeKind.DEAD)
        if self._ends.exceeded:
            raise NewsriverError("too many dead letters")  # `process` says how many and ends
        with refusals.noted():
            self._sender.send(OUTCOMES.full_name(self._settings.river.name), outcome.article_id, outcome.to_json())


class Account(_Producing):
    """Outcome -> the ledger's topic."""

    def process(self, element: Outcome) -> None:
        """Send one outcome."""
        self._account(element)


class Bury(_Producing):
    """(element, (error class, repr, trace lines)) -> a dead letter with payload and headers, and its outcome."""

    def __init__(self, settings: Settings, stage: Stage) -> None:
        super().__init__(settings)
        self._stage = stage

    def process(self, element: Failed) -> None:
        """Bury one page."""
        subject, (kind, text, trace) = element
        message = subject if isinstance(subject, Message) else subject.message
        reason = "unexpected-error"
        if issubclass(kind, RecordFault):
            reason, _, text = text.partition(": ")
        entry = entry_of(message)
        end = ledger.outcome(entry, self._stage, OutcomeKind.DEAD, reason=reason, detail=text, origin=message.origin)
        letter = DeadLetter(
            article_id=entry.id,
            stage=self._stage,
            reason=reason,
            error=kind.__name__,
            message=redacted(text)[:1000],
            stack=redacted("".join(trace))[-8000:],
            origin=message.origin,
            key=message.key or "",
            at=end.at,
        )
        headers = {**message.headers, "dead-letter": letter.to_json()}
        self._account(end)
        with refusals.noted():
            self._sender.send(DEAD_LETTERS.full_name(self._settings.river.name), entry.id, message.value, headers)


def entry_of(message: Message) -> Entry:
    """Read the entry that travels with a page; a page without a readable one gets a stand-in made from its key."""
    from pydantic import ValidationError

    try:
        return Entry.from_json(message.headers.get("entry", b""))
    except ValidationError:
        return ledger.stand_in(message.key or message.origin, message.timestamp_ms)


def _facts_of(message: Message) -> PageFacts:
    from pydantic import ValidationError

    try:
        return PageFacts.from_json(message.headers.get("page", b""))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Poison(f"the page's facts cannot be read: {first['msg']}", reason="unreadable-facts") from None


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


@lru_cache(maxsize=4)
def dead_share(most: float) -> DeadShare:
    """How the last pages of this process ended."""
    return DeadShare(most)


@lru_cache(maxsize=4)
def _sender(bootstrap: str, linger_ms: int) -> Sender:
    """One sender for all steps of this process, kept between generations."""
    return Sender(bootstrap, client_id="newsriver-process", linger_ms=linger_ms)
