"""What is read: a moment, and how sure it is. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import NamedTuple


class Moment(NamedTuple):
    """A date as somebody claims it.

    Attributes:
        at: the moment, in UTC; the zone is assumed to be UTC where none is given.
        zoned: whether the zone is given.
        timed: whether a time of day is given.
        offset: how far east of Greenwich the given zone is; zero where none is given.
    """

    at: datetime
    zoned: bool
    timed: bool
    offset: timedelta = timedelta()

    def local(self) -> datetime:
        """Give the moment in the zone that was given, so that its day is the day as written."""
        return self.at.astimezone(timezone(self.offset))


class Order(StrEnum):
    """How a language writes a date in numbers: the order of day, month and year."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"
