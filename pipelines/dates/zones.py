"""Names of time zones as offsets. Pure.

What RFC 5322 (4.3) defines means that everywhere; of other names that mean several zones, the one most news mean, but
the country's own where the language tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WIDEST = timedelta(hours=14)
"""No zone is further from Greenwich (Kiribati)."""

_HOURS: dict[str, float] = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "zulu": 0, "wet": 0, "azot": -1,
    "bst": 1, "cet": 1, "mez": 1, "west": 1, "wat": 1,
    "cest": 2, "mesz": 2, "eet": 2, "cat": 2, "sast": 2, "met": 1, "mest": 2,
    "eest": 3, "msk": 3, "eat": 3, "trt": 3, "ast": -4, "idt": 3, "fet": 3, "msd": 4,
    "irst": 3.5, "irdt": 4.5, "gst": 4, "samt": 4, "aft": 4.5, "pkt": 5, "uzt": 5, "yekt": 5, "ist": 5.5, "slst": 5.5,
    "npt": 5.75, "almt": 5, "omst": 6, "mmt": 6.5, "ict": 7, "wib": 7, "krat": 7, "novt": 7,
    "hkt": 8, "sgt": 8, "myt": 8, "pht": 8, "phst": 8, "awst": 8, "wita": 8, "ulat": 8, "irkt": 8,
    "jst": 9, "kst": 9, "wit": 9, "yakt": 9, "acst": 9.5, "acdt": 10.5, "aest": 10, "chst": 10, "vlat": 10, "pgt": 10,
    "aedt": 11, "magt": 11, "sbt": 11, "nzst": 12, "fjt": 12, "pett": 12, "nzdt": 13,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "akst": -9, "akdt": -8,
    "hst": -10, "hast": -10, "adt": -3, "nst": -3.5, "ndt": -2.5, "brt": -3, "brst": -2, "art": -3, "uyt": -3,
    "clt": -4, "clst": -3, "bot": -4, "vet": -4, "cot": -5, "pet": -5, "ect": -5, "wgt": -2,
}  # fmt: skip
_LOCAL: dict[tuple[str, str], float] = {
    ("he", "ist"): 2, ("ga", "ist"): 1, ("en-IE", "ist"): 1, ("en-IL", "ist"): 2,
    ("zh", "cst"): 8, ("bn", "bst"): 6, ("en-BD", "bst"): 6, ("ar", "ast"): 3, ("en-SA", "ast"): 3,
    ("en-PH", "pst"): 8, ("fil", "pst"): 8, ("en-AU", "est"): 10, ("en-AU", "edt"): 11, ("en-AU", "cst"): 9.5,
    ("ms", "mst"): 8,
}  # fmt: skip
_BY_SEASON = {
    "et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver", "pt": "America/Los_Angeles",
}  # fmt: skip


def is_zone(name: str) -> bool:
    """Tell whether a normalised word names a zone."""
    return name in _HOURS or name in _BY_SEASON


def offset_of(name: str, local: datetime, tags: Sequence[str]) -> timedelta | None:
    """Give a zone's distance from Greenwich, east of it positive, or None for a name that nobody knows.

    Args:
        name: normalised; a name of the tz database (`europe/berlin`), too.
        local: the time by its clocks, naive, which decides between winter and summer where the name does not.
        tags: language tags of the text, the surest first.
    """
    for tag in tags:
        code, _, region = tag.replace("_", "-").partition("-")
        for key in (f"{code.lower()}-{region.upper()}", code.lower()):
            if (key, name) in _LOCAL:
                return timedelta(hours=_LOCAL[key, name])
    if name in _HOURS:
        return timedelta(hours=_HOURS[name])
    if name in _BY_SEASON or "/" in name:
        return _seasonal(_BY_SEASON.get(name) or name.title(), local)
    return None


def _seasonal(name: str, local: datetime) -> timedelta | None:
    try:
        return local.replace(tzinfo=ZoneInfo(name)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
