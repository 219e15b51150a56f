"""What is under way on Kafka: the records that their role has yet to commit, and the pages that the raw topic holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from pipelines.errors import ServiceError
from pipelines.kafka import Admin, Message, RangeReader, partition_of
from pipelines.ledger.outcomes import stand_in
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from schemas.records import Entry, Outcome
from schemas.topics import ENTRIES, LATER, OUTCOMES, PAGES, Role, Topic

_Places = dict[tuple[str, int], int]


class Waiting(NamedTuple):
    """A record with the Entry it carries; `topic` is the name below the river's."""

    topic: str
    message: Message
    entry: Entry
    committed: bool = False


class Underway:
    """Looks at a river's topics.

    Raises:
        ServiceError: Kafka does not answer, or a topic does not exist.
    """

    def __init__(self, settings: Settings, *, client_id: str) -> None:
        self._river = settings.river.name
        self._bootstrap = kafka_bootstrap(settings)
        with Admin(self._bootstrap) as admin:
            self._partitions = admin.topics()
        self._spans = RangeReader(self._bootstrap, client_id=client_id)

    def entries(self, key: str = "", *, whole: bool = False) -> Iterator[Waiting]:
        """Give the Entries that fetch has yet to commit, or all that Kafka still holds.

        With a key, a host, only those of the partition that it lives in.

        Announcements that only name a further feed of an article are left out: they stand for no visit until they are
        fetched after all, and then their lines are written with what follows.
        """
        places = [place for topic in (ENTRIES, *LATER) for place in self._places(topic, key)]
        for message in self._read(places, {} if whole else self._committed(Role.FETCH)):
            entry = _entry(message.value, message.origin, message.timestamp_ms)
            if not (entry.further and self._short(message) == ENTRIES.name):
                yield Waiting(self._short(message), message, entry)

    def pages(self, key: str = "", *, whole: bool = False, since: datetime | None = None) -> Iterator[Waiting]:
        """Give pages without their body: those that process has yet to commit, or all.

        Args:
            key: only from the partition that this URL lives in.
            whole: give committed ones, too, as far as Kafka still holds them.
            since: of those, only the ones that were sent since.
        """
        places = self._places(PAGES, key)
        committed = self._committed(Role.PROCESS)
        starts = committed
        if whole:
            sent = self._spans.since(places, since) if since is not None else dict.fromkeys(places, 0)
            starts = {place: min(sent.get(place, offset), offset) for place, offset in committed.items()}
        for message in self._read(places, starts):
            entry = _entry(message.headers.get("entry"), message.key or message.origin, message.timestamp_ms)
            done = message.offset < committed.get((message.topic, message.partition), 0)
            yield Waiting(PAGES.name, message, entry, done)

    def outcomes(self, key: str = "") -> Iterator[tuple[Message, Outcome]]:
        """Give the outcomes that record has yet to commit; with a key, an article id, only from its partition."""
        for message in self._read(self._places(OUTCOMES, key), self._committed(Role.RECORD)):
            try:
                yield message, Outcome.from_json(message.value or b"")
            except ValidationError:  # begins and ends at once, when record sets it aside
                continue

    def records(self, topic: Topic, key: str, since: datetime) -> Iterator[Message]:
        """Give what the partition of a key holds since a time."""
        places = self._places(topic, key)
        yield from self._read(list(found := self._spans.since(places, since)), found)

    def close(self) -> None:
        """Hang up."""
        self._spans.close()

    def _committed(self, role: Role) -> _Places:
        with Admin(self._bootstrap) as admin:
            return admin.committed(f"{self._river}-{role}")

    def _read(self, places: Collection[tuple[str, int]], starts: _Places) -> Iterator[Message]:
        """Read from the given offsets, or the first ones there are, to the present ends, which are asked for last."""
        first, ends = self._spans.starts(places), self._spans.ends(places)
        return self._spans.read({place: (max(starts.get(place, 0), first[place]), ends[place]) for place in places})

    def _places(self, topic: Topic, key: str) -> list[tuple[str, int]]:
        name = topic.full_name(self._river)
        count = self._partitions.get(name)
        if count is None:
            raise ServiceError(f"topic {name} does not exist", hint="create it with `newsriver setup`", resource=name)
        return [(name, partition_of(key, count))] if key else [(name, number) for number in range(count)]

    def _short(self, message: Message) -> str:
        return message.topic.removeprefix(f"{self._river}.")


def _entry(data: bytes | None, key: str, timestamp_ms: int) -> Entry:
    """Read an Entry as its role does: what cannot be read has a stand-in."""
    try:
        return Entry.from_json(data or b"")
    except ValidationError:
        return stand_in(key, timestamp_ms)
