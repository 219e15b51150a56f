"""What is the same in every role: it is told to stop, drains in time, says how it does, ends with the right code."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

from pipelines.errors import ServiceError
from pipelines.runtime.endpoints import require_login
from pipelines.runtime.heartbeat import Heartbeat, Waits
from pipelines.runtime.signals import drain_on_signals, leave_within
from pipelines.settings import Settings
from schemas.roles import Role

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
    """

    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)
    waits: Waits = field(default_factory=Waits)


def run_role(
    role: Role,
    settings: Settings,
    start: Callable[[RunningRole], None],
    *,
    number: int | None = None,
    heartbeat: bool = True,
) -> None:
    """Run a role until it returns, which it does soon after SIGTERM, SIGINT or its supervisor's death.

    Args:
        role: which.
        settings: all settings.
        start: the role's own work.
        number: which of several copies on this machine.
        heartbeat: whether `newsriver status` is to know of it.

    Raises:
        NewsriverError: whatever ends the role for another reason than that it was told to; its exit code is the
            process's.
    """
    running = RunningRole(settings)
    leave_within(drain_on_signals(running.stop), DRAIN_SECONDS)
    require_login(settings)  # said here rather than by the thread of the heartbeat
    try:
        with Heartbeat(settings, role, running.waits, number) if heartbeat else nullcontext():
            start(running)
    except ServiceError as error:
        if not running.stop.is_set():
            raise
        log.info("drained: %s", error)
