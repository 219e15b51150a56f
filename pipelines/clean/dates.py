"""When an article was published: JSON-LD, then meta tags, then what htmldate finds; in UTC, never after the fetch.

The only importer of htmldate (Barbaresi, "htmldate: A Python package to extract publication dates from web pages",
JOSS 2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from htmldate import find_date
from lxml import html as lxml_html

from pipelines.clean.head import Head
from pipelines.dates import Moment, read_moment

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
    tags = [tag for tag in (head.language, head.meta("og:locale", "content-language")) if tag]
    claims = [moment for text in _claims(head) if (moment := _believed(text, fetched, tags))]
    if not claims and (searched := _searched(tree, fetched, url)):
        claims = [searched]
    if not claims:
        return feed.astimezone(UTC) if feed else None
    agreeing = [claim for claim in claims if feed and abs(claim.at - feed) <= AGREEMENT]
    claim = (agreeing or claims)[0]
    if feed and agreeing and not (claim.zoned and claim.timed):
        return feed.astimezone(UTC)
    return claim.at


def _claims(head: Head) -> Iterator[str]:
    for key in ("datePublished", "dateCreated", "uploadDate"):
        if said := head.said(key):
            yield said
    for name in _METAS:
        yield from head.metas.get(name, ())
    if said := head.said("dateModified"):
        yield said


def _believed(text: str, fetched: datetime, tags: Sequence[str] = ()) -> Moment | None:
    """Read a claim and refuse what cannot be: before the web, or after the fetch."""
    moment = read_moment(text, tags)
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
