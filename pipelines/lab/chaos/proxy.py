"""A proxy in front of a real Elasticsearch that answers wrongly, late or not at all, by plan.

The contract suite of the sink names a fault for each bulk request; the fault lab changes what all requests meet.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

Reply = tuple[int, bytes]
Fault = Callable[["HttpExchange"], None]

_REMEMBERED = 10_000


class HttpExchange(BaseHTTPRequestHandler):
    """One connection's requests; a fault is given the exchange and answers, or fails to."""

    protocol_version = "HTTP/1.1"
    # Each answer is written in two pieces, and without this the second waits for the client's word on the first.
    disable_nagle_algorithm = True
    server: FaultServer
    body: bytes

    def handle_any(self) -> None:
        """Forward a request, or let it meet the next fault."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.otherwise
        if urlsplit(self.path).path == "/_bulk":
            self.server.remember(ids(self.body))
            fault = self.server.plan.pop(0) if self.server.plan else self.server.afterwards
        try:
            fault(self)
        except (OSError, http.client.HTTPException):  # the server behind is away, or the client is
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815 - http.server's names

    def forward(self, body: bytes | None = None) -> Reply:
        """Ask the server behind."""
        connection = http.client.HTTPConnection(self.server.upstream)
        headers = {name: self.headers[name] for name in ("Accept", "Content-Type") if name in self.headers}
        connection.request(self.command, self.path, self.body if body is None else body, headers)
        answer = connection.getresponse()
        reply = answer.status, answer.read()
        connection.close()
        return reply

    def reply(self, status: int, body: bytes, kind: str = "application/json", promised: int | None = None) -> None:
        """Answer; with more bytes promised than given the connection ends in the middle."""
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if promised is None else promised))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = promised is not None

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - http.server's signature
        """Say nothing."""


class FaultServer(ThreadingHTTPServer):
    """The proxy; runs for as long as its block lasts.

    Attributes:
        plan: faults of the next bulk requests.
        afterwards: what all later ones meet.
        otherwise: what all other requests meet.
        bulks: ids in each of the last bulk requests that came.
    """

    daemon_threads = True

    def __init__(self, upstream: str, plan: Sequence[Fault] = (), port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), HttpExchange)
        self.upstream = urlsplit(upstream).netloc
        self.plan = list(plan)
        self.afterwards: Fault = forwarded
        self.otherwise: Fault = forwarded
        self.bulks: list[list[str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        """Start."""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True, name="fault-proxy").start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.shutdown()
        self.server_close()

    def remember(self, names: list[str]) -> None:
        """Note a bulk request, and forget the oldest when there are many."""
        self.bulks.append(names)
        del self.bulks[:-_REMEMBERED]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's signature
        """Say nothing of a client that hung up."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def ids(body: bytes) -> list[str]:
    """Give the ids in a bulk request."""
    return [str(names["_id"]) for line in body.splitlines()[::2] for names in json.loads(line).values()]


def forwarded(exchange: HttpExchange) -> None:
    """No fault."""
    exchange.reply(*exchange.forward())


def answered(status: int, body: bytes = b"{}", kind: str = "application/json") -> Fault:
    """Answer the whole request with a status; nothing is applied."""
    return lambda exchange: exchange.reply(status, body, kind)


def items_refused(status: int, kind: str, *names: str) -> Fault:
    """Apply all but some documents; those get an error of their own."""
    return lambda exchange: _refuse_items(exchange, status, kind, set(names))


def items_busy(*names: str) -> Fault:
    """Apply all but some documents; those get 429, as when the write queue is full."""
    return items_refused(429, "es_rejected_execution_exception", *names)


def some_items_busy(share: float, chance: random.Random) -> Fault:
    """Apply about so many of the documents; the others get 429."""

    def fault(exchange: HttpExchange) -> None:
        names = {name for name in ids(exchange.body) if chance.random() < share}
        _refuse_items(exchange, 429, "es_rejected_execution_exception", names)

    return fault


def busy_above(documents: int) -> Fault:
    """Refuse requests of more documents with 429; apply the others."""

    def fault(exchange: HttpExchange) -> None:
        (answered(429) if len(ids(exchange.body)) > documents else forwarded)(exchange)

    return fault


def applied_without_answer(seconds: float) -> Fault:
    """Apply the request and stay silent for some time, then hang up."""

    def fault(exchange: HttpExchange) -> None:
        exchange.forward()
        time.sleep(seconds)
        exchange.close_connection = True

    return fault


def half_answered(exchange: HttpExchange) -> None:
    """Apply the request and hang up in the middle of the answer."""
    status, body = exchange.forward()
    exchange.reply(status, body[: len(body) // 2], promised=len(body))


def hung_up(exchange: HttpExchange) -> None:
    """Hang up; nothing is applied."""
    exchange.close_connection = True


def delayed(longest: float, chance: random.Random) -> Fault:
    """Apply the request and answer late, by up to so many seconds."""

    def fault(exchange: HttpExchange) -> None:
        time.sleep(chance.uniform(0, longest))
        forwarded(exchange)

    return fault


def one_of(faults: Sequence[Fault], chance: random.Random) -> Fault:
    """Meet one of several faults, by chance."""

    def fault(exchange: HttpExchange) -> None:
        chance.choice(faults)(exchange)

    return fault


def larger_refused(most_bytes: int) -> Fault:
    """Refuse larger requests with 413 as a proxy does, in HTML; apply the others."""

    def fault(exchange: HttpExchange) -> None:
        if len(exchange.body) > most_bytes:
            exchange.reply(413, b"<html><h1>413 Request Entity Too Large</h1></html>", "text/html")
        else:
            forwarded(exchange)

    return fault


def _refuse_items(exchange: HttpExchange, status: int, kind: str, names: Collection[str]) -> None:
    lines = exchange.body.splitlines(keepends=True)
    pairs = [lines[start : start + 2] for start in range(0, len(lines), 2)]
    sent = ids(exchange.body)
    kept = b"".join(line for name, pair in zip(sent, pairs, strict=True) if name not in names for line in pair)
    code, applied = exchange.forward(kept) if kept else (200, b'{"items": []}')
    if code != 200:
        exchange.reply(code, applied)
        return
    items = iter(json.loads(applied)["items"])
    refused = {"index": {"status": status, "error": {"type": kind, "reason": "refused by the fault proxy"}}}
    answer = {"items": [refused if name in names else next(items) for name in sent]}
    exchange.reply(200, json.dumps(answer).encode())
