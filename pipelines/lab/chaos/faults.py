"""How each fault is done: real signals to real processes, and proxies that answer wrongly."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import psutil

from pipelines import sandbox, stack
from pipelines.kafka import wire
from pipelines.lab.chaos import kafka_proxy, proxy
from pipelines.lab.chaos.copies import join_and_leave
from pipelines.lab.chaos.delays import STANDSTILL_SECONDS
from pipelines.lab.chaos.plan import FaultKind, PlannedFault
from pipelines.lab.chaos.rig import Rig, wait_at_most, wait_for
from pipelines.stack import processes
from pipelines.stack.elasticsearch_server import ElasticsearchServer
from pipelines.stack.kafka_server import KafkaServer
from pipelines.stack.parts import mark_of
from pipelines.stack.state import folder
from schemas.topics import ENTRIES, OUTCOMES, PAGES

GARBAGE_TOPICS = (ENTRIES, PAGES, OUTCOMES)
"""Topics whose unreadable records end in the ledger."""

_RESTART_SECONDS = 60.0
_SLOWEST_ANSWER = 3.0
_BUSY_SHARE = 0.5
_CUT_SHARE = 0.1
_SLOWEST_BROKER = 0.5
_STEP_SECONDS = 10.0

_REFUSED_COMMITS: Mapping[int, tuple[int, ...]] = {
    wire.Api.COMMIT: (wire.REBALANCE_IN_PROGRESS, wire.UNKNOWN_MEMBER, wire.INVALID_COMMIT_OFFSET_SIZE),
}
_DENIED: Mapping[int, tuple[int, ...]] = {
    wire.Api.PRODUCE: (wire.TOPIC_AUTHORIZATION_FAILED,),
    **dict.fromkeys(
        (wire.Api.COMMIT, wire.Api.JOIN, wire.Api.SYNC, wire.Api.HEARTBEAT), (wire.GROUP_AUTHORIZATION_FAILED,)
    ),
}


class FaultInjector:
    """Breaks one thing after the other.

    Attributes:
        flooded: poisoned pages that have come all at once.

    Args:
        rig: what it has its hands on.
    """

    def __init__(self, rig: Rig) -> None:
        self.flooded = 0
        self._rig = rig
        self._chance = random.Random(rig.press.plan.seed)  # noqa: S311 - repeatable on purpose

    def do(self, fault: PlannedFault) -> float:
        """Do it; returns when what was stopped is up again, and gives when that was, on `time.monotonic`'s clock.

        Raises:
            NewsriverError: what was stopped does not come back.
        """
        ways: dict[FaultKind, Callable[[PlannedFault], None]] = {
            FaultKind.KILL: self._kill,
            FaultKind.JOIN: lambda fault: join_and_leave(self._rig, fault, self._chance),
            FaultKind.RESTART: self._stop_server,
            FaultKind.STOP: self._stop_server,
            FaultKind.GARBAGE: self._send_garbage,
            FaultKind.FLOOD: self._flood,
            FaultKind.CALM: lambda fault: time.sleep(fault.seconds),
        }
        usual = self._answer_wrongly if fault.target == "elasticsearch" else self._misbehave
        if fault.kind is FaultKind.REFUSED:
            return self._refuse_commits(fault)
        ways.get(fault.kind, usual)(fault)
        return time.monotonic()

    def _kill(self, fault: PlannedFault) -> None:
        if fault.target == "extraction":
            self._kill_extraction()
            return
        worker = self._chance.choice(self._rig.workers(fault.target))
        process = wait_for(lambda: worker.process, f"{worker.name} to run")
        worker.away_until = time.monotonic() + fault.seconds
        process.kill()
        process.wait()
        wait_for(lambda: worker.process not in (None, process), f"{worker.name} to be started again")

    def _kill_extraction(self) -> None:
        children = wait_for(self._extractions, "a process that reads pages")
        child = self._chance.choice(children)
        with suppress(psutil.NoSuchProcess):
            child.kill()
        wait_for(lambda: set(self._extractions()) - set(children), "another process that reads pages")

    def _extractions(self) -> list[psutil.Process]:
        """Give the children of the `process` workers that are ready to read pages."""
        found = []
        for worker in self._rig.workers("process"):
            process = worker.process
            with suppress(psutil.Error):
                if process is not None:
                    children = psutil.Process(process.pid).children()
                    found += [child for child in children if child.name() == sandbox.NAME]
        return found

    def _stop_server(self, fault: PlannedFault) -> None:
        kind = KafkaServer if fault.target == "kafka" else ElasticsearchServer
        running = processes.marked(mark_of(kind, folder(self._rig.servers)))
        if fault.hard:
            for process in running:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(running, timeout=_RESTART_SECONDS)
        else:
            processes.end(running)
        time.sleep(fault.seconds)
        stack.up(self._rig.servers)

    def _answer_wrongly(self, fault: PlannedFault) -> None:
        """Let Elasticsearch answer wrongly for some time."""
        chance, front = self._chance, self._rig.elasticsearch
        busy = proxy.answered(429, b'{"error": {"type": "es_rejected_execution_exception", "reason": "too much"}}')
        cuts = (proxy.half_answered, proxy.applied_without_answer(0.2), proxy.hung_up, proxy.forwarded)
        bulk, other = {
            FaultKind.BUSY: (busy, busy),
            FaultKind.BUSY_ITEMS: (proxy.some_items_busy(_BUSY_SHARE, chance), proxy.forwarded),
            FaultKind.SLOW: (proxy.delayed(_SLOWEST_ANSWER, chance), proxy.delayed(_SLOWEST_ANSWER / 3, chance)),
            FaultKind.CUT: (proxy.one_of(cuts, chance), proxy.one_of((proxy.hung_up, proxy.forwarded), chance)),
        }[fault.kind]
        front.afterwards, front.otherwise = bulk, other
        try:
            time.sleep(fault.seconds)
        finally:
            front.afterwards = front.otherwise = proxy.forwarded

    def _refuse_commits(self, fault: PlannedFault) -> float:
        """Refuse the commits of what was done last: with nothing new to come, each must be tried again."""
        watch = self._rig.watch
        with watch.holding():
            self._misbehave(fault)
            over = time.monotonic()
            wait_at_most(lambda: watch.calm_since(over), STANDSTILL_SECONDS + _STEP_SECONDS)
        return over

    def _misbehave(self, fault: PlannedFault) -> None:
        """Let Kafka answer wrongly for some time."""
        chance, front = self._chance, self._rig.kafka
        front.fault = {
            FaultKind.REFUSED: kafka_proxy.refused(_REFUSED_COMMITS, chance),
            FaultKind.DENIED: kafka_proxy.refused(_DENIED, chance),
            FaultKind.SLOW: kafka_proxy.delayed(_SLOWEST_BROKER, chance),
            FaultKind.CUT: kafka_proxy.cut(_CUT_SHARE, chance),
        }[fault.kind]
        try:
            time.sleep(fault.seconds)
        finally:
            front.fault = kafka_proxy.forwarded

    def _send_garbage(self, fault: PlannedFault) -> None:  # noqa: ARG002 - every way takes the fault
        from pipelines.kafka import Sender
        from pipelines.runtime.endpoints import kafka_bootstrap

        river = self._rig.river
        with Sender(kafka_bootstrap(river), client_id="newsriver-chaos") as sender:
            for number in range(self._rig.press.plan.garbage):
                for topic in GARBAGE_TOPICS:
                    name = topic.full_name(river.river.name)
                    key = f"http://garbage.invalid/{number}"
                    sender.send(name, key, b"{neither JSON nor HTML", {"entry": b"\xff", "page": b"{"})

    def _flood(self, fault: PlannedFault) -> None:  # noqa: ARG002 - as above
        """Let some hosts announce nothing but pages that are refused, all at once, and wait until they are fetched."""
        before = self._rig.watch.done("fetch")
        self.flooded = self._rig.press.plan.flood
        self._rig.sites.flood(self.flooded)
        wait_for(lambda: self._rig.watch.done("fetch") >= before + self.flooded, "the flood to be fetched")
