"""The table of roles, and the frame that runs one."""

from __future__ import annotations

import importlib
import inspect
import json
import threading
import urllib.request
from pathlib import Path
from typing import Any

import click
import pytest

from pipelines.cli.roles import role_command
from pipelines.errors import ServiceError
from pipelines.metrics.declared import METRICS
from pipelines.runtime import frame, roles
from pipelines.runtime.frame import RunningRole, run_role
from pipelines.runtime.roles import ROLES, RoleSpec
from pipelines.runtime.supervisor import workers_of
from pipelines.settings import MetricsSettings, ProcessSettings, Settings
from schemas.roles import Role
from schemas.topics import TOPICS

SETTINGS = Settings(kafka=Settings().kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:9"}))


@pytest.fixture(autouse=True)
def no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave this process's own signals and life alone."""
    monkeypatch.setattr(frame, "drain_on_signals", lambda stop: stop)
    monkeypatch.setattr(frame, "leave_within", lambda *_: None)
    monkeypatch.setattr(frame, "Heartbeat", lambda *_: threading.Lock())


def start_of(spec: RoleSpec) -> Any:
    module, _, function = spec.start.partition(":")
    return getattr(importlib.import_module(module), function)


def test_each_role_has_one_row() -> None:
    assert [spec.role for spec in ROLES] == [role for role in Role if role is not Role.CLI]


@pytest.mark.parametrize("spec", ROLES, ids=lambda spec: str(spec.role))
def test_each_row_names_what_starts_and_who_reads(spec: RoleSpec) -> None:
    first, *others = inspect.signature(start_of(spec)).parameters.values()
    assert first.annotation == "RunningRole"
    assert spec.own_command or not others
    assert spec.grouped or not spec.commits
    assert any(spec.role in topic.readers for topic in TOPICS)


def test_a_role_of_many_copies_tells_each_its_share() -> None:
    workers = workers_of(Settings(process=ProcessSettings(workers=2)))
    assert [worker.arguments for worker in workers if worker.name.startswith("process")] == [
        ["process", "--worker", "0", "--workers", "2"],
        ["process", "--worker", "1", "--workers", "2"],
    ]


def test_a_further_row_is_a_command_and_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    row = RoleSpec(role=Role.CLI, about="Does more.", start="tests.unit.test_roles:further", copies=lambda _: 3)
    for module in ("pipelines.cli.roles", "pipelines.runtime.supervisor"):
        monkeypatch.setattr(f"{module}.ROLES", (*ROLES, row))
    command = role_command("cli")
    assert command.help == "Does more. Runs until SIGTERM."
    assert [worker.name for worker in workers_of(Settings())][-3:] == ["cli-0", "cli-1", "cli-2"]
    assert roles.ROLES[-1] is not row


def test_the_command_of_a_row_runs_its_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[RunningRole] = []
    monkeypatch.setattr("pipelines.fetch.fetcher.run", seen.append)
    monkeypatch.setattr("pipelines.cli.context.configure", lambda *_, **__: None)
    monkeypatch.setenv("NEWSRIVER_METRICS__FOLDER", str(tmp_path))
    monkeypatch.setenv("NEWSRIVER_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    from pipelines.cli.context import Context

    role_command("fetch").main([], obj=Context(), standalone_mode=False)
    assert [running.settings.kafka.bootstrap_servers for running in seen] == ["127.0.0.1:9"]


def test_what_breaks_while_a_role_drains_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    def start(running: RunningRole) -> None:
        running.stop.set()
        raise ServiceError("stopped while 3 documents waited")

    run_role(Role.RECORD, SETTINGS, start, observed=False)
    assert [record.getMessage() for record in caplog.records] == ["drained: stopped while 3 documents waited"]


def test_what_breaks_before_ends_the_role() -> None:
    def start(_: RunningRole) -> None:
        raise ServiceError("Kafka refuses")

    with pytest.raises(ServiceError, match="Kafka refuses"):
        run_role(Role.RECORD, SETTINGS, start, observed=False)


def test_a_running_role_tells_prometheus_how_it_does(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"metrics": MetricsSettings(folder=tmp_path)})
    told: list[str] = []

    def start(running: RunningRole) -> None:
        running.waits.begin("no-partition", "other copies have them")
        [file] = tmp_path.iterdir()
        address = json.loads(file.read_text())[0]["targets"][0]
        for path in ("metrics", "healthz"):
            with urllib.request.urlopen(f"http://{address}/{path}", timeout=10) as answer:
                told.append(answer.read().decode())

    run_role(Role.FETCH, settings, start)
    assert 'newsriver_role_info{version="' in told[0]
    assert 'newsriver_waiting_seconds{reason="no-partition"}' in told[0]
    for metric in METRICS:
        assert Role.FETCH not in metric.roles or f"# HELP {metric.name} " in told[0]
    assert told[1] == "up\n"
    assert list(tmp_path.iterdir()) == []


def test_a_role_without_kafka_does_not_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.runtime.endpoints.endpoints", lambda _: None)
    with pytest.raises(ServiceError, match="no Kafka"):
        run_role(Role.FETCH, Settings(), lambda _: pytest.fail("it began"), observed=False)


def test_commands_with_options_are_of_the_table_too() -> None:
    from pipelines.cli import COMMANDS, newsriver

    for spec in ROLES:
        command = newsriver.get_command(click.Context(newsriver), str(spec.role))
        assert COMMANDS[str(spec.role)] == spec.about
        assert command is not None
        assert bool([each for each in command.params if isinstance(each, click.Option)]) == spec.own_command
