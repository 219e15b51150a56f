"""The API below /v1 on a search in memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from lxml import etree

from pipelines.settings import Settings
from pipelines.web.app import application
from pipelines.web.models import (
    ArticleAnswer,
    CountAnswer,
    ExportedArticle,
    ProblemAnswer,
    SearchAnswer,
    SimilarAnswer,
    SourcesAnswer,
    SuggestAnswer,
    TimelineAnswer,
    TopAnswer,
    TopicsAnswer,
)
from tests.contract.test_search import ARTICLES
from tests.memory_search import MemorySearch, StillRiver


@pytest.fixture
def search() -> MemorySearch:
    return MemorySearch(list(ARTICLES))


@pytest.fixture
def client(search: MemorySearch) -> Iterator[TestClient]:
    app = application(Settings(), dict, search, StillRiver())
    with TestClient(
        app, base_url="http://127.0.0.1:8080", client=("127.0.0.1", 5000), raise_server_exceptions=False
    ) as client:
        yield client


def test_search_answers_what_it_declares(client: TestClient) -> None:
    answer = client.get("/v1/search", params={"q": "bridge -harbour", "limit": 5})
    assert answer.status_code == 200
    found = SearchAnswer.model_validate(answer.json())
    assert (found.total, found.query, found.next) == (1, "bridge -harbour", None)
    assert [part.without for part in found.understood] == ["-harbour", "bridge"]
    assert found.articles[0].title == "Bridge opens"


@pytest.mark.parametrize(
    ("path", "model"),
    [("count", CountAnswer), ("timeline", TimelineAnswer), ("top/source", TopAnswer)],
)
def test_the_other_answers_hold_what_they_declare(client: TestClient, path: str, model: Any) -> None:
    found = model.model_validate(client.get(f"/v1/{path}", params={"q": "bridge"}).json())
    assert found.total == 2


def test_articles_and_vocabulary_hold_what_they_declare(client: TestClient) -> None:
    one = ARTICLES[0].id
    for path, model in {
        f"articles/{one}": ArticleAnswer,
        f"articles/{one}/similar": SimilarAnswer,
        "terms?q=bridge": TopAnswer,
        "suggest?q=gaz": SuggestAnswer,
        "topics": TopicsAnswer,
        "sources?q=lang:en": SourcesAnswer,
    }.items():
        answer = client.get(f"/v1/{path}")
        assert answer.status_code == 200, path
        model.model_validate(answer.json())
        assert client.get(f"/v1/{path}", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    for path in (f"articles/{'0' * 32}", "articles/x", f"articles/{'0' * 32}/similar"):
        assert client.get(f"/v1/{path}").status_code == 404
    assert client.get("/v1/topics?q=a").json()["hint"] == "there are none"


def test_an_export_goes_on_behind_any_article(client: TestClient, search: MemorySearch) -> None:
    lines = [json.loads(line) for line in client.get("/v1/export").text.splitlines()]
    assert [ExportedArticle.model_validate(line).title for line in lines][:2] == ["Ferry late", "Brücke offen"]
    rest = client.get("/v1/export", params={"cursor": lines[2]["cursor"]}).text.splitlines()
    assert [json.loads(line)["title"] for line in rest] == ["Bridge opens"]
    table = list(csv.reader(io.StringIO(client.get("/v1/export?format=csv&q=bridge").text)))
    assert len(table) == 3
    assert client.get("/v1/export?format=csv&q=unicorn").text.count("\n") == 1
    assert client.get("/v1/export?cursor=x").json()["parameter"] == "cursor"
    search.away = True
    assert client.get("/v1/export").status_code == 503


def test_pages_by_cursor(client: TestClient) -> None:
    titles, asked = [], {"q": "*", "limit": "3", "sort": "oldest"}
    while asked:
        answer = client.get("/v1/search", params=asked).json()
        titles += [article["title"] for article in answer["articles"]]
        asked = asked | {"cursor": answer["next"]} if answer["next"] else {}
    assert titles == ["Ferry late", "Brücke offen", "Match drawn", "Bridge opens"]


def test_formats(client: TestClient) -> None:
    def get(form: str) -> Any:
        answer = client.get("/v1/search", params={"q": "bridge", "format": form})
        assert answer.status_code == 200
        return answer

    lines = get("ndjson").text.splitlines()
    assert [json.loads(line)["title"] for line in lines] == ["Bridge opens", "Match drawn"]
    assert len(list(csv.reader(io.StringIO(get("csv").text)))) == 3
    assert etree.fromstring(get("rss").content).findtext("channel/link") == "http://127.0.0.1:8080/search?q=bridge"
    assert get("atom").headers["content-type"].startswith("application/atom+xml")
    feed = get("jsonfeed").json()
    assert feed["feed_url"] == "http://127.0.0.1:8080/v1/search?q=bridge&format=jsonfeed"


@pytest.mark.parametrize(
    ("path", "parameter", "hint"),
    [
        ("/v1/search?limt=5", "limt", "did you mean 'limit'?"),
        ("/v1/search?limit=5000", "limit", "the nearest is 100"),
        ("/v1/search?limit=-1", "limit", "the nearest is 0"),
        ("/v1/search?limit=ten", "limit", ""),
        ("/v1/search?sort=newst", "sort", "did you mean 'newest'?"),
        ("/v1/search?format=jsonl", "format", "did you mean 'json'?"),
        ("/v1/search?cursor=abc", "cursor", "take `next` of the page before"),
        ("/v1/timeline?interval=dai", "interval", "did you mean 'day'?"),
        ("/v1/top/sorce", "field", "did you mean 'source'?"),
        ("/v1/count?limit=3", "limit", "it may be q"),
    ],
)
def test_a_wrong_parameter_is_named_with_the_nearest_right_value(
    client: TestClient, path: str, parameter: str, hint: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    found = ProblemAnswer.model_validate(answer.json())
    assert found.parameter == parameter
    assert hint in found.hint


def test_an_answer_that_has_not_changed_is_not_sent_again(client: TestClient, search: MemorySearch) -> None:
    first = client.get("/v1/search?q=bridge")
    tag = first.headers["etag"]
    for sent in (tag, f'"x", {tag}', tag.removeprefix("W/")):
        again = client.get("/v1/search?q=bridge", headers={"If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get("/v1/search?q=ferry", headers={"If-None-Match": tag}).status_code == 200
    search.articles[0] = search.articles[0].model_copy(update={"title": "Bridge closes"})
    assert client.get("/v1/search?q=bridge", headers={"If-None-Match": tag}).status_code == 200


def test_while_elasticsearch_is_away(client: TestClient, search: MemorySearch) -> None:
    search.away = True
    for path in ("search", "count", "timeline", "top/source"):
        answer = client.get(f"/v1/{path}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "memory" not in answer.text  # no address of a server inside
    search.away = False
    assert client.get("/v1/search").status_code == 200


def test_a_fault_of_ours_tells_nothing_and_is_still_guarded(client: TestClient, search: MemorySearch) -> None:
    search.articles = None  # type: ignore[assignment]
    answer = client.get("/v1/search")
    assert answer.status_code == 500
    assert "Traceback" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_document_names_paths_parameters_and_problems(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/v1/search"]["get"]
    assert {each["name"] for each in operation["parameters"]} == {"q", "sort", "limit", "cursor", "explain", "format"}
    assert set(operation["responses"]) == {"200", "4XX", "503"}
    assert "text/csv" in operation["responses"]["200"]["content"]
