"""What travels with a page on Kafka, read and checked: its entry and its facts. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import ValidationError

from pipelines.errors import Poison
from pipelines.kafka import Message
from pipelines.ledger.outcomes import stand_in
from schemas.records import Entry, PageFacts, Record

AHEAD = timedelta(days=1)
"""How far a time in a record may lie after the record's own: clocks differ, calendars do not."""

_R = TypeVar("_R", bound=Record)


def read_page(message: Message) -> tuple[Entry, PageFacts]:
    """Read entry and facts of a page.

    Raises:
        Poison: `unreadable-facts`, `bad-entry`; `impossible-time` where one of them is of the future, for then it would
            be filed under that month, or no later visit could replace it.
    """
    facts = _read(PageFacts, message, "page", "unreadable-facts")
    entry = _read(Entry, message, "entry", "bad-entry")
    latest = _sent_at(message) + AHEAD
    for name, moment in (("first_seen", entry.first_seen), ("fetched_at", facts.fetched_at)):
        if moment > latest:
            why = f"{name} {moment:%Y-%m-%d} lies after {latest:%Y-%m-%d}, when the record was sent"
            raise Poison(why, reason="impossible-time", resource=entry.url)
    return entry, facts


def accountable_entry(message: Message) -> Entry:
    """Give the entry under which a page that cannot be processed is accounted for.

    One that cannot be read gets a stand-in made from the record's key, one of the future the record's own time: the
    ledger files its lines by that day.
    """
    try:
        entry = _read(Entry, message, "entry", "bad-entry")
    except Poison:
        return stand_in(message.key or message.origin, message.timestamp_ms)
    return entry.model_copy(update={"first_seen": min(entry.first_seen, _sent_at(message) + AHEAD)})


def _read(kind: type[_R], message: Message, header: str, reason: str) -> _R:
    try:
        return kind.from_json(message.headers.get(header, b""))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        why = f"the page's {header} header cannot be read: {f'{where}: ' if where else ''}{first['msg']}"
        raise Poison(why, reason=reason, resource=message.origin) from None


def _sent_at(message: Message) -> datetime:
    return datetime.fromtimestamp(message.timestamp_ms / 1000, UTC)
