"""How each fault is done: real signals to real processes, and a proxy that answers wrongly."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psutil

from pipelines import isolation, stack
from pipelines.chaos import proxy
from pipelines.chaos.plan import Fault, Kind, Plan
from pipelines.errors import NewsriverError
from pipelines.settings import Settings
from pipelines.stack import processes
from pipelines.stack.elasticsearch_server import ElasticsearchServer
from pipelines.stack.kafka_server import KafkaServer
from pipelines.stack.parts import mark_of
from pipelines.stack.state import folder
from pipelines.supervise import Supervisor
from schemas.topics import ENTRIES, OUTCOMES, PAGES

T = TypeVar("T")

GARBAGE_TOPICS = (ENTRIES, PAGES, OUTCOMES)
"""Topics whose unreadable records end in the ledger."""

_RESTART_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_SLOWEST_ANSWER = 3.0
_BUSY_SHARE = 0.5


class Breaker:
    """Breaks one thing after the other.

    Args:
        servers: settings of the lab's own stack.
        river: settings of the river that runs on it.
        supervisor: keeps the river's processes, in a thread of its own.
        front: the proxy that the river takes for Elasticsearch.
        plan: for the seed of what is left to chance, and the number of unreadable records.
    """

    def __init__(
        self, servers: Settings, river: Settings, supervisor: Supervisor, front: proxy.FaultServer, plan: Plan
    ) -> None:
        self._servers, self._river = servers, river
        self._workers = supervisor.workers
        self._front = front
        self._garbage = plan.garbage
        self._chance = random.Random(plan.seed)  # noqa: S311 - repeatable on purpose

    def do(self, fault: Fault) -> None:
        """Do it; returns when it is over and what was stopped is up again.

        Raises:
            NewsriverError: what was stopped does not come back.
        """
        ways: dict[Kind, Callable[[Fault], None]] = {
            Kind.KILL: self._kill,
            Kind.RESTART: self._stop_server,
            Kind.STOP: self._stop_server,
            Kind.GARBAGE: self._send_garbage,
        }
        ways.get(fault.kind, self._answer_wrongly)(fault)

    def _kill(self, fault: Fault) -> None:
        if fault.target == "extraction":
            self._kill_extraction()
            return
        worker = self._chance.choice([one for one in self._workers if one.name.split("-")[0] == fault.target])
        process = _wait_for(lambda: worker.process, f"{worker.name} to run")
        worker.away_until = time.monotonic() + fault.seconds
        process.kill()
        process.wait()
        _wait_for(lambda: worker.process not in (None, process), f"{worker.name} to be started again")

    def _kill_extraction(self) -> None:
        children = _wait_for(self._extractions, "a process that reads pages")
        child = self._chance.choice(children)
        with suppress(psutil.NoSuchProcess):
            child.kill()
        _wait_for(lambda: set(self._extractions()) - set(children), "another process that reads pages")

    def _extractions(self) -> list[psutil.Process]:
        """Give the children of the `process` workers that are ready to read pages."""
        found = []
        for worker in self._workers:
            process = worker.process
            with suppress(psutil.Error):
                if worker.name.startswith("process") and process is not None:
                    children = psutil.Process(process.pid).children()
                    found += [child for child in children if child.name() == isolation.NAME]
        return found

    def _stop_server(self, fault: Fault) -> None:
        kind = KafkaServer if fault.target == "kafka" else ElasticsearchServer
        running = processes.marked(mark_of(kind, folder(self._servers)))
        if fault.hard:
            for process in running:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(running, timeout=_RESTART_SECONDS)
        else:
            processes.end(running)
        time.sleep(fault.seconds)
        stack.up(self._servers)

    def _answer_wrongly(self, fault: Fault) -> None:
        chance = self._chance
        busy = proxy.answered(429, b'{"error": {"type": "es_rejected_execution_exception", "reason": "too much"}}')
        cuts = (proxy.half_answered, proxy.applied_without_answer(0.2), proxy.hung_up, proxy.forwarded)
        bulk, other = {
            Kind.BUSY: (busy, busy),
            Kind.BUSY_ITEMS: (proxy.some_items_busy(_BUSY_SHARE, chance), proxy.forwarded),
            Kind.SLOW: (proxy.delayed(_SLOWEST_ANSWER, chance), proxy.delayed(_SLOWEST_ANSWER / 3, chance)),
            Kind.CUT: (proxy.one_of(cuts, chance), proxy.one_of((proxy.hung_up, proxy.forwarded), chance)),
        }[fault.kind]
        self._front.afterwards, self._front.otherwise = bulk, other
        try:
            time.sleep(fault.seconds)
        finally:
            self._front.afterwards = self._front.otherwise = proxy.forwarded

    def _send_garbage(self, fault: Fault) -> None:  # noqa: ARG002 - every way takes the fault
        from pipelines.connect import kafka_bootstrap
        from pipelines.kafka import Sender

        with Sender(kafka_bootstrap(self._river), client_id="newsriver-chaos") as sender:
            for number in range(self._garbage):
                for topic in GARBAGE_TOPICS:
                    name = topic.full_name(self._river.river.name)
                    key = f"http://garbage.invalid/{number}"
                    sender.send(name, key, b"{neither JSON nor HTML", {"entry": b"\xff", "page": b"{"})


def _wait_for(find: Callable[[], T | None], what: str) -> T:
    """Wait until something is there, and give it.

    Raises:
        NewsriverError: it does not come in time.
    """
    ends_at = time.monotonic() + _RESTART_SECONDS
    while not (found := find()):
        if time.monotonic() > ends_at:
            raise NewsriverError(f"waited {_RESTART_SECONDS:.0f} s in vain for {what}")
        time.sleep(_LOOK_SECONDS)
    return found
