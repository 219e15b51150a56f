"""Whose CPU time and whose memory: the arithmetic, and the counting of a real process with its children."""

import subprocess
import sys

import pytest

from pipelines.lab.bench.cores import Memory, Meter, Spent, cpu_seconds, machine, resident_bytes, server_pids

_BURN = "import time\nwhile time.process_time() < {seconds}: pass\n"
_PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, '-c', {_BURN.format(seconds=0.3)!r}])
print('done', flush=True)
input()
"""


@pytest.mark.parametrize(
    ("cores", "workers", "servers", "others", "available"),
    [
        (2, 2, {}, 0.0, 20.0),  # nobody else: all of it, used or not
        (2, 2, {"Kafka": 1.0, "Elasticsearch": 3.0}, 0.0, 16.0),
        (2, 2, {"Elasticsearch": 3.0}, 5.0, 12.0),
        (4, 2, {"Elasticsearch": 15.0}, 0.0, 20.0),  # the servers fit on the cores that the workers leave free
        (4, 2, {"Elasticsearch": 15.0}, 10.0, 15.0),
        (2, 1, {}, 0.0, 10.0),  # one worker can keep one core busy
        (2, 2, {"Elasticsearch": 30.0}, 0.0, 0.0),
    ],
)
def test_available_is_what_others_left_at_most_a_core_each(
    cores: int, workers: int, servers: dict[str, float], others: float, available: float
) -> None:
    spent = Spent(wall=10.0, cores=cores, workers=workers, ours=7.0, servers=servers, others=others)
    assert spent.available == pytest.approx(available)


def test_memory_is_averaged_at_start_middle_and_end_and_keeps_its_peak() -> None:
    samples = [90, *[100] * 9, *[150] * 79, 400, *[110] * 9, 990]
    assert Memory.of(samples) == Memory(start=100, middle=150, end=110, most=990)
    assert Memory.of([5]) == Memory(5, 5, 5, 5)
    assert Memory.of([]) == Memory(0, 0, 0, 0)


def test_an_ended_child_counts_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        meter = Meter([parent.pid], {})
        assert parent.stdout.readline() == b"done\n"
        spent = meter.read()
        own, children = resident_bytes(parent.pid)
        parent.stdin.write(b"\n")
    assert cpu_seconds(parent.pid) == 0
    assert 0.25 < spent.ours <= spent.wall * spent.cores
    assert spent.others >= 0
    assert own > 1_000_000
    assert children == 0


def test_a_process_that_is_gone_counts_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert cpu_seconds(gone.pid) == 0
    assert resident_bytes(gone.pid) == (0, 0)


def test_servers_elsewhere_are_not_looked_for_here() -> None:
    assert server_pids({"Kafka": "kafka.example.org:9092,127.0.0.1:1", "Elasticsearch": "https://e.example.org"}) == {}


def test_a_machine_is_described_in_words_for_people() -> None:
    described = machine()
    assert described["processor"]
    assert int(described["cores"]) >= 1
    assert str(described["python"]).startswith("3.")
