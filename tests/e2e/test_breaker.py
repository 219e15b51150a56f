"""The dead-letter breaker on real servers: hostile sites stop nothing, a broken deploy stops `process` for good.

A broken deploy is made as a real one would be: `pipelines.clean.clean` itself raises, in whichever process imports it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections import Counter
from pathlib import Path

import pytest

from pipelines.breaker.state import ResumeWatch, read
from pipelines.breaker.window import LEAST_FAULTS
from pipelines.kafka import Sender
from pipelines.runtime.supervisor import Supervisor, Worker
from pipelines.settings import Settings
from pipelines.urls import article_id
from schemas.records import DeadLetter, Entry, Outcome
from schemas.topics import DEAD_LETTERS, OUTCOMES, PAGES
from tests.rivers import NOON, as_environment, call, documents, entry, facts, records, role, send_pages, until, waiting

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

WIDE = (
    b"<html><body><article><p "
    + b" ".join(b"a%d=1" % n for n in range(1100))
    + b">Some text.</p></article></body></html>"
)
"""A page whose only tag has more attributes than is read in bounded time."""

BROKEN = """
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder

class Deploy(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "pipelines.clean.article":
            return None
        spec = PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module
        def broken(module):
            execute(module)
            def clean(*given):
                raise KeyError("headline")
            module.clean = clean
        spec.loader.exec_module = broken
        return spec

sys.meta_path.insert(0, Deploy())
"""
"""A `sitecustomize` by which every Python started with it has a version of the code that fails on each page."""


@pytest.fixture
def deploy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Break whatever is started from here; what is started after the file is gone is whole again."""
    folder = tmp_path / "deploy"
    folder.mkdir()
    file = folder / "sitecustomize.py"
    file.write_text(BROKEN)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return file


def hostile(number: int) -> Entry:
    """Make an entry that one of ten hostile hosts announces."""
    host = f"evil-{number % 10}.example.net"
    url = f"https://{host}/poison/{number}"
    return Entry(id=article_id(url), url=url, link=url, feed_url=f"https://{host}/pf", source=host, first_seen=NOON)


def send_hostile(river: Settings, numbers: range) -> None:
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        for number in numbers:
            known = hostile(number)
            headers = {"entry": known.to_json(), "page": facts(number, url=known.url).to_json()}
            sender.send(PAGES.full_name(river.river.name), known.url, WIDE, headers)


def letters(river: Settings) -> list[DeadLetter]:
    return [DeadLetter.from_json(one.headers["dead-letter"]) for one in records(river, DEAD_LETTERS)]


def started(settings: Settings, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    import sys

    with log.open("wb") as output:
        command = [sys.executable, "-m", "pipelines", *arguments]
        return subprocess.Popen(command, env=as_environment(settings), stdin=subprocess.DEVNULL, stderr=output)


def drained(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_hundreds_of_hostile_pages_of_ten_hosts_stop_nothing(river: Settings) -> None:
    send_hostile(river, range(300))
    send_pages(river, range(20))
    send_hostile(river, range(300, 600))
    send_pages(river, range(20, 40))
    with role(river, "process") as process:
        until(lambda: waiting(river, "process") == 0, what="all pages done")
        assert process.poll() is None
        drained(process)
    until(lambda: set(documents(river)) == {entry(number).id for number in range(40)}, what="all good articles")
    found = records(river, DEAD_LETTERS)
    assert Counter(one.value for one in found) == {WIDE: 600}
    assert {letter.reason for letter in letters(river)} == {"too-many-attributes"}
    assert len({letter.origin for letter in letters(river)}) == 600
    ends = Counter(Outcome.from_json(one.value or b"").kind for one in records(river, OUTCOMES))
    assert ends == {"dead": 600, "indexed": 40}
    assert read(river) is None
    assert json.loads(call(river, "status", "--json").stdout)["stopped"] is None


def test_a_broken_deploy_stops_all_copies_once_until_a_person_says_go_on(
    river: Settings, deploy: Path, tmp_path: Path
) -> None:
    total = 400
    send_pages(river, range(total))
    copies = [
        started(river, tmp_path / f"log-{number}", "process", "--worker", f"{number}", "--workers", "2")
        for number in range(2)
    ]
    assert [process.wait(120) for process in copies] == [4, 4]
    for number in range(2):
        said = (tmp_path / f"log-{number}").read_text()
        assert "process has stopped: pages of" in said
        assert "newsriver dead resume" in said
    dead = letters(river)
    assert {(letter.stage, letter.reason) for letter in dead} == {("clean", "unexpected-error")}
    assert LEAST_FAULTS <= len(dead) <= 2 * LEAST_FAULTS + 20
    assert len({letter.origin for letter in dead}) == len(dead)
    assert waiting(river, "process") == total - len(dead)  # what was set aside is committed, and nothing else is

    again = call(river, "process")
    assert again.returncode == 4
    assert "newsriver dead resume" in again.stderr
    assert len(letters(river)) == len(dead)

    shown = call(river, "status")
    assert shown.returncode == 0
    assert "process has stopped" in shown.stdout
    assert "KeyError" in shown.stdout
    checked = call(river, "doctor", "--json")
    assert checked.returncode == 1
    [finding] = [one for one in json.loads(checked.stdout)["findings"] if one["health"] == "wrong"]
    assert finding["what"] == "process"
    assert "newsriver dead resume" in finding["advice"]
    state = read(river)
    assert state is not None
    assert call(river, "dead", "show", state.origin).returncode == 0

    deploy.unlink()
    done = call(river, "dead", "resume", "--by", "ada", "--note", "rolled back")
    assert (done.returncode, "may go on" in done.stdout) == (0, True)
    assert "nothing to resume" in call(river, "dead", "resume").stdout
    with role(river, "process") as process:
        until(lambda: waiting(river, "process") == 0, what="the pages that waited")
        until(lambda: len(documents(river)) == total - len(dead), what="all of them searchable")
        assert call(river, "dead", "replay", "--reason", "unexpected-error").returncode == 0
        until(lambda: len(documents(river)) == total, what="those that were set aside")
        drained(process)
    assert len(letters(river)) == len(dead)
    assert call(river, "doctor").returncode == 0


def test_a_supervisor_keeps_the_other_roles_and_starts_process_again_after_the_reset(
    river: Settings, deploy: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in as_environment(river).items():
        monkeypatch.setenv(name, value)
    send_pages(river, range(100))
    workers = [Worker("process-0", ["process"]), Worker("record", ["record"])]
    supervisor = Supervisor(workers, may_go_on=ResumeWatch(river))
    stop = threading.Event()
    running = threading.Thread(target=supervisor.run, args=(stop,))
    process, recorder = workers
    caplog.set_level("INFO", "pipelines.runtime.supervisor")
    running.start()
    try:
        until(lambda: process.stopped, what="a process that stopped for good")
        dead = letters(river)
        until(lambda: waiting(river, "record") == 0, what="the ledger of what was set aside")
        recorded = recorder.process
        until(lambda: process.restart_at and process.stopped and _later(process), what="a supervisor that looked")
        assert process.process is None
        assert recorder.process is recorded
        assert recorded is not None
        assert recorded.poll() is None
        starts = [line.getMessage() for line in caplog.records if "process-0 started" in line.getMessage()]
        assert len(starts) == 1
        assert any("process-0 has stopped for good" in line.getMessage() for line in caplog.records)

        deploy.unlink()
        assert call(river, "dead", "resume").returncode == 0
        until(lambda: waiting(river, "process") == 0, what="the pages that waited")
        until(lambda: len(documents(river, "outcomes")) == 100, what="a line for each page")
    finally:
        stop.set()
        running.join(60)
    assert len(letters(river)) == len(dead)
    until(lambda: len(documents(river)) == 100 - len(dead), what="all other articles")


def _later(worker: Worker) -> bool:
    """Tell whether the supervisor could have started a worker again for some time."""
    import time

    return time.monotonic() > worker.restart_at + 3
