"""Which sitemaps of an index are asked at a poll, and what is remembered of them. Pure: decides from data alone.

An index may name thousands of sitemaps, most of them archives. Those that changed long ago by the index's word are
passed over; of the others a few are asked at each poll, the one that waits longest first, and while some have to
wait the next poll comes soon. A sitemap is asked again when its date in the index has changed, and at each poll of a
day that the index gives as a bare date. One without a date is asked again at each poll while it has recent entries,
else once a day. An index within the index is asked again at each poll.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipelines.backoff import Backoff
from pipelines.feed_formats import Child, ParsedEntry, ParsedFeed
from schemas.records import FeedState, SitemapState

A_POLL = 5
"""Most sitemaps asked at one poll of an index."""

MOST_KNOWN = 500
"""Most sitemaps of one index that are remembered; one takes some 70 bytes."""

DEPTH = 2
"""An index may name indexes, and those may not: as deep as large sites go, though the protocol has one level only."""

_MOST_UNDATED = 200  # of those without a date: half from the top of the index, half from its end
_KEY_DIGITS = 16
_DAY = 86_400
_ZONES = timedelta(hours=12)  # a bare day may be over half a day later, where the site lives
_BACKOFF = Backoff(300.0, _DAY)
_MAX_VALIDATOR = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What asking one sitemap brought.

    Attributes:
        child: the sitemap.
        parsed: what it says; None when it failed or has not changed.
        failure: reason of its failure; empty when there was none.
        etag: the ETag it sent.
        last_modified: the Last-Modified it sent.
    """

    child: Child
    parsed: ParsedFeed | None = None
    failure: str = ""
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    child: Child
    depth: int


class Walk:
    """One poll's way through an index: gives the sitemaps to ask, takes what they brought.

    Args:
        index: the index as it was read.
        known: what is remembered of its sitemaps, by `key_of`.
        at: the present.
        since: what changed last before this is passed over.
    """

    def __init__(self, index: ParsedFeed, known: Mapping[str, SitemapState], at: datetime, since: datetime) -> None:
        self._index = index
        self._known = dict(known)
        self._at, self._since = at, since
        self._queue: deque[_Step] = deque()
        self._asked: list[Asked] = []
        self._steps: list[_Step] = []
        self._notes: list[str] = []
        self._enter(index.children, 1)

    def next(self) -> tuple[Child, SitemapState | None] | None:
        """Give the sitemap to ask next, with what is remembered of it; None when it is enough for this poll."""
        if not self._queue or len(self._steps) >= A_POLL:
            return None
        step = self._queue.popleft()
        self._steps.append(step)
        return step.child, self._known.get(key_of(step.child.url))

    def took(self, asked: Asked) -> None:
        """Take what the sitemap given last brought; the sitemaps of an index come next."""
        step = self._steps[-1]
        if asked.parsed is not None and asked.parsed.children:
            if step.depth < DEPTH:
                self._enter(asked.parsed.children, step.depth + 1)
            else:
                self._notes.append(f"nested-too-deep: {step.child.url}")
        self._asked.append(asked)

    def put_off(self) -> None:
        """Stop here: the host of the sitemap given last may not be asked now."""
        self._queue.appendleft(self._steps[-1])

    @property
    def left(self) -> int:
        """How many sitemaps are to be asked for the first time or for a change, and wait for the next poll."""
        return sum(1 for step in self._queue if is_news(step.child, self._known.get(key_of(step.child.url))))

    def known(self) -> dict[str, SitemapState]:
        """Give what to remember; the sitemaps asked longest ago are forgotten first."""
        after = dict(self._known)
        for each in self._asked:
            key = key_of(each.child.url)
            after[key] = _remembered(each, after.get(key), self._at, self._since)
        return dict(sorted(after.items(), key=lambda item: item[1].asked)[-MOST_KNOWN:])

    def feed(self) -> ParsedFeed:
        """Make one feed of the index and the sitemaps that were read."""
        return merged(self._index, self._asked, self._notes)

    def _enter(self, children: Sequence[Child], depth: int) -> None:
        found = due(children, self._known, self._at, self._since)
        self._queue.extendleft(_Step(child, depth) for child in reversed(found))


def oldest(at: datetime, days: float) -> datetime:
    """Give the moment before which an entry or a sitemap is passed over, at a poll."""
    return at - timedelta(days=days)


def key_of(url: str) -> str:
    """Give the key under which a sitemap is remembered."""
    return hashlib.blake2b(url.encode(), digest_size=_KEY_DIGITS // 2).hexdigest()


def due(children: Sequence[Child], known: Mapping[str, SitemapState], at: datetime, since: datetime) -> list[Child]:
    """Give the sitemaps that are to be asked, those never asked first, then the longest waiting.

    Args:
        children: as the index names them.
        known: what is remembered of them, by `key_of`.
        at: the present.
        since: those that changed last before this are passed over.
    """
    found = [child for child in _eligible(children, since) if _is_due(child, known.get(key_of(child.url)), at, since)]
    return sorted(found, key=lambda child: _waiting_since(known.get(key_of(child.url))))


def is_news(child: Child, known: SitemapState | None) -> bool:
    """Tell whether a sitemap should not wait for long: it was never asked, or its date has changed."""
    return known is None or (child.changed_at is not None and known.changed != _seconds(child) and not known.failures)


def needs_index(state: FeedState) -> bool:
    """Tell whether sitemaps are asked at the next poll even if their index has not changed: it must come whole."""
    return bool(state.sitemaps_left) or any(
        each.changed is None or each.newest is not None or each.failures for each in state.sitemaps.values()
    )


def merged(index: ParsedFeed, asked: Sequence[Asked], notes: Iterable[str] = ()) -> ParsedFeed:
    """Make one feed of an index and its sitemaps; of two entries with the same article the first stays.

    Where neither the index dates a sitemap nor the sitemap an entry, nothing tells news from archive: such entries
    are left out.

    Args:
        index: the index.
        asked: its sitemaps.
        notes: what else was odd.
    """
    read = [(each.child, _dated(each.child, each.parsed)) for each in asked if each.parsed is not None]
    entries: dict[str, ParsedEntry] = {}
    for entry in (entry for _, parsed in read for entry in parsed.entries):
        entries.setdefault(entry.id, entry)
    refused = {entry.identity: entry for _, parsed in read for entry in parsed.refused}
    failures = (f"{each.failure} from {each.child.url}" for each in asked if each.failure and each.parsed is None)
    oddities = (f"{note} in {child.url}" for child, parsed in read for note in parsed.notes)
    return replace(
        index,
        entries=tuple(entries.values()),
        refused=tuple(refused.values()),
        title=index.title or next((parsed.title for _, parsed in read if parsed.title), ""),
        language=next((parsed.language for _, parsed in read if parsed.language), None),
        notes=(*index.notes, *notes, *failures, *oddities),
    )


def _dated(child: Child, parsed: ParsedFeed) -> ParsedFeed:
    """Give a sitemap without entries that nothing dates."""
    if child.changed_at is not None:
        return parsed
    entries = tuple(entry for entry in parsed.entries if entry.published_at is not None)
    left_out = len(parsed.entries) - len(entries)
    return replace(parsed, entries=entries, notes=(*parsed.notes, f"undated: {left_out}")) if left_out else parsed


def _eligible(children: Sequence[Child], since: datetime) -> list[Child]:
    """Give the sitemaps that may have something recent; of very many without a date, those at both ends."""
    undated = [child.url for child in children if child.changed_at is None]
    half = _MOST_UNDATED // 2
    taken = set(undated if len(undated) <= _MOST_UNDATED else undated[:half] + undated[-half:])
    return [child for child in children if child.url in taken or _may_be_new(child, since)]


def _may_be_new(child: Child, since: datetime) -> bool:
    return child.changed_at is not None and _latest(child, child.changed_at) >= since


def _latest(child: Child, changed_at: datetime) -> datetime:
    """Give the latest moment at which a sitemap may have changed by its date."""
    return changed_at + timedelta(days=1) + _ZONES if child.whole_day else changed_at


def _is_due(child: Child, known: SitemapState | None, at: datetime, since: datetime) -> bool:
    if known is None:
        return True
    now = at.timestamp()
    if known.failures:
        return known.asked + _BACKOFF.pause(known.failures - 1) <= now  # the first time at once
    if known.newest is not None and known.newest >= since.timestamp():
        return True
    if child.changed_at is not None:
        not_over = child.whole_day and known.asked <= _latest(child, child.changed_at).timestamp()
        return not_over or known.changed != _seconds(child)
    return known.asked + _DAY <= now


def _waiting_since(known: SitemapState | None) -> int:
    return 0 if known is None else known.asked


def _seconds(child: Child) -> int | None:
    return None if child.changed_at is None else int(child.changed_at.timestamp())


def _remembered(each: Asked, before: SitemapState | None, at: datetime, since: datetime) -> SitemapState:
    now, changed = int(at.timestamp()), _seconds(each.child)
    if each.failure:
        before = before or SitemapState(asked=now)
        return before.model_copy(update={"asked": now, "failures": before.failures + 1})
    if each.parsed is None and before is not None:
        return before.model_copy(update={"asked": now, "changed": changed, "failures": 0})
    if each.parsed is not None and each.parsed.children:  # always due: what its sitemaps need only a whole one tells
        return SitemapState(asked=now, changed=changed, newest=now)
    changed_at = each.child.changed_at
    if changed_at is not None and not (each.child.whole_day and at <= _latest(each.child, changed_at)):
        return SitemapState(asked=now, changed=changed)
    return SitemapState(
        asked=now,
        changed=changed,
        newest=_newest(each, since, now),
        etag=_short(each.etag),
        last_modified=_short(each.last_modified),
    )


def _newest(each: Asked, since: datetime, now: int) -> int | None:
    """Give the date of a sitemap's newest entry, where that is recent; an undated one counts as of now."""
    entries = _dated(each.child, each.parsed).entries if each.parsed is not None else ()
    dates = [int(entry.published_at.timestamp()) if entry.published_at else now for entry in entries]
    newest = max(dates, default=None)
    return newest if newest is not None and newest >= since.timestamp() else None


def _short(validator: str | None) -> str | None:
    return validator if validator and len(validator) <= _MAX_VALIDATOR else None
