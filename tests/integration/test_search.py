"""`newsriver search` and `count` against a real Elasticsearch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from pipelines.cli import main
from pipelines.cli.search import describe
from pipelines.index.documents import articles_alias, document
from pipelines.index.elastic import Elastic, connect
from pipelines.index.provision import provision_indices, remove
from pipelines.index.sink import Sink
from pipelines.search.answers import Found, count, search
from pipelines.search.query import MATCH_END, MATCH_START, Question, Sort
from pipelines.settings import Settings, load_settings
from schemas.records import Article, TopicTag
from tests.rivers import as_environment

pytestmark = pytest.mark.servers

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLITICS = TopicTag(id="medtop:11000000", label="politics", score=0.9, evidence=["vote"])
SPORT = TopicTag(id="medtop:15000000", label="sport", score=0.8, evidence=["match"])


def article(number: int, title: str, body: str, language: str = "en", **fields: Any) -> Article:
    known: dict[str, Any] = {
        "url": f"https://gazette.example.org/{number}",
        "source": "gazette",
        "first_seen": NOW - timedelta(days=number),
        "published_at": NOW - timedelta(days=number),
        "fetched_at": NOW,
        "words": len(body.split()),
        "content_digest": f"{number:032x}",
    }
    name = f"{number:032x}"
    return Article(id=name, title=title, body=body, language=language, **{**known, **fields})


ARTICLES = [
    article(
        1,
        "Envoy urges calm",
        "Secretary Blinken spoke in the capital on Monday.\nHe asked all sides to respect the election that was held "
        "in the north, and said that early counting had gone well.",
        topics=[POLITICS],
    ),
    article(
        2, "Harbour match drawn", "The harbour side drew two all after a late penalty.", topics=[SPORT], rights=["noai"]
    ),
    article(3, "Neue Fähre", "Die Fähren fahren wieder, sagten die Häfen am Montag.", "de", source="blatt"),
    article(4, "フェリー運航再開", "嵐の後、東京湾のフェリーが再び運航を始めた。", "ja"),
    article(5, "Nowy prom", "Prom wraca na trasę po burzy.", "pl", published_at=None),
    article(
        6,
        "Ferry [bold]late[/bold]\x1b[2J\x9b31m",
        "The ferry <script>alert(1)</script> came \x1b]0;owned\x07late\u202e.",
        source="pirate",
    ),
]


@pytest.fixture(scope="module")
def harbour(servers: tuple[str, str]) -> Iterator[Settings]:
    """A river with a few articles of our own."""
    settings = load_settings(
        assignments=[
            f"river.name=t-search-{id(ARTICLES):x}"[:30],
            f"kafka.bootstrap_servers={servers[0]}",
            f"elasticsearch.url={servers[1]}",
        ],
        environment={},
    )
    provision_indices(settings)
    client = connect(settings)
    Sink(client, settings).write([document(one, 1, settings.river.name) for one in ARTICLES])
    client.ask("POST", f"/{articles_alias(settings.river.name)}/_refresh")
    client.close()
    yield settings
    remove(settings)


@pytest.fixture
def client(harbour: Settings) -> Iterator[Elastic]:
    client = connect(harbour)
    yield client
    client.close()


def found(client: Elastic, settings: Settings, text: str, **asked: Any) -> Found:
    question = Question(text=text, **asked)
    answer = search(client, settings.river.name, question, NOW)
    assert answer.total == count(client, settings.river.name, question)
    return answer


def numbers(answer: Found) -> list[int]:
    return [int(hit.article.id, 16) for hit in answer.hits]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Blinken elections", [1]),
        ("blinken ELECTION", [1]),
        ("Blinken harbour", []),
        ("Blinken | penalty", [1, 2]),
        ('"early counting" Blinken', [1]),
        ('"counting early" Blinken', []),
        ('"respect the election"', [1]),
        ("harbour -penalty", []),
        ("-ferry -harbour Blinken", [1]),
        ("elect*", [1]),
        ("Fähre", [3]),
        ("Hafen", [3]),
        ("東京", [4]),
        ("フェリー", [4]),
        ("prom burzy", [5]),
        ("envoy", [1]),
        ("*", [1, 2, 3, 4, 5, 6]),
        ("zeppelin", []),
    ],
)
def test_words(client: Elastic, harbour: Settings, text: str, expected: list[int]) -> None:
    assert sorted(numbers(found(client, harbour, text))) == expected


@pytest.mark.parametrize(
    "text",
    ['"', "(", "a AND (b", "\\", "~", "-", "+|+", '""', "a:b/c", "/.*/", "[1 TO *]", "🙂", "\ue000", "x" * 3000, "the"],
)
def test_no_text_of_a_user_fails(client: Elastic, harbour: Settings, text: str) -> None:
    found(client, harbour, text)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"topic": "medtop:11000000"}, [1]),
        ({"source": "blatt"}, [3]),
        ({"language": "de"}, [3]),
        ({"language": "en", "source": "gazette"}, [1, 2]),
        ({"since": NOW - timedelta(days=2)}, [1, 2]),
        ({"until": NOW - timedelta(days=4)}, [5, 6]),
        # 5 has no date of its own: the day of its discovery counts.
        ({"since": NOW - timedelta(days=5), "until": NOW - timedelta(days=3)}, [4, 5]),
        ({"topic": "medtop:15000000", "language": "de"}, []),
        ({"rights": "noai"}, [2]),
        ({"rights": "-noai"}, [1, 3, 4, 5, 6]),
    ],
)
def test_filters(client: Elastic, harbour: Settings, asked: dict[str, Any], expected: list[int]) -> None:
    assert sorted(numbers(found(client, harbour, "*", **asked))) == expected


def test_the_language_restricts_inflection_to_its_own_rules(client: Elastic, harbour: Settings) -> None:
    assert numbers(found(client, harbour, "elections", language="en")) == [1]
    assert numbers(found(client, harbour, "proms", language="pl")) == []


def test_order_and_limit(client: Elastic, harbour: Settings) -> None:
    newest = found(client, harbour, "*", sort=Sort.NEWEST, limit=3)
    assert (newest.total, numbers(newest)) == (6, [1, 2, 3])
    assert numbers(found(client, harbour, "ferry | harbour")) == [2, 6]  # the title counts more, then the newer one


def test_matched_words_are_marked_in_any_inflection(client: Elastic, harbour: Settings) -> None:
    [hit] = found(client, harbour, "Blinken elections").hits
    marked = "".join(hit.snippets)
    assert f"{MATCH_START}Blinken{MATCH_END}" in marked
    assert f"{MATCH_START}election{MATCH_END}" in marked
    assert hit.score > 0


def test_without_a_match_in_the_body_its_beginning_is_shown(client: Elastic, harbour: Settings) -> None:
    [hit] = found(client, harbour, "envoy").hits
    assert hit.snippets[0].startswith("Secretary Blinken spoke")


def test_json_has_the_names_of_the_record(
    harbour: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = json.loads(
        call(["search", "Blinken elections", "--topic", "politics", "--json"], harbour, monkeypatch, capsys)
    )
    assert set(printed) == {"query", "total", "articles"}
    assert (printed["query"], printed["total"]) == ("Blinken elections", 1)
    [only] = printed["articles"]
    assert set(only) == {*Article.model_fields, "score", "highlights"}
    assert Article.from_json(json.dumps(only)) == ARTICLES[0]
    assert "<em>election</em>" in "".join(only["highlights"])
    printed = json.loads(call(["count", "*", "--source", "gazette", "--json"], harbour, monkeypatch, capsys))
    assert printed == {"query": "*", "total": 4}


def test_people_read_a_numbered_list(
    harbour: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = call(["search", "Blinken elections"], harbour, monkeypatch, capsys)
    for part in ("1 article", "1. Envoy urges calm", "gazette · 2026-11-23 12:00 · en · politics", "example.org/1"):
        assert part in printed
    assert call(["count", "*"], harbour, monkeypatch, capsys) == "6\n"


def call(
    arguments: list[str], settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    for variable, value in as_environment(settings).items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_nothing_of_an_article_controls_the_terminal(
    client: Elastic,
    harbour: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    [hit] = found(client, harbour, "late", source="pirate").hits
    console = Console(force_terminal=True, color_system=None, width=200)
    with console.capture() as captured:
        console.print(describe(1, hit))
    for text in (captured.get(), call(["search", "late", "--json"], harbour, monkeypatch, capsys)):
        assert "late" in text
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
    assert "[bold]late[/bold]" in captured.get()  # shown as it is, not taken for markup
    assert "&lt;script&gt;" in "".join(hit.to_json()["highlights"])


def test_a_river_without_articles_has_none(
    river: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(river)
    assert found(client, river, "ferry") == Found(0, (), indexed=False)
    client.close()
    for variable, value in as_environment(river).items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        main(["search", "ferry"])
    assert ended.value.code == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("0 articles")
    assert "no article yet" in printed.err


def test_a_wrong_topic_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["search", "ferry", "--topic", "politcs"])
    assert ended.value.code == 2
    assert "did you mean 'politics'" in capsys.readouterr().err


def test_a_server_that_is_away_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--set", "elasticsearch.url=http://127.0.0.1:1", "count", "*"])
    assert ended.value.code == 3
    assert "newsriver stack up" in capsys.readouterr().err
