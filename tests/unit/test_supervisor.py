"""How soon a dead worker is started again."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.runtime.supervisor import BACKOFF, Supervisor, Worker, workers_of
from pipelines.settings import ServeSettings, Settings
from pipelines.worker_environment import MEMBER
from tests.rivers import until


def test_pauses_grow_with_deaths_in_a_row_and_have_an_end() -> None:
    assert [BACKOFF.pause(failures) for failures in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("lived", "code", "failures"),
    [
        (11, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 0),
        (3, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 3),
        (11, "raise SystemExit(1)", 3),
        (61, "raise SystemExit(1)", 0),
    ],
    ids=["killed at work", "killed at its start", "gave up early", "gave up after long work"],
)
def test_only_what_worked_is_started_again_at_once(lived: float, code: str, failures: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", code])
    process.wait()
    now = time.monotonic()
    worker = Worker("fetch", ["fetch"], process=process, started_at=now - lived, failures=2)
    Supervisor([worker]).tend()
    assert worker.process is None
    assert worker.failures == failures
    assert worker.restart_at == pytest.approx(now + BACKOFF.pause(failures), abs=1)


def test_a_dead_worker_that_is_kept_away_is_started_later() -> None:
    supervisor = Supervisor([Worker("status", ["--version"], away_until=time.monotonic() + 60)])
    supervisor.tend()
    [worker] = supervisor.workers
    assert worker.process is None
    worker.away_until = time.monotonic()
    supervisor.tend()
    assert worker.process is not None
    worker.process.wait()


def test_what_was_set_is_handed_on_where_other_users_cannot_read_it(tmp_path: Path) -> None:
    arguments = ["--config", "/dev/null", "--set", "elasticsearch.password=hunter2", "--set", "kafka.partitions=3"]
    supervisor = Supervisor([worker := Worker("shows", ["config", "show"])], arguments, tmp_path / "log")
    supervisor.start()
    assert worker.process is not None
    folder = Path(f"/proc/{worker.process.pid}")
    until(lambda: (folder / "cmdline").read_bytes() and (folder / "environ").read_bytes(), what="it has begun")
    command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
    assert worker.process.wait() == 0
    assert b"--config" in command
    assert b"hunter2" not in command
    assert b"--set" not in command
    assert b"NEWSRIVER_ELASTICSEARCH__PASSWORD=hunter2" in environment.split(b"\0")
    assert b"NEWSRIVER_KAFKA__PARTITIONS=3" in environment.split(b"\0")


@pytest.mark.parametrize(("websub", "with_run"), [(False, False), (True, False), (False, True)])
def test_serve_runs_where_it_is_wanted_or_subscribes(websub: bool, with_run: bool) -> None:
    settings = Settings(serve=ServeSettings(websub=websub, with_run=with_run))
    workers = {worker.name: worker.arguments for worker in workers_of(settings, [Path("mine.toml")])}
    assert workers.get("serve") == (["serve"] if websub or with_run else None)
    assert workers["poll"] == ["poll", "--feeds", "mine.toml"]


def test_a_worker_joins_and_leaves_and_is_not_started_again() -> None:
    supervisor = Supervisor([])
    worker = Worker("sleeper", ["--version"])
    supervisor.add(worker)
    supervisor.tend()
    assert worker.process is not None
    supervisor.remove(worker, hard=True)
    assert worker.process.returncode is not None
    assert supervisor.workers == []
    supervisor.tend()
    assert worker.process.returncode is not None


@pytest.mark.parametrize("named", [True, False])
def test_a_worker_has_a_name_in_its_groups_unless_it_is_to_have_none(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MEMBER, "the name of whoever started this supervisor")
    supervisor = Supervisor([Worker("fetch", ["fetch"], named=named)], (), tmp_path / "log")
    monkeypatch.setattr(subprocess, "Popen", lambda _, *, env, **__: Started(env))
    supervisor.start()
    [worker] = supervisor.workers
    assert isinstance(worker.process, Started)
    assert (MEMBER in worker.process.environment) is named
    assert "the name of" not in worker.process.environment.get(MEMBER, "")


class Started:
    """A process that is none."""

    pid = 1

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
