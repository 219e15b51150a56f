"""Where a site's feeds may be, and which of those that were found are one: candidates, merging, ranking. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urljoin, urlsplit

from lxml import etree

from pipelines.errors import FeedFault
from pipelines.feed_formats import ParsedFeed
from pipelines.feeds.duplicates import address_key, same_entries
from pipelines.urls import fetchable_url

USUAL_PATHS = (
    "/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feeds", "/feed.json", "/feeds/posts/default",
    "/?feed=rss2", "/sitemap-news.xml", "/news-sitemap.xml", "/sitemap_news.xml", "/news_sitemap.xml",
    "/sitemaps/news.xml", "/sitemap/news.xml", "/googlenews.xml",
)  # fmt: skip
"""Paths at which the common publishing systems keep their feeds; the likeliest first."""

MAX_LINKED = 15
"""Links of a page that only look like feeds; pages that list hundreds of feeds are asked for the first of them."""
MAX_DECLARED = 30
"""Feeds that a page declares in its head."""
MAX_SITEMAPS = 6
"""Sitemaps that robots.txt names."""

_MAX_PAGE_BYTES = 4_000_000
_MAX_TAGS = 20_000
_MAX_LINES = 20_000
_STALE = timedelta(days=180)
_FEED_TYPES = frozenset({
    "application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml",
    "application/rss", "application/atom", "text/rss+xml", "text/xml", "application/xml",
})  # fmt: skip
# What is never closed runs to the end, so that nothing is read twice.
_SILENT = re.compile(rb"<!--.*?(?:-->|\Z)|<(script|style|template)\b.*?(?:</\1|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(rb"<(?:link|a|base)\s[^<>]{1,2000}>", re.IGNORECASE)
_FEED_PATH = re.compile(
    r"(?:^|/)(?:rss2?|atom|feeds?|rdf)(?:/|\.\w{1,5}$|$)"  # a folder or file of that name: /rss/world, /blog/feed/
    r"|\.(?:rss|atom|rdf)(?:\.xml|\.php)?$"  # index.rdf, all.atom.xml
    r"|[/._-](?:rss|atom|feed)\d?\.(?:xml|json|php|aspx)$",  # news-rss.xml
    re.IGNORECASE,
)
_FEED_HOSTS = ("feeds.", "feed.", "rss.")
_FEED_QUERY = re.compile(r"(?:^|&)(?:feed|format|type|output)=(?:rss2?|atom|rdf|feed)\b", re.IGNORECASE)
_READERS = ("feedly.com", "inoreader.com", "newsblur.com", "netvibes.com", "add.my.yahoo.com", "theoldreader.com")
_SITEMAP = re.compile(r"\s*sitemap\s*:\s*(\S+)", re.IGNORECASE)
_COMMENTS = re.compile(r"\b(?:comments|kommentare|commentaires|comentarios)\b", re.IGNORECASE)
_KINDS = {
    "rss": "RSS",
    "atom": "Atom",
    "json": "JSON Feed",
    "rdf": "RDF",
    "cdf": "CDF",
    "sitemap-index": "sitemap index",
    "sitemap": "sitemap",
}
"""Kinds for people by the start of the format's name; the more exact first."""


class How(StrEnum):
    """How an address came to be looked at; the most trustworthy first."""

    GIVEN = "the address given"
    DECLARED = "declared by the page"
    ROBOTS = "named in robots.txt"
    LINKED = "linked from the page"
    USUAL = "a usual path"


_TRUST = {how: at for at, how in enumerate(How)}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that may be a feed.

    Attributes:
        url: as it can be requested.
        how: why it is looked at.
    """

    url: str
    how: How


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFeed:
    """A feed of the site.

    Attributes:
        url: where it was in the end, after redirects.
        how: how it was found, at best.
        kind: `RSS`, `Atom`, `JSON Feed`, `RDF`, `sitemap` or `sitemap index`.
        title: plain text.
        keys: ids of its entries, oldest first.
        newest: date of its newest entry.
        children: feeds it points to, for a sitemap index.
        others: further addresses of the same feed, sorted.
    """

    url: str
    how: How
    kind: str
    title: str = ""
    keys: tuple[str, ...] = ()
    newest: datetime | None = None
    children: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def sitemap(self) -> bool:
        """Whether it is a sitemap, or an index of some."""
        return self.kind.startswith("sitemap")


def of_page(body: bytes, url: str) -> list[Candidate]:
    """Give what a web page declares in its head as feeds, and its links that look like some.

    The page may be hostile: only link, anchor and base tags of a bounded number and size reach the parser.
    """
    tags = _TAG.findall(_SILENT.sub(b"", body[:_MAX_PAGE_BYTES]))[:_MAX_TAGS]
    tree = _tree(b"\n".join(tags))
    if tree is None:
        return []
    base = next((_absolute(url, href) for tag in tree.iter("base") if (href := tag.get("href"))), "") or url
    declared = [Candidate(href, How.DECLARED) for href in _hrefs(tree, base, _declares_feed)]
    linked = [Candidate(href, How.LINKED) for href in _hrefs(tree, base, _looks_like_feed)]
    return [*_distinct(declared)[:MAX_DECLARED], *_distinct(linked)[:MAX_LINKED]]


def of_robots(body: bytes, url: str) -> list[Candidate]:
    """Give the sitemaps that a robots.txt names (https://www.sitemaps.org/protocol.html), those of news first."""
    lines = body[:2_000_000].decode("utf-8", "replace").splitlines()[:_MAX_LINES]
    named = [_absolute(url, match[1]) for line in lines if (match := _SITEMAP.match(line))]
    found = sorted((each for each in named if each), key=lambda each: "news" not in each.lower())
    return _distinct(Candidate(each, How.ROBOTS) for each in found)[:MAX_SITEMAPS]


def usual(url: str) -> list[Candidate]:
    """Give the usual paths of a site, and of its folder where the address has one."""
    parts = urlsplit(url)
    root = f"{parts.scheme}://{parts.netloc}"
    folder = parts.path.rpartition("/")[0].rstrip("/")
    paths = [*(f"{folder}{path}" for path in USUAL_PATHS[:5] if folder), *USUAL_PATHS]
    return [Candidate(root + path, How.USUAL) for path in dict.fromkeys(paths)]


def found(candidate: Candidate, url: str, parsed: ParsedFeed) -> FoundFeed:
    """Describe a feed that was read.

    Args:
        candidate: where it was looked for.
        url: where it was, after redirects.
        parsed: what it says.
    """
    dates = [entry.published_at for entry in parsed.entries if entry.published_at is not None]
    return FoundFeed(
        url=url,
        how=candidate.how,
        kind=kind_of(parsed),
        title=parsed.title,
        keys=tuple(entry.id for entry in reversed(parsed.entries)),
        newest=max(dates, default=None),
        children=tuple(child.url for child in parsed.children),
        others=() if candidate.url == url else (candidate.url,),
    )


def kind_of(parsed: ParsedFeed) -> str:
    """Give the format's name for people."""
    return next((name for start, name in _KINDS.items() if parsed.format.startswith(start)), parsed.format or "feed")


def merged(feeds: Iterable[FoundFeed]) -> list[FoundFeed]:
    """Make one of feeds with the same address or the same entries; the most trustworthy address stays."""
    kept: list[FoundFeed] = []
    for feed in sorted(feeds, key=lambda feed: (_TRUST[feed.how], feed.sitemap)):
        at = next((at for at, other in enumerate(kept) if _same(feed, other)), None)
        if at is None:
            kept.append(feed)
        else:
            kept[at] = _joined(kept[at], feed)
    return kept


def ranked(feeds: Iterable[FoundFeed], now: datetime) -> list[FoundFeed]:
    """Put the feeds to add first: living before dead ones, articles before comments, then by how they were found."""

    def place(feed: FoundFeed) -> tuple[bool, bool, bool, int, int, str]:
        comments = is_comments(feed)
        return not _alive(feed, now), comments, feed.sitemap, _TRUST[feed.how], -len(feed.keys), feed.url

    return sorted(feeds, key=place)


def worth_adding(feeds: Iterable[FoundFeed], now: datetime) -> list[FoundFeed]:
    """Give the feeds that bring news: living ones of articles; sitemaps only where there is nothing else."""
    living = [feed for feed in feeds if _alive(feed, now) and not is_comments(feed)]
    return [feed for feed in living if not feed.sitemap] or living


def is_comments(feed: FoundFeed) -> bool:
    """Tell whether a feed brings what readers say, not articles."""
    return bool(_COMMENTS.search(urlsplit(feed.url).path) or _COMMENTS.search(feed.title))


def _alive(feed: FoundFeed, now: datetime) -> bool:
    """Tell whether a feed brings news; one without dates is believed to."""
    return bool(feed.children) or (bool(feed.keys) and (feed.newest is None or now - feed.newest <= _STALE))


def _tree(data: bytes) -> etree._Element | None:
    if not data:
        return None
    try:
        return etree.fromstring(data, etree.HTMLParser(encoding="utf-8", no_network=True))
    except (etree.LxmlError, ValueError):
        return None


def _hrefs(tree: etree._Element, base: str, fits: Callable[[etree._Element, str], bool]) -> Iterator[str]:
    for tag in tree.iter("link", "a"):
        href = _absolute(base, tag.get("href") or "")
        if href and fits(tag, href):
            yield href


def _declares_feed(tag: etree._Element, href: str) -> bool:
    rel = (tag.get("rel") or "").lower().split()
    kind = (tag.get("type") or "").partition(";")[0].strip().lower()
    if "feed" in rel:
        return True
    # JSON Feed 1.0 was declared so, but so is what else a site's programs offer.
    feed = kind in _FEED_TYPES or (kind == "application/json" and bool(_FEED_PATH.search(urlsplit(href).path)))
    return "alternate" in rel and feed


def _looks_like_feed(tag: etree._Element, href: str) -> bool:
    parts = urlsplit(href)
    host = parts.hostname or ""
    if tag.tag != "a" or any(host == reader or host.endswith(f".{reader}") for reader in _READERS):
        return False
    named = host.startswith(_FEED_HOSTS) and len(parts.path) > 1
    return named or bool(_FEED_PATH.search(parts.path) or _FEED_QUERY.search(parts.query))


def _absolute(base: str, href: str) -> str:
    """Give a link's address, or nothing where it has none that can be asked."""
    text = href.strip()
    for scheme in ("feed:https:", "feed:http:"):  # the scheme of old feed readers
        text = text.removeprefix("feed:") if text.lower().startswith(scheme) else text
    text = f"https:{text[5:]}" if text.lower().startswith("feed://") else text
    try:
        return fetchable_url(urljoin(base, text)) if text else ""
    except (FeedFault, ValueError):
        return ""


def _distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    kept: dict[str, Candidate] = {}
    for candidate in candidates:
        kept.setdefault(candidate.url, candidate)
    return list(kept.values())


def _same(one: FoundFeed, other: FoundFeed) -> bool:
    if one.sitemap != other.sitemap:
        return False  # a sitemap goes further back than a feed of the same articles
    addresses = {address_key(url) for url in (one.url, *one.others)}
    if addresses & {address_key(url) for url in (other.url, *other.others)}:
        return True
    return same_entries(one.keys, other.keys) or (bool(one.keys) and set(one.keys) == set(other.keys))


def _joined(kept: FoundFeed, other: FoundFeed) -> FoundFeed:
    others = {*kept.others, other.url, *other.others} - {kept.url}
    return replace(kept, title=kept.title or other.title, others=tuple(sorted(others)))
