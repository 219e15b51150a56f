"""What a role writes to its log: clean lines with dates and zones, or JSON; never what a stranger wants it to say."""

import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given

from pipelines.runtime import logs
from pipelines.runtime.logs import JsonFormatter, LineFormatter, configure, to_file
from pipelines.worker_environment import NAME
from tests.unit.test_printable import ANY, STEERING, unfit

FOREIGN = ANY | STEERING
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (INFO   |WARNING|ERROR  ) ")


def record(message: str, *arguments: object, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("pipelines.test", logging.WARNING, __file__, 1, message, arguments, info)
    vars(made).update(extra)
    return made


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put logging and the hooks back as they were."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = before
    root.setLevel(level)
    for name in logs.NOISY:
        logging.getLogger(name).setLevel(logging.NOTSET)


@given(FOREIGN, FOREIGN, FOREIGN)
def test_a_message_is_one_clean_line(name: str, text: str, worker: str) -> None:
    made = record("%s", text)
    made.name = name
    line = LineFormatter(worker).format(made)
    assert not [each for each in line if unfit(each, newlines=False)]


@given(FOREIGN)
def test_nothing_in_a_trace_passes_for_a_message(text: str) -> None:
    forged = f"{text}\n2026-11-29T10:00:00.000+00:00 INFO    poll: all is well"
    lines = LineFormatter("poll").format(record("failed", error=ValueError(forged))).split("\n")
    assert LINE.match(lines[0])
    assert all(line.startswith("    ") for line in lines[1:])
    assert not [each for line in lines for each in line if unfit(each, newlines=False)]


@given(FOREIGN, FOREIGN)
def test_json_is_one_ascii_object_a_line(text: str, extra: str) -> None:
    line = JsonFormatter("fetch", "fetch").format(
        record("%s", text, error=OSError(text), url=extra, feeds=3, path=Path("/x"))
    )
    found = json.loads(line)
    assert line.isascii()
    assert "\n" not in line
    assert (found["role"], found["worker"], found["level"], found["feeds"]) == ("fetch", "fetch", "warning", 3)
    assert found["path"] == "/x"
    assert not [each for value in found.values() for each in str(value) if unfit(each, newlines=True)]


def test_times_have_a_date_and_a_zone() -> None:
    now = datetime.now(UTC)
    line = LineFormatter("process-1").format(record("waits for %s", "Kafka"))
    assert LINE.match(line)
    assert abs(datetime.fromisoformat(line.split()[0]) - now) < timedelta(minutes=1)
    assert line.endswith(" process-1 pipelines.test: waits for Kafka")


def test_a_trace_follows_its_message() -> None:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int("no number")
    lines = LineFormatter().format(record("asking failed", error=caught.value)).split("\n")
    assert lines[0].endswith("asking failed")
    assert lines[1] == "    Traceback (most recent call last):"
    assert lines[-1] == "    ValueError: invalid literal for int() with base 10: 'no number'"


@pytest.mark.usefixtures("restored")
def test_a_supervisor_names_its_workers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(NAME, "process-1")
    configure("process", "info", "json")
    logging.getLogger("pipelines.test").info("started", extra={"partition": 3})
    logging.getLogger("pipelines.test").debug("not shown")
    logging.getLogger("kafka").warning("not shown either")
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(each["worker"], each["role"], each["message"], each["partition"]) for each in said] == [
        ("process-1", "process", "started", 3)
    ]


@pytest.mark.usefixtures("restored")
def test_warnings_and_dead_threads_are_messages_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure("poll", "info", "text")

    def fail() -> None:
        raise ValueError("\x1b[31mred\nforged")

    thread = threading.Thread(target=fail, name="asker")
    thread.start()
    thread.join()
    said = capsys.readouterr().err
    assert "thread asker died" in said
    assert "\x1b" not in said
    assert r"    ValueError: \x1b[31mred" in said.splitlines()
    assert "    forged" in said.splitlines()


@pytest.mark.usefixtures("restored")
def test_levels_and_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    configure("poll", "debug", "text", libraries=True)
    logging.getLogger("kafka").debug("a connection")
    configure("poll", "warning", "text")
    logging.getLogger("pipelines.test").info("not shown")
    logging.getLogger("apache_beam").error("shown")
    logging.getLogger().error("apitools not found")
    assert [line.rpartition(": ")[2] for line in capsys.readouterr().err.splitlines()] == ["a connection", "shown"]


def test_a_file_gets_the_same_lines(tmp_path: Path) -> None:
    logger = logging.getLogger("test_logs")
    with to_file(tmp_path / "x.log", logger):
        logger.error("bad \x1b[31m")
    logger.error("later")
    [line] = (tmp_path / "x.log").read_text().splitlines()
    assert line.endswith(r"ERROR   test_logs: bad \x1b[31m")
