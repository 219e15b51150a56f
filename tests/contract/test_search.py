"""One contract for Elasticsearch and its stand-in in memory, as far as the tests of the web rest on the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines.errors import ArticleNotFound, UsageError
from pipelines.search.operations import Search
from pipelines.search.query import parse_query
from pipelines.settings import Settings
from schemas.records import Article, TopicTag
from tests.memory_search import MemorySearch

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SPORT = TopicTag(id="medtop:15000000", label="sport", score=0.8, evidence=["match"])

Ask = Callable[[Callable[[Search], Awaitable[Any]]], Any]


def article(number: int, title: str, body: str, **fields: object) -> Article:
    known = {
        "id": f"{number:032x}",
        "url": f"https://gazette.example.org/{number}",
        "source": "gazette",
        "title": title,
        "body": body,
        "language": "en",
        "first_seen": NOW,
        "published_at": NOW - timedelta(days=number),
        "fetched_at": NOW,
        "words": len(body.split()),
        "content_digest": f"{number:032x}",
    }
    return Article.model_validate(known | fields)


ARTICLES = [
    article(1, "Bridge opens", "The old bridge over the river opened.", authors=["Ida Torrance"]),
    article(2, "Match drawn", "The harbour match ended in a draw near the bridge.", topics=[SPORT], rights=["noai"]),
    article(3, "Brücke offen", "Der Verkehr rollt wieder am Hafen.", language="de", source="blatt"),
    article(40, "Ferry late", "The ferry came late.", source="blatt"),
]


@pytest.fixture(scope="module")
def elastic(servers: tuple[str, str]) -> Iterator[Settings]:
    from pipelines.index.documents import articles_alias, document
    from pipelines.index.elastic import connect
    from pipelines.index.provision import provision_indices, remove
    from pipelines.index.sink import Sink
    from pipelines.settings import load_settings

    names = ["river.name=t-contract", f"kafka.bootstrap_servers={servers[0]}", f"elasticsearch.url={servers[1]}"]
    settings = load_settings(assignments=names, environment={})
    provision_indices(settings)
    client = connect(settings)
    Sink(client, settings.elasticsearch).write([document(one, 1, settings.river.name) for one in ARTICLES])
    client.ask("POST", f"/{articles_alias(settings.river.name)}/_refresh")
    client.close()
    yield settings
    remove(settings)


@pytest.fixture(params=["memory", pytest.param("elastic", marks=pytest.mark.servers)])
def ask(request: pytest.FixtureRequest) -> Ask:
    settings = request.getfixturevalue("elastic") if request.param == "elastic" else None

    def call(question: Callable[[Search], Awaitable[Any]]) -> Any:
        async def opened() -> Any:
            async with Search.connect(settings) if settings else MemorySearch(ARTICLES) as search:
                return await question(search)

        return asyncio.run(opened())

    return call


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [1, 2, 3, 40]),
        ("bridge", [1, 2]),
        ("bridge -harbour", [1]),
        ("ferry OR match", [2, 40]),
        ('"old bridge"', [1]),
        ("source:blatt", [3, 40]),
        ("-source:blatt", [1, 2]),
        ("lang:de", [3]),
        ("topic:sport", [2]),
        ("rights:noai", [2]),
        ('author:"Ida Torrance"', [1]),
        ("last:2d", [1, 2]),
        ("before:2026-11-22", [3, 40]),
        ("nothing", []),
    ],
)
def test_search_and_count(ask: Ask, text: str, expected: list[int]) -> None:
    query = parse_query(text, NOW)
    found = ask(lambda search: search.search(query, sort="newest"))
    assert [int(hit.article.id, 16) for hit in found.hits] == expected
    assert found.to_json()["total"] == len(expected)
    counted = ask(lambda search: search.count(query))
    assert counted.to_json() == {
        "query": str(query),
        "understood": [part.to_json() for part in query.understood],
        "total": len(expected),
    }


def test_pages_follow_each_other(ask: Ask) -> None:
    seen, cursor = [], None
    for _ in range(4):
        found = ask(lambda search, at=cursor: search.search(parse_query("", NOW), limit=3, sort="oldest", cursor=at))
        seen += [int(hit.article.id, 16) for hit in found.hits]
        cursor = found.next
        if cursor is None:
            break
    assert seen == [40, 3, 2, 1]


def test_snippets_mark_what_was_found(ask: Ask) -> None:
    found = ask(lambda search: search.search(parse_query("ferry", NOW)))
    [hit] = found.to_json()["articles"]
    assert "<em>ferry</em>" in " ".join(hit["highlights"])


def test_top_counts_values(ask: Ask) -> None:
    found = ask(lambda search: search.top(parse_query("", NOW), "lang", 1))
    assert found.to_json()["values"] == [{"value": "en", "count": 3, "filter": "lang:en"}]
    assert (found.to_json()["total"], found.to_json()["other"]) == (4, 1)


def test_the_timeline_has_empty_steps_between(ask: Ask) -> None:
    found = ask(lambda search: search.timeline(parse_query("last:4d", NOW), "day"))
    buckets = found.to_json()["buckets"]
    assert [(step["start"], step["count"], step["all"]) for step in buckets] == [
        ("2026-11-21T00:00:00Z", 1, 1),
        ("2026-11-22T00:00:00Z", 1, 1),
        ("2026-11-23T00:00:00Z", 1, 1),
    ]
    empty = ask(lambda search: search.timeline(parse_query("nothing", NOW)))
    assert empty.to_json()["buckets"] == []


def test_an_article_by_id_and_by_address(ask: Ask) -> None:
    for name in (ARTICLES[1].id, ARTICLES[1].url):
        assert ask(lambda search, name=name: search.article(name)).article == ARTICLES[1]
    for name in ("0" * 32, "x", "https://gazette.example.org/none"):
        with pytest.raises(ArticleNotFound):
            ask(lambda search, name=name: search.article(name))
    with pytest.raises(ArticleNotFound):
        ask(lambda search: search.similar("0" * 32))
    assert ask(lambda search: search.similar(ARTICLES[0].id)).id == ARTICLES[0].id
    [only] = ask(lambda search: search.history(ARTICLES[0].id)).versions
    assert (only.title, only.silent) == ("Bridge opens", False)


def test_an_export_gives_all_and_goes_on(ask: Ask) -> None:
    def exported(cursor: str | None) -> Any:
        async def read(search: Search) -> Any:
            return [item async for item in search.export(parse_query("", NOW), cursor)]

        return ask(read)

    whole = exported(None)
    assert [int(item.article.id, 16) for item in whole] == [40, 3, 2, 1]
    assert [int(item.article.id, 16) for item in exported(whole[1].cursor)] == [2, 1]
    with pytest.raises(UsageError):
        exported("abc")


def test_sources_and_topics_and_what_a_source_begins_with(ask: Ask) -> None:
    rows = ask(lambda search: search.sources(parse_query("", NOW))).to_json()["sources"]
    assert [(row["source"], row["count"], row["latest"]) for row in rows] == [
        ("blatt", 2, "2026-11-21T12:00:00Z"),
        ("gazette", 2, "2026-11-23T12:00:00Z"),
    ]
    first, *others = ask(lambda search: search.topics()).to_json()["topics"]
    assert (first["label"], first["count"], len(others)) == ("sport", 1, 16)
    suggested = ask(lambda search: search.suggest("gaz")).to_json()["suggestions"]
    assert {"kind": "source", "text": "gazette", "query": "source:gazette"} in suggested
    assert ask(lambda search: search.terms(parse_query("bridge", NOW), "source")).field == "source"


@pytest.mark.parametrize(
    ("question", "parameter"),
    [
        (lambda search: search.search(parse_query("", NOW), sort="best"), "sort"),
        (lambda search: search.search(parse_query("", NOW), limit=-1), "limit"),
        (lambda search: search.search(parse_query("", NOW), cursor="abc"), "cursor"),
        (lambda search: search.top(parse_query("", NOW), "colour"), "field"),
        (lambda search: search.timeline(parse_query("", NOW), "decade"), "interval"),
    ],
)
def test_a_wrong_parameter_is_named(ask: Ask, question: Callable[[Search], Awaitable[Any]], parameter: str) -> None:
    with pytest.raises(UsageError) as error:
        ask(question)
    assert error.value.resource == parameter
