"""The search page that a demonstration left running: it ends with the servers, or when `newsriver run` has its own."""

from __future__ import annotations

from pathlib import Path

from pipelines.stack import processes

_END_SECONDS = 10.0


def search_page_mark(directory: Path) -> str:
    """Give the argument by which the process is told from all others, an option (-X) that Python ignores.

    Args:
        directory: the stack's folder, absolute and without links.
    """
    return f"newsriver.stack={directory}/search-page"


def end_search_page(directory: Path) -> bool:
    """End it, where it runs, and say whether it did."""
    running = processes.marked(search_page_mark(directory))
    processes.end(running, _END_SECONDS)
    return bool(running)
