"""Logging, set up in one place for every role: plain lines or JSON.

No message can steer a terminal, and credentials in addresses are masked.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.printable import escaped, escaped_line
from pipelines.private_files import append_private
from pipelines.redaction import redacted
from pipelines.worker_environment import NAME

log = logging.getLogger(__name__)

NOISY = ("kafka", "elastic_transport", "apache_beam", "urllib3", "asyncio", "trafilatura", "htmldate")
"""Libraries that report every connection or page; what matters of it our own modules say."""

_BORING = "apitools not found"
"""Beam says at every start that clients of another company's cloud are absent; the river has no use for them."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""Attributes that every record has; others came as `extra`."""


def _time(record: logging.LogRecord) -> str:
    """Give ISO 8601 with the zone's offset, in milliseconds."""
    return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")


class LineFormatter(logging.Formatter):
    """One line a message, cleaned: `time level worker logger: message`.

    A trace follows in indented lines, so that nothing in it can pass for a message.

    Args:
        worker: the name of this process; empty leaves it out.
    """

    def __init__(self, worker: str = "") -> None:
        super().__init__()
        self._worker = f"{escaped_line(worker)} " if worker else ""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, and the indented lines of a trace."""
        message = escaped_line(redacted(record.getMessage()))
        line = f"{_time(record)} {record.levelname:<7} {self._worker}{escaped_line(record.name)}: {message}"
        further = _trace(self, record).split("\n")
        return "\n".join([line, *(f"    {escaped_line(each)}" for each in further if each)])


class JsonFormatter(logging.Formatter):
    """One JSON object a line, in ASCII: `time`, `level`, `logger`, `role`, `worker`, `message`, `trace`, extras.

    Strings are cleaned as in a line, since a viewer of logs prints what the JSON means.

    Args:
        role: what this process is, such as `fetch`.
        worker: its name, such as `process-1`.
    """

    def __init__(self, role: str, worker: str) -> None:
        super().__init__()
        self._who = {"role": role, "worker": worker}

    def format(self, record: logging.LogRecord) -> str:
        """Give the object."""
        trace = _trace(self, record)
        facts: dict[str, Any] = {
            **{name: _cleaned(value) for name, value in vars(record).items() if name not in _STANDARD},
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            **self._who,
            "message": escaped(redacted(record.getMessage())),
            **({"trace": escaped(trace)} if trace else {}),
        }
        return json.dumps(facts, ensure_ascii=True, default=lambda value: escaped(redacted(str(value))))


def _cleaned(value: object) -> object:
    return escaped(redacted(value)) if isinstance(value, str) else value


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """Give a record's trace and stack as text; nothing where it has none."""
    parts = [
        formatter.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else record.exc_text or "",
        record.stack_info or "",
    ]
    return redacted("\n".join(part for part in parts if part))


def configure(role: str, level: str, form: str, *, libraries: bool = False) -> None:
    """Send this process's messages to stderr; what was set up before is replaced.

    Args:
        role: what this process is; a supervisor's name for it (`NEWSRIVER_WORKER`) goes beside it.
        level: least severe level written: debug, info, warning or error.
        form: `text` or `json`.
        libraries: whether the client libraries' messages are written at that level, too, instead of errors only.
    """
    worker = os.environ.get(NAME) or role
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(role, worker) if form == "json" else LineFormatter(worker))
    # On the handler: a filter on the root logger would not see what comes from other loggers.
    handler.addFilter(lambda record: _BORING not in record.getMessage())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(level.upper() if libraries else "ERROR")
    # It says the same hundreds of times a minute while a broker is away; `pipelines.kafka.outage` says it once.
    kafka = logging.getLogger("kafka")
    kafka.setLevel(level.upper() if libraries else "WARNING")
    kafka.propagate = libraries
    logging.captureWarnings(True)
    threading.excepthook = _thread_died
    sys.unraisablehook = _unraisable


def in_json() -> bool:
    """Tell whether this process's messages are written as JSON."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)


@contextmanager
def to_file(path: Path, logger: logging.Logger) -> Iterator[None]:
    """Write a logger's messages to a file as well, as long as the block lasts."""
    append_private(path).close()
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(LineFormatter())
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def _thread_died(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is None or isinstance(found.exc_value, SystemExit):
        return
    name = found.thread.name if found.thread else "?"
    trace = (found.exc_type, found.exc_value, found.exc_traceback)
    log.critical("thread %s died", name, exc_info=trace)


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    if found.exc_value is not None:
        log.error(
            "%s in %r",
            found.err_msg or "ignored exception",
            found.object,
            exc_info=(type(found.exc_value), found.exc_value, found.exc_traceback),
        )
