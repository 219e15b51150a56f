"""The processes of the river by name; imports next to nothing, since a process knows its role before all else."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The processes of the river; `cli` is whoever types a command."""

    POLL = "poll"
    FETCH = "fetch"
    PROCESS = "process"
    RECORD = "record"
    SERVE = "serve"
    CLI = "cli"

    def group(self, river: str) -> str:
        """Give the consumer group under which its copies share partitions, e.g. `news-fetch`."""
        return f"{river}-{self}"
