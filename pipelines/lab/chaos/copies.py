"""Copies of a role that join and leave while entries wait for their hosts.

A rebalance shows what it forgets only when it meets work under way: some hosts answer slowly, so that their entries
wait in the copy that was there before; hosts that share partitions with them are asked and done meanwhile; and at the
end that copy is started afresh from what it has committed.
"""

from __future__ import annotations

import random
from contextlib import suppress

from pipelines.errors import NewsriverError
from pipelines.feeds.lists import to_toml
from pipelines.kafka import Admin
from pipelines.lab.chaos.pages import BLOCK
from pipelines.lab.chaos.plan import PlannedFault
from pipelines.lab.chaos.rig import Rig, wait_at_most, wait_for
from pipelines.runtime.supervisor import Worker

_SLOW_BLOCKS, _QUICK_BLOCKS = 6, 8
_SLOW_SECONDS = 3.0
_SHARE = 0.25
"""The part of a run's articles that one fault may bring out at once, at most."""

_DISCOVERY_SECONDS = 12.0
_GROUPED = ("poll", "fetch", "record")
"""Roles whose copies share by a consumer group; those of process are told their share."""


def join_and_leave(rig: Rig, fault: PlannedFault, chance: random.Random) -> None:
    """Let a copy of a role join, work, and leave again; then start the one that stayed afresh.

    Raises:
        NewsriverError: a copy does not join or come back.
    """
    most = int(rig.press.plan.articles * _SHARE / (_SLOW_BLOCKS + _QUICK_BLOCKS) / BLOCK) * BLOCK or BLOCK
    size = min(BLOCK, most)
    try:
        rig.watch.bring(_SLOW_BLOCKS * size, slow=_SLOW_SECONDS)
        wait_at_most(lambda: rig.watch.waits("fetch") >= _SLOW_BLOCKS * size // 2, _DISCOVERY_SECONDS)
        worker = _copy(rig, fault)
        rig.supervisor.add(worker)
        wait_for(lambda: worker.process, f"a second {fault.target}")
        _stay(rig, fault, worker)
        rig.supervisor.remove(worker, hard=fault.hard)
        before = rig.watch.done("fetch")
        rig.watch.bring(_QUICK_BLOCKS * size)
        _await_members(rig, fault, 1)
        wait_at_most(lambda: rig.watch.done("fetch") > before, _DISCOVERY_SECONDS)
        _start_afresh(rig, fault, chance)
    finally:
        rig.sites.slow((), 0.0)


def _copy(rig: Rig, fault: PlannedFault) -> Worker:
    arguments = [fault.target]
    if fault.target == "poll":
        feeds = rig.home / "second-feeds.toml"
        feeds.write_text(to_toml(rig.press.feed_lists()[1]), encoding="utf-8")
        arguments += ["--feeds", str(feeds)]
    elif fault.target == "process":  # as when two deployments overlap: both read the same half
        arguments += ["--worker", "0", "--workers", "2"]
    return Worker(f"second-{fault.target}", arguments, named=fault.named)


def _stay(rig: Rig, fault: PlannedFault, worker: Worker) -> None:
    _await_members(rig, fault, 2)
    wait_at_most(lambda: worker.process is None, fault.seconds)


def _await_members(rig: Rig, fault: PlannedFault, count: int) -> None:
    """Wait until a group has so many members and all know what is theirs."""
    group = f"{rig.river.river.name}-{fault.target}"

    def there() -> bool:
        with suppress(NewsriverError), Admin(rig.river.kafka.bootstrap_servers) as admin:
            return admin.members(group) == count
        return False

    if fault.target in _GROUPED:
        wait_for(there, f"{count} members in {group}")


def _start_afresh(rig: Rig, fault: PlannedFault, chance: random.Random) -> None:
    """End the copy that stayed, the other way than the one that left; its supervisor starts it again."""
    worker = chance.choice(rig.workers(fault.target))
    process = wait_for(lambda: worker.process, f"{worker.name} to run")
    (process.terminate if fault.hard else process.kill)()
    wait_for(lambda: worker.process not in (None, process), f"{worker.name} to be started again")
