"""A form that is sent, on loopback: what arrives, which redirects are followed, what is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from pipelines.errors import AddressRefused, FetchFault
from pipelines.http.answer import Response
from pipelines.http.client import Client
from pipelines.settings import FetchSettings, Settings

SETTINGS = Settings(fetch=FetchSettings(allow_networks=["127.0.0.0/8"], timeout_seconds=5.0))
ANSWERS: dict[str, tuple[int, dict[str, str]]] = {
    "/hub": (202, {}),
    "/temporary": (307, {"Location": "/hub"}),
    "/permanent": (308, {"Location": "/temporary"}),
    "/moved": (301, {"Location": "/hub"}),
    "/other": (303, {"Location": "/hub"}),
    "/circle": (307, {"Location": "/circle"}),
    "/inside": (307, {"Location": "http://10.9.8.7/hub"}),
    "/busy": (429, {"Retry-After": "120"}),
    "/wrong": (400, {}),
}


class Receiver(ThreadingHTTPServer):
    """Writes down the forms it gets, by path."""

    daemon_threads = True
    forms: list[tuple[str, dict[str, list[str]]]]

    def url(self, path: str) -> str:
        return "http://{}:{}{}".format(*self.server_address[:2], path)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("ascii")
        assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        self.server.forms.append((self.path, parse_qs(body, strict_parsing=True)))
        status, headers = ANSWERS[self.path]
        self.send_response(status)
        for name, value in ({"Content-Length": "0"} | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(("127.0.0.1", 0), Handler) as server:
        server.forms = []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


def post(url: str, settings: Settings = SETTINGS) -> Response:
    async def story() -> Response:
        async with Client(settings) as client:
            return await client.post_form(url, {"hub.topic": "https://a.example/?b=1&c=ü", "hub.secret": "s3cr3t"})

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("path", "way"), [("/hub", ["/hub"]), ("/permanent", ["/permanent", "/temporary", "/hub"])], ids=["direct", "moved"]
)
def test_a_form_arrives_whole_after_each_redirect_that_keeps_the_method(
    receiver: Receiver, path: str, way: list[str]
) -> None:
    assert post(receiver.url(path)).status == 202
    form = {"hub.topic": ["https://a.example/?b=1&c=ü"], "hub.secret": ["s3cr3t"]}
    assert receiver.forms == [(path, form) for path in way]


@pytest.mark.parametrize(
    ("path", "reason", "wait"),
    [
        ("/moved", "http-301", None),
        ("/other", "http-303", None),
        ("/circle", "redirect-loop", None),
        ("/inside", "address-refused", None),
        ("/busy", "http-429", 120.0),
        ("/wrong", "http-400", None),
    ],
)
def test_what_is_no_success_has_a_name_and_no_word_of_the_form(
    receiver: Receiver, path: str, reason: str, wait: float | None
) -> None:
    with pytest.raises(FetchFault) as caught:
        post(receiver.url(path))
    assert (caught.value.reason, caught.value.retry_after) == (reason, wait)
    assert "s3cr3t" not in f"{caught.value} {caught.value!r}"
    assert len(receiver.forms) == 1


def test_a_private_address_is_refused(receiver: Receiver) -> None:
    with pytest.raises(AddressRefused):
        post(receiver.url("/hub"), Settings())
    assert receiver.forms == []


@pytest.mark.parametrize(
    ("start", "end", "followed"),
    [
        ("https://hub.example/", "http://hub.example/", False),
        ("https://hub.example/", "https://other.example/", True),
        ("http://hub.example/", "https://hub.example/", True),
    ],
)
def test_a_form_never_falls_from_https_to_http(
    monkeypatch: pytest.MonkeyPatch, start: str, end: str, followed: bool
) -> None:
    asked: list[str] = []

    async def once(_: Client, url: str, *_rest: object) -> Response:  # certificates for these names cannot be had
        asked.append(url)
        return Response(url=url, status=307 if url == start else 202, headers={"location": end})

    monkeypatch.setattr(Client, "_once", once)
    if followed:
        assert post(start).url == end
    else:
        with pytest.raises(FetchFault, match="from https to http"):
            post(start)
    assert asked == ([start, end] if followed else [start])
