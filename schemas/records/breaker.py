"""Whether a role has stopped because it set aside too much by a fault of its own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.records.base import ClockTime, Record


class BreakerState(Record):
    """State of a role's dead-letter breaker: tripped by the role itself, reset by a person."""

    role: str
    """Role that it stops, e.g. `process`: the key."""
    tripped: bool
    """Whether all copies of the role have stopped; only a person lets them go on."""
    at: ClockTime
    """When it tripped, or was reset."""
    by: str
    """Process that tripped it, with its host, or the person who reset it."""
    version: str = ""
    """Version of the code that tripped it."""
    failing_sites: Annotated[int, Field(ge=0)] = 0
    """Sites of which most of the last pages became dead letters by a fault of ours."""
    sites: Annotated[int, Field(ge=0)] = 0
    """Sites that were looked at."""
    letters: Annotated[int, Field(ge=0)] = 0
    """Those dead letters."""
    reason: str = ""
    """Stage and reason of the last of them, e.g. `clean: unexpected-error`."""
    detail: str = ""
    """Its error, one line."""
    origin: str = ""
    """Kafka coordinates of its record, by which `newsriver dead show` finds it."""
    note: str = ""
    """Why it was reset, where the person says so."""
