"""Years and days of other calendars as dates of ours: Buddhist, Persian, Japanese eras, the Republic of China. Pure."""

from __future__ import annotations

from datetime import date, timedelta

ERAS = {
    "明治": 1867,
    "大正": 1911,
    "昭和": 1925,
    "平成": 1988,
    "令和": 2018,
    "民國": 1911,
    "民国": 1911,
    "中華民國": 1911,
}
"""Name of an era -> the year before its first."""

_BUDDHIST = 543
_PERSIAN_EPOCH = date(622, 3, 21)  # 1 Farvardin 1, in the proleptic Gregorian calendar
_LEAP_REMAINDERS = (1, 5, 9, 13, 17, 22, 26, 30)


def from_buddhist(year: int) -> int:
    """Give our year of a year that a Thai text names: of two digits or four, Buddhist or ours already."""
    if year >= 2400:
        return year - _BUDDHIST
    if year < 100:  # years of news do not overlap: 33 to 99 are Buddhist, 0 to 32 ours
        return year + 2500 - _BUDDHIST if year > 32 else year + 2000
    return year


def from_persian(year: int, month: int, day: int) -> date:
    """Give our date of one in the Solar Hijri calendar.

    Leap years by the 33-year cycle, which agrees with the calendar's astronomical rule for all years that are taken:
    1300 to 1500 (1921 to 2121).

    Raises:
        ValueError: there is no such day.
    """
    leap = year % 33 in _LEAP_REMAINDERS
    days = 31 if month <= 6 else 30 if month < 12 or leap else 29
    if not (1300 <= year <= 1500 and 1 <= month <= 12 and 1 <= day <= days):
        raise ValueError("no such day in the Persian calendar")
    cycles, rest = divmod(year - 1, 33)
    leaps = 8 * cycles + sum(1 for remainder in _LEAP_REMAINDERS if remainder <= rest)
    before = 31 * min(month - 1, 6) + 30 * max(month - 7, 0)
    return _PERSIAN_EPOCH + timedelta(days=365 * (year - 1) + leaps + before + day - 1)
