"""What the river has put on Kafka by the end of a run, and whether every entry of it is accounted for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass

from pipelines.kafka import Message, read_topic
from pipelines.ledger.in_flight import Underway
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from schemas.records import Entry, Outcome, OutcomeKind
from schemas.topics import ENTRIES, OUTCOMES, Topic

_CLIENT = "newsriver-bench"


@dataclass(frozen=True)
class Harvest:
    """What is on Kafka.

    Attributes:
        entries: records of `news.entries` that announce an article.
        further: records beside them that only name a further feed of an article; poll has ended those itself.
        discovered: when each article was first seen, in seconds since 1970, by its id.
        pages: records of `news.pages`.
        outcomes: first visits that ended, by `kind: reason`.
        waiting: articles that wait for fetch, in `news.entries` or a later-tier.
        unaccounted: articles with an entry and nothing else: no page, no end, waiting nowhere.
    """

    entries: int
    further: int
    discovered: dict[str, float]
    pages: int
    outcomes: dict[str, int]
    waiting: int
    unaccounted: list[str]


def harvest(settings: Settings) -> Harvest:
    """Read a river whose poll and fetch have ended.

    Raises:
        ServiceError: Kafka does not answer.
    """
    discovered: dict[str, float] = {}
    count = further = 0
    for message in _records(settings, ENTRIES):
        entry = Entry.from_json(message.value or b"")
        further += entry.further
        if entry.further:
            continue
        count += 1
        at = entry.first_seen.timestamp()
        discovered[entry.id] = min(at, discovered.get(entry.id, at))
    ends: dict[str, int] = {}
    ended: set[str] = set()
    for message in _records(settings, OUTCOMES):
        outcome = Outcome.from_json(message.value or b"")
        if outcome.kind.terminal and outcome.visit == 0:
            name = f"{outcome.kind}: {outcome.reason}" if outcome.reason else str(outcome.kind)
            ends[name] = ends.get(name, 0) + 1
            if outcome.kind is not OutcomeKind.DUPLICATE_URL:
                ended.add(outcome.article_id)
    with closing(Underway(settings, client_id=_CLIENT)) as kafka:
        waiting = {one.entry.id for one in kafka.entries()}
        pages = [one.entry.id for one in kafka.pages(whole=True)]
    missing = unaccounted(discovered, pages, ended, waiting)
    return Harvest(count, further, discovered, len(pages), ends, len(waiting), missing)


def unaccounted(discovered: Collection[str], *accounts: Collection[str]) -> list[str]:
    """Name the articles that stand in none of the accounts."""
    return sorted(set(discovered).difference(*accounts))


def _records(settings: Settings, topic: Topic) -> Iterator[Message]:
    name = topic.full_name(settings.river.name)
    return read_topic(kafka_bootstrap(settings), name, client_id=_CLIENT)
