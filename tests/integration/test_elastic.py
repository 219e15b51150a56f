"""`pipelines.index.elastic` against small servers of our own: credentials, products, broken answers."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipelines.errors import NewsriverError, ServiceError, SettingsError
from pipelines.index.elastic import connect
from pipelines.settings import load_settings


class Canned(ThreadingHTTPServer):
    """Answers every request the same and keeps the last one's Authorization header."""

    daemon_threads = True
    status, kind, body, product, promised = 200, "application/json", b"{}", "Elasticsearch", -1
    authorization = ""


class Handler(BaseHTTPRequestHandler):
    server: Canned

    def do_GET(self) -> None:
        canned = self.server
        canned.authorization = self.headers.get("Authorization", "")
        self.send_response(canned.status)
        self.send_header("X-Elastic-Product", canned.product)
        self.send_header("Content-Type", canned.kind)
        self.send_header("Content-Length", str(len(canned.body) if canned.promised < 0 else canned.promised))
        self.end_headers()
        self.wfile.write(canned.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Say nothing."""


@pytest.fixture
def canned() -> Iterator[Canned]:
    with Canned(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def ask(canned: Canned, *assignments: str) -> object:
    url = f"http://127.0.0.1:{canned.server_port}"
    client = connect(load_settings(assignments=[f"elasticsearch.url={url}", *assignments], environment={}))
    try:
        return client.ask("GET", "/x")
    finally:
        client.close()


def test_the_answer_is_decoded(canned: Canned) -> None:
    canned.body = b'{"a": [1]}'
    assert ask(canned) == {"a": [1]}


def test_credentials(canned: Canned) -> None:
    ask(canned)
    assert canned.authorization == ""
    ask(canned, "elasticsearch.username=ada", "elasticsearch.password=pw")
    assert canned.authorization == "Basic " + base64.b64encode(b"ada:pw").decode()
    ask(canned, "elasticsearch.username=ada", "elasticsearch.password=pw", "elasticsearch.api_key=a2V5")
    assert canned.authorization == "ApiKey a2V5"


def test_another_product_is_refused(canned: Canned) -> None:
    canned.product = "Something"
    with pytest.raises(ServiceError, match="is not Elasticsearch"):
        ask(canned)


@pytest.mark.parametrize(
    ("status", "kind", "body", "promised", "error", "message"),
    [
        (200, "application/json", b'{"a": 1}', 100, ServiceError, "does not answer"),
        (200, "application/json", b'{"a": ', -1, ServiceError, "not whole"),
        (503, "text/html", b"<html>away</html>", -1, ServiceError, r"cannot answer now \(503\)"),
        (429, "application/json", b'{"error": {"reason": "full"}}', -1, ServiceError, r"\(429\): full"),
        (401, "application/json", b'{"error": {"reason": "who?"}}', -1, ServiceError, "refuses access: who.*api_key"),
        (403, "application/json", b"{}", -1, ServiceError, "refuses access"),
        (403, "application/json", b'{"error": {"type": "cluster_block_exception"}}', -1, NewsriverError, "block"),
        (400, "application/json", b'{"error": {"reason": "bad"}}', -1, NewsriverError, r"refuses GET /x \(400\): bad"),
        (404, "application/json", b'{"error": "gone"}', -1, NewsriverError, "gone"),
    ],
)
def test_answers_that_are_errors(
    canned: Canned, status: int, kind: str, body: bytes, promised: int, error: type[Exception], message: str
) -> None:
    canned.status, canned.kind, canned.body, canned.promised = status, kind, body, promised
    with pytest.raises(error, match=message) as raised:
        ask(canned)
    assert type(raised.value) is error
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "assignments",
    [["elasticsearch.url=nowhere"], ["elasticsearch.url=https://127.0.0.1:1", "elasticsearch.ca_certs=/no/such.pem"]],
)
def test_settings_that_cannot_be(assignments: list[str]) -> None:
    with pytest.raises(SettingsError):
        connect(load_settings(assignments=assignments, environment={}))
