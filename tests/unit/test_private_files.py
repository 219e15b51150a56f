"""What other users of the machine must not read is made so that they cannot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.http.machine_gate import _open
from pipelines.private_files import append_private, private_folder, write_private
from pipelines.runtime.logs import log, to_file
from pipelines.runtime.supervisor import Supervisor, Worker
from pipelines.settings import Settings, StackSettings
from pipelines.stack.kafka_server import KafkaServer
from pipelines.stack.parts import server_of
from pipelines.stack.state import ServerState, StackState

PORTS = ServerState(port=20001, inner_port=20002)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_folder_is_its_owners_and_one_that_is_there_stays(tmp_path: Path) -> None:
    private_folder(tmp_path / "new")
    assert mode(tmp_path / "new") == 0o700
    (tmp_path / "shared").mkdir()
    private_folder(tmp_path / "shared")
    assert mode(tmp_path / "shared") == 0o755
    private_folder(tmp_path / "above", above_servers=True)
    assert mode(tmp_path / "above") == (0o711 if os.geteuid() == 0 else 0o700)


def test_files_are_their_owners(tmp_path: Path) -> None:
    with append_private(tmp_path / "log") as file:
        file.write(b"x")
    write_private(tmp_path / "settings", "x")
    (tmp_path / "old").write_text("much longer than x")
    write_private(tmp_path / "old", "x")
    assert [mode(tmp_path / name) for name in ("log", "settings", "old")] == [0o600] * 3
    assert [(tmp_path / name).read_text() for name in ("log", "settings", "old")] == ["x"] * 3


def test_a_log_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic"):
        append_private(tmp_path / "log")
    assert not (tmp_path / "target").exists()


def test_what_the_river_writes_is_private(tmp_path: Path) -> None:
    os.close(_open(tmp_path / "hosts" / "ab" / "cd"))
    with to_file(tmp_path / "chaos.log", log):
        pass
    worker = Worker("shows", ["--version"])
    Supervisor([worker], log_file=tmp_path / "logs" / "roles.log").start()
    assert worker.process is not None
    worker.process.wait()
    state = StackState(kafka=PORTS, elasticsearch=PORTS)
    settings = Settings(stack=StackSettings(directory=tmp_path / "stack", software_directory=tmp_path / "software"))
    server = server_of(KafkaServer, settings, state)
    server.folder.mkdir(parents=True)
    server.folders()
    assert mode(tmp_path / "hosts") == mode(tmp_path / "hosts" / "ab") == mode(server.folder) == 0o700
    for name in ("hosts/ab/cd", "chaos.log", "logs/roles.log"):
        assert mode(tmp_path / name) == 0o600, name
