"""Whether the process that holds a place is known to be gone."""

from __future__ import annotations

import subprocess
import sys

from pipelines.alerts.progress import holder, is_dead


def test_a_process_that_runs_is_not_dead_and_one_that_ended_is() -> None:
    assert not is_dead(holder())
    assert holder() != holder()
    code = "from pipelines.alerts.progress import holder; print(holder())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert is_dead(ended.stdout.strip())


def test_another_with_its_number_is_not_it() -> None:
    machine, pid, begun, chance = holder().rsplit(":", 3)
    assert is_dead(f"{machine}:{pid}:{float(begun) - 100:.2f}:{chance}")


def test_of_another_machine_nothing_is_known() -> None:
    assert not is_dead("elsewhere:4026531836:1:1764236999.00:abcdef01")
    assert not is_dead("of an earlier version")
    assert is_dead("")
