"""A receiver of webhooks for tests, and articles written as the river writes them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pipelines.index.documents import article_source, document
from pipelines.index.elastic import connect
from pipelines.index.sink import Sink
from pipelines.settings import Settings
from schemas.records import Article


@dataclass
class Received:
    """One request that came."""

    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        """The message in it."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """What came, and how it is answered.

    Attributes:
        requests: in their order; those that were answered with an error as well.
        status: of the next answers.
        headers: further headers of the next answers.
        go_on: while it is not set, requests are kept waiting.
    """

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    go_on: threading.Event = field(default_factory=threading.Event)

    def articles(self) -> list[dict[str, Any]]:
        """Give each article of the messages as a receiver keeps them: repeats by `webhook-id` dropped."""
        messages = {one.headers["webhook-id"]: one.message for one in self.requests}
        return [article for message in messages.values() for article in message["articles"]]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive webhooks on loopback."""
    receiver = Receiver()
    receiver.go_on.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.requests.append(Received(headers, body))
            receiver.go_on.wait(60)
            try:
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass  # the sender was killed meanwhile

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


def made(number: int, body: str = "The old bridge over the river opened.", **fields: Any) -> Article:
    """Make one article, fetched just now."""
    now = datetime.now(UTC)
    known = {
        "id": f"{number:032x}",
        "url": f"https://gazette.example.org/{number}",
        "source": "gazette",
        "title": f"Report {number}",
        "body": body,
        "language": "en",
        "first_seen": now - timedelta(minutes=1),
        "fetched_at": now,
        "words": len(body.split()),
        "content_digest": f"{number:032x}",
    }
    return Article.model_validate(known | fields)


def index_articles(settings: Settings, articles: list[Article], updated_at: datetime | None = None) -> None:
    """Write articles as `ArticleWriter` does, with the times that it adds."""
    now = datetime.now(UTC)
    client = connect(settings)
    documents = []
    for one in articles:
        fields = one.model_dump(exclude_none=True) | {"updated_at": updated_at or one.fetched_at}
        version = int(one.fetched_at.timestamp() * 1000)
        plain = document(one, version, settings.river.name)
        documents.append(replace(plain, source=article_source(fields, now)))
    try:
        Sink(client, settings.elasticsearch).write(documents)
    finally:
        client.close()
