"""What a feed holds, in our words, and the rules that every format's entries pass. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urljoin

from pipelines.errors import FeedFault
from pipelines.feed_formats.links import resolved
from pipelines.feed_formats.text import plain
from pipelines.redaction import redacted, without_credentials
from pipelines.urls import article_id, canonical_url, fetchable_url
from schemas.records.base import MAX_NAME, MAX_NAMES, MAX_SUMMARY, MAX_TITLE

MOST_ENTRIES = 10_000
"""Entries of one document that are taken, those that lead nowhere among them; the others are counted."""

_MAX_GUID = 500
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_].*)?")
_OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
_NEWEST = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEntry:
    """One usable entry.

    Attributes:
        id: article id of the canonical URL.
        url: canonical URL.
        link: absolute URL as the feed gives it.
        title: plain text, at most 500 characters.
        summary: plain text, at most 2,000 characters.
        authors: names, at most 30.
        categories: names, at most 30.
        published_at: publication date, else date of the last change, in UTC.
        language: ISO 639 code where the entry itself names one, as in a news sitemap; else None.
        guid: what the feed calls it by (guid, id), at most 500 characters; empty where it has no such name.
    """

    id: str
    url: str
    link: str
    title: str
    summary: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    published_at: datetime | None
    language: str | None = None
    guid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEntry:
    """One entry that leads nowhere.

    Attributes:
        identity: what tells it from others in its feed: link, guid or title.
        title: plain text.
        reason: `no-link`, or why its link is no address of a page, as `canonical_url` names it.
    """

    identity: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One sitemap that a sitemap index names.

    Attributes:
        url: its address.
        changed_at: when it changed last by the index's word, in UTC, or None; of a bare date its first moment.
        whole_day: whether that is a bare date, so that it may have changed at any time of the day.
    """

    url: str
    changed_at: datetime | None = None
    whole_day: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """A feed's entries in its own order, and what it says about itself.

    Attributes:
        entries: usable ones; one article appears once.
        refused: the others.
        title: plain text.
        language: ISO 639 code, or None.
        interval_seconds: how often it changes by its own word (RSS ttl, sy:updatePeriod), or None.
        format: short name such as `rss20`, `atom10`, `json1`, `sitemap`, `sitemap-index`.
        notes: `truncated`: it ends early and only whole entries are here; `malformed`: its markup is broken;
            `too-many-entries: N`: so many beyond the first `MOST_ENTRIES` were not taken. Of a sitemap `old: N` and
            `undated: N`: so many were not taken; of an index `refused-child <reason>: N`.
        children: the sitemaps that a sitemap index names, in its order, each once.
        hub: its WebSub hub (rel=hub), the first where it names several, or None.
        self_url: its own address by its own word (rel=self), or None.
    """

    entries: tuple[ParsedEntry, ...]
    refused: tuple[RefusedEntry, ...] = ()
    title: str = ""
    language: str | None = None
    interval_seconds: float | None = None
    format: str = ""
    notes: tuple[str, ...] = ()
    children: tuple[Child, ...] = ()
    hub: str | None = None
    self_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """An entry as a format's reader found it, before it is checked; texts may hold markup where `html` says so."""

    link: str = ""
    others: Iterable[str] = ()  # links to take where `link` leads to no page
    guid: str = ""
    title: str = ""
    title_is_html: bool = True
    summary: str = ""
    summary_is_html: bool = True
    authors: Iterable[str] = ()
    categories: Iterable[str] = ()
    published_at: datetime | None = None
    language: str | None = None


@dataclass
class Collector:
    """Sorts drafts into usable and refused entries.

    Attributes:
        base: URL that relative links are resolved against; empty where they must be absolute.
    """

    base: str
    entries: dict[str, ParsedEntry] = field(default_factory=dict)
    refused: dict[str, RefusedEntry] = field(default_factory=dict)
    _beyond: int = 0

    def notes(self) -> tuple[str, ...]:
        """Say how many drafts were not looked at, where there were too many."""
        return (f"too-many-entries: {self._beyond}",) if self._beyond else ()

    def add(self, draft: EntryDraft) -> None:
        """Check one draft; of two with the same article the first stays."""
        if len(self.entries) + len(self.refused) >= MOST_ENTRIES:
            self._beyond += 1
            return
        title = plain(draft.title, html=draft.title_is_html, limit=MAX_TITLE)
        reason = "no-link"
        for candidate in (draft.link, *draft.others):
            link, url, fault = self._followed(candidate.strip())
            if url:
                break
            reason = fault if reason == "no-link" else reason
        else:
            self._refuse(draft, title, reason)
            return
        key = article_id(url)
        if key not in self.entries:
            self.entries[key] = ParsedEntry(
                id=key,
                url=url,
                link=link,
                title=title,
                summary=plain(draft.summary, html=draft.summary_is_html, limit=MAX_SUMMARY),
                authors=_names(draft.authors),
                categories=_names(draft.categories),
                published_at=draft.published_at,
                language=draft.language,
                guid=draft.guid.strip()[:_MAX_GUID],
            )

    def _followed(self, link: str) -> tuple[str, str, str]:
        """Give a link made absolute and its canonical form, or the reason why it leads to no page."""
        if not link:
            return "", "", "no-link"
        try:
            absolute = without_credentials(resolved(self.base, link))
            return absolute, canonical_url(absolute), ""
        except ValueError:
            return "", "", "bad-url"
        except FeedFault as fault:
            return "", "", fault.reason

    def _refuse(self, draft: EntryDraft, title: str, reason: str) -> None:
        identity = redacted(draft.link.strip() or draft.guid.strip() or title)
        self.refused.setdefault(identity, RefusedEntry(identity=identity[:500], title=title, reason=reason))


def address(base: str, links: Iterable[str]) -> str | None:
    """Give the first of some links that can be requested, or None."""
    for link in links:
        try:
            if link.strip():
                return fetchable_url(urljoin(base, link.strip()))
        except (ValueError, FeedFault):
            continue
    return None


def language_code(text: str | None) -> str | None:
    """Give the ISO 639 code of a language tag such as `en-GB`, or None where it is none."""
    match = _LANGUAGE.fullmatch((text or "").strip().lower())
    return match[1] if match else None


def plausible(moment: datetime | None) -> datetime | None:
    """Give a moment in UTC, or None where no article can be from then."""
    if moment is None:
        return None
    try:
        utc = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return utc if _OLDEST <= utc < _NEWEST else None


def _names(values: Iterable[str]) -> tuple[str, ...]:
    found = dict.fromkeys(plain(value, html=True, limit=MAX_NAME) for value in values)
    return tuple(name for name in found if name)[:MAX_NAMES]
