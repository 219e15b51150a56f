"""The floor of the pipeline: cleaning and tagging alone, in as many processes as there are workers.

The pages are in memory before the clock starts; no Kafka, no Beam, no child process, no document, no index.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from pipelines.errors import NewsriverError
from pipelines.extraction import ArticleContext, Page, make_article
from pipelines.lab.bench import pages
from pipelines.settings import CleanSettings

_READY = 0
_WARM_UP = 20
_START_SECONDS = 120.0


class Bare:
    """Processes that wait, their pages in memory, to clean and tag them at a word.

    Args:
        seed: of the pages.
        shares: for each process the numbers of its pages.
        settings: limits of cleaning.
    """

    def __init__(self, seed: int, shares: Sequence[Sequence[int]], settings: CleanSettings) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would inherit our threads' locks
        self._ends: list[Connection] = []
        self._processes = []
        for share in shares:
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs, seed, list(share), settings), daemon=True)
            process.start()
            theirs.close()
            self._ends.append(ours)
            self._processes.append(process)

    def __enter__(self) -> Self:
        """Wait until all are ready."""
        for end in self._ends:
            self._answer(end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them."""
        for end in self._ends:
            end.close()
        for process in self._processes:
            process.terminate()
            process.join()

    @property
    def pids(self) -> list[int]:
        """Their process ids."""
        return [process.pid for process in self._processes if process.pid is not None]

    def run(self) -> int:
        """Let all of them work through their pages once; give the number of articles."""
        for end in self._ends:
            end.send(None)
        return sum(self._answer(end) for end in self._ends)

    def _answer(self, end: Connection) -> int:
        try:
            if end.poll(_START_SECONDS):
                return int(end.recv())
        except (EOFError, OSError):
            pass
        raise NewsriverError("a process that extracts pages ended or hangs", hint="is there enough memory?")


def serve(end: Connection, seed: int, numbers: Sequence[int], settings: CleanSettings) -> None:
    """Make the pages, then clean and tag all of them each time the other side asks: one process's side."""
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # as in the river's own children
    made = [pages.page(seed, number) for number in numbers]
    work = [Page(page.body, *pages.announced(page, "bare", datetime.now(UTC))) for page in made]
    context = ArticleContext(settings)

    def extract(count: int) -> int:
        for page in work[:count]:
            make_article(page, context)
        return len(work[:count])

    extract(_WARM_UP)
    end.send(_READY)
    try:
        while True:
            end.recv()
            end.send(extract(len(work)))
    except (EOFError, OSError):
        return
