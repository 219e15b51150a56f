"""`newsriver search` and `count` against a real Elasticsearch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from pipelines.cli import main
from pipelines.cli.queries import describe
from pipelines.index.documents import articles_alias, document
from pipelines.index.elastic import connect
from pipelines.index.provision import provision_indices, remove
from pipelines.index.sink import Sink
from pipelines.search.bodies import MATCH_END, MATCH_START
from pipelines.search.operations import Search
from pipelines.search.query import parse_query
from pipelines.search.results import SearchResult
from pipelines.settings import Settings, load_settings
from schemas import analysis
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
    article(4, "フェリー運航再開", "嵐の後、東京湾のフェリーが再び運航を始めた。", "ja", gone_at=NOW),
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
    Sink(client, settings.elasticsearch).write([document(one, 1, settings.river.name) for one in ARTICLES])
    client.ask("POST", f"/{articles_alias(settings.river.name)}/_refresh")
    client.close()
    yield settings
    remove(settings)


def found(settings: Settings, text: str, now: datetime = NOW, **how: Any) -> SearchResult:
    query = parse_query(text, now)

    async def ask() -> tuple[SearchResult, int]:
        async with Search.connect(settings) as search:
            return await search.search(query, **how), (await search.count(query)).total

    answer, total = asyncio.run(ask())
    assert answer.total == total
    return answer


def numbers(answer: SearchResult) -> list[int]:
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
def test_words(harbour: Settings, text: str, expected: list[int]) -> None:
    assert sorted(numbers(found(harbour, text))) == expected


@pytest.mark.parametrize(
    "text",
    ['"', "(", "a AND (b", "\\", "~", "-", "+|+", '""', "a:b/c", "/.*/", "[1 TO *]", "🙂", "\ue000", "x" * 3000, "the"],
)
def test_no_text_of_a_user_fails(harbour: Settings, text: str) -> None:
    found(harbour, text)


def test_the_language_restricts_inflection_to_its_own_rules(harbour: Settings) -> None:
    assert numbers(found(harbour, "elections lang:en")) == [1]
    assert numbers(found(harbour, "proms lang:pl")) == []


def test_order_and_limit(harbour: Settings) -> None:
    newest = found(harbour, "*", sort="newest", limit=3)
    assert (newest.total, numbers(newest)) == (6, [1, 2, 3])
    assert numbers(found(harbour, "ferry | harbour")) == [2, 6]  # the title counts more, then the newer one


def test_matched_words_are_marked_in_any_inflection(harbour: Settings) -> None:
    [hit] = found(harbour, "Blinken elections").hits
    marked = "".join(hit.snippets)
    assert f"{MATCH_START}Blinken{MATCH_END}" in marked
    assert f"{MATCH_START}election{MATCH_END}" in marked
    assert hit.score > 0


def test_without_a_match_in_the_body_its_beginning_is_shown(harbour: Settings) -> None:
    [hit] = found(harbour, "envoy").hits
    assert hit.snippets[0].startswith("Secretary Blinken spoke")


def test_json_has_the_names_of_the_record(
    harbour: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = json.loads(
        call(["search", "Blinken elections", "--topic", "politics", "--json"], harbour, monkeypatch, capsys)
    )
    assert set(printed) == {"query", "understood", "total", "exact", "took_ms", "articles", "next"}
    assert (printed["query"], printed["total"]) == ('topic:"medtop:11000000" Blinken elections', 1)
    [only] = printed["articles"]
    assert set(only) == {*Article.model_fields, "score", "highlights"}
    assert Article.from_json(json.dumps(only)) == ARTICLES[0]
    assert "<em>election</em>" in "".join(only["highlights"])
    printed = json.loads(call(["count", "*", "--source", "gazette", "--json"], harbour, monkeypatch, capsys))
    assert (printed["query"], printed["total"]) == ("source:gazette", 4)


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
    harbour: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    [hit] = found(harbour, "late source:pirate").hits
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
    answer = found(river, "ferry")
    assert (answer.total, answer.hits, answer.indexed) == (0, (), False)
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


WORLD = [
    article(11, "Beyoncé sings", "Beyoncé sang in São Paulo before the naïve crowd.", "en"),
    article(12, "Łódź", "Prom z Łodzi do Gdańska wraca w środę, mówi władza miasta Łódź.", "pl"),
    article(13, "Bac", "Le bac de l’Île-d'Yeu reprend : l’été commence, disent les maisons du port.", "fr"),
    article(14, "O’Brien", "“We don’t know,” said O’Brien of the children’s choir.", "en"),
    article(15, "Ferry", "The straight O'Neill can't sail, and St. John's waits.", "en"),
    article(16, "Straße", "Die Straße nach Köln ist gesperrt, sagte Müller.", "de"),
    article(17, "Strasse", "In Zürich liegt eine andere Strasse.", "de"),
    article(18, "湾", "嵐の後、東京湾でフェリーが運航を始めた。", "ja"),
    article(19, "都", "京都の東にある町の湾で東の京を見た。", "ja"),
    article(20, "시장", "서울시가 새로운 대중교통 계획을 발표했다.", "ko"),
    article(21, "통", "교통 대중 계획 서쪽 울산", "ko"),
    article(22, "รถไฟ", "นายกเทศมนตรีประกาศแผนรถไฟใหม่ของเมือง", "th"),
    article(23, "Αθήνα", "Ο δήμαρχος της Αθήνας ανακοίνωσε νέα μέτρα για το λιμάνι.", "el"),
    article(24, "Ещё", "Губернатор ещё раз открыл мост через реку.", "ru"),
    article(25, "Vapur", "İstanbul'da vapur IŞIK hızıyla kalktı.", "tr"),
    article(26, "Tàu", "Thị trưởng công bố kế hoạch giao thông mới.", "vi"),
    article(27, "Ærø", "Færgen til Ærø sejler igen, siger Søren Ågård.", "da"),
    article(28, "Sinh", "Undated one", "en", published_at=None, first_seen=NOW - timedelta(hours=30)),
]


@pytest.fixture(scope="module")
def world(servers: tuple[str, str]) -> Iterator[Settings]:
    """A river with articles of many scripts."""
    settings = load_settings(
        assignments=[
            f"river.name=t-world-{id(WORLD):x}"[:30],
            f"kafka.bootstrap_servers={servers[0]}",
            f"elasticsearch.url={servers[1]}",
        ],
        environment={},
    )
    provision_indices(settings)
    client = connect(settings)
    Sink(client, settings.elasticsearch).write([document(one, 1, settings.river.name) for one in WORLD])
    client.ask("POST", f"/{articles_alias(settings.river.name)}/_refresh")
    client.close()
    yield settings
    remove(settings)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Beyonce", [11]),
        ("beyoncé", [11]),
        ("Beyonce\u0301", [11]),
        ("Sao Paulo", [11]),
        ("naive", [11]),
        ('"in sao paulo"', [11]),
        ("lodz", [12]),
        ("Gdanska srode", [12]),
        ("ile d'yeu", [13]),
        ("Île-d’Yeu", [13]),
        ('"l\'ete commence"', [13]),
        ("maison ete", [13]),  # without accents and in another number
        ("O'Brien", [14]),
        ("O’Brien", [14]),
        ("O´Brien", [14]),
        ("don't", [14]),
        ("don’t", [14]),
        ("choirs", [14]),
        ("o’neill", [15]),
        ("can’t", [15]),
        ('"st. john’s waits"', [15]),
        ("strasse", [16, 17]),
        ("straße", [16, 17]),
        ("koln muller", [16]),
        ("東京", [18]),
        ("京都", [19]),
        ("東", [18, 19]),
        ("東京湾", [18]),
        ("湾", [18, 19]),
        ("フェリー", [18]),
        ("ﾌｪﾘｰ", [18]),
        ("東京 -フェリー", []),
        ("東*", [18, 19]),
        ("서울", [20]),
        ("대중교통", [20]),
        ("교통", [20, 21]),
        ("รถไฟ", [22]),
        ("αθηνα", [23]),
        ("ΑΘΉΝΑ", [23]),
        ("λιμανι", [23]),
        ("еще", [24]),
        ("istanbul", [25]),
        ("isik", [25]),
        ("thi truong", [26]),
        ("aero soren agard", [27]),
        ("ærø søren", [27]),
        ("aerø", [27]),
    ],
)
def test_words_of_the_world(world: Settings, text: str, expected: list[int]) -> None:
    assert sorted(numbers(found(world, text))) == expected


def test_an_undated_article_stands_where_its_discovery_puts_it(world: Settings) -> None:
    newest = found(world, "*", sort="newest", limit=3)
    assert numbers(newest) == [28, 11, 12]  # discovered 30 hours ago; published 11 and 12 days ago
    assert numbers(found(world, "last:31h")) == [28]


def test_matches_are_marked_with_their_accents(world: Settings) -> None:
    for asked, shown in (("beyonce", "Beyoncé"), ("o'brien", "O’Brien"), ("東京", "東京"), ("maison", "maisons")):
        snippets = "".join(found(world, asked).hits[0].snippets)
        assert f"{MATCH_START}{shown}{MATCH_END}" in snippets


def test_the_language_analyzers_are_elasticsearchs_own(world: Settings) -> None:
    """What is added apart (pairs of signs, folded accents, ё), each takes a text apart as the built-in one does."""
    client = connect(world)
    index = f"{articles_alias(world.river.name)}-2026.11"
    texts = [f"{one.title} {one.body}".replace("’", "'") for one in WORLD if one.language not in ("ja", "ko", "ru")]
    try:
        for language in analysis.LANGUAGES:
            ours = client.ask("POST", f"/{index}/_analyze", {"analyzer": analysis.analyzer_of(language), "text": texts})
            theirs = client.ask("POST", "/_analyze", {"analyzer": language, "text": texts})
            want = [one["token"] for one in theirs["tokens"]]
            folded = client.ask(
                "POST", "/_analyze", {"tokenizer": "whitespace", "filter": ["asciifolding"], "text": " ".join(want)}
            )
            assert [one["token"] for one in ours["tokens"]] == [one["token"] for one in folded["tokens"]], language
    finally:
        client.close()


def test_a_word_with_a_hyphen_excludes(
    harbour: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, expected in (
        (["-harbour"], 5),
        (["-harbour", "--source", "gazette"], 3),
        (["harbour", "-penalty"], 0),
        (["--rights", "-noai", "-ferry"], 4),
        (["-ferry", "*", "--json"], 5),
        (["--", "-harbour"], 5),
    ):
        said = call(["search", *arguments], harbour, monkeypatch, capsys)
        assert f'"total": {expected},' in said or said.startswith(f"{expected} article"), arguments
    assert call(["count", "-harbour"], harbour, monkeypatch, capsys) == "5\n"


def test_the_other_commands_answer_people_and_programs(
    harbour: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cases: list[tuple[list[str], str, str]] = [
        (["timeline", "lang:en", "--interval", "day"], "2026-11-23", "buckets"),
        (["top", "source", "*"], "gazette", "values"),
        (["terms", "ferry OR harbour"], "score", "values"),
        (["similar", f"{1:032x}"], "", "articles"),
        (["article", f"{1:032x}"], "Secretary Blinken spoke", "body"),
        (["history", f"{1:032x}"], "Envoy urges calm", "versions"),
        (["suggest", "gaz"], "source:gazette", "suggestions"),
        (["topics"], "sport", "topics"),
        (["sources"], "blatt", "sources"),
        (["search", "Blinken", "--open", "1"], "Secretary Blinken spoke", "body"),
        (["search", "Blinken", "--explain"], "recency", "articles"),
    ]
    for arguments, shown, key in cases:
        assert shown in call(arguments, harbour, monkeypatch, capsys), arguments
        assert key in json.loads(call([*arguments, "--json"], harbour, monkeypatch, capsys)), arguments
    lines = call(["export", "*"], harbour, monkeypatch, capsys).splitlines()
    assert len(lines) == 6
    again = call(["export", "*", "--cursor", json.loads(lines[3])["cursor"]], harbour, monkeypatch, capsys).splitlines()
    assert [json.loads(one)["id"] for one in again] == [json.loads(one)["id"] for one in lines[4:]]


def test_what_was_corrected_is_said_on_stderr(
    harbour: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable, value in as_environment(harbour).items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit):
        main(["search", "sorce:gazette"])
    assert "did you mean source:?" in capsys.readouterr().err
