"""What is read: a moment, and how sure it is. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Moment(NamedTuple):
    """A date as somebody claims it.

    Attributes:
        at: the moment, in UTC; the zone is assumed to be UTC where none is given.
        zoned: whether the zone is given.
        timed: whether a time of day is given.
    """

    at: datetime
    zoned: bool
    timed: bool


class Order(StrEnum):
    """How a language writes a date in numbers: the order of day, month and year."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"
