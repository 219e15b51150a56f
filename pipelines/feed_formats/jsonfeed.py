"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pipelines.dates import read_moment
from pipelines.errors import FeedFault
from pipelines.feed_formats.feed import Collector, EntryDraft, ParsedFeed, address, language_code, plausible
from pipelines.feed_formats.text import plain
from schemas.records.base import MAX_TITLE

_VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/(\d)")
_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can name half a character, which no text can hold
_ITEMS = re.compile(r'"items"\s*:\s*\[')
_BETWEEN = re.compile(r"[ \t\r\n,]*+")


def read_json(text: str, url: str) -> ParsedFeed:
    """Read a JSON Feed; of one that ends early, the items that are whole.

    Raises:
        FeedFault: it is JSON of another kind, or none (`not-a-feed`).
    """
    document, notes = _document(text)
    version = _VERSION.match(_text(document.get("version")))
    items = document.get("items")
    if not isinstance(items, list) or not (version or notes or document.get("feed_url") or document.get("title")):
        raise FeedFault("JSON, but no JSON Feed", reason="not-a-feed", resource=url)
    found = Collector(url)
    tag = _text(document.get("language"))
    for item in items:
        if isinstance(item, dict):
            found.add(_draft(item, tag))
    return ParsedFeed(
        entries=tuple(found.entries.values()),
        refused=tuple(found.refused.values()),
        title=plain(_text(document.get("title")), html=False, limit=MAX_TITLE),
        language=language_code(tag),
        format=f"json{version[1]}" if version else "json",
        notes=(*notes, *found.notes()),
        hub=address(url, _hubs(document)),
        self_url=address(url, [_text(document.get("feed_url"))]),
    )


def _document(text: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    try:
        document = json.loads(text, strict=False)  # raw line ends and tabs in strings are common
    except (ValueError, RecursionError):
        return {"items": list(_whole_items(text)), **_head(text)}, ("truncated",)
    return (document if isinstance(document, dict) else {}), ()


def _whole_items(text: str) -> Iterable[dict[str, Any]]:
    """Give the items before the place where the text breaks off."""
    start = _ITEMS.search(text)
    decoder = json.JSONDecoder(strict=False)
    place = start.end() if start else len(text)
    while blank := _BETWEEN.match(text, place):
        try:
            item, place = decoder.raw_decode(text, blank.end())
        except (ValueError, RecursionError):
            return
        if isinstance(item, dict):
            yield item


def _head(text: str) -> dict[str, Any]:
    version = _VERSION.search(text[:2000])
    return {"version": version[0]} if version else {}


def _draft(item: dict[str, Any], language: str) -> EntryDraft:
    guid = _text(item.get("id"))
    # The permalink first; external_url is what a link blog points at, not its own page.
    permalink = guid if guid.lower().startswith(("http://", "https://")) else ""
    links = [link for link in (_text(item.get("url")), permalink, _text(item.get("external_url"))) if link]
    markup = _text(item.get("content_html"))
    summary = _text(item.get("summary")) or _text(item.get("content_text"))
    return EntryDraft(
        link=links[0] if links else "",
        others=links[1:],
        guid=guid,
        title=_text(item.get("title")),
        title_is_html=False,
        summary=summary or markup,
        summary_is_html=not summary,
        authors=list(_authors(item)),
        categories=[tag for tag in _list(item.get("tags")) if isinstance(tag, str)],
        published_at=_moment(item.get("date_published"), item, language)
        or _moment(item.get("date_modified"), item, language),
    )


def _authors(item: dict[str, Any]) -> Iterable[str]:
    authors = item.get("authors")
    for author in [*(_list(authors) or [authors]), item.get("author")]:
        yield _text(author.get("name")) if isinstance(author, dict) else _text(author)


def _hubs(document: dict[str, Any]) -> Iterable[str]:
    for hub in _list(document.get("hubs")):
        if isinstance(hub, dict) and _text(hub.get("type")).lower() == "websub":
            yield _text(hub.get("url"))


def _moment(value: object, item: dict[str, Any], language: str) -> datetime | None:
    """Read a date: RFC 3339 by the standard, but others are common; one without a zone counts as UTC."""
    tags = [tag for tag in (_text(item.get("language")), language) if tag]
    moment = read_moment(_text(value), tags)
    return plausible(moment.at) if moment else None


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return _SURROGATE.sub("\ufffd", str(value))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
