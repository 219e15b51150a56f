import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipelines.stack.processes import CLOCK_SECONDS, Launch, end, marked, same, start

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
WILLING = "import signal; print('ready', flush=True); signal.pause()"


@pytest.fixture
def mark() -> Iterator[str]:
    """An argument of this test's processes alone, which end with it."""
    mark = f"-Dnewsriver.stack=/{uuid.uuid4().hex}"
    yield mark
    end(marked(mark), seconds=0)


def _ready(program: str, mark: str) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", program, mark], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.stdout.close()
    return child


def test_a_recorded_process_is_known_again(mark: str) -> None:
    child = _ready(WILLING, mark)
    created = psutil.Process(child.pid).create_time()
    known = same(child.pid, created, mark)
    assert known is not None
    assert known.pid == child.pid
    assert same(child.pid, created + CLOCK_SECONDS / 2, mark) is not None
    child.kill()
    child.wait()


def test_another_process_with_the_recorded_number_is_not(mark: str) -> None:
    bystander = psutil.Process()
    assert same(bystander.pid, bystander.create_time(), mark) is None
    child = _ready(WILLING, mark)
    assert same(child.pid, psutil.Process(child.pid).create_time() - 60, mark) is None
    child.kill()
    child.wait()


@pytest.mark.parametrize(("pid", "created"), [(None, None), (None, 1.0), (1, None), (2**22 + 1, 1.0)])
def test_what_was_never_recorded_or_is_gone_is_nobody(mark: str, pid: int | None, created: float | None) -> None:
    assert same(pid, created, mark) is None


def test_a_zombie_has_ended(mark: str) -> None:
    child = _ready(WILLING, mark)
    process = psutil.Process(child.pid)
    created = process.create_time()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.status() == psutil.STATUS_ZOMBIE
    assert same(child.pid, created, mark) is None
    assert marked(mark) == []
    child.wait()


def test_processes_are_found_by_their_mark(mark: str) -> None:
    children = [_ready(WILLING, mark) for _ in range(2)]
    stranger = _ready(WILLING, mark + "x")
    assert {process.pid for process in marked(mark)} == {child.pid for child in children}
    for child in (*children, stranger):
        child.kill()
        child.wait()


def test_processes_end_when_they_are_asked(mark: str) -> None:
    child = _ready(WILLING, mark)
    process = psutil.Process(child.pid)
    assert end([process]) == []
    assert not process.is_running()
    child.wait()


def test_a_process_that_does_not_listen_is_killed(mark: str) -> None:
    child = _ready(STUBBORN, mark)
    process = psutil.Process(child.pid)
    assert end([process], seconds=0.3) == [process]
    assert not process.is_running()
    child.wait()


def test_a_process_that_has_ended_already_is_no_error(mark: str) -> None:
    child = _ready(WILLING, mark)
    process = psutil.Process(child.pid)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert end([process]) == []


def test_a_started_process_is_nobodys_child_and_inherits_nothing(tmp_path: Path, mark: str) -> None:
    show = "import os; print(sorted(os.environ), os.getcwd(), os.getsid(0) == os.getpid(), flush=True); "
    output = tmp_path / "out put"
    launch = Launch(
        command=(sys.executable, "-c", show + "import signal; signal.pause()", mark),
        environment={"ONLY": "this"},
        folder=tmp_path,
        output=output,
    )
    process = start(launch, None)
    assert process is not None
    assert process.ppid() != os.getpid()
    while not output.read_text().endswith("\n"):
        assert process.is_running()
    assert "ONLY" in output.read_text()
    assert "HOME" not in output.read_text()
    assert str(tmp_path) in output.read_text()
    assert os.getsid(process.pid) != os.getsid(0)
    assert end(marked(mark)) == []


def test_a_program_that_is_not_there_leaves_its_reason_in_the_output(tmp_path: Path, mark: str) -> None:
    launch = Launch(command=("/no/such/java", mark), environment={}, folder=tmp_path, output=tmp_path / "out")
    start(launch, None)
    while marked(mark):
        pass
    assert "/no/such/java" in (tmp_path / "out").read_text()
