"""Saved searches through API and pages: what they answer, who may change them, and that another site cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from lxml import etree, html

from pipelines.settings import Settings, load_settings
from pipelines.web.app import application
from pipelines.web.models import AlertAnswer, AlertsAnswer, AlertTestAnswer, NewAlertAnswer, ProblemAnswer
from tests.contract.test_search import ARTICLES
from tests.memory_alerts import MemoryAlerts
from tests.memory_search import MemorySearch, StillRiver

EVIL = "\"><script>alert(1)</script>'\u202e"
HOOK = {"query": "bridge", "channel": "webhook", "target": "https://receiver.example.org/hook"}
OWN_PAGE = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def alerts() -> MemoryAlerts:
    return MemoryAlerts(Settings())


@pytest.fixture
def client(alerts: MemoryAlerts) -> Iterator[TestClient]:
    app = application(Settings(), dict, MemorySearch(list(ARTICLES)), StillRiver(), alerts)
    with TestClient(
        app,
        base_url="http://127.0.0.1:8080",
        client=("127.0.0.1", 5000),
        raise_server_exceptions=False,
        follow_redirects=False,
    ) as client:
        yield client


def test_the_api_adds_lists_stops_tries_and_removes(client: TestClient, alerts: MemoryAlerts) -> None:
    answer = client.post("/v1/alerts", json=HOOK | {"name": "Bridges", "every_seconds": 60})
    made = NewAlertAnswer.model_validate(answer.json())
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/alerts/{made.id}"
    assert made.secret.startswith("whsec_")
    listed = client.get("/v1/alerts")
    assert AlertsAnswer.model_validate(listed.json()).alerts[0].name == "Bridges"
    one = client.get(f"/v1/alerts/{made.id}")
    assert AlertAnswer.model_validate(one.json()).every_seconds == 60
    assert made.secret not in listed.text + one.text
    assert AlertAnswer.model_validate(client.post("/v1/alerts/Bridges/pause").json()).paused
    assert not AlertAnswer.model_validate(client.post(f"/v1/alerts/{made.id}/resume").json()).paused
    assert AlertTestAnswer.model_validate(client.post(f"/v1/alerts/{made.id}/test").json()).delivered == 3
    alerts.refuses = True
    assert client.post(f"/v1/alerts/{made.id}/test").status_code == 502
    assert client.delete(f"/v1/alerts/{made.id}").status_code == 204
    assert client.delete(f"/v1/alerts/{made.id}").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "parameter"),
    [
        ({}, 400, "query"),
        ({"query": 5}, 400, "query"),
        ({"query": "x" * 2001}, 400, "query"),
        ({"query": "x", "nmae": "y"}, 400, "nmae"),
        ({"query": "x", "channel": "pigeon"}, 400, "channel"),
        ({"query": "x", "channel": "webhook", "target": "http://127.0.0.1/"}, 400, "target"),
        ({"query": "x", "every_seconds": -1}, 400, "every_seconds"),
        ([1], 400, "body"),
    ],
)
def test_what_is_wrong_in_a_body_is_named(client: TestClient, body: Any, status: int, parameter: str) -> None:
    answer = client.post("/v1/alerts", json=body)
    found = ProblemAnswer.model_validate(answer.json())
    assert (answer.status_code, found.parameter) == (status, parameter)


def test_bodies_of_other_kinds_are_refused(client: TestClient, alerts: MemoryAlerts) -> None:
    send: dict[str, Any] = {"content": b'{"query":"x"}'}
    assert client.post("/v1/alerts", headers={"Content-Type": "text/plain"}, **send).status_code == 415
    headers = {"Content-Type": "application/json"}
    assert client.post("/v1/alerts", headers=headers, content=b"{").status_code == 400
    assert client.post("/v1/alerts", headers=headers, content=b"x" * 40_000).status_code == 413
    assert client.post("/v1/alerts?x=1", json={"query": "x"}).json()["parameter"] == "x"
    assert alerts.kept == {}
    alerts.away = True
    assert client.get("/v1/alerts").status_code == 503


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8080"},
    ],
)
def test_another_site_cannot_change_anything(client: TestClient, alerts: MemoryAlerts, headers: dict[str, str]) -> None:
    made = client.post("/v1/alerts", json=HOOK).json()["id"]
    assert client.post("/v1/alerts", json=HOOK, headers=headers).status_code == 403
    assert client.delete(f"/v1/alerts/{made}", headers=headers).status_code == 403
    for action in ("pause", "resume", "test"):
        assert client.post(f"/v1/alerts/{made}/{action}", headers=headers).status_code == 403
    assert client.post("/saved", data={"q": "x"}, headers=headers).status_code == 403
    assert client.post(f"/saved/{made}/remove", headers=headers).status_code == 403
    assert list(alerts.kept) == [made]
    assert client.post("/saved", data={"q": "x"}).status_code == 403  # no browser sends a form without a word


def test_a_public_address_is_our_own_origin(alerts: MemoryAlerts) -> None:
    settings = load_settings(
        assignments=["serve.public_url=https://news.example.org", "serve.keys=never"], environment={}
    )
    app = application(settings, dict, MemorySearch(list(ARTICLES)), StillRiver(), alerts)
    with TestClient(app, base_url="http://10.0.0.1:8080", follow_redirects=False) as client:
        form: dict[str, Any] = {"data": {"q": "bridge"}}
        assert client.post("/saved", headers={"Origin": "https://news.example.org"}, **form).status_code == 303
        assert client.post("/saved", headers={"Origin": "https://example.org"}, **form).status_code == 403


def test_who_needs_a_key_needs_it_here_too(alerts: MemoryAlerts) -> None:
    settings = load_settings(assignments=["serve.keys=always"], environment={})
    app = application(settings, dict, MemorySearch(list(ARTICLES)), StillRiver(), alerts)
    with TestClient(app, base_url="http://127.0.0.1:8080", client=("127.0.0.1", 5000)) as client:
        asked = [client.get("/saved"), client.get("/v1/alerts"), client.post("/v1/alerts", json=HOOK)]
        asked += [client.get("/saved/0a1b2c3d4e5f.rss"), client.post("/saved", data={"q": "x"}, headers=OWN_PAGE)]
        assert {one.status_code for one in asked} == {401}
    assert alerts.kept == {}


def test_a_search_is_saved_from_its_page_listed_followed_and_removed(client: TestClient, alerts: MemoryAlerts) -> None:
    page = html.fromstring(client.get("/search?q=bridge").text)
    [form] = page.xpath("//form[@method='post']")
    fields = {one.get("name"): one.get("value") or "" for one in form.xpath(".//input")}
    assert (form.get("action"), fields["q"]) == ("/saved", "bridge")
    assert client.post("/saved", data=fields, headers=OWN_PAGE).headers["location"] == "/saved"
    shown = html.fromstring(client.get("/saved").text)
    feeds = {link.text: link.get("href") for link in shown.xpath("//article//p/a")}
    channel = etree.fromstring(client.get(feeds["RSS"]).content).find("channel")
    assert channel.findtext("title") == "Newsriver: bridge"
    assert len(channel.findall("item")) == 2
    assert client.get(feeds["Atom"]).headers["content-type"].startswith("application/atom+xml")
    assert client.get(feeds["JSON Feed"]).json()["feed_url"] == f"http://127.0.0.1:8080{feeds['JSON Feed']}"
    [remove] = shown.xpath("//form[contains(@action, '/remove')]/@action")
    assert client.post(remove, headers=OWN_PAGE).status_code == 303
    assert alerts.kept == {}
    assert client.get(feeds["RSS"]).status_code == 404
    assert "Nothing is saved" in client.get("/saved").text


def test_a_webhook_of_the_page_shows_its_secret_once(client: TestClient, alerts: MemoryAlerts) -> None:
    answer = client.post("/saved", data={"q": "bridge", "target": HOOK["target"]}, headers=OWN_PAGE)
    [saved] = alerts.kept.values()
    secret = saved.secret.get_secret_value()
    assert secret in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert secret not in client.get("/saved").text
    [pause] = html.fromstring(client.get("/saved").text).xpath("//form[contains(@action, '/pause')]/@action")
    client.post(pause, headers=OWN_PAGE)
    assert "paused" in client.get("/saved").text
    wrong = client.post("/saved", data={"q": "x", "target": "nobody"}, headers={**OWN_PAGE, "Accept": "text/html"})
    assert wrong.status_code == 400


def test_names_and_queries_are_no_markup(client: TestClient) -> None:
    client.post("/v1/alerts", json={"query": EVIL, "name": EVIL})
    shown = html.fromstring(client.get("/saved").text)
    assert shown.xpath("//script") == []
    assert shown.xpath("//h2/a/bdi/text()") == [EVIL]


@pytest.mark.parametrize("path", ["/saved/0a1b2c3d4e5f.exe", "/saved/x.rss", "/saved/0a1b2c3d4e5f.rss"])
def test_feeds_that_are_not_there(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (400, 404)
    assert client.post("/saved/0a1b2c3d4e5f/explode", headers=OWN_PAGE).status_code == 404
