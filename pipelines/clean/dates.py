"""When an article was published: JSON-LD, then meta tags, then what htmldate finds; in UTC, never after the fetch.

The only importer of htmldate (Barbaresi, "htmldate: A Python package to extract publication dates from web pages",
JOSS 2020).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from htmldate import find_date
from lxml import html as lxml_html

from pipelines.clean.head import Head

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
SKEW = timedelta(minutes=10)
"""How far a site's clock may be ahead of ours."""
WIDEST_ZONE = timedelta(hours=14)
AGREEMENT = timedelta(hours=36)
"""Claims that are no further apart than this mean the same day."""
MAX_HTML_DATE_TAGS = 15_000
"""Elements up to which the page itself is searched for a date."""

_METAS = (
    "article:published_time",
    "og:published_time",
    "article:published",
    "datepublished",
    "article.published",
    "published_time",
    "sailthru.date",
    "parsely-pub-date",
    "publish-date",
    "publishdate",
    "pubdate",
    "publication_date",
    "dcterms.created",
    "dc.date.issued",
    "dcterms.issued",
    "dc.date",
    "cxenseparse:recs:publishtime",
    "date",
)
_ISO = re.compile(
    r"^\s*(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
    r"(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d+)?\s*([ap]\.?m\b\.?)?\s*(Z|UTC|GMT|[+-]\d{1,2}(?!\d):?\d{0,2}|[+-]\d{4})?)?",
    re.IGNORECASE,
)
_BASIC = re.compile(r"^\s*(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})?)?(?=Z|[+-]|\s*$)", re.IGNORECASE)


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


def published(
    head: Head, tree: lxml_html.HtmlElement, feed: datetime | None, fetched: datetime, url: str
) -> datetime | None:
    """Choose the publication date.

    The first claim of the page wins, unless another claim of the page agrees with the feed and it does not. The feed
    lends its time of day to a claim that has none, and its zone to one that has none, when they mean the same day.

    Args:
        head: the page's own claims.
        tree: the page, searched only when nobody claims a date.
        feed: the feed's date: a vote, and the fallback.
        fetched: when the page was fetched; nothing later is believed.
        url: the page's address, which may hold a date.
    """
    if feed is not None and not EARLIEST <= feed <= fetched + SKEW:
        feed = None
    claims = [moment for text in _claims(head) if (moment := _believed(text, fetched))]
    if not claims and (searched := _searched(tree, fetched, url)):
        claims = [searched]
    if not claims:
        return feed.astimezone(UTC) if feed else None
    agreeing = [claim for claim in claims if feed and abs(claim.at - feed) <= AGREEMENT]
    claim = (agreeing or claims)[0]
    if feed and agreeing and not (claim.zoned and claim.timed):
        return feed.astimezone(UTC)
    return claim.at


def read_moment(text: str) -> Moment | None:
    """Read ISO 8601 as the web writes it, or the date form of mail (RFC 5322)."""
    match = _ISO.match(_BASIC.sub(_spread, text, count=1))
    if match is None:
        return _mail_moment(text)
    year, month, day, hour, minute, second, half, zone = match.groups()
    try:
        day_at = datetime(int(year), int(month), int(day), tzinfo=UTC)
        return Moment(day_at + _time(hour, minute, second, half) - _offset(zone), zone is not None, hour is not None)
    except (ValueError, OverflowError):
        return None


def _spread(match: re.Match[str]) -> str:
    """Write ISO 8601's basic form as its extended one."""
    year, month, day, hour, minute, second = match.groups()
    return f"{year}-{month}-{day}" + (f"T{hour}:{minute}:{second or '00'}" if hour else "")


def _time(hour: str | None, minute: str | None, second: str | None, half: str | None) -> timedelta:
    """Give the time of day; 24:00 is the day's end and second 60 a leap second (ISO 8601, RFC 3339)."""
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    if half and 1 <= hours <= 12:
        hours = hours % 12 + (12 if half[0] in "pP" else 0)
    if hours > 24 or minutes > 59 or seconds > 60 or (hours == 24 and minutes + seconds > 0):
        raise ValueError("no time of day")
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _offset(zone: str | None) -> timedelta:
    if not zone or zone[0] not in "+-":
        return timedelta()
    hours, _, minutes = zone[1:].partition(":") if ":" in zone else (zone[1:3], "", zone[3:])
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset > WIDEST_ZONE:
        raise ValueError("no zone is so far from Greenwich")
    return -offset if zone[0] == "-" else offset


def _mail_moment(text: str) -> Moment | None:
    try:
        at = parsedate_to_datetime(text)
        zoned = at.tzinfo is not None
        return Moment(at.astimezone(UTC) if zoned else at.replace(tzinfo=UTC), zoned, timed=True)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _claims(head: Head) -> Iterator[str]:
    for key in ("datePublished", "dateCreated", "uploadDate"):
        if said := head.said(key):
            yield said
    for name in _METAS:
        yield from head.metas.get(name, ())
    if said := head.said("dateModified"):
        yield said


def _believed(text: str, fetched: datetime) -> Moment | None:
    """Read a claim and refuse what cannot be: before the web, or after the fetch."""
    moment = read_moment(text)
    if moment is None or moment.at < EARLIEST:
        return None
    if moment.at <= fetched + SKEW:
        return moment._replace(at=min(moment.at, fetched))
    if not moment.zoned and moment.timed and moment.at <= fetched + WIDEST_ZONE:
        return Moment(fetched, zoned=False, timed=False)  # east of Greenwich it is already true
    return None


def _searched(tree: lxml_html.HtmlElement, fetched: datetime, url: str) -> Moment | None:
    if sum(1 for _ in tree.iter()) > MAX_HTML_DATE_TAGS:
        return None
    try:
        found = find_date(
            tree,
            original_date=True,
            extensive_search=False,
            url=url or None,
            min_date=EARLIEST.date().isoformat(),
            max_date=(fetched + timedelta(days=1)).date().isoformat(),
            deferred_url_extractor=True,
            outputformat="%Y-%m-%dT%H:%M:%S%z",
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None  # a search that stumbles over odd markup is no reason to lose the article
    moment = _believed(found or "", fetched)
    if moment and moment.at.time() == datetime.min.time():
        return moment._replace(zoned=False, timed=False)
    return moment
