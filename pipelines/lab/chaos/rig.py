"""What the faults have their hands on, and how they wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipelines.errors import NewsriverError, ServiceError
from pipelines.lab.chaos.kafka_proxy import KafkaProxy
from pipelines.lab.chaos.pages import Press
from pipelines.lab.chaos.proxy import FaultServer
from pipelines.lab.chaos.river import Sites
from pipelines.runtime.supervisor import Supervisor, Worker
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.lab.chaos.watch import RoleWatch

T = TypeVar("T")
Apply = Callable[[Sequence[str]], tuple[Settings, list[str]]]

_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Rig:
    """A river with everything around it.

    Attributes:
        servers: settings of the lab's own stack.
        river: settings of the river that runs on it, past the proxies.
        supervisor: keeps the river's processes, in a thread of its own.
        elasticsearch: the proxy that the river takes for Elasticsearch.
        kafka: the proxy that it takes for Kafka.
        sites: what it reads.
        press: what those announce.
        watch: looks at it, and lets the sites announce.
        apply: adds options to the user's own: gives the settings, and the global arguments for a process.
        home: the lab's folder.
    """

    servers: Settings
    river: Settings
    supervisor: Supervisor
    elasticsearch: FaultServer
    kafka: KafkaProxy
    sites: Sites
    press: Press
    watch: RoleWatch
    apply: Apply
    home: Path

    def workers(self, role: str) -> list[Worker]:
        """Give the workers of a role."""
        return [worker for worker in self.supervisor.workers if worker.name.split("-")[0] == role]


def wait_for(find: Callable[[], T | None], what: str, seconds: float = _PATIENCE_SECONDS) -> T:
    """Wait until something is there, and give it; a server that cannot answer yet is asked again.

    Raises:
        NewsriverError: it does not come in time.
    """
    ends_at = time.monotonic() + seconds
    while not (found := answered(find)):
        if time.monotonic() > ends_at:
            raise NewsriverError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(_LOOK_SECONDS)
    return found


def answered(find: Callable[[], T]) -> T | None:
    """Give what a server answers; None where it cannot now: an index made a moment ago cannot be searched yet."""
    try:
        return find()
    except ServiceError:
        return None


def wait_at_most(find: Callable[[], object], seconds: float) -> None:
    """Wait until something is so, or for so long."""
    ends_at = time.monotonic() + seconds
    while not find() and time.monotonic() < ends_at:
        time.sleep(_LOOK_SECONDS)
