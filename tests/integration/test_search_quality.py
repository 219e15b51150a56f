"""The ranking as it is pinned, and every query of docs/search.md, against a real Elasticsearch."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.index.documents import articles_alias, document
from pipelines.index.elastic import connect
from pipelines.index.provision import provision_indices, remove_indices
from pipelines.index.sink import Sink
from pipelines.search.operations import Search
from pipelines.search.query import parse_query
from pipelines.search.results import SearchResult
from pipelines.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "quality"))
import search as quality  # noqa: E402 - a script of tests/quality

pytestmark = pytest.mark.servers

PAGE = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
DOCUMENTED = [query.replace(r"\|", "|") for query in re.findall(r"^\| `(.+?)` \|", PAGE, re.MULTILINE)]


@pytest.fixture(scope="module")
def corpus(servers: tuple[str, str]) -> Iterator[Settings]:
    """A river with the documents of the relevance set."""
    assignments = ["river.name=t-documented", f"elasticsearch.url={servers[1]}"]
    settings = load_settings(assignments=assignments, environment={})
    provision_indices(settings)
    client = connect(settings)
    written = [document(article, 1, settings.river.name) for article in quality.articles().values()]
    Sink(client, settings.elasticsearch).write(written)
    client.ask("POST", f"/{articles_alias(settings.river.name)}/_refresh")
    client.close()
    yield settings
    remove_indices(settings)


def test_the_ranking_is_as_good_as_it_was(servers: tuple[str, str]) -> None:
    assignments = ["river.name=t-ranking", f"elasticsearch.url={servers[1]}"]
    scores = quality.measured(load_settings(assignments=assignments, environment={}))
    assert len(scores) >= 40
    assert sum(scores.values()) / len(scores) >= quality.PINNED, sorted(scores.items(), key=lambda one: one[1])[:10]


def test_the_page_has_its_queries() -> None:
    assert len(DOCUMENTED) > 20


@pytest.mark.parametrize("text", DOCUMENTED)
def test_every_documented_query_is_understood_and_finds_something(corpus: Settings, text: str) -> None:
    query = parse_query(text, quality.NOW)
    assert [part for part in query.understood if part.note] == []

    async def ask() -> SearchResult:
        async with Search.connect(corpus) as search:
            return await search.search(query)

    result = asyncio.run(ask())
    assert result.total > 0
    assert (result.total < len(quality.articles())) is (text != "*")
