"""What ledger, index and Kafka hold at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from pipelines.chaos.pages import Press
from pipelines.chaos.plan import end_of
from pipelines.chaos.verdict import Accounts, Document, judge
from pipelines.connect import kafka_bootstrap
from pipelines.index.documents import articles_alias
from pipelines.index.elastic import Elastic, connect
from pipelines.ledger import lookup
from pipelines.ledger.accounts import reconcile
from pipelines.settings import Settings
from schemas.records import DeadLetter
from schemas.topics import DEAD_LETTERS

_BATCH = 5000


def accounts(settings: Settings, press: Press, unreadable: int) -> Accounts:
    """Draw up the accounts of a river that has come to rest.

    Raises:
        ServiceError: a server does not answer.
    """
    river = settings.river.name
    plan = press.plan
    audit = reconcile(settings)
    with closing(connect(settings)) as client:
        return judge(
            {press.id(number): end_of(plan.page(number)) for number in range(plan.articles)},
            lookup.lines(client, river),
            documents(client, river),
            letters(settings),
            unaccounted=audit.wrong,
            unreadable=unreadable,
        )


def documents(client: Elastic, river: str) -> Iterator[Document]:
    """Give every document of a river's articles, twice where there are two."""
    alias = articles_alias(river)
    lookup.refresh(client, alias)
    pit = client.ask("POST", f"/{alias}/_pit", None, {"keep_alive": "5m"})["id"]
    body = {"size": _BATCH, "pit": {"id": pit, "keep_alive": "5m"}, "sort": ["_shard_doc"], "_source": ["url"]}
    try:
        while hits := client.ask("POST", "/_search", body)["hits"]["hits"]:
            for hit in hits:
                yield Document(hit["_id"], hit["_index"], hit["_source"]["url"])
            body["search_after"] = hits[-1]["sort"]
    finally:
        client.ask("DELETE", "/_pit", {"id": pit})


def letters(settings: Settings) -> set[str]:
    """Give the articles that have a dead letter."""
    from pipelines.kafka import read_whole

    topic = DEAD_LETTERS.full_name(settings.river.name)
    places = [(topic, partition) for partition in range(settings.kafka.partitions)]
    found = read_whole(kafka_bootstrap(settings), places, client_id="newsriver-chaos")
    return {DeadLetter.from_json(letter.headers["dead-letter"]).article_id for letter in found}
