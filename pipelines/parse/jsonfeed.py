"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pipelines.errors import FeedFault
from pipelines.parse.feed import Collector, Draft, ParsedFeed, address, language_code, plausible
from pipelines.parse.text import MAX_TITLE, plain

_VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/(\d)")
_ITEMS = re.compile(r'"items"\s*:\s*\[')


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
    for item in items:
        if isinstance(item, dict):
            found.add(_draft(item))
    return ParsedFeed(
        entries=tuple(found.entries.values()),
        refused=tuple(found.refused.values()),
        title=plain(_text(document.get("title")), html=False, limit=MAX_TITLE),
        language=language_code(_text(document.get("language"))),
        format=f"json{version[1]}" if version else "json",
        notes=notes,
        hub=address(url, _hubs(document)),
        self_url=address(url, [_text(document.get("feed_url"))]),
    )


def _document(text: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {"items": list(_whole_items(text)), **_head(text)}, ("truncated",)
    return (document if isinstance(document, dict) else {}), ()


def _whole_items(text: str) -> Iterable[dict[str, Any]]:
    """Give the items before the place where the text breaks off."""
    start = _ITEMS.search(text)
    decoder = json.JSONDecoder()
    place = start.end() if start else len(text)
    while True:
        place += len(text[place:]) - len(text[place:].lstrip(" \t\r\n,"))
        try:
            item, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return
        if isinstance(item, dict):
            yield item


def _head(text: str) -> dict[str, Any]:
    version = _VERSION.search(text[:2000])
    return {"version": version[0]} if version else {}


def _draft(item: dict[str, Any]) -> Draft:
    guid = _text(item.get("id"))
    # The permalink; external_url is what a link blog points at, not its own page.
    link = _text(item.get("url")) or (guid if guid.startswith(("http://", "https://")) else "")
    markup = _text(item.get("content_html"))
    summary = _text(item.get("summary")) or _text(item.get("content_text"))
    return Draft(
        link=link or _text(item.get("external_url")),
        guid=guid,
        title=_text(item.get("title")),
        title_is_html=False,
        summary=summary or markup,
        summary_is_html=not summary,
        authors=list(_authors(item)),
        categories=[tag for tag in _list(item.get("tags")) if isinstance(tag, str)],
        published_at=_moment(item.get("date_published")) or _moment(item.get("date_modified")),
    )


def _authors(item: dict[str, Any]) -> Iterable[str]:
    for author in [*_list(item.get("authors")), item.get("author")]:
        if isinstance(author, dict):
            yield _text(author.get("name"))


def _hubs(document: dict[str, Any]) -> Iterable[str]:
    for hub in _list(document.get("hubs")):
        if isinstance(hub, dict) and _text(hub.get("type")).lower() == "websub":
            yield _text(hub.get("url"))


def _moment(value: object) -> datetime | None:
    """Read an RFC 3339 date; one without a zone counts as UTC."""
    try:
        moment = datetime.fromisoformat(_text(value).strip())
    except ValueError:
        return None
    return plausible(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
