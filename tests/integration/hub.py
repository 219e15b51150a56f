"""A WebSub hub on loopback: takes subscriptions, verifies what subscribers intend, pushes what it is given."""

from __future__ import annotations

import hmac
import http.client
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit


@dataclass
class Asked:
    """One request of a subscriber, and the answer to the question whether it is meant: status and body."""

    fields: dict[str, str]
    verified: tuple[int, bytes] | None = None
    challenge: str = ""

    @property
    def meant(self) -> bool:
        return self.verified == (200, self.challenge.encode())


@dataclass
class Hub:
    """The hub for as long as its `with` block lasts.

    Attributes:
        lease_seconds: what it grants.
        status: what it answers to requests; below 300 it then verifies them.
        asked: all requests, oldest first.
        subscriptions: topic -> the fields of the request that was verified last.
    """

    lease_seconds: int = 3600
    status: int = 202
    asked: list[Asked] = field(default_factory=list)
    subscriptions: dict[str, dict[str, str]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hub = self
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return "http://{}:{}/".format(*self._server.server_address[:2])

    def verify(self, asked: Asked) -> None:
        """Ask the subscriber whether it meant it, and do as it asked if so."""
        fields = asked.fields
        asked.challenge = secrets.token_hex(8)
        query = {"hub.mode": fields["hub.mode"], "hub.topic": fields["hub.topic"], "hub.challenge": asked.challenge}
        if fields["hub.mode"] == "subscribe":
            query["hub.lease_seconds"] = str(self.lease_seconds)
        asked.verified = call("GET", f"{fields['hub.callback']}?{urlencode(query)}")
        if asked.meant and fields["hub.mode"] == "subscribe":
            self.subscriptions[fields["hub.topic"]] = fields
        elif asked.meant:
            self.subscriptions.pop(fields["hub.topic"], None)

    def push(self, topic: str, body: bytes, method: str = "sha256", *, signature: str | None = None) -> int:
        """Push a body and give the subscriber's status; a signature that is named takes the right one's place."""
        fields = self.subscriptions[topic]
        right = f"{method}={hmac.new(fields['hub.secret'].encode(), body, method).hexdigest()}"
        headers = {
            "Content-Type": "application/rss+xml",
            "Link": f'<{self.url}>; rel="hub", <{topic}>; rel="self"',
            "X-Hub-Signature": right if signature is None else signature,
        }
        return call("POST", fields["hub.callback"], body, {name: value for name, value in headers.items() if value})[0]


def call(method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Make one request and give status and body of the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: Hub


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, _Server)
        hub = self.server.hub
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        asked = Asked({name: values[-1] for name, values in parse_qs(body, strict_parsing=True).items()})
        self.send_response(hub.status)
        self.end_headers()
        self.wfile.flush()
        hub.asked.append(asked)
        if hub.status < 300:
            threading.Thread(target=hub.verify, args=(asked,), daemon=True).start()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""
