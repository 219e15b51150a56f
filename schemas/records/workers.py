"""A running process as it tells of itself."""

from __future__ import annotations

from pydantic import AwareDatetime

from schemas.records.base import Detail, Names, Record


class WorkerState(Record):
    """One process of the river as it tells of itself: where it runs and what it waits for."""

    name: str
    """Name with the host, e.g. `process-1@reading-room`: the key; a process started in its place has the same."""
    role: str
    """What it is, e.g. `process`."""
    host: str
    """Machine it runs on."""
    pid: int
    """Its process id there."""
    started_at: AwareDatetime
    """When it started."""
    at: AwareDatetime
    """When it said this; one that is silent for minutes hangs or was killed."""
    waits_for: str = ""
    """Why its work waits, as a short name, e.g. `no-answer` or `index-closed`; empty while work goes on."""
    detail: Detail = ""
    """The same for people, one line."""
    waits_since: AwareDatetime | None = None
    """Since when it waits."""
    feeds: int | None = None
    """Of a `poll`: feeds in its share of the list that are asked."""
    failing: int = 0
    """Of a `poll`: those of them whose last poll failed."""
    worst: Names = []
    """Of a `poll`: some of these, each with its reason."""
    next_poll_at: AwareDatetime | None = None
    """Of a `poll`: when the next of its feeds is due."""
