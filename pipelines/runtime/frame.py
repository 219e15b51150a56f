"""What is the same in every role: it is told to stop, drains in time, says how it does, ends with the right code."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelines import __version__
from pipelines.errors import ServiceError
from pipelines.metrics.declared import LOOP_IDLE, METRICS, ROLE_INFO, WAITING
from pipelines.metrics.metric import asked_at_scrapes
from pipelines.runtime.endpoints import elasticsearch_url, kafka_bootstrap, require_login
from pipelines.runtime.exposition import Exposition
from pipelines.runtime.health import Liveness, LoopClock
from pipelines.runtime.heartbeat import Heartbeat, Waits, worker_name
from pipelines.runtime.roles import ROLES
from pipelines.runtime.signals import drain_on_signals, leave_within
from pipelines.settings import Settings
from pipelines.worker_environment import NAME
from schemas.roles import Role

if TYPE_CHECKING:
    from pipelines.metrics.metric import Family

log = logging.getLogger(__name__)

DRAIN_SECONDS = 5.0
"""Longest time a role may take to drain."""


@dataclass(frozen=True)
class RunningRole:
    """What a role is handed when it starts.

    Attributes:
        settings: all settings.
        stop: once set, the role drains and returns.
        waits: to be told what it waits for.
        loop: to be told whenever its loop comes round.
    """

    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)
    waits: Waits = field(default_factory=Waits)
    loop: LoopClock = field(default_factory=LoopClock)


def run_role(
    role: Role,
    settings: Settings,
    start: Callable[[RunningRole], None],
    *,
    number: int | None = None,
    observed: bool = True,
) -> None:
    """Run a role until it returns, which it does soon after SIGTERM, SIGINT or its supervisor's death.

    Args:
        role: which.
        settings: all settings.
        start: the role's own work.
        number: which of several copies on this machine.
        observed: whether `newsriver status` and Prometheus are to know of it.

    Raises:
        NewsriverError: whatever ends the role for another reason than that it was told to; its exit code is the
            process's.
    """
    running = RunningRole(settings)
    drain_on_signals(running.stop)
    require_login(settings)  # said here rather than by the thread of the heartbeat
    exposition = _exposition(role, running, number) if observed else None
    leave_within(running.stop, DRAIN_SECONDS, exposition.forget if exposition else lambda: None)
    try:
        with ExitStack() as stack:
            if exposition is not None:
                stack.enter_context(asked_at_scrapes(lambda: _looked_at(running)))
                stack.enter_context(exposition)
                stack.enter_context(Heartbeat(settings, role, running.waits, number))
            start(running)
    except ServiceError as error:
        if not running.stop.is_set():
            raise
        log.info("drained: %s", error)


def _exposition(role: Role, running: RunningRole, number: int | None) -> Exposition:
    for metric in METRICS:
        if role in metric.roles:
            metric.begin()
    settings = running.settings
    servers = {"Kafka": [_place(f"//{one}", 9092) for one in kafka_bootstrap(settings).split(",")]}
    if any(spec.role is role and spec.needs_elasticsearch for spec in ROLES):
        servers["Elasticsearch"] = [_place(elasticsearch_url(settings), 9200)]
    liveness = Liveness(running.loop, running.waits, settings.metrics.stall_seconds, servers, running.stop.is_set)
    named = number is not None or NAME in os.environ
    return Exposition(settings.metrics, settings.river.name, role, worker_name(role, number), liveness, named=named)


def _place(url: str, port: int) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or {"https": 443, "http": 80}.get(parts.scheme, port)


def _looked_at(running: RunningRole) -> Iterator[Family]:
    """Give what every role tells of itself at a scrape."""
    yield ROLE_INFO.family([({"version": __version__}, 1)])
    yield LOOP_IDLE.family([({}, running.loop.idle)])
    now = running.waits.now
    yield WAITING.family([({"reason": now[0]}, (datetime.now(UTC) - now[2]).total_seconds())] if now else [])
