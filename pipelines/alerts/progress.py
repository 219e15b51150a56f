"""Who evaluates and how far: one document, written only by whoever read its last version."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import UTC, datetime, timedelta

import psutil

from pipelines.alerts.storage import AlertStorage, Json
from pipelines.index.documents import alert_progress_indices
from pipelines.index.elastic import judged
from pipelines.search.client import AsyncElastic
from schemas.records import AlertProgress, ShardPosition

LEASE = timedelta(seconds=15)
"""How long a process that is not heard of keeps its place."""

_NOT_FOUND, _CONFLICT = 404, 409


class LeaseLost(Exception):
    """Another process has taken this one's place."""


class ProgressStore:
    """The progress of one kind of work, held by one process at a time.

    Every write names the version that was read before (`if_seq_no`), so that a process which was thought dead cannot
    write over its successor.

    Args:
        client: the cluster.
        river: the river's name.
        work: `evaluator` or `stdout`.
    """

    def __init__(self, client: AsyncElastic, river: str, work: str) -> None:
        self._client = client
        self._work = work
        self._family = alert_progress_indices(river)
        self._storage = AlertStorage(client)
        self._path = f"/{self._family.index(datetime.now(UTC))}"
        self._version: Json = {}
        self._known: AlertProgress | None = None
        self._me = holder()

    @property
    def shards(self) -> list[ShardPosition]:
        """The positions that were last read or written."""
        return self._known.shards if self._known else []

    async def hold(self) -> bool:
        """Take the place, or keep it where it is due to be said again; gives False while another process has it.

        Raises:
            ServiceError: Elasticsearch does not answer.
            NewsriverError: the index template is missing.
        """
        now = datetime.now(UTC)
        known = self._known
        if known is not None and known.holder == self._me and known.until - now > LEASE / 2:
            return True
        known = await self._read()
        if known is not None and known.holder != self._me and known.until > now and not is_dead(known.holder):
            self._known = None
            return False
        try:
            await self.save(known.shards if known else [])
        except LeaseLost:
            return False
        return True

    async def save(self, shards: list[ShardPosition]) -> None:
        """Write the positions, and that this process still works.

        Raises:
            LeaseLost: another process wrote meanwhile.
            ServiceError: Elasticsearch does not answer.
        """
        now = datetime.now(UTC)
        made = AlertProgress(id=self._work, holder=self._me, until=now + LEASE, at=now, shards=shards)
        await self._write(made)

    async def leave(self) -> None:
        """Give the place up, so that another process need not wait."""
        if self._known is not None and self._known.holder == self._me:
            await self._write(self._known.model_copy(update={"holder": "", "until": datetime.now(UTC)}))

    async def _read(self) -> AlertProgress | None:
        await self._storage.ensure(self._family, self._path.strip("/"))
        answer = await self._client.send("GET", f"{self._path}/_doc/{self._work}")
        if answer.status == _NOT_FOUND and "found" in (answer.body or {}):
            self._version = {"op_type": "create"}
            return None
        body = judged(answer, self._client.url, f"GET {self._path}")
        self._version = {"if_seq_no": body["_seq_no"], "if_primary_term": body["_primary_term"]}
        return AlertProgress.model_validate(body["_source"], extra="ignore")

    async def _write(self, made: AlertProgress) -> None:
        source = made.model_dump(mode="json", exclude_none=True)
        self._known = None  # whatever goes wrong, it may have been written: read again before the next write
        answer = await self._client.send("PUT", f"{self._path}/_doc/{self._work}", source, self._version)
        if answer.status == _CONFLICT:
            raise LeaseLost
        body = judged(answer, self._client.url, f"PUT {self._path}")
        self._version = {"if_seq_no": body["_seq_no"], "if_primary_term": body["_primary_term"]}
        self._known = made


def holder() -> str:
    """Name one worker: its machine with its space of process numbers, its process, when that began, and by chance."""
    process = psutil.Process()
    return f"{_machine()}:{process.pid}:{process.create_time():.2f}:{secrets.token_hex(4)}"


def _machine() -> str:
    try:
        space = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        space = "0"
    return f"{socket.gethostname()}:{space}"


def is_dead(name: str) -> bool:
    """Tell whether a process is known to be gone: one of this machine that does not run any more."""
    machine, *rest = name.rsplit(":", 3)
    if machine != _machine() or len(rest) != 3:
        return not name
    pid, begun, _ = rest
    try:
        process = psutil.Process(int(pid))
        return f"{process.create_time():.2f}" != begun or process.status() == psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):
        return True
