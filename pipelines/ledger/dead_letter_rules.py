"""Dead letters: which are open, how they group, what a replay sends, what today's code would make of them. Pure.

A letter stands for the record it was made of, whose Kafka coordinates are its `origin`: a crash may bury a record
twice, and both are one letter. A mark of the same origin says that it was replayed or parked. A record that was sent
again and dies again has other coordinates, so its letter is a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from pydantic import ValidationError

from pipelines.errors import RecordFault, Rejected, Skipped
from pipelines.extraction import Page
from schemas.records import DeadLetter, DeadLetterMark, Entry, MarkKind, Outcome, OutcomeKind, PageFacts, Stage
from schemas.topics import ENTRIES, OUTCOMES, PAGES, Topic

HEADER = "dead-letter"
"""The message header that carries the DeadLetter record."""
REPLAY = "replay-of"
"""The message header of an entry that was sent again, with its letter's origin: it is no second announcement."""

Headers = Mapping[str, bytes]
Extract = Callable[[Page], object]


class DeadLetterState(StrEnum):
    """What has become of a letter."""

    OPEN = "open"
    REPLAYED = "replayed"
    PARKED = "parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterView:
    """A dead letter without its payload.

    Attributes:
        place: where the letter itself lies on Kafka, as `topic/partition/offset`.
        facts: why and where it died.
        url: the article's URL, or the record's key where no entry can be read.
        size: bytes of the payload.
        mark: what was done with it.
    """

    place: str
    facts: DeadLetter
    url: str
    size: int
    mark: DeadLetterMark | None = None

    @property
    def state(self) -> DeadLetterState:
        """What has become of it; a replay settles no death that came after it, parking is for good."""
        if self.mark is None:
            return DeadLetterState.OPEN
        if self.mark.kind is MarkKind.PARKED:
            return DeadLetterState.PARKED
        return DeadLetterState.REPLAYED if self.facts.at <= self.mark.letter_at else DeadLetterState.OPEN

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        facts = self.facts.model_dump(mode="json", exclude_none=True)
        mark = {} if self.mark is None else {"mark": self.mark.model_dump(mode="json", exclude={"origin", "letter_at"})}
        return {**facts, "url": self.url, "place": self.place, "bytes": self.size, "state": str(self.state), **mark}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which letters are meant; what is not set does not restrict.

    Attributes:
        stage: where they died.
        reason: why they died.
        since: when they died, at the earliest.
        names: each an article id, a URL, or the Kafka coordinates of the record or of the letter.
        states: what has become of them.
    """

    stage: Stage | None = None
    reason: str = ""
    since: datetime | None = None
    names: frozenset[str] = frozenset()
    states: frozenset[DeadLetterState] = frozenset({DeadLetterState.OPEN})

    def picks(self, letter: DeadLetterView) -> bool:
        """Tell whether a letter is meant."""
        facts = letter.facts
        return (
            self.stage in (None, facts.stage)
            and self.reason in ("", facts.reason)
            and (self.since is None or facts.at >= self.since)
            and (not self.names or not self.names.isdisjoint(names_of(letter)))
            and letter.state in self.states
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Letters that died at the same stage for the same reason.

    Attributes:
        stage: where.
        reason: why.
        count: how many.
        first: when the first one died.
        last: when the last one died.
        sample: the last one.
    """

    stage: Stage
    reason: str
    count: int
    first: datetime
    last: datetime
    sample: DeadLetterView

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        facts = self.sample.facts
        return {
            "stage": str(self.stage),
            "reason": self.reason,
            "count": self.count,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "sample": {"url": self.sample.url, "origin": facts.origin, "message": facts.message},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The record that sends a letter's payload through the river again.

    Attributes:
        topic: where to.
        key: the record's key.
        value: its payload.
        headers: its headers.
    """

    topic: Topic
    key: str
    value: bytes | None
    headers: dict[str, bytes]


@dataclass(frozen=True, slots=True, order=True)
class Forecast:
    """What today's code would make of a letter.

    Attributes:
        kind: `indexed`, `rejected`, `skipped` or `dead`; `fetched` for an entry, whose page has yet to be fetched;
            for an outcome its own.
        reason: why, where it is not indexed or fetched.
    """

    kind: OutcomeKind
    reason: str = ""

    def __str__(self) -> str:
        """Say it in words."""
        if self.kind is OutcomeKind.DEAD:
            return f"still dead: {self.reason}"
        return f"{self.kind}: {self.reason}" if self.reason else f"would be {self.kind}"


def read_letter(place: str, headers: Headers, value: bytes | None) -> DeadLetterView | None:
    """Read a record of the dead letters' topic; None for one that is no dead letter."""
    try:
        facts = DeadLetter.from_json(headers.get(HEADER, b""))
    except ValidationError:
        return None
    entry = _entry(facts.stage, headers, value)
    return DeadLetterView(place=place, facts=facts, url=entry.url if entry else facts.key, size=len(value or b""))


def latest(letters: Iterable[DeadLetterView], marks: Mapping[str, DeadLetterMark]) -> list[DeadLetterView]:
    """Keep the last letter of each origin, with its mark, in the order of death.

    Args:
        letters: all that were read.
        marks: what was done, by the letters' origins.
    """
    found: dict[str, DeadLetterView] = {}
    for letter in letters:
        known = found.get(letter.facts.origin)
        if known is None or known.facts.at <= letter.facts.at:
            found[letter.facts.origin] = letter
    marked = (replace(letter, mark=marks.get(origin)) for origin, letter in found.items())
    return sorted(marked, key=lambda letter: (letter.facts.at, letter.facts.origin))


def names_of(letter: DeadLetterView) -> frozenset[str]:
    """Give what a person may call a letter."""
    return frozenset({letter.facts.article_id, letter.url, letter.facts.origin, letter.place})


def unknown_names(names: Iterable[str], letters: Iterable[DeadLetterView]) -> list[str]:
    """Give the names that no letter has."""
    known = {name for letter in letters for name in names_of(letter)}
    return [name for name in names if name not in known]


def groups(letters: Iterable[DeadLetterView]) -> list[Group]:
    """Group letters by stage and reason, the largest group first."""

    def kind(letter: DeadLetterView) -> tuple[str, str]:
        return letter.facts.stage.value, letter.facts.reason

    found = [_group(list(members)) for _, members in groupby(sorted(letters, key=kind), kind)]
    return sorted(found, key=lambda group: (-group.count, group.stage, group.reason))


def _group(members: Sequence[DeadLetterView]) -> Group:
    ordered = sorted(members, key=lambda letter: (letter.facts.at, letter.facts.origin))
    first, last = ordered[0], ordered[-1]
    return Group(
        stage=last.facts.stage,
        reason=last.facts.reason,
        count=len(ordered),
        first=first.facts.at,
        last=last.facts.at,
        sample=last,
    )


def replay_of(facts: DeadLetter, headers: Headers, value: bytes | None) -> Replay:
    """Give the record that sends a letter through the river again.

    A page or an outcome is the record it was, byte for byte: document ids, external versions and the ledger's rules
    make a second pass harmless. An entry starts its visit afresh, with all its tries before it and no time to wait
    for.
    """
    kept = {name: content for name, content in headers.items() if name != HEADER}
    if facts.stage is not Stage.FETCH:
        topic = OUTCOMES if facts.stage is Stage.RECORD else PAGES
        return Replay(topic=topic, key=facts.key, value=value, headers=kept)
    entry = _entry(facts.stage, headers, value)
    fresh = value if entry is None else entry.model_copy(update={"attempt": 0, "due_at": None}).to_json()
    return Replay(topic=ENTRIES, key=facts.key, value=fresh, headers=kept | {REPLAY: facts.origin.encode()})


def foresee(facts: DeadLetter, headers: Headers, value: bytes | None, extract: Extract) -> Forecast:
    """Say what a replay would lead to, as far as that is known without the network or Elasticsearch.

    Args:
        facts: why it died.
        headers: the letter's headers.
        value: its payload.
        extract: today's code on a page; raises RecordFault where it gives no article.
    """
    entry = _entry(facts.stage, headers, value)
    if facts.stage is Stage.FETCH:
        return Forecast(OutcomeKind.FETCHED) if entry else Forecast(OutcomeKind.DEAD, "bad-entry")
    if facts.stage is Stage.RECORD:
        return _foresee_outcome(value)
    try:
        return _foresee_page(entry, headers, value, extract)
    except (Rejected, Skipped) as error:
        return Forecast(OutcomeKind.SKIPPED if isinstance(error, Skipped) else OutcomeKind.REJECTED, error.reason)
    except RecordFault as error:
        return Forecast(OutcomeKind.DEAD, error.reason)


def _foresee_page(entry: Entry | None, headers: Headers, value: bytes | None, extract: Extract) -> Forecast:
    try:
        facts = PageFacts.from_json(headers.get("page", b""))
    except ValidationError:
        return Forecast(OutcomeKind.DEAD, "unreadable-facts")
    if entry is None:
        return Forecast(OutcomeKind.DEAD, "bad-entry")
    extract(Page(value or b"", entry, facts))
    return Forecast(OutcomeKind.INDEXED)


def _foresee_outcome(value: bytes | None) -> Forecast:
    """Say which end the ledger would get."""
    try:
        line = Outcome.from_json(value or b"")
    except ValidationError:
        return Forecast(OutcomeKind.DEAD, "bad-outcome")
    return Forecast(line.kind, line.reason)


def _entry(stage: Stage, headers: Headers, value: bytes | None) -> Entry | None:
    """Read a letter's entry: a fetcher's payload is one, a page has it in a header."""
    try:
        return Entry.from_json((value if stage is Stage.FETCH else headers.get("entry")) or b"")
    except ValidationError:
        return None
