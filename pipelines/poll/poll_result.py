"""From a feed's answer to what is announced: entries, outcomes, and the feed's next state. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pipelines.feed_formats import ParsedEntry, ParsedFeed, RefusedEntry
from pipelines.http.answer import Response
from pipelines.http.politeness import retry_after
from pipelines.ledger.outcomes import outcome
from pipelines.poll.guids import known_key, repeated
from pipelines.poll.schedule import PollSighting, after_failure, after_success, entry_key, new_keys, put_off
from pipelines.settings import PollSettings
from pipelines.urls import host_of
from schemas.records import KEY_DIGITS, Entry, Feed, FeedState, Outcome, OutcomeKind, Stage

_MAX_AGE = re.compile(r"\bmax-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """What one poll leads to; the state may be stored only after the others are acknowledged.

    Attributes:
        entries: to be put on Kafka, oldest first; an article that another feed has announced comes as `further`.
        outcomes: one for each new entry, announced or not.
        state: the feed's state after the poll.
        notes: what was odd about the feed, as `ParsedFeed.notes`.
    """

    entries: tuple[Entry, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    state: FeedState
    notes: tuple[str, ...] = ()


class AnnouncedEntries:
    """The articles announced last, by whichever feed: the second feed that brings one announces nothing.

    Args:
        limit: most articles remembered.
    """

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._feeds: OrderedDict[int, str] = OrderedDict()

    def feed_of(self, key: str) -> str | None:
        """Give the feed that announced an entry, or None."""
        return self._feeds.get(int(key, 16))

    def add(self, key: str, feed_url: str) -> None:
        """Note who announced an entry; the first one stays."""
        self._feeds.setdefault(int(key, 16), feed_url)
        while len(self._feeds) > self._limit:
            self._feeds.popitem(last=False)

    def learn(self, state: FeedState) -> None:
        """Note all that a feed has announced, from its stored state."""
        for item in state.known:
            self.add(item[:KEY_DIGITS], state.url)


def body_digest(body: bytes) -> str:
    """Give the digest by which the same bytes are known again, 32 hex digits."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def after_same(
    feed: Feed, state: FeedState, answer: Response, at: datetime, settings: PollSettings, *, conditional: bool
) -> PollResult:
    """Give what follows from a feed that has not changed: 304, or the bytes of the poll before."""
    seen = replace(_seen(answer, at, conditional=conditional), not_modified=True)
    return PollResult(state=after_success(feed, state, seen, settings))


def after_feed(
    feed: Feed,
    state: FeedState,
    answer: Response,
    parsed: ParsedFeed,
    announced: AnnouncedEntries,
    at: datetime,
    settings: PollSettings,
    *,
    conditional: bool,
    left: int | None = None,
) -> PollResult:
    """Give what follows from a feed that was read.

    An article that another feed has announced ends here as `duplicate-url`, as does an entry that repeats another one
    of the feed under a new link; an entry that leads nowhere ends as `skipped`; each once. The first of them is put on
    Kafka all the same, marked as `further`: `fetch`, which sees all feeds' announcements of a host, learns one more
    origin from it.

    Args:
        feed: the feed as listed.
        state: its state before the poll.
        answer: what the server sent.
        parsed: what it says.
        announced: articles that are known; those announced here are added.
        at: time of the poll: the `first_seen` of what is new.
        settings: bounds of the schedule.
        conditional: whether validators were sent.
        left: of a sitemap index that was walked, the number of sitemaps that wait for the next poll; else None.
    """
    usable = {entry_key(entry.id): entry for entry in parsed.entries}
    refused = {_refusal_key(feed, entry): entry for entry in parsed.refused}
    new = new_keys(state, [*usable, *refused])
    again = repeated(state.known, reversed(parsed.entries))
    newest_first = [_entry(feed, parsed, found, at) for key, found in usable.items() if key in new - again.keys()]
    entries, outcomes = _told_apart(feed, reversed(newest_first), announced, at)
    outcomes += [_repetition(_entry(feed, parsed, usable[key], at), first, at) for key, first in again.items()]
    outcomes += [_refusal(feed, key, found, at) for key, found in refused.items() if key in new]
    seen = replace(
        _seen(answer, at, conditional=conditional),
        keys=(*map(known_key, usable.values()), *refused),
        new=len(new) - len(again),
        dates=tuple(entry.published_at for entry in parsed.entries if entry.published_at is not None),
        whole="truncated" not in parsed.notes,
        hint_seconds=max(_fresh_for(answer, at) or 0.0, parsed.interval_seconds or 0.0),
        walked=left is not None,
        left=left or 0,
    )
    next_state = after_success(feed, state, seen, settings)
    return PollResult(entries=tuple(entries), outcomes=tuple(outcomes), state=next_state, notes=parsed.notes)


def after_fault(
    feed: Feed, state: FeedState, reason: str, wait: float | None, at: datetime, settings: PollSettings
) -> PollResult:
    """Give what follows from a poll that failed; `wait` is the server's Retry-After in seconds."""
    return PollResult(state=after_failure(feed, state, at, reason, wait, settings))


def after_hold(state: FeedState, wait: float, at: datetime) -> PollResult:
    """Give what follows when the feed's host may not be asked for `wait` seconds."""
    return PollResult(state=put_off(state, at, wait))


def source_of(feed: Feed) -> str:
    """Give the short name of a feed's outlet: the listed one, else the host without `www.`."""
    return feed.source or host_of(feed.url).removeprefix("www.")


def _told_apart(
    feed: Feed, found: Iterable[Entry], announced: AnnouncedEntries, at: datetime
) -> tuple[list[Entry], list[Outcome]]:
    """Give the entries, those that another feed has announced marked as `further`, and a line for each."""
    entries: list[Entry] = []
    outcomes: list[Outcome] = []
    for entry in found:
        key = entry_key(entry.id)
        first = announced.feed_of(key)
        if first in (None, feed.url):
            announced.add(key, feed.url)
            entries.append(entry)
            outcomes.append(outcome(entry, Stage.POLL, OutcomeKind.DISCOVERED, at=at))
        else:
            why = f"first announced by {first}"
            line = outcome(entry, Stage.POLL, OutcomeKind.DUPLICATE_URL, reason="other-feed", detail=why, at=at)
            entries.append(entry.model_copy(update={"further": True}))
            outcomes.append(line)
    return entries, outcomes


def _repetition(entry: Entry, first: str, at: datetime) -> Outcome:
    why = f"the feed has announced it before under another link, with the same guid: article {first}"
    return outcome(entry, Stage.POLL, OutcomeKind.DUPLICATE_URL, reason="same-guid", detail=why, at=at)


def _seen(answer: Response, at: datetime, *, conditional: bool) -> PollSighting:
    return PollSighting(
        at=at,
        conditional=conditional,
        etag=answer.etag,
        last_modified=answer.last_modified,
        digest=None if answer.not_modified else body_digest(answer.body),
        hint_seconds=_fresh_for(answer, at),
        retry_after=retry_after(answer.headers.get("retry-after"), at),
    )


def _fresh_for(answer: Response, at: datetime) -> float | None:
    """Read for how long an answer stays fresh, in seconds: max-age, else Expires (RFC 9111, 4.2.1)."""
    if match := _MAX_AGE.search(answer.headers.get("cache-control", "")):
        return float(match[1])
    expires = answer.headers.get("expires", "")
    try:
        until = parsedate_to_datetime(expires)
        since = parsedate_to_datetime(answer.headers["date"]) if "date" in answer.headers else at
        return max(0.0, (_aware(until) - _aware(since)).total_seconds())
    except (ValueError, TypeError, OverflowError):  # "0" and the like mean: not fresh at all (5.3)
        return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _entry(feed: Feed, parsed: ParsedFeed, found: ParsedEntry, at: datetime) -> Entry:
    return Entry(
        id=found.id,
        url=found.url,
        link=found.link,
        feed_url=feed.url,
        source=source_of(feed),
        title=found.title,
        summary=found.summary,
        authors=list(found.authors),
        categories=list(found.categories),
        published_at=found.published_at,
        language=feed.language or found.language or parsed.language,
        first_seen=at,
    )


def _refusal_key(feed: Feed, entry: RefusedEntry) -> str:
    return body_digest(f"{feed.url} {entry.identity}".encode())[:KEY_DIGITS]


def _refusal(feed: Feed, key: str, found: RefusedEntry, at: datetime) -> Outcome:
    # It has no article's URL to be known by, so the feed's stands in.
    entry = Entry(
        id=body_digest(key.encode()),
        url=feed.url,
        link=found.identity,
        feed_url=feed.url,
        source=source_of(feed),
        title=found.title,
        first_seen=at,
    )
    why = f"entry leads to no page: {found.identity or 'no link, guid or title'}"
    return outcome(entry, Stage.POLL, OutcomeKind.SKIPPED, reason=found.reason, detail=why, at=at)
