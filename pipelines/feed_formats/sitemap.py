"""Sitemaps, those of Google News, and sitemap indexes (https://www.sitemaps.org/protocol.html, 0.9). Pure.

Elements are told by their local names and places: many sites leave the namespaces out or have them wrong. Reading
ends at the first place where the markup breaks; what stands before it is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from xml.parsers import expat

from pipelines.dates import read_moment
from pipelines.errors import FeedFault
from pipelines.feed_formats.feed import Child, Collector, EntryDraft, ParsedFeed, language_code, plausible
from pipelines.feed_formats.text import plain
from pipelines.urls import fetchable_url
from schemas.records.base import MAX_TITLE

SITEMAP_ROOTS = frozenset({"urlset", "sitemapindex"})

SMALL = 1000
"""Entries without any date count in a map of at most so many: as many as a news sitemap may have by Google's rule."""

MOST_ROWS = 50_000
"""Addresses that a sitemap, or an index, may have by the protocol; those beyond are counted and not taken."""

_MAX_TEXT = 8192
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_ROOT_END = re.compile(r"</(?:[\w.-]+:)?(?:urlset|sitemapindex)\s*>", re.IGNORECASE)
_FIELDS = {
    ("loc",): "loc",
    ("lastmod",): "lastmod",
    ("news", "title"): "title",
    ("news", "publication_date"): "published",
    ("news", "keywords"): "keywords",
    ("news", "publication", "language"): "language",
    ("news", "publication", "name"): "name",
}
_DEEPEST = 2 + max(map(len, _FIELDS))
_ROWS = {"url": "urlset", "sitemap": "sitemapindex"}

Row = dict[str, str]
"""The texts of one <url> or <sitemap>, by the names in `_FIELDS`."""


def read_sitemap(text: str, url: str, since: datetime | None = None) -> ParsedFeed:
    """Read a sitemap or a sitemap index.

    Args:
        text: the document, decoded.
        url: where it came from, for errors; relative addresses are refused, as the protocol says.
        since: entries older than this are left out, and so are undated ones of a map larger than `SMALL`; None takes
            all. Of a sitemap the date of the news counts, or else the last change.

    Raises:
        FeedFault: it has no root element of either kind, or declares entities (`not-a-feed`).
    """
    found, notes = _rows(text, url)
    if found.root == "sitemapindex":
        return _index(found.rows, notes)
    return _map(found.rows, notes, since)


def _map(rows: list[Row], notes: tuple[str, ...], since: datetime | None) -> ParsedFeed:
    collector, left_out = Collector(base=""), Counter[str]()
    for row in rows:
        moment, whole_day = _moment(row.get("published", ""))
        if moment is None:
            moment, whole_day = _moment(row.get("lastmod", ""))
        if since is not None and moment is None and len(rows) > SMALL:
            left_out["undated"] += 1
        elif since is not None and moment is not None and moment + timedelta(days=int(whole_day)) < since:
            left_out["old"] += 1
        else:
            collector.add(_draft(row, moment))
    names = (row["name"] for row in rows if row.get("name"))
    languages = Counter(code for row in rows if (code := language_code(row.get("language"))))
    return ParsedFeed(
        entries=tuple(collector.entries.values()),
        refused=tuple(collector.refused.values()),
        title=plain(next(names, ""), html=False, limit=MAX_TITLE),
        language=languages.most_common(1)[0][0] if languages else None,
        format="sitemap",
        notes=(*notes, *collector.notes(), *_counted(left_out)),
    )


def _index(rows: list[Row], notes: tuple[str, ...]) -> ParsedFeed:
    children: dict[str, Child] = {}
    refused = Counter[str]()
    for row in rows:
        link = row.get("loc", "").strip()
        try:
            address = fetchable_url(link)
        except FeedFault as fault:
            refused[f"refused-child {fault.reason if link else 'no-link'}"] += 1
            continue
        changed_at, whole_day = _moment(row.get("lastmod", ""))
        children.setdefault(address, Child(url=address, changed_at=changed_at, whole_day=whole_day))
    return ParsedFeed(
        entries=(),
        format="sitemap-index",
        notes=(*notes, *_counted(refused)),
        children=tuple(children.values()),
    )


def _draft(row: Row, moment: datetime | None) -> EntryDraft:
    return EntryDraft(
        link=row.get("loc", ""),
        title=row.get("title", ""),
        categories=[word for part in row.get("keywords", "").split(",") if (word := part.strip())],
        published_at=moment,
        language=language_code(row.get("language")),
    )


def _counted(numbers: Counter[str]) -> Iterator[str]:
    return (f"{name}: {number}" for name, number in sorted(numbers.items()))


@dataclass
class _Found:
    """Takes in the events of a parser and keeps the rows that are whole."""

    root: str = ""
    rows: list[Row] = field(default_factory=list)
    beyond: int = 0
    ended: bool = False
    _path: list[str] = field(default_factory=list)
    _row: Row | None = None
    _text: list[str] = field(default_factory=list)
    _length: int = 0

    def start(self, name: str, _: object) -> None:
        local = name.rpartition(":")[2].lower()
        self._path.append(local)
        self._text, self._length = [], 0
        if len(self._path) == 1:
            self.root = local
        elif len(self._path) == 2 and _ROWS.get(local) == self.root:
            self._row = {}

    def text(self, data: str) -> None:
        if self._row is not None and self._length < _MAX_TEXT:
            self._text.append(data)
            self._length += len(data)

    def end(self, _: str) -> None:
        depth = len(self._path)
        if self._row is not None and depth == 2:
            if len(self.rows) < MOST_ROWS:
                self.rows.append(self._row)
            else:
                self.beyond += 1
            self._row = None
        elif self._row is not None and depth <= _DEEPEST and (field_name := _FIELDS.get(tuple(self._path[2:]))):
            self._row.setdefault(field_name, "".join(self._text)[:_MAX_TEXT])
        self._path.pop()
        self.ended = not self._path


def _rows(text: str, url: str) -> tuple[_Found, tuple[str, ...]]:
    """Read as far as the markup holds, if need be with the commonest defects mended, and say how well that went."""
    found, state = _read(text, url)
    return found, (*state, f"beyond-the-limit: {found.beyond}") if found.beyond else state


def _read(text: str, url: str) -> tuple[_Found, tuple[str, ...]]:
    found, whole = _parsed(text, url)
    if whole:
        return found, ()
    mended, mended_whole = _parsed(_BARE_AMPERSAND.sub("&amp;", _CONTROL.sub("", text)), url)
    if len(mended.rows) >= len(found.rows):
        found, whole = mended, mended_whole
    if found.root not in SITEMAP_ROOTS:
        raise FeedFault("no sitemap: its markup breaks before the first element", reason="not-a-feed", resource=url)
    return found, ("malformed",) if whole or _ROOT_END.search(text, max(0, len(text) - _MAX_TEXT)) else ("truncated",)


def _parsed(text: str, url: str) -> tuple[_Found, bool]:
    found = _Found()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.CharacterDataHandler = found.text
    parser.EntityDeclHandler = _no_entities(url)
    try:
        parser.Parse(text.encode("utf-8", "replace").decode("utf-8"), True)
    except expat.ExpatError:
        return found, found.ended and found.root in SITEMAP_ROOTS  # what follows the root is no part of the map
    return found, True


def _no_entities(url: str) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise FeedFault("sitemap declares entities", reason="not-a-feed", resource=url)

    return refuse


def _moment(text: str) -> tuple[datetime | None, bool]:
    """Read a W3C date (https://www.w3.org/TR/NOTE-datetime), or another form, and say whether it names a whole day.

    Without a zone it counts as UTC. A year and month, or a date far from any article's, is none.
    """
    moment = read_moment(text)
    found = plausible(moment.at) if moment else None
    return found, found is not None and moment is not None and not moment.timed
