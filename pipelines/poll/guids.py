"""Whether a feed announces an article again under another link: told by its guid, where that can be believed. Pure.

Some feeds give the links of their entries anew at each poll (a session, a position, a campaign), others when a headline
changes; the guid stays (RSS 2.0: "a string that uniquely identifies the item"; Atom 4.2.6: "permanent"). But feeds in
the wild also give one guid to all their entries. So it is believed where title and date (of an undated entry: its
summary) agree with it. Where no two entries of the feed share the guid, less will do: a title alone where there is
neither date nor summary, and a date with a time of day alone, since headlines change.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC
from typing import NamedTuple

from pipelines.errors import FeedFault
from pipelines.feed_formats import ParsedEntry
from pipelines.poll.schedule import entry_key
from pipelines.urls import canonical_url, identity_url
from schemas.records import KEY_DIGITS

_GUID, _REST = 8, 6
_NOT_LETTERS = re.compile(r"[\W_]+")


class GuidMark(NamedTuple):
    """What is remembered of an entry beside its key, as hexadecimal digits: 8 of its guid, 6 of its title and date."""

    guid: str
    title: str
    when: str


def known_key(entry: ParsedEntry) -> str:
    """Give what a feed's state remembers of an entry: its key, and its mark where its guid says more than its link."""
    return entry_key(entry.id) + "".join(mark_of(entry) or ())


def mark_of(entry: ParsedEntry) -> GuidMark | None:
    """Give an entry's mark; None where there is no guid but its link, or no title to believe it by."""
    when = entry.published_at.astimezone(UTC).isoformat() if entry.published_at else entry.summary
    title = _NOT_LETTERS.sub("", entry.title).casefold()
    if not (entry.guid and title) or _is_link(entry):
        return None
    return GuidMark(_digest(entry.guid, _GUID), _digest(title, _REST), _digest(when, _REST))


def repeated(known: Iterable[str], window: Iterable[ParsedEntry]) -> dict[str, str]:
    """Give the entries of a window that repeat another one under a new link.

    Args:
        known: what the feed's state remembers, oldest first.
        window: the feed's entries, oldest first.

    Returns:
        By the key of each such entry the key of the one it repeats.
    """
    entries = {entry_key(entry.id): (entry, mark_of(entry)) for entry in window}
    shared = Counter(mark.guid for _, mark in entries.values() if mark)
    before = _by_guid(known)
    seen = {item[:KEY_DIGITS] for item in known}
    found: dict[str, str] = {}
    for key, (entry, mark) in entries.items():
        if mark is None or key in seen:
            continue
        unique = shared[mark.guid] == 1
        twin = next((other for other, its in before[mark.guid] if _agree(entry, mark, its, unique=unique)), None)
        if twin is None:
            before[mark.guid].append((key, mark))
        else:
            found[key] = twin
    return found


def _agree(entry: ParsedEntry, its: GuidMark, other: GuidMark, *, unique: bool) -> bool:
    if its.when != other.when:
        return False
    if its.title == other.title:
        return unique or bool(entry.published_at or entry.summary)
    return unique and entry.published_at is not None and any(entry.published_at.astimezone(UTC).timetuple()[3:6])


def _by_guid(known: Iterable[str]) -> defaultdict[str, list[tuple[str, GuidMark]]]:
    found: defaultdict[str, list[tuple[str, GuidMark]]] = defaultdict(list)
    for item in known:
        if digits := item[KEY_DIGITS:]:
            mark = GuidMark(digits[:_GUID], digits[_GUID : _GUID + _REST], digits[_GUID + _REST :])
            found[mark.guid].append((item[:KEY_DIGITS], mark))
    return found


def _is_link(entry: ParsedEntry) -> bool:
    """Tell whether a guid is the entry's own link: then it changes with it."""
    try:
        return identity_url(canonical_url(entry.guid)) == identity_url(entry.url)
    except FeedFault:
        return False


def _digest(text: str, digits: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()[:digits]
