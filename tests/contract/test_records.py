"""Each record takes its good examples and refuses its bad ones: `schemas/examples/<record>.<reason>.pass|fail.json`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.index.documents import article_indices, document, outcome_document, outcome_indices
from pipelines.index.elastic import connect
from pipelines.index.sink import Sink
from pipelines.settings import Settings
from schemas.generate import record_name
from schemas.records import RECORDS, Article, Outcome, OutcomeKind, Record

EXAMPLES = sorted((Path(__file__).parents[2] / "schemas" / "examples").glob("*.json"))
BY_NAME = {record_name(record): record for record in RECORDS}


def parts(path: Path) -> tuple[type[Record], str, str]:
    name, reason, verdict, _ = path.name.split(".")
    return BY_NAME[name], reason, verdict


def those(verdict: str) -> list[Any]:
    return [pytest.param(path, id=path.name) for path in EXAMPLES if parts(path)[2] == verdict]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_each_record_has_examples_of_both_kinds(record: type[Record]) -> None:
    assert {parts(path)[2] for path in EXAMPLES if parts(path)[0] is record} == {"pass", "fail"}


@pytest.mark.parametrize("path", those("pass"))
def test_good_example_is_taken_and_comes_back_the_same(path: Path) -> None:
    record = parts(path)[0].model_validate_json(path.read_bytes())
    assert type(record).from_json(record.to_json()) == record


@pytest.mark.parametrize("path", those("fail"))
def test_bad_example_is_refused(path: Path) -> None:
    with pytest.raises(ValidationError):
        parts(path)[0].model_validate_json(path.read_bytes())


@pytest.mark.parametrize("path", those("pass"))
def test_a_consumer_ignores_fields_of_newer_versions(path: Path) -> None:
    newer = {**json.loads(path.read_bytes()), "field_of_the_future": 1}
    assert parts(path)[0].from_json(json.dumps(newer))


@pytest.mark.servers
def test_good_examples_are_indexed_as_they_are(river: Settings) -> None:
    """The strict mapping takes every field of the records that are indexed."""
    name = river.river.name
    articles = [Article.from_json(path.read_bytes()) for path in EXAMPLES if path.match("article.*.pass.json")]
    outcomes = [Outcome.from_json(path.read_bytes()) for path in EXAMPLES if path.match("outcome.*.pass.json")]
    ids = iter(f"{number:032x}" for number in range(100))
    documents = [document(one.model_copy(update={"id": next(ids)}), 1, name) for one in articles]
    documents += [outcome_document(one.model_copy(update={"id": next(ids)}), name) for one in outcomes]
    client = connect(river)
    verdicts = Sink(client, river.elasticsearch).write(documents)
    assert [verdict.kind for verdict in verdicts] == [OutcomeKind.INDEXED] * len(documents), verdicts
    when = datetime.fromisoformat("2026-11-24T09:30:00Z")
    for index in (article_indices(name).index(when), outcome_indices(name).index(when)):
        assert client.ask("POST", f"/{index}/_refresh")["_shards"]["failed"] == 0
    client.close()
