"""A web site on loopback that answers as it is told and writes down what it was asked."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass
class Reply:
    """One answer.

    Attributes:
        body: sent as it is.
        status: the HTTP status.
        headers: added to Content-Length, which is the body's unless it is named here.
        raw: sent instead of all else, then the connection is closed.
        wait: seconds before the answer.
        drip: seconds between two bytes of the body.
        hold: wait for this before the answer.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    wait: float = 0.0
    drip: float = 0.0
    hold: threading.Event | None = None


@dataclass
class Asked:
    """One request, with the times on the clock of `time.monotonic`."""

    path: str
    headers: dict[str, str]
    started: float
    ended: float = 0.0


Respond = Callable[[Asked], Reply]


class Site:
    """A server for as long as its `with` block lasts; paths without a route answer 404.

    Args:
        address: loopback address to listen on; each is a host of its own.
        tls: speak HTTPS with this context.
    """

    def __init__(self, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.routes: dict[str, Reply | Respond] = {}
        self.log: list[Asked] = []
        self._server = _Server((address, 0), _Handler)
        self._server.site = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def host(self) -> str:
        return "{}:{}".format(*self._server.server_address[:2])

    def url(self, path: str = "/") -> str:
        return f"{self._scheme}://{self.host}{path}"

    def asked(self, path: str) -> list[Asked]:
        return [each for each in self.log if each.path == path]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Site

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that hang up are what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        site = self.server.site
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, time.monotonic())
        site.log.append(asked)
        route = site.routes.get(self.path, Reply(b"not here", 404))
        try:
            self._answer(route(asked) if callable(route) else route)
        except (BrokenPipeError, ConnectionResetError):  # the client had enough
            self.close_connection = True
        finally:
            asked.ended = time.monotonic()

    def _answer(self, reply: Reply) -> None:
        if reply.hold is not None:
            reply.hold.wait(30)
        time.sleep(reply.wait)
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in ({"Content-Length": str(len(reply.body))} | reply.headers).items():
            self.send_header(name, value.encode().decode("latin-1"))
        self.end_headers()
        self._write(reply)
        if int(reply.headers.get("Content-Length", len(reply.body))) != len(reply.body):
            self.close_connection = True

    def _write(self, reply: Reply) -> None:
        if not reply.drip:
            self.wfile.write(reply.body)
            return
        for byte in reply.body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(reply.drip)

    def log_message(self, *arguments: object) -> None:
        """Say nothing: the log is in `site.log`."""
