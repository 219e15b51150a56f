"""The local servers, really started, killed and stopped; the tests of the first stack build on one another."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipelines import stack
from pipelines.errors import StackError
from pipelines.kafka import Admin
from pipelines.settings import ElasticsearchSettings, Settings, StackSettings
from pipelines.stack import ports, processes
from pipelines.stack.parts import SERVERS, mark_of
from pipelines.stack.state import folder, load, save

NAMED = "http://127.0.0.1:9"
"""An Elasticsearch that the settings name: the stack then is Kafka alone, which starts in a third of the time."""


def _settings(directory: Path, *, elasticsearch: str = "") -> Settings:
    return Settings(
        stack=StackSettings(directory=directory, kafka_heap_mb=256, elasticsearch_heap_mb=512),
        elasticsearch=ElasticsearchSettings(url=elasticsearch),
    )


def _directory() -> Path:
    """Make a folder that the servers' own user can enter, unlike pytest's."""
    directory = Path(tempfile.mkdtemp(prefix="newsriver-stack-"))
    directory.chmod(0o755)
    return directory.resolve()


def _remove(directory: Path) -> None:
    for kind in SERVERS:
        processes.end(processes.marked(mark_of(kind, directory)), seconds=10)
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def both() -> Iterator[Settings]:
    """One stack of both servers for all tests of this module that share it, in their order."""
    directory = _directory()
    yield _settings(directory)
    _remove(directory)


@pytest.fixture
def kafka_alone() -> Iterator[Settings]:
    """A stack of its own for one test, without Elasticsearch."""
    directory = _directory()
    yield _settings(directory, elasticsearch=NAMED)
    _remove(directory)


def _command(settings: Settings, *arguments: str) -> list[str]:
    names = {"kafka.bootstrap_servers": "", "elasticsearch.url": ""}
    names |= {f"stack.{name}": str(value) for name, value in settings.stack.model_dump().items()}
    options = [part for name, value in names.items() for part in ("--set", f"{name}={value}")]
    return [sys.executable, "-m", "pipelines", *options, "stack", *arguments]


def _cli(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(settings, *arguments), capture_output=True, text=True, timeout=200, check=False)


def _pids(settings: Settings) -> dict[str, int | None]:
    return {part.part: part.pid for part in stack.status(settings)}


def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def _elasticsearch(settings: Settings, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
    endpoints = stack.endpoints(settings)
    assert endpoints is not None
    request = urllib.request.Request(  # noqa: S310 - the address is our own server's
        f"{endpoints.elasticsearch}/{path}",
        data=None if document is None else json.dumps(document).encode(),
        headers={"Content-Type": "application/json"},
        method="GET" if document is None else "PUT",
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _topics(settings: Settings) -> set[str]:
    endpoints = stack.endpoints(settings)
    assert endpoints is not None
    with Admin(endpoints.bootstrap) as admin:
        return set(admin.topics())


def test_servers_outlive_a_caller_that_is_killed_while_they_start(both: Settings) -> None:
    caller = subprocess.Popen(_command(both, "up"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def started() -> bool:
        state = load(folder(both))
        return state is not None and state.kafka.pid is not None and state.elasticsearch.pid is not None

    _until(started, seconds=300)  # on a new machine they are downloaded here
    caller.kill()
    caller.wait()
    started_by_the_dead = load(folder(both))
    assert started_by_the_dead is not None
    assert stack.up(both) == ()
    assert _pids(both)["Kafka"] == started_by_the_dead.kafka.pid
    assert {part.state for part in stack.status(both)} == {"up"}


def test_a_second_up_says_so(both: Settings) -> None:
    before = _pids(both)
    result = _cli(both, "up")
    assert result.returncode == 0
    assert result.stdout.startswith("already up: Kafka at 127.0.0.1:")
    assert _pids(both) == before


def test_status_shows_both(both: Settings) -> None:
    result = _cli(both, "status", "--json")
    assert result.returncode == 0
    document = json.loads(result.stdout)
    assert document["up"] is True
    assert [(part["part"], part["version"]) for part in document["parts"]] == [
        ("Kafka", "4.3.1"),
        ("Elasticsearch", "8.19.13"),
    ]
    assert all(part["memory_bytes"] > 50_000_000 and part["data_bytes"] > 0 for part in document["parts"])
    table = _cli(both, "status").stdout
    assert all(part["address"] in table for part in document["parts"])


def test_they_listen_on_the_loopback_address_alone(both: Settings) -> None:
    for pid in _pids(both).values():
        listening = [
            connection.laddr.ip.removeprefix("::ffff:")
            for connection in psutil.Process(pid).net_connections()
            if connection.status == psutil.CONN_LISTEN
        ]
        assert len(listening) >= 2
        assert set(listening) <= {"127.0.0.1", "::1"}


def test_they_do_not_run_as_root(both: Settings) -> None:
    for pid in _pids(both).values():
        assert psutil.Process(pid).uids().real != 0


def test_no_launcher_stays_behind(both: Settings) -> None:
    _until(lambda: [len(processes.marked(mark_of(kind, folder(both)))) for kind in SERVERS] == [1, 1])


def test_killed_servers_come_back_at_their_addresses_with_their_data(both: Settings) -> None:
    addresses = stack.endpoints(both)
    assert addresses is not None
    with Admin(addresses.bootstrap) as admin:
        admin.create("kept", 1, 1, {})
    _elasticsearch(both, "kept/_doc/1?refresh=true", {"word": "ferry"})
    before = _pids(both)
    for pid in before.values():
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    _until(lambda: [part.state for part in stack.status(both)] == ["down", "down"])
    assert _cli(both, "status").returncode == 3

    assert set(stack.up(both)) == {"Kafka", "Elasticsearch"}
    assert stack.endpoints(both) == addresses
    assert set(_pids(both).values()).isdisjoint(before.values())
    assert "kept" in _topics(both)
    assert _elasticsearch(both, "kept/_doc/1")["_source"] == {"word": "ferry"}


def test_down_ends_every_process_and_frees_the_ports(both: Settings) -> None:
    state = load(folder(both))
    assert state is not None
    result = _cli(both, "down")
    assert (result.returncode, result.stdout) == (0, "stopped: Elasticsearch, Kafka\n")
    assert [processes.marked(mark_of(kind, folder(both))) for kind in SERVERS] == [[], []]
    taken = [state.kafka.port, state.kafka.inner_port, state.elasticsearch.port, state.elasticsearch.inner_port]
    assert [port for port in taken if not ports.is_free(port)] == []
    assert _cli(both, "status").returncode == 3
    assert _cli(both, "down").stdout == "already down\n"


def test_reset_leaves_no_data(both: Settings) -> None:
    assert stack.reset(both) is True
    assert [path.name for path in folder(both).iterdir()] == ["lock"]
    assert stack.endpoints(both) is None


def test_a_recycled_process_id_is_never_killed(kafka_alone: Settings) -> None:
    stack.up(kafka_alone)
    stack.down(kafka_alone)
    state = load(folder(kafka_alone))
    assert state is not None
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    created = psutil.Process(bystander.pid).create_time()
    forged = state.kafka.model_copy(update={"pid": bystander.pid, "created": created})
    save(folder(kafka_alone), state.model_copy(update={"kafka": forged}))
    assert stack.status(kafka_alone)[0].state == "down"
    assert stack.down(kafka_alone) == ()
    assert bystander.poll() is None
    bystander.communicate(b"\n")


def test_a_taken_port_is_left_to_its_holder_and_the_server_keeps_its_data(kafka_alone: Settings) -> None:
    stack.up(kafka_alone)
    first = stack.endpoints(kafka_alone)
    assert first is not None
    with Admin(first.bootstrap) as admin:
        admin.create("kept", 1, 1, {})
    stack.down(kafka_alone)
    with socket.create_server(("127.0.0.1", int(first.bootstrap.rpartition(":")[2]))):
        assert stack.up(kafka_alone) == ("Kafka",)
    second = stack.endpoints(kafka_alone)
    assert second is not None
    assert second.bootstrap != first.bootstrap
    assert "kept" in _topics(kafka_alone)


def test_a_server_that_cannot_start_says_why_and_where(kafka_alone: Settings) -> None:
    stack.up(kafka_alone)
    stack.down(kafka_alone)
    facts = folder(kafka_alone) / "kafka" / "data" / "meta.properties"
    facts.write_text(facts.read_text().replace("node.id=1", "node.id=7"))
    with pytest.raises(StackError, match=r"Kafka ended while it started; .*/kafka\.out says: .*[Nn]ode ?id 7"):
        stack.up(kafka_alone)
    assert [part.state for part in stack.status(kafka_alone)] == ["down", "elsewhere"]


def test_two_ups_at_once_start_one_stack(kafka_alone: Settings) -> None:
    command = [*_command(kafka_alone, "up")]
    command[command.index("elasticsearch.url=")] = f"elasticsearch.url={NAMED}"
    callers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(caller.communicate(timeout=120)[0].partition(":")[0] for caller in callers)
    assert [caller.returncode for caller in callers] == [0, 0]
    assert said == ["already up", "up"]
    assert len(processes.marked(mark_of(SERVERS[1], folder(kafka_alone)))) == 1
