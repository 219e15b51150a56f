"""The sink with real records and several writers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.index.documents import articles_alias, document, outcome_document, outcomes_alias
from pipelines.index.elastic import connect
from pipelines.index.sink import Sink
from pipelines.index.verdict import Verdict
from pipelines.ledger.outcomes import outcome
from pipelines.settings import Settings
from schemas.records import Article, OutcomeKind, Stage
from tests.rivers import entry

pytestmark = pytest.mark.servers

WHEN = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def article(number: int, body: str = "The ferry is back on its old route.") -> Article:
    return Article(
        id=f"{number:032x}",
        url=f"https://gazette.example.org/{number}",
        source="gazette",
        title=f"Ferry {number}",
        body=body,
        language="en",
        first_seen=WHEN,
        fetched_at=WHEN,
        words=8,
        content_digest=f"{len(body):032x}",
    )


def test_writers_that_start_together_share_the_new_index(river: Settings) -> None:
    def write(number: int) -> list[Verdict]:
        client = connect(river)
        try:
            return Sink(client, river.elasticsearch).write(
                [document(article(number * 10 + n), 1, river.river.name) for n in range(10)]
            )
        finally:
            client.close()

    with ThreadPoolExecutor(4) as pool:
        verdicts = [verdict for written in pool.map(write, range(4)) for verdict in written]
    assert [verdict.kind for verdict in verdicts] == [OutcomeKind.INDEXED] * 40
    client = connect(river)
    client.ask("POST", f"/{articles_alias(river.river.name)}/_refresh")
    assert client.ask("GET", f"/{articles_alias(river.river.name)}/_count")["count"] == 40
    client.close()


def test_the_ledger_keeps_the_first_success_of_a_visit(river: Settings) -> None:
    client = connect(river)
    sink, name = Sink(client, river.elasticsearch), river.river.name
    lines = [
        outcome(entry(1), Stage.INDEX, kind, at=WHEN + timedelta(minutes=minutes))
        for minutes, kind in enumerate((OutcomeKind.DEAD, OutcomeKind.INDEXED, OutcomeKind.SUPERSEDED))
    ]
    for line in lines:
        sink.write([outcome_document(line, name)])
    client.ask("POST", f"/{outcomes_alias(name)}/_refresh")
    [hit] = client.ask("GET", f"/{outcomes_alias(name)}/_search")["hits"]["hits"]
    assert hit["_source"]["kind"] == "indexed"
    client.close()
