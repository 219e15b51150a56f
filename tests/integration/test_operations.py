"""Questions of users against a real Elasticsearch: `pipelines.search.operations`."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from pipelines.errors import ArticleNotFound, ServiceError, UsageError
from pipelines.index.arrival import Arrival
from pipelines.index.articles import ArticleWriter
from pipelines.index.documents import article_indices, articles_alias, document
from pipelines.index.elastic import connect
from pipelines.index.lookup import Lookup, Recent
from pipelines.index.provision import provision_indices, remove
from pipelines.index.sink import Sink
from pipelines.search.operations import Search
from pipelines.search.query import parse_query
from pipelines.search.results import SearchResult
from pipelines.settings import Settings, load_settings
from schemas.records import Article, Entry, PageFacts, TopicTag
from tests.rivers import as_environment

pytestmark = pytest.mark.servers

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLITICS = TopicTag(id="medtop:11000000", label="politics", score=0.9, evidence=["vote"])
SPORT = TopicTag(id="medtop:15000000", label="sport", score=0.8, evidence=["match"])
T = TypeVar("T")


def article(number: int, title: str, body: str, language: str = "en", **fields: Any) -> Article:
    known: dict[str, Any] = {
        "url": f"https://www.gazette.example.org/{number}",
        "source": "gazette",
        "first_seen": NOW - timedelta(days=number),
        "published_at": NOW - timedelta(days=number),
        "fetched_at": NOW,
        "words": len(body.split()),
        "content_digest": f"{number:032x}",
    }
    return Article(id=f"{number:032x}", title=title, body=body, language=language, **{**known, **fields})


ARTICLES = [
    article(
        1,
        "Envoy urges calm",
        "Secretary Blinken spoke in the capital on Monday. He asked all sides to respect the election held in the "
        "north, and said that early counting of votes had gone well.",
        topics=[POLITICS],
        authors=["Ana Díaz"],
    ),
    article(
        2, "Harbour match drawn", "The harbour side drew two all after a late penalty.", topics=[SPORT], rights=["noai"]
    ),
    article(3, "Neue Fähre", "Die Fähren fahren wieder, sagten die Häfen am Montag.", "de", source="Das Blatt"),
    article(4, "フェリー運航再開", "嵐の後、東京湾のフェリーが再び運航を始めた。", "ja", gone_at=NOW),
    article(5, "Nowy prom", "Prom wraca na trasę po burzy.", "pl", published_at=None),
    article(
        6,
        "Ferry late",
        "The ferry came late. Sailors polish brass.",
        url="https://news.pirate.example/a,b",
        source="pirate",
    ),
    article(
        7, "Polish ferry", "A Polish ferry, the naïve Étoile, sailed.", addresses=["https://m.gazette.example.org/7"]
    ),
    article(8, "รถไฟ", "นายกเทศมนตรีประกาศแผนรถไฟใหม่ของเมือง", "th"),
]


@pytest.fixture(scope="module")
def gazette(servers: tuple[str, str]) -> Iterator[Settings]:
    """A river with a few articles of our own."""
    settings = load_settings(
        assignments=[
            "river.name=t-operations",
            f"kafka.bootstrap_servers={servers[0]}",
            f"elasticsearch.url={servers[1]}",
        ],
        environment={},
    )
    provision_indices(settings)
    client = connect(settings)
    Sink(client, settings.elasticsearch).write([document(one, 1, settings.river.name) for one in ARTICLES])
    client.ask("POST", f"/{articles_alias(settings.river.name)}/_refresh")
    client.close()
    yield settings
    remove(settings)


def asked(settings: Settings, ask: Callable[[Search], Awaitable[T]]) -> T:
    async def call() -> T:
        async with Search.connect(settings) as search:
            return await ask(search)

    return asyncio.run(call())


def found(settings: Settings, text: str, **how: Any) -> SearchResult:
    return asked(settings, lambda search: search.search(parse_query(text, NOW), **how))


def numbers(result: SearchResult) -> list[int]:
    return [int(hit.article.id, 16) for hit in result.hits]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Blinken elections", [1]),
        ("Blinken harbour", []),
        ("Blinken | penalty", [1, 2]),
        ("in Blinken OR penalty", [1]),
        ("(Blinken capital) OR penalty", [1, 2]),
        ('"early counting" Blinken', [1]),
        ('"counting early"', []),
        ('"counting votes"~1', [1]),
        ('"votes counting"~5', [1]),
        ("harbour -penalty", []),
        ("-ferry -harbour Blinken", [1]),
        ("harbuor~", [2]),
        ("harxxur~1", []),
        ("elect*", [1]),
        ("naive etoile", [7]),
        ('"naive Etoile"', [7]),
        ("=Polish", [7]),
        ("=polish", [6]),
        ("=naïve", [7]),
        ("=naive", []),
        ('="the naïve Étoile"', [7]),
        ('="The naïve Étoile"', []),
        ('="東京湾の"', [4]),
        ("-=Polish ferry", [6]),
        ("Hafen", [3]),
        ("東京", [4]),
        ("東京湾", [4]),
        ("湾東", []),
        ("フェリー", [4]),
        ('"東京湾の"', [4]),
        ("รถไฟ", [8]),
        ('"แผนรถไฟ"', [8]),
        ("the", [1, 2, 6, 7]),
        ("*", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("-ferry", [1, 2, 3, 4, 5, 8]),
        ("zeppelin", []),
        ("source:gazette,pirate harbour OR ferry", [2, 6, 7]),
        ('source:"das blatt"', [3]),
        ("source:GAZETTE -lang:en", [4, 5, 8]),
        ("source:-gazette", [3, 6]),
        ("site:gazette.example.org", [1, 2, 3, 4, 5, 7, 8]),
        ("site:news.pirate.example", [6]),
        ("lang:de,pl", [3, 5]),
        ("lang:german", [3]),
        ("topic:politics", [1]),
        ("topic:11000000", [1]),
        ("-topic:sport topic:politics", [1]),
        ('author:"ana díaz"', [1]),
        ('title:"polish ferry"', [7]),
        ("title:envoy,harbour", [1, 2]),
        ("title:harb*", [2]),
        ("url:https://news.pirate.example/a,b", [6]),
        ("url:https://m.gazette.example.org/7", [7]),
        ("url:https://www.gazette.example.org/*", [1, 2, 3, 4, 5, 7, 8]),
        ("https://www.gazette.example.org/2", [2]),
        ("rights:noai", [2]),
        ("-rights:noai source:gazette lang:en", [1, 7]),
        ("gone:only", [4]),
        ("gone:without lang:ja", []),
        ("last:2d", [1, 2]),
        ("after:2026-11-23", [1]),
        ("before:2026-11-18", [7, 8]),
        ("source:pirate OR lang:de", [3, 6]),
        ("story:nothing", []),
    ],
)
def test_queries(gazette: Settings, text: str, expected: list[int]) -> None:
    query = parse_query(text, NOW)

    async def ask(search: Search) -> tuple[SearchResult, int]:
        return await search.search(query), (await search.count(query)).total

    result, total = asked(gazette, ask)
    assert sorted(numbers(result)) == expected
    assert result.total == total == len(expected)
    assert result.exact


@pytest.mark.parametrize(
    "text",
    ['"', "(", "a AND (b", "\\", "~", "+|+", "a:b/c", "/.*/", "[1 TO *]", "🙂", "\ue000", "x" * 3000, "the~ OR", '="',
     "\ud800", "a* " * 100, "lang:" + "x," * 200, "title:*", "url:*", "(" * 900, "source:\x00"],
)  # fmt: skip
def test_no_text_of_a_user_fails(gazette: Settings, text: str) -> None:
    found(gazette, text, explain=True)


@pytest.mark.parametrize("sort", ["relevance", "newest", "oldest", "updated"])
def test_pages_hold_every_article_once(gazette: Settings, sort: str) -> None:
    async def ask(search: Search) -> list[int]:
        seen, cursor = [], None
        while True:
            page = await search.search(
                parse_query("ferry OR the OR lang:de,pl,ja,th", NOW), sort=sort, limit=3, cursor=cursor
            )
            seen += numbers(page)
            cursor = page.next
            if cursor is None:
                return seen

    assert sorted(asked(gazette, ask)) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_cursor_serves_its_own_query_only(gazette: Settings) -> None:
    page = found(gazette, "*", limit=2)
    assert page.next is not None
    assert numbers(found(gazette, "*", limit=2, cursor=page.next)) == [3, 4]
    for text, cursor in (("ferry", page.next), ("*", "x"), ("*", page.next[:-2] + "AA"), ("*", "é")):
        with pytest.raises(UsageError) as refused:
            found(gazette, text, cursor=cursor)
        assert refused.value.resource == "cursor"


def test_wrong_parameters_are_named(gazette: Settings) -> None:
    query = parse_query("*", NOW)
    asks: list[tuple[str, str, Callable[[Search], Awaitable[object]]]] = [
        ("limit", "1000", lambda search: search.search(query, limit=5000)),
        ("sort", "newest", lambda search: search.search(query, sort="newst")),
        ("field", "source", lambda search: search.top(query, "sorce")),
        ("interval", "week", lambda search: search.timeline(query, "weeks")),
    ]
    for parameter, right, ask in asks:
        with pytest.raises(UsageError, match=right) as refused:
            asked(gazette, ask)
        assert refused.value.resource == parameter


def test_hits_are_marked_and_explained(gazette: Settings) -> None:
    [hit] = found(gazette, "Blinken elections", explain=True).hits
    assert "<em>election</em>" in "".join(hit.to_json()["highlights"])
    assert hit.explained is not None
    assert hit.explained.total == pytest.approx(hit.score)
    assert hit.explained.text > 1
    assert 0.5 < hit.explained.recency < 1
    [hit] = found(gazette, "envoy").hits
    assert hit.title == "\ue000Envoy\ue001 urges calm"


def test_over_time(gazette: Settings) -> None:
    days = asked(gazette, lambda search: search.timeline(parse_query("lang:en", NOW), "day"))
    assert days.interval == "day"
    assert [bucket.count for bucket in days.buckets] == [1, 1, 0, 0, 0, 1, 1]
    assert [bucket.all for bucket in days.buckets] == [1, 1, 1, 1, 1, 1, 1]
    assert days.total == 4
    assert days.buckets[0].start.isoformat() == "2026-11-17T00:00:00+00:00"
    weeks = asked(gazette, lambda search: search.timeline(parse_query("*", NOW), "week"))
    assert sum(bucket.count for bucket in weeks.buckets) == 8
    assert {bucket.share for bucket in weeks.buckets} == {1.0}
    assert asked(gazette, lambda search: search.timeline(parse_query("zeppelin", NOW))).buckets == ()
    assert asked(gazette, lambda search: search.timeline(parse_query("last:40h", NOW))).interval == "hour"


def test_facets(gazette: Settings) -> None:
    top = asked(gazette, lambda search: search.top(parse_query("*", NOW), "source"))
    assert [(bucket.value, bucket.count, bucket.filter) for bucket in top.buckets] == [
        ("gazette", 6, "source:gazette"),
        ("Das Blatt", 1, 'source:"Das Blatt"'),
        ("pirate", 1, "source:pirate"),
    ]
    assert top.total == 8
    [author] = asked(gazette, lambda search: search.top(parse_query("*", NOW), "author")).buckets
    assert numbers(found(gazette, author.filter)) == [1]
    topics = asked(gazette, lambda search: search.top(parse_query("lang:en", NOW), "topic", 1))
    assert (len(topics.buckets), topics.other) == (1, 1)


def test_sites_are_counted(gazette: Settings) -> None:
    top = asked(gazette, lambda search: search.top(parse_query("*", NOW), "site"))
    assert [(bucket.value, bucket.count) for bucket in top.buckets] == [
        ("gazette.example.org", 7),
        ("news.pirate.example", 1),
    ]
    assert numbers(found(gazette, "site:pirate.example")) == [6]


def test_a_word_as_written_is_marked(gazette: Settings) -> None:
    assert found(gazette, "=Polish").hits[0].title == "\ue000Polish\ue001 ferry"


def test_an_article_that_changed_shows_its_texts(gazette: Settings) -> None:
    river, name = gazette.river.name, f"{41:032x}"
    texts = [
        ("Ferry sinks", "Nobody is hurt."),
        ("Ferry sinks", "One is hurt."),
        ("Ferry lost", "One is hurt, says Éva."),
    ]
    client = connect(gazette)
    indices = article_indices(river)
    writer = ArticleWriter(Lookup(client, indices, Recent()), Sink(client, gazette.elasticsearch), indices)
    url = "https://www.gazette.example.org/41"
    entry = Entry(id=name, url=url, link=url, feed_url="https://f.example/", source="gazette", first_seen=NOW)
    for _ in range(2):  # the second time is a replay
        for number, (title, body) in enumerate(texts):
            fetched = NOW + timedelta(hours=number)
            found_there = article(41, title, body, url=url, fetched_at=fetched, content_digest=f"{number:032x}")
            facts = PageFacts(url=url, status=200, fetched_at=fetched)
            visit = entry.model_copy(update={"visit": number})
            writer.write([Arrival.of(visit, facts, found_there.model_copy(update={"published_at": None}))])
    client.ask("POST", f"/{river}-*/_refresh")
    history = asked(gazette, lambda search: search.history(url))
    stored = client.ask("GET", f"/{river}-revisions/_count")["count"]
    client.ask("POST", f"/{articles_alias(river)}/_delete_by_query", {"query": {"ids": {"values": [name]}}})
    client.ask("POST", f"/{river}-*/_refresh")
    client.close()
    assert stored == 3
    assert [(one.headline_changed, one.silent) for one in history.versions] == [
        (False, False),
        (False, True),
        (True, True),
    ]
    assert [change.to_json() for change in history.versions[1].changes] == [
        {"kind": "removed", "text": "Nobody"},
        {"kind": "added", "text": "One"},
        {"kind": "same", "text": " is hurt."},
    ]
    never = asked(gazette, lambda search: search.history(f"{1:032x}"))
    assert [one.title for one in never.versions] == ["Envoy urges calm"]


def test_a_river_without_articles_has_none(river: Settings) -> None:
    result = found(river, "ferry")
    assert (result.total, result.hits, result.indexed) == (0, (), False)
    assert asked(river, lambda search: search.count(parse_query("*", NOW))).total == 0
    assert asked(river, lambda search: search.suggest("gaz")).suggestions == ()
    assert asked(river, lambda search: search.sources(parse_query("*", NOW))).sources == ()
    assert asked(river, lambda search: search.terms(parse_query("*", NOW))).buckets == ()
    assert len(asked(river, lambda search: search.topics()).topics) == 17
    assert asked(river, lambda search: search.top(parse_query("*", NOW), "source")).buckets == ()
    assert asked(river, lambda search: search.timeline(parse_query("*", NOW))).buckets == ()


def test_a_server_that_is_away_is_said() -> None:
    settings = load_settings(assignments=["elasticsearch.url=http://127.0.0.1:1"], environment={})
    with pytest.raises(ServiceError, match="does not answer"):
        found(settings, "ferry")


def test_one_article_by_id_and_by_each_of_its_addresses(gazette: Settings) -> None:
    for name in (f"{7:032x}", "https://www.gazette.example.org/7?utm_source=x#top", "https://m.gazette.example.org/7"):
        result = asked(gazette, lambda search, name=name: search.article(name))
        assert (result.article, result.index, result.version) == (ARTICLES[6], "t-operations-articles-2026.11", 1)
    for name in ("nothing", "https://nowhere.example/", "x" * 5000):
        with pytest.raises(ArticleNotFound):
            asked(gazette, lambda search, name=name: search.article(name))
    with pytest.raises(UsageError):
        asked(gazette, lambda search: search.article("ftp://x"))


def test_similar_articles(gazette: Settings) -> None:
    result = asked(gazette, lambda search: search.similar(f"{6:032x}"))
    assert int(result.hits[0].article.id, 16) == 7


def test_an_export_has_no_limit_and_goes_on_by_cursor(gazette: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.search.article_operations._PAGE", 3)

    async def ask(search: Search, cursor: str | None, most: int) -> list[tuple[int, str]]:
        exported: list[tuple[int, str]] = []
        async for item in search.export(parse_query("*", NOW), cursor):
            exported.append((int(item.article.id, 16), item.cursor))
            if len(exported) == most:
                break
        return exported

    every = asked(gazette, lambda search: ask(search, None, 100))
    assert [number for number, _ in every] == [8, 7, 6, 5, 4, 3, 2, 1]
    begun = asked(gazette, lambda search: ask(search, None, 4))
    rest = asked(gazette, lambda search: ask(search, begun[-1][1], 100))
    assert [number for number, _ in begun + rest] == [8, 7, 6, 5, 4, 3, 2, 1]


def test_an_export_needs_no_point_in_time(gazette: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(_: Search) -> None:
        return None

    monkeypatch.setattr(Search, "_open_point", none)
    monkeypatch.setattr("pipelines.search.article_operations._PAGE", 3)

    async def ask(search: Search) -> list[int]:
        return [int(item.article.id, 16) async for item in search.export(parse_query("*", NOW))]

    assert asked(gazette, ask) == [8, 7, 6, 5, 4, 3, 2, 1]


def test_significant_terms(gazette: Settings) -> None:
    words = asked(gazette, lambda search: search.terms(parse_query("ferry", NOW)))
    assert "ferry" in [bucket.value for bucket in words.buckets]
    assert words.buckets[0].all >= words.buckets[0].count >= 2
    assert asked(gazette, lambda search: search.terms(parse_query("zeppelin", NOW), "source")).buckets == ()
    with pytest.raises(UsageError, match="did you mean 'words'"):
        asked(gazette, lambda search: search.terms(parse_query("*", NOW), "word"))


@pytest.mark.parametrize(
    ("text", "kind", "query"),
    [
        ("gaz", "source", "source:gazette"),
        ("ferry GAZ", "source", "ferry source:gazette"),
        ("source:das", "source", 'source:"Das Blatt"'),
        ("ana", "author", 'author:"Ana Díaz"'),
        ("poli", "topic", "topic:politics"),
        ("harbour ma", "title", 'title:"Harbour match drawn"'),
        ("harbuor penalty", "correction", "harbour penalty"),
    ],
)
def test_suggestions(gazette: Settings, text: str, kind: str, query: str) -> None:
    result = asked(gazette, lambda search: search.suggest(text))
    assert (kind, query) in [(one.kind, one.query) for one in result.suggestions]


@pytest.mark.parametrize("text", ["", " ", '"', "x:", "source:", "a" * 5000, "\ud800", "(("])
def test_no_typed_text_fails(gazette: Settings, text: str) -> None:
    asked(gazette, lambda search: search.suggest(text))


def test_topics_and_sources(gazette: Settings) -> None:
    topics = asked(gazette, lambda search: search.topics()).topics
    assert {topic.label: topic.count for topic in topics}["sport"] == 1
    assert len([topic for topic in topics if topic.id]) == 17
    sources = asked(gazette, lambda search: search.sources(parse_query("lang:en", NOW))).sources
    assert [(row.source, row.count, row.languages, row.filter) for row in sources] == [
        ("gazette", 3, ("en",), "source:gazette"),
        ("pirate", 1, ("en",), "source:pirate"),
    ]
    assert sources[0].latest == NOW - timedelta(days=1)


def written(settings: Settings, number: int, title: str, body: str) -> None:
    river, client = settings.river.name, connect(settings)
    indices = article_indices(river)
    writer = ArticleWriter(Lookup(client, indices, Recent()), Sink(client, settings.elasticsearch), indices)
    one = article(number, title, body, url=f"https://www.gazette.example.org/{number}", first_seen=NOW)
    entry = Entry(id=one.id, url=one.url, link=one.url, feed_url="https://f.example/", source="gazette", first_seen=NOW)
    writer.write([Arrival.of(entry, PageFacts(url=one.url, status=200, fetched_at=NOW), one)])
    client.ask("POST", f"/{river}-articles/_refresh")
    client.close()


def test_what_is_newly_indexed_is_told_from_what_was_there(river: Settings) -> None:
    written(river, 51, "Ferry back", "The ferry is back.")
    between = datetime.now(UTC)
    written(river, 52, "Ferry gone", "The ferry is gone.")
    written(river, 53, "Bridge", "A bridge.")
    for since, expected in ((NOW, [51, 52]), (between, [52]), (datetime.now(UTC) + timedelta(hours=1), [])):
        hits = asked(river, lambda search, since=since: search.newly_indexed(parse_query("ferry", NOW), since))
        assert [int(hit.article.id, 16) for hit in hits] == expected


def test_follow_shows_each_new_hit_once(river: Settings) -> None:
    command = [sys.executable, "-m", "pipelines", "search", "ferry", "--follow", "--json"]
    with subprocess.Popen(command, env=as_environment(river), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            written(river, 61, "Ferry back", "The ferry is back.")
            first = json.loads(process.stdout.readline())
            written(river, 62, "Ferry gone", "The ferry is gone.")
            second = json.loads(process.stdout.readline())
        finally:
            process.kill()
    assert [first["title"], second["title"]] == ["Ferry back", "Ferry gone"]
