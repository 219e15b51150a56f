"""The two forms that nearly all feeds and sitemaps use, read without a look at words: fifty times as fast. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from pipelines.dates.moment import Moment
from pipelines.dates.zones import WIDEST

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(?:([Zz])|([+-])(\d\d):?(\d\d))?)?", re.ASCII
)
_RFC5322 = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) "
    r"(\d\d):(\d\d)(?::(\d\d))? (?:(GMT|UTC|Z)|([+-])(\d\d)(\d\d))",
    re.ASCII,
)
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


def read_common(text: str) -> Moment | None:
    """Read RFC 3339, with or without time and zone, or the usual form of RFC 5322; None for every other text."""
    try:
        if found := _RFC3339.fullmatch(text):
            year, month, day, hour, minute, second, utc, sign, *off = found.groups()
            local = datetime(
                int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
            )
            return _moment(local, utc, sign, (off[0], off[1]), timed=hour is not None)
        if found := _RFC5322.fullmatch(text):
            day, name, year, hour, minute, second, utc, sign, *off = found.groups()
            month = _MONTHS.index(name) // 3 + 1
            local = datetime(int(year), month, int(day), int(hour), int(minute), int(second or 0), tzinfo=UTC)
            return _moment(local, utc, sign, (off[0], off[1]), timed=True)
    except (ValueError, OverflowError):  # a leap second, the hour 24, or no date: the full reader tells
        pass
    return None


def _moment(
    local: datetime, utc: str | None, sign: str | None, off: tuple[str | None, str | None], *, timed: bool
) -> Moment:
    if sign is None:
        return Moment(local, zoned=utc is not None, timed=timed)
    offset = timedelta(hours=int(off[0] or 0), minutes=int(off[1] or 0))
    if offset > WIDEST:
        raise ValueError("no zone is so far from Greenwich")
    east = -offset if sign == "-" else offset
    return Moment(local - east, zoned=True, timed=True, offset=east)
