"""When an article was published: JSON-LD, then meta tags, then the page's markup and text; never after the fetch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from lxml import html as lxml_html

from pipelines.clean.date_search import marked_dates, searched_date
from pipelines.clean.head import Head
from pipelines.dates import Moment, read_moment

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
SKEW = timedelta(minutes=10)
"""How far a site's clock may be ahead of ours."""
WIDEST_ZONE = timedelta(hours=14)
AGREEMENT = timedelta(hours=36)
"""Claims that are no further apart than this mean the same day."""
MAX_TIMES = 10
"""Elements with a time that are looked at for the zone of a claim."""

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
    "article_date_original",
    "og:article:published_time",
    "publish_date",
    "pub_date",
    "originalpublicationdate",
    "dc.date.created",
    "dc.created",
    "datecreated",
    "date_published",
    "article.created",
    "rnews:datepublished",
    "bt:pubdate",
    "displaydate",
    "date",
)


def published(
    head: Head, tree: lxml_html.HtmlElement, feed: datetime | None, fetched: datetime, url: str
) -> datetime | None:
    """Choose the publication date, in the zone in which it is claimed (UTC where none is).

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
    tags = [tag for tag in (head.language, head.meta("og:locale", "content-language")) if tag]
    claims = _believed_of(_claims(head), fetched, tags)
    if not claims or not claims[0].timed:
        claims = _with_marked(claims, tree, fetched, tags)
    if not claims:
        claims = _believed_of([head.said("dateModified")], fetched, tags) or _searched(tree, fetched, url)
    if not claims:
        return feed.astimezone(UTC) if feed else None
    agreeing = [claim for claim in claims if feed and abs(claim.at - feed) <= AGREEMENT]
    claim = (agreeing or claims)[0]
    if feed and agreeing and not (claim.zoned and claim.timed):
        return feed.astimezone(UTC)
    return _in_its_zone(claim, tree).local()


def _claims(head: Head) -> Iterator[str]:
    for key in ("datePublished", "dateCreated", "uploadDate"):
        if said := head.said(key):
            yield said
    for name in _METAS:
        yield from head.metas.get(name, ())


def _believed_of(texts: Iterable[str], fetched: datetime, tags: Sequence[str]) -> list[Moment]:
    return [moment for text in texts if (moment := _believed(read_moment(text, tags), fetched))]


def _with_marked(claims: list[Moment], tree: lxml_html.HtmlElement, fetched: datetime, tags: list[str]) -> list[Moment]:
    """Add the dates in the page's markup: the hour of the head's day, or where the head is silent the day, too."""
    marked = [moment for found in marked_dates(tree, tags) if (moment := _believed(found, fetched))]
    if not claims:
        timed = [m for m in marked if m.timed and m.local().date() == marked[0].local().date()]
        return timed[:1] + marked
    day = claims[0].at.date()
    return [moment for moment in marked if moment.timed and moment.local().date() == day][:1] + claims


def _in_its_zone(claim: Moment, tree: lxml_html.HtmlElement) -> Moment:
    """Give a moment that is told in UTC the zone in which the page shows the same moment, if it does.

    A clock that shows the same second some quarters of an hour apart is the same moment in another zone.
    """
    if not claim.timed or claim.offset or not (claim.at.second or claim.at.minute):
        return claim
    for element in islice(tree.iter("time"), MAX_TIMES):
        shown = read_moment(element.get("datetime") or "")
        if shown is None or not shown.timed:
            continue
        if shown.zoned and shown.offset and shown.at == claim.at:
            return claim._replace(offset=shown.offset)
        apart = shown.at - claim.at
        if not shown.zoned and apart and abs(apart) <= WIDEST_ZONE and not apart % timedelta(minutes=15):
            return claim._replace(offset=apart)
    return claim


def _believed(moment: Moment | None, fetched: datetime) -> Moment | None:
    """Refuse what cannot be: before the web, or after the fetch."""
    if moment is None or moment.at < EARLIEST:
        return None
    if moment.at <= fetched + SKEW:
        return moment._replace(at=min(moment.at, fetched))
    if not moment.zoned and moment.timed and moment.at <= fetched + WIDEST_ZONE:
        return Moment(fetched, zoned=False, timed=False)  # east of Greenwich it is already true
    return None


def _searched(tree: lxml_html.HtmlElement, fetched: datetime, url: str) -> list[Moment]:
    moment = _believed(read_moment(searched_date(tree, url, EARLIEST.date(), fetched.date())), fetched)
    if moment and moment.at.time() == datetime.min.time():
        return [moment._replace(zoned=False, timed=False)]
    return [moment] if moment else []
