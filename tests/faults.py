"""A proxy in front of a real Elasticsearch whose bulk requests meet planned faults, one after the other."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

Reply = tuple[int, bytes]
Fault = Callable[["Exchange"], None]


class Exchange(BaseHTTPRequestHandler):
    """One connection's requests; a fault is given the exchange and answers, or fails to."""

    protocol_version = "HTTP/1.1"
    server: FaultServer
    body: bytes

    def handle_any(self) -> None:
        """Forward a request, or let it meet the next fault."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault: Fault = forwarded
        if urlsplit(self.path).path == "/_bulk":
            self.server.bulks.append(ids(self.body))
            fault = self.server.plan.pop(0) if self.server.plan else self.server.afterwards
        fault(self)

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

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's signature
        """Say nothing."""


class FaultServer(ThreadingHTTPServer):
    """The proxy.

    Attributes:
        plan: faults of the next bulk requests.
        afterwards: what all later ones meet.
        bulks: ids in each bulk request that came.
    """

    daemon_threads = True

    def __init__(self, upstream: str, plan: Sequence[Fault] = (), port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Exchange)
        self.upstream = urlsplit(upstream).netloc
        self.plan = list(plan)
        self.afterwards: Fault = forwarded
        self.bulks: list[list[str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        """Start."""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.shutdown()
        self.server_close()


def ids(body: bytes) -> list[str]:
    """Give the ids in a bulk request."""
    return [json.loads(line)["index"]["_id"] for line in body.splitlines()[::2]]


def forwarded(exchange: Exchange) -> None:
    """No fault."""
    exchange.reply(*exchange.forward())


def answered(status: int, body: bytes = b"{}", kind: str = "application/json") -> Fault:
    """Answer the whole request with a status; nothing is applied."""
    return lambda exchange: exchange.reply(status, body, kind)


def items_busy(*busy: str) -> Fault:
    """Apply all but some documents; those get 429, as when the write queue is full."""

    def fault(exchange: Exchange) -> None:
        lines = exchange.body.splitlines(keepends=True)
        pairs = [lines[start : start + 2] for start in range(0, len(lines), 2)]
        names = ids(exchange.body)
        kept = b"".join(line for name, pair in zip(names, pairs, strict=True) if name not in busy for line in pair)
        items = iter(json.loads(exchange.forward(kept)[1])["items"] if kept else [])
        error = {"type": "es_rejected_execution_exception", "reason": "rejected execution of primary operation"}
        refused = {"index": {"status": 429, "error": error}}
        answer = {"items": [refused if name in busy else next(items) for name in names]}
        exchange.reply(200, json.dumps(answer).encode())

    return fault


def applied_without_answer(seconds: float) -> Fault:
    """Apply the request and stay silent for some time, then hang up."""

    def fault(exchange: Exchange) -> None:
        exchange.forward()
        time.sleep(seconds)
        exchange.close_connection = True

    return fault


def half_answered(exchange: Exchange) -> None:
    """Apply the request and hang up in the middle of the answer."""
    status, body = exchange.forward()
    exchange.reply(status, body[: len(body) // 2], promised=len(body))


def larger_refused(most_bytes: int) -> Fault:
    """Refuse larger requests with 413 as a proxy does, in HTML; apply the others."""

    def fault(exchange: Exchange) -> None:
        if len(exchange.body) > most_bytes:
            exchange.reply(413, b"<html><h1>413 Request Entity Too Large</h1></html>", "text/html")
        else:
            forwarded(exchange)

    return fault
