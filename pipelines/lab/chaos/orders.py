"""What a site's process is told while it serves: a line of JSON each time, on its standard input."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipelines.errors import StackError

log = logging.getLogger(__name__)

READY = b"ready\n"


async def follow(take: Callable[[Mapping[str, Any]], None]) -> None:
    """Say that the site is ready, and pass on its orders until whoever started it is gone."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    while line := await lines.readline():
        take(json.loads(line))


class SiteProcess:
    """A site's process, for as long as its block lasts; it ends by itself, too, when this one does.

    Args:
        module: what to run.
        arguments: for it.
        log: where its messages go.

    Raises:
        StackError: it does not start.
    """

    def __init__(self, module: str, arguments: list[str], log: Path) -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
            )
        if self._process.stdout is None or self._process.stdout.readline() != READY:
            self._end()
            raise StackError("a site that the river reads does not start", resource=str(log), hint=f"{log} says why")

    def order(self, **orders: Any) -> None:  # noqa: ANN401 - whatever JSON holds
        """Tell it something; one that has died cannot hear it, and the run will not come to rest."""
        if self._process.stdin is None:
            return
        try:
            self._process.stdin.write(json.dumps(orders).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            log.exception("%s is gone: it ended with status %s", self._process.args, self._process.poll())

    def __enter__(self) -> Self:
        """Serve."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._end()

    def _end(self) -> None:
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=5)
        self._process.kill()
        self._process.wait()
