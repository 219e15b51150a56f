"""Feed lists: TOML and OPML, in and out, one `Feed` each.

TOML is the form to write by hand:

    [[feed]]
    url = "https://example.org/feed.xml"
    title = "The Example"       # all but the url may be left out
    source = "example"
    language = "en"

OPML (http://opml.org/spec2.opml) is the form to exchange with feed readers; folders are flattened, and what OPML has
no word for travels in attributes of the same names. A list in TOML was written for the river, so one wrong entry
refuses it; of one in OPML, which other programs write, the good entries are taken and the others named.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree
from pydantic import ValidationError

from pipelines import charset
from pipelines.errors import FeedFault, FeedListError, Poison
from pipelines.feeds.opml import Outline, outlines
from pipelines.markup import root_of
from pipelines.redaction import redacted, split_credentials, with_credentials, without_credentials
from pipelines.sandbox import Limits, Sandbox, work
from pipelines.urls import fetchable_url
from schemas.records import Feed

MAX_BYTES = 16_000_000
"""A larger file is no feed list."""

_LIMITS = Limits(cpu_seconds=10, memory_mb=512, wall_seconds=50)
_OPML_NAMES = {"xmlurl": "url", "title": "title", "text": "title"}
_PLAIN = {"source": str, "language": str, "paused": bool, "interval_seconds": float}
_LANGUAGE = re.compile("[a-z]{2,3}")
_FEED_SCHEME = re.compile(r"^(?:feed|rss|pcast|itpc):(?:(?://)?(https?://)|//)?", re.IGNORECASE)
"""What feed readers put before an address, or in place of its scheme."""
_NOT_LISTED = {"lists", "credentials"}
"""Fields that no list has by their name: the river's own, and what stands in the address."""
_KEYS = Feed.model_fields.keys() - _NOT_LISTED
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class FeedList:
    """What a list holds.

    Attributes:
        feeds: the feeds that can be asked.
        problems: what is wrong with the other entries, or was left out of one, each in one line with file and line.
    """

    feeds: tuple[Feed, ...]
    problems: tuple[str, ...] = ()


def read_lists(paths: Iterable[Path]) -> FeedList:
    """Read several lists into one; of two entries with the same URL the first counts.

    Raises:
        FeedListError: a list cannot be read; the message names the file and the entry.
    """
    found: dict[str, Feed] = {}
    problems: list[str] = []
    with closing(Sandbox(_LIMITS)) as sandbox:
        for path in paths:
            listed = _read(path, sandbox)
            problems += listed.problems
            for feed in listed.feeds:
                found.setdefault(feed.url, feed)
    return FeedList(tuple(found.values()), tuple(problems))


def read_feed_list(path: Path) -> FeedList:
    """Read one list, TOML or OPML by its content, in the sandbox: it may be a stranger's.

    Raises:
        FeedListError: as `from_bytes`, or the file cannot be read, or not within the limits.
    """
    with closing(Sandbox(_LIMITS)) as sandbox:
        return _read(path, sandbox)


def _read(path: Path, sandbox: Sandbox) -> FeedList:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _error(str(path), f"cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise _error(str(path), f"is larger than {MAX_BYTES / 1e6:g} MB")
    try:
        return sandbox.call(work.read_feed_list, data, str(path))
    except Poison as poison:
        raise _error(str(path), f"cannot be read: {poison.message}") from None


def from_bytes(data: bytes, name: str) -> FeedList:
    """Read a list, TOML or OPML by its content. Pure.

    Args:
        data: the file's bytes.
        name: its name, for errors.

    Raises:
        FeedListError: as `from_toml` and `from_opml`.
    """
    text = charset.decode(data).lstrip("\ufeff \t\r\n\0")
    return from_opml(data, name) if text.startswith("<") else FeedList(tuple(from_toml(data, name)))


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
    except (ValueError, RecursionError) as error:  # broken TOML, broken UTF-8, numbers and nesting beyond all measure
        raise _error(name, f"is neither TOML nor OPML: {error}") from None
    entries = document.get("feed")
    if not isinstance(entries, list) or set(document) != {"feed"} or not entries:
        raise _error(name, 'holds no feed, or something other than [[feed]] tables with url = "..."')
    return [_feed(entry if isinstance(entry, dict) else {}, name, f"entry {at}") for at, entry in enumerate(entries, 1)]


def from_opml(data: bytes, name: str) -> FeedList:
    """Read an OPML list; an outline without `xmlUrl` is a folder or a note.

    Args:
        data: the file's bytes.
        name: its name, for errors.

    Raises:
        FeedListError: it is no OPML, or none of its entries is a feed.
    """
    text = charset.decode(data)
    root = root_of(text)
    if root != "opml":
        raise _error(name, f"is no OPML but <{root}>" if root else "is no OPML: it has no element")
    feeds: list[Feed] = []
    problems: list[str] = []
    for outline in outlines(text):
        if not outline.broken and "xmlurl" not in outline.attributes:
            continue
        try:
            feeds.append(_from_outline(outline, name, problems))
        except FeedListError as error:
            problems.append(error.message)
    if not feeds:
        why = f"{problems[0]}; no other entry is a feed" if problems else ""
        raise FeedListError(why, resource=name) if why else _error(name, "holds no feed")
    return FeedList(tuple(feeds), tuple(problems))


def to_toml(feeds: Iterable[Feed], *, secrets: bool = False) -> str:
    """Write a TOML list, credentials only with `secrets`; `from_toml` gives the same feeds again."""
    tables = []
    for feed in feeds:
        values = {**feed.model_dump(exclude_defaults=True, exclude=_NOT_LISTED), "url": _address(feed, secrets)}
        # JSON's strings, numbers and booleans are TOML's, but for the one control character JSON leaves bare.
        lines = [
            f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f")
            for key, value in values.items()
        ]
        tables.append("\n".join(["[[feed]]", *lines, ""]))
    return "\n".join(tables)


def to_opml(feeds: Iterable[Feed], title: str = "Newsriver", *, secrets: bool = False) -> str:
    """Write an OPML 2.0 list, credentials only with `secrets`; `from_opml` gives the same feeds again."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body = etree.SubElement(root, "body")
    for feed in feeds:
        attributes = {"type": "rss", "text": feed.title or feed.url, "xmlUrl": _address(feed, secrets)}
        if feed.title:
            attributes["title"] = feed.title
        kept = feed.model_dump(exclude_defaults=True, include=set(_PLAIN))
        attributes |= {key: json.dumps(value) if not isinstance(value, str) else value for key, value in kept.items()}
        # No XML can hold them, not even escaped (XML 1.0, 2.2).
        etree.SubElement(body, "outline", {key: _NO_XML.sub("\ufffd", value) for key, value in attributes.items()})
    return etree.tostring(root, encoding="unicode", pretty_print=True)


def _address(feed: Feed, secrets: bool) -> str:
    if feed.credentials is None or not secrets:
        return feed.url
    return with_credentials(feed.url, feed.credentials.get_secret_value())


def feed_of(values: Mapping[str, Any]) -> Feed:
    """Make one feed from its fields; credentials in its address are kept apart from it.

    Raises:
        FeedListError: its URL cannot be asked, or a field is wrong.
    """
    return _feed(values, "", "")


def _from_outline(outline: Outline, name: str, problems: list[str]) -> Feed:
    """Make a feed of an outline; what is left out of it is said in `problems`."""
    place = f"line {outline.line}"
    if outline.broken:
        raise _error(name, f"{place}: outline without an end")
    found: dict[str, Any] = {}
    for attribute, key in _OPML_NAMES.items():
        if (said := outline.attributes.get(attribute, "").strip()) and key not in found:
            found[key] = said
    found["url"] = _FEED_SCHEME.sub(_web_address, found.get("url", ""))
    # OPML demands a text, and readers put the address there, with its credentials.
    addresses = {found["url"], outline.attributes["xmlurl"].strip()}
    if found.get("title") in addresses | {without_credentials(each) for each in addresses}:
        found.pop("title", None)
    for key, kind in _PLAIN.items():
        if said := outline.attributes.get(key, ""):
            found[key] = said if kind is str else _json(said)
    if language := found.pop("language", None):
        code = re.split("[-_]", language.strip().lower())[0]
        if _LANGUAGE.fullmatch(code):
            found["language"] = code
        else:
            shown = redacted(found["url"])[:200]
            problems.append(f"feed list {name} {place} ({shown}): no language {language[:50]!r}; left out")
    return _feed(found, name, place)


def _web_address(scheme: re.Match[str]) -> str:
    return scheme[1] or "http://"


def _json(text: str) -> Any:  # noqa: ANN401 - what an attribute may hold; pydantic checks it next
    try:
        return json.loads(text)
    except ValueError:
        return text


def _feed(values: Mapping[str, Any], name: str, place: str) -> Feed:
    url = str(values.get("url", "")).strip()
    # Masked before it is cut, or half a password would be left of an address.
    where = (place if name else "feed") + (f" ({redacted(url)[:200]})" if url else "")
    if not url:
        raise _error(name, f"{where} has no url")
    unknown = [key for key in values if key not in _KEYS]
    if unknown:
        near = difflib.get_close_matches(unknown[0], _KEYS, n=1)
        raise _error(name, f"{where} has an unknown key {unknown[0]}" + (f"; did you mean {near[0]}?" if near else ""))
    try:
        fetchable_url(url)
        bare, credentials = split_credentials(url)
        return Feed.model_validate({**values, "url": bare, "credentials": credentials or None})
    except FeedFault as fault:
        raise _error(name, f"{where} is {fault.message}") from None
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise _error(name, f"{where}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None


def _error(name: str, why: str) -> FeedListError:
    return FeedListError(f"feed list {name} {why}" if name else why, resource=name)
