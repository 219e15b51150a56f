"""Feed-list files that a command is given, and what is wrong in them, said on stderr."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cli.console import err

if TYPE_CHECKING:
    from schemas.records import Feed


def listed_feeds(paths: Iterable[Path]) -> list[Feed]:
    """Read lists into one and name the entries that cannot be taken.

    Raises:
        FeedListError: a list cannot be read at all.
    """
    from pipelines.feeds.lists import read_lists

    found = read_lists(paths)
    for problem in found.problems:
        err.print(f"newsriver: {problem}")
    return list(found.feeds)
