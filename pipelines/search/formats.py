"""Articles found -> NDJSON, CSV, RSS, Atom and JSON Feed. Pure; the commands and the HTTP API use the same.

An article is the JSON object that `to_json()` of a hit gives: the fields of the record `Article`, and what a search
adds to it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Any

import orjson
from lxml import etree

Found = Mapping[str, Any]
"""One article that was found, as JSON."""


class Format(StrEnum):
    """How an answer is written."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    RSS = "rss"
    ATOM = "atom"
    JSONFEED = "jsonfeed"


MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.NDJSON: "application/x-ndjson",
    Format.CSV: "text/csv; charset=utf-8; header=present",
    Format.RSS: "application/rss+xml; charset=utf-8",
    Format.ATOM: "application/atom+xml; charset=utf-8",
    Format.JSONFEED: "application/feed+json",
}

CSV_COLUMNS = (
    *("id", "url", "title", "source", "published_at", "first_seen", "fetched_at", "language", "topics", "authors"),
    *("words", "rights", "license", "free", "gone_at", "summary"),
)
"""The columns of CSV: all but the text itself and what explains the rank."""

_ATOM = "http://www.w3.org/2005/Atom"
_DEFAULT: Any = {None: _ATOM}  # the stubs know named prefixes only
_ENTRY_CHARACTERS = 600
# Spreadsheets run a cell that begins so as a formula (OWASP, CSV injection); full-width forms count in some locales.
_FORMULA = re.compile(r"[\s\x00-\x1f]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class FeedFacts:
    """What a feed says of itself.

    Attributes:
        title: for people.
        page: address of the page that shows the same search.
        address: address of the feed itself.
        made_at: when the answer was made; it stands for an answer without articles.
    """

    title: str
    page: str
    address: str
    made_at: datetime


def ndjson_line(article: Found) -> bytes:
    """Give one article as a line of NDJSON, its end included."""
    return orjson.dumps(article) + b"\n"


def csv_lines(articles: Iterable[Found]) -> Iterator[str]:
    """Give a header, then a line for each article (RFC 4180); cells that a spreadsheet would run begin with `'`."""
    yield csv_header()
    for article in articles:
        yield csv_line(article)


def csv_header() -> str:
    """Give the line with the names of the columns."""
    return _csv(CSV_COLUMNS)


def csv_line(article: Found) -> str:
    """Give one article as a line of CSV."""
    return _csv([defused(_cell(article.get(column))) for column in CSV_COLUMNS])


def defused(cell: str) -> str:
    """Give a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _csv(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "; ".join(str(item.get("label", "")) if isinstance(item, Mapping) else str(item) for item in value)
    return str(value)


def rss(facts: FeedFacts, articles: Iterable[Found]) -> bytes:
    """Give RSS 2.0 (https://www.rssboard.org/rss-specification), with the feed's own address as the board advises."""
    root = etree.Element("rss", {"version": "2.0"}, nsmap={"atom": _ATOM})
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", facts.title)
    _add(channel, "link", facts.page)
    _add(channel, "description", f"Articles found by Newsriver: {facts.title}")
    etree.SubElement(channel, f"{{{_ATOM}}}link", rel="self", type="application/rss+xml", href=_xml(facts.address))
    _add(channel, "lastBuildDate", format_datetime(facts.made_at))
    for article in articles:
        item = etree.SubElement(channel, "item")
        _add(item, "title", _escaped(article["title"]))
        _add(item, "link", article["url"])
        _add(item, "guid", article["id"]).set("isPermaLink", "false")
        _add(item, "pubDate", format_datetime(_dated(article)))
        _add(item, "description", _escaped(_summary(article)))
        for label in _labels(article):
            _add(item, "category", label)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def atom(facts: FeedFacts, articles: Iterable[Found]) -> bytes:
    """Give Atom (RFC 4287): an entry's id is the article's canonical URL, `updated` is its newest version's time."""
    feed, found = etree.Element(f"{{{_ATOM}}}feed", nsmap=_DEFAULT), list(articles)
    _add(feed, f"{{{_ATOM}}}title", facts.title)
    _add(feed, f"{{{_ATOM}}}id", facts.address)
    etree.SubElement(feed, f"{{{_ATOM}}}link", rel="self", href=_xml(facts.address))
    etree.SubElement(feed, f"{{{_ATOM}}}link", rel="alternate", href=_xml(facts.page))
    _add(feed, f"{{{_ATOM}}}updated", max([_changed(each) for each in found], default=facts.made_at).isoformat())
    for article in found:
        entry = etree.SubElement(feed, f"{{{_ATOM}}}entry")
        _add(entry, f"{{{_ATOM}}}title", article["title"])
        _add(entry, f"{{{_ATOM}}}id", article["url"])
        etree.SubElement(entry, f"{{{_ATOM}}}link", rel="alternate", href=_xml(article["url"]))
        _add(entry, f"{{{_ATOM}}}updated", _changed(article).isoformat())
        _add(entry, f"{{{_ATOM}}}published", _dated(article).isoformat())
        for name in article.get("authors") or [article["source"]]:
            _add(etree.SubElement(entry, f"{{{_ATOM}}}author"), f"{{{_ATOM}}}name", name)
        for label in _labels(article):
            etree.SubElement(entry, f"{{{_ATOM}}}category", term=_xml(label))
        _add(entry, f"{{{_ATOM}}}summary", _summary(article))
    return etree.tostring(feed, encoding="utf-8", xml_declaration=True)


def jsonfeed(facts: FeedFacts, articles: Iterable[Found]) -> bytes:
    """Give a JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""
    items = [
        {
            "id": article["id"],
            "url": article["url"],
            "title": article["title"],
            "content_text": _summary(article),
            "date_published": _dated(article).isoformat(),
            "date_modified": _changed(article).isoformat(),
            "authors": [{"name": name} for name in article.get("authors") or [article["source"]]],
            "tags": _labels(article),
            "language": article["language"],
        }
        for article in articles
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": facts.title,
        "home_page_url": facts.page,
        "feed_url": facts.address,
        "items": items,
    }
    return orjson.dumps(feed)


def _add(parent: etree._Element, name: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, name)
    element.text = _xml(text)
    return element


def _xml(text: str) -> str:
    """Leave out what no XML 1.0 document may hold, however it is written."""
    return _NOT_XML.sub("", text)


def _escaped(text: str) -> str:
    """Escape what readers of RSS take for HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _summary(article: Found) -> str:
    """Give the standfirst, or the beginning of the text where there is none."""
    text = str(article.get("summary") or article.get("body") or "")
    return text if len(text) <= _ENTRY_CHARACTERS else text[:_ENTRY_CHARACTERS].rsplit(" ", 1)[0] + " …"


def _labels(article: Found) -> list[str]:
    return [str(topic["label"]) for topic in article.get("topics") or []]


def _dated(article: Found) -> datetime:
    return _time(article.get("published_at") or article["first_seen"])


def _changed(article: Found) -> datetime:
    return _time(article.get("updated_at") or article["fetched_at"])


def _time(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)
