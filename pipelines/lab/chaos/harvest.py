"""What ledger, index and Kafka hold at the end of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from pipelines.index.documents import articles_alias, outcomes_alias
from pipelines.index.elastic import Elastic, connect
from pipelines.lab.chaos.delays import FaultWindow, late
from pipelines.lab.chaos.page_kinds import ANYHOW, ChaosPage, end_of
from pipelines.lab.chaos.pages import Press
from pipelines.lab.chaos.verdict import Accounts, IndexedDocument, LedgerStep, judge
from pipelines.ledger import lookup
from pipelines.ledger.accounts import reconcile
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from schemas.records import DeadLetter, OutcomeKind
from schemas.topics import DEAD_LETTERS

_BATCH = 5000
_FIRST_ENDS = [
    {"term": {"terminal": True}},
    {"term": {"visit": 0}},
    {"prefix": {"source": "paper-"}},
]


def accounts(
    settings: Settings,
    press: Press,
    *,
    unreadable: int,
    strangers: Collection[str] = (),
    reveals: Sequence[tuple[int, float]] = (),
    windows: Sequence[FaultWindow] = (),
) -> Accounts:
    """Draw up the accounts of a river that has come to rest.

    Args:
        settings: the river's.
        press: what the good sites announced.
        unreadable: records sent that nobody can read.
        strangers: articles of the hostile site, which may end in any way.
        reveals: how many articles were out since when; without any nothing counts as late.
        windows: stretches of time that make nothing late.

    Raises:
        ServiceError: a server does not answer.
    """
    river = settings.river.name
    plan = press.plan
    audit = reconcile(settings)
    ids = {press.id(number): number for number in press.numbers}
    with closing(connect(settings)) as client:
        steps = list(lines(client, river))
        ends = {ids[step.article_id]: step.at.timestamp() for step in steps if step.ends and step.article_id in ids}
        return judge(
            {one: end_of(plan.page(number)) for one, number in ids.items()} | dict.fromkeys(strangers, ANYHOW),
            steps,
            documents(client, river),
            letters(settings),
            feeds={one: press.feeds_of(number) for one, number in ids.items()},
            late={press.id(number): seconds for number, seconds in late(_plain(press), reveals, ends, windows).items()},
            unaccounted=audit.wrong,
            unreadable=unreadable,
        )


def _plain(press: Press) -> Iterator[int]:
    """Give the articles that nothing but a hostile neighbour may delay: good ones in feeds of the first list."""
    listed = len(press.feed_lists()[0])
    for number in range(press.plan.articles):
        if press.plan.page(number) is ChaosPage.GOOD and press.feed_of(number) < listed:
            yield number


def ended(client: Elastic, river: str) -> int:
    """Count the articles of the good sites whose first visit has ended in the ledger."""
    alias = outcomes_alias(river)
    lookup.refresh(client, alias)
    query = {"bool": {"filter": _FIRST_ENDS, "must_not": {"term": {"kind": OutcomeKind.DUPLICATE_URL}}}}
    answer = client.ask("POST", f"/{alias}/_count", {"query": query}, {"ignore_unavailable": "true"})
    return int(answer["count"])


def lines(client: Elastic, river: str) -> Iterator[LedgerStep]:
    """Give every line of the ledger."""
    fields = ("article_id", "visit", "kind", "reason", "feed_url", "at", "first_seen", "terminal")
    for _, found in _every(client, outcomes_alias(river), fields):
        yield LedgerStep(
            found["article_id"],
            found["visit"],
            OutcomeKind(found["kind"]),
            found.get("reason", ""),
            found.get("feed_url", ""),
            datetime.fromisoformat(found["at"]),
            datetime.fromisoformat(found["first_seen"]),
        )


def documents(client: Elastic, river: str) -> Iterator[IndexedDocument]:
    """Give every document of a river's articles, twice where there are two."""
    for hit, found in _every(client, articles_alias(river), ("url", "first_seen", "feeds")):
        first_seen = datetime.fromisoformat(found["first_seen"])
        yield IndexedDocument(hit["_id"], hit["_index"], found["url"], first_seen, frozenset(found.get("feeds", ())))


def letters(settings: Settings) -> list[str]:
    """Give the article of each dead letter."""
    from pipelines.kafka import read_whole

    topic = DEAD_LETTERS.full_name(settings.river.name)
    places = [(topic, partition) for partition in range(settings.kafka.partitions)]
    found = read_whole(kafka_bootstrap(settings), places, client_id="newsriver-chaos")
    return [DeadLetter.from_json(letter.headers["dead-letter"]).article_id for letter in found]


def _every(client: Elastic, alias: str, fields: Iterable[str]) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Give every document behind an alias with some of its fields."""
    lookup.refresh(client, alias)
    pit = client.ask("POST", f"/{alias}/_pit", None, {"keep_alive": "5m"})["id"]
    wanted: dict[str, Any] = {"size": _BATCH, "pit": {"id": pit, "keep_alive": "5m"}, "sort": ["_shard_doc"]}
    body = wanted | {"_source": list(fields), "track_total_hits": False}
    try:
        while hits := client.ask("POST", "/_search", body)["hits"]["hits"]:
            for hit in hits:
                yield hit, hit["_source"]
            body["search_after"] = hits[-1]["sort"]
    finally:
        client.ask("DELETE", "/_pit", {"id": pit})
