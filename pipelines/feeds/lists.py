"""Feed lists: TOML and OPML, in and out, one `Feed` each.

TOML is the form to write by hand:

    [[feed]]
    url = "https://example.org/feed.xml"
    title = "The Example"       # all but the url may be left out
    source = "example"
    language = "en"

OPML (http://opml.org/spec2.opml) is the form to exchange with feed readers; folders are flattened, and what OPML has
no word for travels in attributes of the same names.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lxml import etree
from pydantic import ValidationError

from pipelines.errors import FeedFault, FeedListError
from pipelines.urls import fetchable_url
from schemas.records import Feed

_OPML_NAMES = {"xmlUrl": "url", "title": "title", "text": "title"}
_PLAIN = {"source": str, "language": str, "paused": bool, "interval_seconds": float}
_NOT_LISTED = {"lists"}
"""Fields that the river keeps for itself: no list has them."""
_KEYS = Feed.model_fields.keys() - _NOT_LISTED


def read_lists(paths: Iterable[Path]) -> list[Feed]:
    """Read several lists into one; of two entries with the same URL the first counts.

    Raises:
        FeedListError: a list cannot be read; the message names the file and the entry.
    """
    found: dict[str, Feed] = {}
    for path in paths:
        for feed in read_feed_list(path):
            found.setdefault(feed.url, feed)
    return list(found.values())


def read_feed_list(path: Path) -> list[Feed]:
    """Read one list, TOML or OPML by its content.

    Raises:
        FeedListError: as `read_lists`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _error(str(path), f"cannot be read: {error.strerror}") from None
    return from_bytes(data, str(path))


def from_bytes(data: bytes, name: str) -> list[Feed]:
    """Read a list, TOML or OPML by its content.

    Args:
        data: the file's bytes.
        name: its name, for errors.

    Raises:
        FeedListError: as `from_toml` and `from_opml`.
    """
    is_xml = data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    return from_opml(data, name) if is_xml else from_toml(data, name)


def from_toml(data: bytes, name: str) -> list[Feed]:
    """Read a TOML list.

    Args:
        data: the file's bytes.
        name: its name, for errors.

    Raises:
        FeedListError: it is no TOML, holds no `[[feed]]`, or an entry is wrong.
    """
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _error(name, f"is neither TOML nor OPML: {error}") from None
    entries = document.get("feed")
    if not isinstance(entries, list) or set(document) != {"feed"}:
        raise _error(name, 'holds something other than [[feed]] tables with url = "..."')
    return [_feed(entry if isinstance(entry, dict) else {}, name, at) for at, entry in enumerate(entries, 1)]


def from_opml(data: bytes, name: str) -> list[Feed]:
    """Read an OPML list; an outline without `xmlUrl` is a folder or a note.

    Args:
        data: the file's bytes.
        name: its name, for errors.

    Raises:
        FeedListError: it is no XML, no OPML, or an entry is wrong.
    """
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _error(name, f"is no OPML: {error}") from None
    if etree.QName(root).localname != "opml":
        raise _error(name, f"is no OPML but <{etree.QName(root).localname}>")
    outlines = [outline for outline in root.iter("outline") if outline.get("xmlUrl") is not None]
    return [_feed(_from_outline(dict(outline.attrib)), name, at) for at, outline in enumerate(outlines, 1)]


def to_toml(feeds: Iterable[Feed]) -> str:
    """Write a TOML list; `from_toml` gives the same feeds again."""
    tables = []
    for feed in feeds:
        values = feed.model_dump(exclude_defaults=True, exclude=_NOT_LISTED)
        # JSON's strings, numbers and booleans are TOML's, but for the one control character JSON leaves bare.
        lines = [
            f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f")
            for key, value in values.items()
        ]
        tables.append("\n".join(["[[feed]]", *lines, ""]))
    return "\n".join(tables)


def to_opml(feeds: Iterable[Feed], title: str = "Newsriver") -> str:
    """Write an OPML 2.0 list; `from_opml` gives the same feeds again."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body = etree.SubElement(root, "body")
    for feed in feeds:
        attributes = {"type": "rss", "text": feed.title or feed.url, "xmlUrl": feed.url}
        if feed.title:
            attributes["title"] = feed.title
        kept = feed.model_dump(exclude_defaults=True, include=set(_PLAIN))
        attributes |= {key: json.dumps(value) if not isinstance(value, str) else value for key, value in kept.items()}
        etree.SubElement(body, "outline", attributes)
    return etree.tostring(root, encoding="unicode", pretty_print=True)


def feed_of(values: Mapping[str, Any]) -> Feed:
    """Make one feed from its fields.

    Raises:
        FeedListError: its URL cannot be asked, or a field is wrong.
    """
    return _feed(values, "", 1)


def _from_outline(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, key in _OPML_NAMES.items():
        if attributes.get(name) and key not in found:
            found[key] = str(attributes[name]).strip()
    if found.get("title") == found.get("url"):  # OPML demands a text
        found.pop("title", None)
    for key, kind in _PLAIN.items():
        text = attributes.get(key)
        if text:
            found[key] = text if kind is str else _json(str(text))
    if str(found.get("language", "")):
        found["language"] = str(found["language"]).partition("-")[0].lower()
    return found


def _json(text: str) -> Any:  # noqa: ANN401 - what an attribute may hold; pydantic checks it next
    try:
        return json.loads(text)
    except ValueError:
        return text


def _feed(values: Mapping[str, Any], name: str, at: int) -> Feed:
    url = str(values.get("url", "")).strip()
    where = (f"entry {at}" if name else "feed") + (f" ({url[:200]})" if url else "")
    if not url:
        raise _error(name, f"{where} has no url")
    unknown = [key for key in values if key not in _KEYS]
    if unknown:
        near = difflib.get_close_matches(unknown[0], _KEYS, n=1)
        raise _error(name, f"{where} has an unknown key {unknown[0]}" + (f"; did you mean {near[0]}?" if near else ""))
    try:
        fetchable_url(url)
        return Feed.model_validate({**values, "url": url})
    except FeedFault as fault:
        raise _error(name, f"{where} is {fault.message}") from None
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise _error(name, f"{where}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None


def _error(name: str, why: str) -> FeedListError:
    return FeedListError(f"feed list {name} {why}" if name else why, resource=name)
