"""The port on which each process answers `/metrics`, `/healthz` and `/readyz`, and the file that says which it is.

The file is one of Prometheus's own kind (https://prometheus.io/docs/prometheus/latest/configuration/configuration/
#file_sd_config). It goes when the role ends in order; of one that was killed it stays, so that Prometheus sees that it
is down, until it is started again or a day has passed. Who has a name of its own is known again by that; who has none
but its process id takes the place of any of its role that does not answer any more.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipelines.errors import NewsriverError
from pipelines.metrics.metric import exposition
from pipelines.runtime.health import Liveness
from pipelines.settings import MetricsSettings
from schemas.roles import Role

log = logging.getLogger(__name__)

_FORGOTTEN_SECONDS = 86_400.0
_REQUEST_SECONDS = 10.0
_TEXT = "text/plain; charset=utf-8"


class Exposition:
    """Answers for the length of a block.

    Args:
        settings: where to listen, and where to say so.
        river: the river's name.
        role: what this process is.
        worker: its name.
        liveness: judges it.
        named: whether it has that name again after a restart.

    Raises:
        NewsriverError: the address is taken or not this machine's.
    """

    def __init__(
        self,
        settings: MetricsSettings,
        river: str,
        role: Role,
        worker: str,
        liveness: Liveness,
        *,
        named: bool = True,
    ) -> None:
        self._named = named
        self._labels = {"river": river, "role": str(role), "worker": worker, "instance": worker}
        self._file = settings.folder / f"{river}-{worker}.json"
        try:
            self._server = _Server((settings.host, settings.port), liveness)
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            hint = "end what uses the port, or set metrics.port to 0: each process then takes a free one"
            raise NewsriverError(f"cannot listen on {where}: {error.strerror or error}", hint=hint) from None
        host, port = self._server.server_address[:2]
        self.address = f"[{host!s}]:{port}" if ":" in str(host) else f"{host!s}:{port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="exposition")

    def __enter__(self) -> Self:
        """Begin to answer, and say where."""
        self._thread.start()
        log.debug("metrics and health at http://%s/", self.address)
        try:
            self._announce()
        except OSError as error:  # the work goes on without it
            log.warning("no file tells Prometheus of http://%s/metrics: %s; see metrics.folder", self.address, error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Be gone, also for Prometheus."""
        self.forget()
        self._server.shutdown()
        self._server.server_close()

    def forget(self) -> None:
        """Remove the file, unless another process of this name has written it anew."""
        with suppress(OSError):
            if _read(self._file).get("targets") == [self.address]:
                self._file.unlink()

    def _announce(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        for old in self._file.parent.glob("*.json"):
            with suppress(OSError):  # another process may remove it, too
                if self._is_over(old):
                    old.unlink()
        whole = self._file.with_suffix(f".{os.getpid()}")
        whole.write_text(json.dumps([{"targets": [self.address], "labels": self._labels}]), encoding="utf-8")
        whole.chmod(0o644)  # Prometheus runs as another user
        whole.replace(self._file)

    def _is_over(self, file: Path) -> bool:
        """Tell whether a file speaks of a process that is gone, and for which nobody waits."""
        found = _read(file)
        kept = time.time() - file.stat().st_mtime <= _FORGOTTEN_SECONDS
        labels = found.get("labels", {})
        succeeded = not self._named and all(labels.get(name) == self._labels[name] for name in ("river", "role"))
        return (succeeded or not kept) and not _answers(found)


def _read(file: Path) -> dict[str, Any]:
    """Give what a file says; nothing where it is none of ours."""
    with suppress(ValueError, LookupError):
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))[0]
        return found
    return {}


def _answers(found: dict[str, Any]) -> bool:
    """Tell whether somebody listens where a file says."""
    try:
        host, _, port = found["targets"][0].rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
    except (OSError, ValueError, LookupError):
        return False
    return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], liveness: Liveness) -> None:
        self.liveness = liveness
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    timeout = _REQUEST_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Answer one of three paths."""
        match self.path.partition("?")[0]:
            case "/metrics":
                self._answer(200, exposition(), "text/plain; version=0.0.4; charset=utf-8")
            case "/healthz":
                why = self.server.liveness.stalled()
                self._answer(503 if why else 200, f"{why or 'up'}\n".encode())
            case "/readyz":
                reasons = self.server.liveness.unready()
                self._answer(503 if reasons else 200, ("\n".join(reasons or ["ready"]) + "\n").encode())
            case _:
                self._answer(404, b"/metrics, /healthz or /readyz\n")

    def _answer(self, status: int, body: bytes, kind: str = _TEXT) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: a scrape every few seconds is no news."""
