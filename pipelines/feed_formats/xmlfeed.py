"""RSS 0.90 to 2.0, Atom 0.3 and 1.0, RDF and CDF through feedparser. Pure.

The only importer of feedparser (https://feedparser.readthedocs.io, tested with 6.0.14).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import feedparser

from pipelines.dates import read_moment
from pipelines.errors import FeedFault
from pipelines.feed_formats.feed import Collector, EntryDraft, ParsedFeed, address, language_code, plausible
from pipelines.feed_formats.guard import refuse_monsters
from pipelines.feed_formats.links import relation
from pipelines.feed_formats.text import plain
from schemas.records.base import MAX_TITLE

Loose = Any
"""feedparser's dictionary: it ships no types."""

_ROOT_END = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_ENTRY_END = re.compile(rb"</(?:[\w.-]+:)?(?:item|entry)\s*>", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_REFERENCE = re.compile(rb"&#([0-9]{1,12}|[xX][0-9a-fA-F]{1,12});")
_TAIL_BYTES = 4096
# feedparser tells an item's own <link> from one of the Atom module no more once it has read both, so it is marked.
_PREFIXED = "newsriver-prefixed"
_PREFIXED_LINK = re.compile(r"<[\w.-]+:link(?=[\s/>])")
_HTML_TYPES = ("", "text/html", "application/xhtml+xml")
_PERIODS = {"hourly": 3600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}
# What feedparser raises on hostile input; each is the feed's own fault.
_CRASHES = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def read_xml(text: str, url: str) -> ParsedFeed:
    """Read an XML feed; of one that ends early, the entries that are whole.

    Args:
        text: the feed, decoded; the encoding that it declares is passed over.
        url: where it came from: the base of relative links where it names no other.

    Raises:
        FeedFault: it is no feed (`not-a-feed`), or one that takes too long to read (see `refuse_monsters`).
    """
    refuse_monsters(text, url)
    data = _PREFIXED_LINK.sub(rf"\g<0> {_PREFIXED}='1'", text).encode("utf-8", "replace")
    found = _parsed(data, url)
    notes, items = _whole_items(data, found)
    collector, feed = Collector(url), found.feed
    tag = _text(feed, "language") or str(_detail(feed, "title").get("language") or "")
    for item in items:
        collector.add(_draft(item, tag))
    return ParsedFeed(
        entries=tuple(collector.entries.values()),
        refused=tuple(collector.refused.values()),
        title=plain(_text(feed, "title"), html=_is_html(feed, "title"), limit=MAX_TITLE),
        language=language_code(tag),
        interval_seconds=_interval(feed),
        format=found.version or "unknown",
        notes=(*notes, *collector.notes()),
        hub=address(url, _hrefs(feed, "hub")),
        self_url=address(url, _hrefs(feed, "self")),
    )


def _parsed(data: bytes, url: str) -> Loose:
    try:
        found = _feedparser(data)
    except _CRASHES:
        try:
            found = _feedparser(_without_impossible_characters(data))
        except _CRASHES as error:
            raise FeedFault(f"feed not understood: {error!r}", reason="not-a-feed", resource=url) from None
    if not found.version and not found.entries:
        why = found.get("bozo_exception") or "no known format"
        raise FeedFault(f"no feed: {why}", reason="not-a-feed", resource=url)
    return found


def _feedparser(data: bytes) -> Loose:
    # As a stream: feedparser opens text that looks like a path or an address. It is not told the feed's URL, so that
    # a guid that is a mere number stays one; relative links are resolved by the collector.
    return feedparser.parse(
        io.BytesIO(data),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def _without_impossible_characters(data: bytes) -> bytes:
    """Drop control bytes and references to characters that XML does not have, such as `&#xD800;`."""
    return _CONTROL.sub(b"", _REFERENCE.sub(lambda found: b"" if _impossible(found[1]) else found[0], data))


def _impossible(reference: bytes) -> bool:
    number = int(reference[1:], 16) if reference[:1] in b"xX" else int(reference)
    return (number < 0x20 and number not in (9, 10, 13)) or 0xD800 <= number <= 0xDFFF or number > 0x10FFFF


def _whole_items(data: bytes, found: Loose) -> tuple[tuple[str, ...], list[Loose]]:
    """Give notes on the feed's state, and its items without one that the end of the data cuts in two."""
    items = list(found.entries)
    if not _broken(found):
        return (), items
    if _ROOT_END.search(data, max(0, len(data) - _TAIL_BYTES)):
        return ("malformed",), items
    whole = len(_ENTRY_END.findall(data))
    return ("truncated",), items[:whole] if whole < len(items) else items


def _broken(found: Loose) -> bool:
    # A wrong charset is also noted as an exception, but the parser has already worked round it.
    harmless = feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType
    return bool(found.bozo) and not isinstance(found.get("bozo_exception"), harmless)


def _draft(item: Loose, language: str) -> EntryDraft:
    content: Loose = next(iter(item.get("content") or ()), {})
    links = list(dict.fromkeys(_links(item)))
    summary = _text(item, "summary")
    return EntryDraft(
        link=links[0] if links else "",
        others=links[1:],
        guid=_text(item, "id"),
        title=_text(item, "title"),
        title_is_html=_is_html(item, "title"),
        summary=summary or str(content.get("value") or ""),
        summary_is_html=_is_html(item, "summary") if summary else content.get("type") != "text/plain",
        authors=list(_authors(item)),
        categories=[str(tag.get("label") or tag.get("term") or "") for tag in item.get("tags") or ()],
        published_at=_moment(item, language),
    )


def _links(item: Loose) -> Iterator[str]:
    """Give the addresses that may be the article's, the likeliest first.

    What a redirecting service hides; the item's own links before those of a module, web pages before other forms; the
    source of its content; a permalink.
    """
    yield from filter(None, [_text(item, "feedburner_origlink")])
    pages = [
        link
        for link in item.get("links") or ()
        if relation(str(link.get("rel", "alternate"))) == "alternate" and link.get("href")
    ]
    pages.sort(key=lambda link: _PREFIXED in link)
    yield from (str(link["href"]) for link in pages if _is_page(link))
    yield from (str(part["src"]) for part in item.get("content") or () if part.get("src") and _is_page(part))
    yield from (str(link["href"]) for link in pages if not _is_page(link))
    # A guid is a permalink unless it says otherwise, but many that say nothing are mere numbers.
    for guid in (_text(item, "link"), _text(item, "id")):
        if guid.strip().lower().startswith(("http://", "https://")):
            yield guid


def _is_page(link: Loose) -> bool:
    return str(link.get("type") or "").partition(";")[0].strip().lower() in _HTML_TYPES


def _hrefs(feed: Loose, rel: str) -> Iterator[str]:
    """Give the feed's own links of a kind: Atom's, and those of the Atom module in RSS."""
    for link in feed.get("links") or ():
        if relation(str(link.get("rel", ""))) == rel:
            yield str(link.get("href") or "")


def _authors(item: Loose) -> Iterator[str]:
    for author in item.get("authors") or ():  # without a name there is only a mail address, which is nobody's business
        name = str(author.get("name") or "")
        # RSS 2.0 asks for `mail (name)`; feedparser takes it apart wrongly where the mail's domain has a long ending.
        yield name.partition("(")[2] if name.count("(") > name.count(")") else name


def _moment(item: Loose, language: str) -> datetime | None:
    """Give the publication date, else that of the last change; a date without a zone counts as UTC."""
    tags = [tag for tag in (str(_detail(item, "title").get("language") or ""), language) if tag]
    for name in ("published", "updated", "created"):
        text = item.get(name) if name in item else None  # unasked, feedparser gives one date for another
        if isinstance(text, str) and (moment := read_moment(text, tags)):
            return plausible(moment.at)
    return None


def _interval(feed: Loose) -> float | None:
    """Read how often the feed changes: sy:updatePeriod with its frequency (RSS 1.0 module), or ttl in minutes."""
    period = _PERIODS.get(_text(feed, "sy_updateperiod").strip().lower())
    if period:
        return period / max(1.0, _number(_text(feed, "sy_updatefrequency")))
    return 60 * _number(_text(feed, "ttl")) or None


def _number(text: str) -> float:
    """Read a plain positive number of up to six digits; 0 for anything else."""
    digits = text.strip()
    return float(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 6 else 0.0


def _is_html(holder: Loose, name: str) -> bool:
    return bool(_detail(holder, name).get("type") != "text/plain")


def _detail(holder: Loose, name: str) -> Loose:
    return holder.get(f"{name}_detail") or {}


def _text(holder: Loose, name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""
