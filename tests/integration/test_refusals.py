"""What no waiting mends ends a role with exit 3 and one line; what passes is waited for in a few lines."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.kafka import Admin
from pipelines.runtime.signals import held
from pipelines.settings import Settings
from pipelines.status import worker_status
from schemas.topics import ENTRIES, FEEDS, LATER, OUTCOMES, PAGES, Role, Topic
from tests.rivers import as_environment

pytestmark = pytest.mark.servers


@contextmanager
def role(settings: Settings, name: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a role with its messages in a file; it is killed at the end if it still runs."""
    command = [sys.executable, "-m", "pipelines", name]
    with log.open("wb") as out, held():
        process = subprocess.Popen(
            command, env=as_environment(settings), stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, "the condition did not come true"
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("name", "topic"),
    [(Role.POLL, FEEDS), (Role.FETCH, ENTRIES), (Role.FETCH, LATER[1]), (Role.PROCESS, PAGES), (Role.RECORD, OUTCOMES)],
    ids=lambda part: part.name if isinstance(part, Topic) else str(part),
)
def test_a_role_whose_topic_is_deleted_ends_with_3(river: Settings, tmp_path: Path, name: Role, topic: Topic) -> None:
    full = topic.full_name(river.river.name)
    log = tmp_path / "role.log"
    with role(river, name, log) as process:
        until(lambda: any(each.role == name for each in worker_status(river)))
        with Admin(river.kafka.bootstrap_servers) as admin:
            admin.delete([full])
        assert process.wait(120) == 3, log.read_text()
    last = log.read_text().splitlines()[-1]
    assert last.startswith(f"newsriver: topic {full} does not exist")
    assert "newsriver setup" in last


@pytest.mark.parametrize("name", [Role.POLL, Role.FETCH, Role.RECORD])
def test_a_river_without_topics_is_said_at_the_start(river: Settings, tmp_path: Path, name: Role) -> None:
    nowhere = river.model_copy(update={"river": river.river.model_copy(update={"name": f"{river.river.name}x"})})
    log = tmp_path / "role.log"
    with role(nowhere, name, log) as process:
        assert process.wait(120) == 3
    assert "does not exist" in log.read_text().splitlines()[-1]


@pytest.mark.parametrize("name", [Role.POLL, Role.FETCH, Role.PROCESS, Role.RECORD])
def test_a_kafka_that_is_away_is_waited_for_in_few_words(river: Settings, tmp_path: Path, name: Role) -> None:
    away = river.model_copy(update={"kafka": river.kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:9"})})
    log = tmp_path / "role.log"
    with role(away, name, log) as process:
        until(lambda: "still waiting for Kafka" in log.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    lines = log.read_text().splitlines()
    assert len([line for line in lines if "waiting for Kafka" in line]) == 2
    assert len(lines) <= 6
