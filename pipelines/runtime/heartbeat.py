"""What a worker tells of itself: who it is, what it waits for; on a compacted topic that `newsriver status` reads."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from pipelines.errors import ServiceError
from pipelines.runtime.endpoints import kafka_bootstrap
from pipelines.settings import Settings
from pipelines.worker_environment import NAME
from schemas.records import WorkerState
from schemas.topics import WORKERS, Role

log = logging.getLogger(__name__)

BEAT_SECONDS = 30.0
"""A worker says at least this often that it is there."""
_LOOK_SECONDS = 0.5
_LEAVE_SECONDS = 1.0


class Waits:
    """What this process waits for just now, and its figures; whoever works says so, the heartbeat passes it on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._for: dict[str, tuple[str, str, datetime]] = {}
        self.figures: Mapping[str, Any] = {}
        """Fields of `WorkerState` that only some roles have; whoever works puts new ones in its place."""

    def begin(self, reason: str, detail: str, *, of: str = "") -> None:
        """Note that work waits; called again, only the reason changes.

        Args:
            reason: a short kebab-case name.
            detail: the same for people.
            of: whose wait it is, where one process may wait for several things at once.
        """
        with self._lock:
            since = self._for[of][2] if of in self._for else datetime.now(UTC)
            self._for[of] = (reason, detail, since)

    def end(self, *, of: str = "") -> None:
        """Note that work goes on."""
        with self._lock:
            self._for.pop(of, None)

    @property
    def now(self) -> tuple[str, str, datetime] | None:
        """Reason, the same for people, and since when, of what waits longest; None while nothing waits."""
        with self._lock:
            return min(self._for.values(), key=lambda wait: wait[2], default=None)


def worker_name(role: Role, number: int | None = None) -> str:
    """Give this process's name with its host: a supervisor's own name for it goes first."""
    name = os.environ.get(NAME) or f"{role}-{os.getpid() if number is None else number}"
    return f"{name}@{socket.gethostname()}"


class Heartbeat:
    """Tells of this process for as long as its block lasts; killed with -9 it falls silent, and that shows too.

    Args:
        settings: all settings.
        role: what this process is.
        waits: what it waits for.
        number: which of several on this machine; a supervisor's own name for it goes first.
    """

    def __init__(self, settings: Settings, role: Role, waits: Waits, number: int | None = None) -> None:
        self._host = socket.gethostname()
        self.name = worker_name(role, number)
        self._settings = settings
        self._role = role
        self._waits = waits
        self._since = datetime.now(UTC)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="heartbeat")

    def __enter__(self) -> Self:
        """Start telling."""
        from pipelines.kafka import outage

        outage.tell(self._waits)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say goodbye, if Kafka listens soon."""
        self._over.set()
        self._thread.join(_LEAVE_SECONDS)

    def _run(self) -> None:
        try:
            self._beat()
        except ServiceError as error:  # the work itself may go on without it
            log.error("no heartbeat, `newsriver status` will not show this process: %s", error)  # noqa: TRY400 - one line

    def _beat(self) -> None:
        from pipelines.kafka import Sender

        topic = WORKERS.full_name(self._settings.river.name)
        sender = Sender(kafka_bootstrap(self._settings), client_id=f"newsriver-{self._role}-heartbeat", linger_ms=0)
        told: tuple[tuple[str, str, datetime] | None, Mapping[str, Any]] | None = None
        looks = 0
        while not self._over.is_set():
            waits, figures = self._waits.now, self._waits.figures
            if looks == 0 or (waits, figures) != told:
                sender.send(topic, self.name, self._state(waits, figures).to_json())
                sender.flush()
                told = waits, figures
            looks = (looks + 1) % round(BEAT_SECONDS / _LOOK_SECONDS)
            self._over.wait(_LOOK_SECONDS)
        sender.send(topic, self.name, None)
        sender.close()

    def _state(self, waits: tuple[str, str, datetime] | None, figures: Mapping[str, Any]) -> WorkerState:
        reason, detail, since = waits or ("", "", None)
        return WorkerState(
            name=self.name,
            role=str(self._role),
            host=self._host,
            pid=os.getpid(),
            started_at=self._since,
            at=datetime.now(UTC),
            waits_for=reason,
            detail=detail,
            waits_since=since,
            **figures,
        )
