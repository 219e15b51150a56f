"""The search page that the demonstration leaves running, beside the servers."""

from __future__ import annotations

import os
import sys
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from pipelines.private_files import private_folder
from pipelines.settings import Settings, as_environment
from pipelines.stack import ports
from pipelines.stack.processes import Launch, start
from pipelines.stack.search_page import end_search_page, search_page_mark
from pipelines.stack.state import folder

_START_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")


def leave_page_running(settings: Settings, assignments: Iterable[str], config: Path | None) -> str:
    """Start `newsriver serve` as a process that outlives this one; `newsriver stack down` ends it.

    Args:
        settings: where it listens; if another program has the port, a free one is taken.
        assignments: `--set` arguments of the call; they go by the environment, which other users do not see.
        config: settings file of the call.

    Returns:
        Its address; empty where it does not answer in time.
    """
    directory = folder(settings)
    private_folder(directory, above_servers=True)
    end_search_page(directory)
    port = settings.serve.port if ports.is_free(settings.serve.port) else ports.choose()
    named = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("NEWSRIVER_")}
    environment = {**named, **as_environment([*assignments, f"serve.port={port}"])}
    command = [sys.executable, "-X", search_page_mark(directory), "-m", "pipelines"]
    command += ["--config", str(config.resolve())] if config else []
    launch = Launch((*command, "serve"), environment, Path.cwd(), directory / "serve.log")
    address = f"http://{settings.serve.host}:{port}"
    started = start(launch, None)
    ends_at = time.monotonic() + _START_SECONDS
    while started is not None and time.monotonic() < ends_at:
        if _answers(f"{address}/healthz"):
            return address
        time.sleep(_LOOK_SECONDS)
    return ""


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except OSError:
        return False
