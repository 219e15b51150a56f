"""One article's way through the river: its lines in the ledger, where it waits, its document, its dead letters."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from pydantic import ValidationError

from pipelines.errors import FeedFault, NewsriverError, UsageError
from pipelines.index.elastic import Elastic, connect
from pipelines.ledger import lookup
from pipelines.ledger.dead_letter_rules import REPLAY
from pipelines.ledger.in_flight import Underway, Waiting
from pipelines.ledger.lookup import StoredArticle
from pipelines.ledger.outcomes import ANNOUNCING, OutcomeLine
from pipelines.ledger.reconcile import MEANING, Reconciliation
from pipelines.settings import Settings
from pipelines.urls import article_id, canonical_url, host_of, identity_url
from schemas.records import DeadLetter, Outcome, OutcomeKind, Stage
from schemas.topics import DEAD_LETTERS, ENTRIES, LATER, OUTCOMES

_ID = re.compile(r"[0-9a-f]{32}")
_LETTERS_READ = 5000
"""Dead letters looked at: a letter lies soon after the time of its outcome."""

_LETTER_MARGIN = timedelta(minutes=5)
_LEFT_OUT = ("body", "dated_at", "site_tree", "stem")


class Hop(NamedTuple):
    """One step.

    Attributes:
        at: when.
        visit: the visit it belongs to.
        stage: where.
        what: what happened, with its reason.
        why: the decision behind it, for people.
        origin: Kafka coordinates of the record it was made from.
        recorded: whether the ledger's index has it; else it waits on Kafka.
    """

    at: datetime
    visit: int
    stage: Stage
    what: str
    why: str
    origin: str
    recorded: bool = True


class Berth(NamedTuple):
    """Where a record of the article waits: its Kafka coordinates, and when it is due in a later-tier."""

    origin: str
    topic: str
    visit: int
    tries: int
    due_at: datetime | None


@dataclass(frozen=True)
class Trace:
    """All that is known of an article.

    Attributes:
        id: its id.
        url: its canonical URL; empty when only the id is known.
        outcomes: its lines, oldest first; those in `unrecorded` by id wait on Kafka.
        unrecorded: ids of outcomes that `record` has yet to write.
        waiting: records that a role has yet to commit.
        documents: what the index has of it.
        letters: its dead letters with their Kafka coordinates.
        problems: what the books find wrong about it.
    """

    id: str
    url: str
    outcomes: list[Outcome]
    unrecorded: set[str]
    waiting: list[Berth]
    documents: list[StoredArticle]
    letters: list[tuple[str, DeadLetter]]
    problems: list[str]

    def hops(self) -> list[Hop]:
        """Give the steps, oldest first."""
        return [hop_of(line, recorded=line.id not in self.unrecorded) for line in self.outcomes]

    def state(self) -> str:
        """Say in one line where the article is now."""
        if self.problems:
            return "unaccounted: " + "; ".join(self.problems)
        ends = [line for line in self.outcomes if line.terminal]
        last = max(ends, key=lambda line: line.visit, default=None)
        parts = [] if last is None else [f"visit {last.visit} ended as {_kind(last)}"]
        parts += [_berth(berth) for berth in self.waiting]
        return "; ".join(parts) or "in flight"

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return {
            "id": self.id,
            "url": self.url,
            "state": self.state(),
            "problems": self.problems,
            "hops": [hop._asdict() | {"at": hop.at.isoformat()} for hop in self.hops()],
            "outcomes": [line.model_dump(mode="json", exclude_none=True) for line in self.outcomes],
            "in_flight": [
                berth._asdict() | {"due_at": berth.due_at and berth.due_at.isoformat()} for berth in self.waiting
            ],
            "documents": [
                {"index": found.index_name, "version": found.version, **summary(found)} for found in self.documents
            ],
            "dead_letters": [{"place": place, **letter.model_dump(mode="json")} for place, letter in self.letters],
        }


def identify(text: str) -> tuple[str, str]:
    """Give id and canonical URL of what was typed; for an id the URL is empty.

    Raises:
        UsageError: it is neither.
    """
    if _ID.fullmatch(text.strip().lower()):
        return text.strip().lower(), ""
    try:
        url = canonical_url(text)
    except FeedFault as fault:
        hint = "give an article's URL or its id of 32 hex digits"
        raise UsageError(f"{text!r} is {fault.message}", hint=hint, resource=text) from None
    return article_id(url), url


def hop_of(line: Outcome, *, recorded: bool = True) -> Hop:
    """Describe one line of the ledger."""
    return Hop(line.at, line.visit, line.stage, _kind(line), "; ".join(_reasons(line)), line.origin, recorded)


def summary(found: StoredArticle) -> dict[str, Any]:
    """Give a document without its text."""
    return {name: value for name, value in found.source.items() if name not in _LEFT_OUT}


def trace(settings: Settings, text: str) -> Trace:
    """Gather all that is known of an article.

    Args:
        settings: for the servers and the river's name.
        text: its URL, in any spelling, or its id.

    Raises:
        UsageError: the text is neither.
        NewsriverError: nothing is known of it.
        ServiceError: Kafka or Elasticsearch does not answer.
    """
    wanted, url = identify(text)
    with closing(connect(settings)) as client, closing(Underway(settings, client_id="newsriver-trace")) as kafka:
        found = _gather(client, kafka, settings.river.name, wanted, url)
    if not (found.outcomes or found.waiting or found.documents):
        raise NewsriverError(
            f"nothing is known of {text}",
            hint="`newsriver search` finds articles by their words, `newsriver feeds check` what a feed announces",
            resource=wanted,
        )
    return found


def _gather(client: Elastic, kafka: Underway, river: str, wanted: str, url: str) -> Trace:
    """Look at Kafka first and at the ledger last: what moves meanwhile is seen twice, not missed."""
    before = lookup.outcomes(client, river, [wanted])
    url = url or next((line.url for line in before), "")
    pages = {url, *(line.page_url for line in before), *(line.page_url for _, line in kafka.outcomes(wanted))} - {""}
    waiting = list(_waiting(kafka, wanted, url, pages))
    coming = {line.id: (message, line) for message, line in kafka.outcomes(wanted) if line.article_id == wanted}
    recorded = lookup.outcomes(client, river, [wanted])  # an article that is discovered again has lines of both times
    unrecorded = coming.keys() - {line.id for line in recorded}
    lines = sorted((*recorded, *(coming[one][1] for one in unrecorded)), key=lambda line: (line.at, line.visit))
    homes = {wanted, *(line.document_id for line in lines)} - {""}
    documents = list(lookup.documents(client, river, homes, source=True))
    letters = list(_letters(kafka, wanted, [line for line in lines if line.kind is OutcomeKind.DEAD]))
    berths = [_berth_of(one) for one in waiting]
    berths += [Berth(coming[one][0].origin, OUTCOMES.name, coming[one][1].visit, 0, None) for one in sorted(unrecorded)]
    url = url or next((one.entry.url for one in waiting), "") or next((line.url for line in lines), "")
    problems = _problems(wanted, lines, unrecorded, waiting, documents)
    return Trace(wanted, url, lines, set(unrecorded), berths, documents, letters, problems)


def _waiting(kafka: Underway, wanted: str, url: str, pages: Collection[str]) -> Iterator[Waiting]:
    """Find the article's uncommitted records; with its addresses only the partitions of its keys are read."""
    host = host_of(url) if url.startswith("http") else ""
    found = {
        one.message.origin: one for key in ({identity_url(page) for page in pages} or {""}) for one in kafka.pages(key)
    }
    for one in (*kafka.entries(host), *found.values()):
        if one.entry.id == wanted:
            yield one


def _letters(kafka: Underway, wanted: str, dead: Sequence[Outcome]) -> Iterator[tuple[str, DeadLetter]]:
    if not dead:
        return
    since = min(line.at for line in dead) - _LETTER_MARGIN
    for message in islice(kafka.records(DEAD_LETTERS, wanted, since), _LETTERS_READ):
        try:
            letter = DeadLetter.from_json(message.headers.get("dead-letter", b""))
        except ValidationError:
            continue
        if letter.article_id == wanted:
            yield message.origin, letter


def _problems(
    wanted: str,
    lines: Sequence[Outcome],
    unrecorded: Collection[str],
    waiting: Sequence[Waiting],
    documents: Sequence[StoredArticle],
) -> list[str]:
    """Balance the books of this one article."""
    books = Reconciliation()
    for line in lines:
        books.line(OutcomeLine.of(line), recorded=line.id not in unrecorded)
    for one in waiting:
        if one.topic in {ENTRIES.name, *(tier.name for tier in LATER)}:
            books.entry(wanted, one.entry.visit, one.topic, again=REPLAY in one.message.headers)
        else:
            books.page(wanted, one.entry.visit, committed=False)
    for found in documents:
        books.document(found.article_id, found.version)
    return [
        f"{finding.problem}: {'' if finding.visit is None else f'visit {finding.visit}: '}{MEANING[finding.problem]}"
        for finding in books.balance().findings
    ]


def _kind(line: Outcome) -> str:
    return f"{line.kind}: {line.reason}" if line.reason else str(line.kind)


def _reasons(line: Outcome) -> Iterator[str]:
    if line.kind is OutcomeKind.DISCOVERED:
        yield f"announced by {line.feed_url}"
    if line.kind is OutcomeKind.DUPLICATE_URL and line.stage in ANNOUNCING:
        yield f"repeated by {line.feed_url}"
    if line.stage is Stage.FETCH and line.kind in (OutcomeKind.FETCHED, OutcomeKind.UNCHANGED):
        yield "robots.txt allows it"
    if line.page_url:
        yield f"the page is {line.page_url}"
    if line.detail:
        yield line.detail
    if line.document_index:
        yield f"{line.document_index}, version {line.document_version}"
    if line.next_visit_at is not None:
        yield f"next visit {_time(line.next_visit_at)}"


def _berth_of(one: Waiting) -> Berth:
    return Berth(one.message.origin, one.topic, one.entry.visit, one.entry.attempt, one.entry.due_at)


def _berth(berth: Berth) -> str:
    due = f", due {_time(berth.due_at)}" if berth.due_at is not None and "later" in berth.topic else ""
    tries = f" after {berth.tries} failed tries" if berth.tries else ""
    return f"visit {berth.visit} waits in {berth.topic}{tries}{due}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
