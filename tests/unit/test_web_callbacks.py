"""WebSub's callbacks as HTTP: statuses, limits and headers; what they mean is the subscriber's own tests' to say."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from pipelines.settings import Settings
from pipelines.web import callbacks as module
from pipelines.web.app import application
from pipelines.web.callbacks import callbacks
from tests.memory_search import MemorySearch, StillRiver

TOKEN = "t" * 43
PATH = f"/websub/{TOKEN}"


class Hub:
    """What the handlers ask of a subscriber, with answers set by the test."""

    def __init__(self) -> None:
        self.status = 202
        self.pushed: list[tuple[bytes, str | None, str]] = []

    async def verify(self, token: str, query: Mapping[str, str]) -> tuple[int, str]:
        return (200, query["hub.challenge"]) if token == TOKEN and "hub.challenge" in query else (404, "")

    def known(self, token: str) -> int:
        return self.status if token == TOKEN else 404

    async def push(self, _: str, body: bytes, *, signature: str | None, content_type: str) -> int:
        self.pushed.append((body, signature, content_type))
        return self.status


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def client(hub: Hub) -> Iterator[TestClient]:
    app = application(Settings(), lambda: {"waits_for": None}, MemorySearch([]), StillRiver())
    app.include_router(callbacks(hub, 1000))  # type: ignore[arg-type]
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 5000)) as client:
        yield client


def test_a_challenge_is_echoed_as_no_page(client: TestClient) -> None:
    answer = client.get(PATH, params={"hub.challenge": "<script>é"})
    assert (answer.status_code, answer.content) == (200, "<script>é".encode())
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_push_is_handed_on_byte_by_byte(client: TestClient, hub: Hub) -> None:
    body = b"\xff\x00<rss/>\r\n"
    headers = {"X-Hub-Signature": "sha256=0", "Content-Type": "application/rss+xml; charset=latin-1"}
    assert client.post(PATH, content=body, headers=headers).status_code == 202
    assert hub.pushed == [(body, "sha256=0", "application/rss+xml; charset=latin-1")]


@pytest.mark.parametrize(("known", "answered"), [(404, 404), (410, 410), (503, 503)])
def test_a_push_that_is_not_wanted_is_not_read(client: TestClient, hub: Hub, known: int, answered: int) -> None:
    hub.status = known
    answer = client.post(PATH, content=b"x" * 5000)
    assert answer.status_code == answered
    assert answer.headers.get("retry-after") == ("60" if answered == 503 else None)
    assert hub.pushed == []


@pytest.mark.parametrize("path", ["/websub/", "/websub/short", f"/websub/{'x' * 101}", f"/websub/{'x' * 42}%0a", "/x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_no_callback_is_not_found(client: TestClient, path: str, method: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(client: TestClient, method: str) -> None:
    assert client.request(method, PATH).status_code == 405


def test_sizes_said_and_sent_are_limited_and_nothing_is_unpacked(client: TestClient, hub: Hub) -> None:
    assert client.post(PATH, content=b"x" * 1001).status_code == 413
    assert client.post(PATH, content=(b"x" * 400 for _ in range(3))).status_code == 413  # no length is declared
    assert client.post(PATH, content=b"x", headers={"Content-Encoding": "gzip"}).status_code == 415
    assert hub.pushed == []
    assert client.post(PATH, content=b"x" * 1000).status_code == 202


def test_a_body_must_come_in_time(client: TestClient, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BODY_SECONDS", 0.05)
    app: Any = client.app
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": PATH, "headers": [], "query_string": b"", "scheme": "http"}
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 10))
    assert sent[0]["status"] == 408
    assert hub.pushed == []


def test_head_is_get_without_a_body(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "up", "waits_for": None}
    answer = client.head("/healthz")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(client.get("/healthz").content))


def test_four_bodies_are_read_at_once(hub: Hub) -> None:
    started, go_on = [], threading.Event()

    async def drive() -> int:
        app = application(Settings(), dict, MemorySearch([]), StillRiver())
        app.include_router(callbacks(hub, 1000))  # type: ignore[arg-type]

        async def one() -> None:
            async def receive() -> dict[str, Any]:
                started.append(1)
                while not go_on.is_set():
                    await asyncio.sleep(0.01)
                return {"type": "http.request", "body": b"x", "more_body": False}

            async def send(_: Any) -> None:
                pass

            scope = {
                "type": "http",
                "method": "POST",
                "path": PATH,
                "headers": [],
                "query_string": b"",
                "scheme": "http",
            }
            await app(scope, receive, send)

        tasks = [asyncio.create_task(one()) for _ in range(9)]
        while len(started) < 4:
            await asyncio.sleep(0)
        for _ in range(50):
            await asyncio.sleep(0)
        reading = len(started)
        go_on.set()
        await asyncio.gather(*tasks)
        return reading

    assert asyncio.run(drive()) == 4
    assert len(hub.pushed) == 9
