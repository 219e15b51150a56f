"""When a feed is due, what of it is new, and whether its 304 can be believed. Pure: decides from data alone.

The rate model: for each hour of the UTC day, how many new entries an hour are expected. Sparse counts are smoothed
like a Poisson rate with a gamma prior: an hour of the day that was watched for f hours and brought n entries moves
from rate r to (r * MEMORY + n) / (MEMORY + f).

Polls are as dense as the root of the rate: of all ways to spend the same number of polls on feeds and hours of
different rates this one lets entries wait least (an entry waits half a pause, so the rates' sum of r / density is to be
small). A feed of ten entries a day is asked when about half an entry is expected.

What has filled a good part of a feed's window once will do so again: such a feed is asked more often and its word on
how long it stays as it is counts for nothing. `newsriver bench schedule` measures what the rules below bring.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.backoff import Backoff
from pipelines.settings import PollSettings
from schemas.records import KEY_DIGITS, Feed, FeedState

_HOURS = 24
_DENSITY = 1.4  # polls an hour while one entry an hour is expected
_MOST_EXPECTED = 1.5  # a poll is due when so many entries are expected, however busy the feed
_FIRST_RATE = 0.5  # of a feed without dates
_MEMORY = 7.0  # each hour of the day remembers about a week
_LEAST_RATE = 1 / (14 * 24)  # a silent feed still counts on one entry in two weeks, or it could never recover
_JITTER = 0.1
_ROOM = 0.2  # up to this part of the window may be new at one poll before the pauses are shortened
_CROWDED = 0.3  # from this part on no hint is believed
_HINTED_ENTRIES = 5.0  # nor for longer than it takes for so many entries: few feeds show less than twice as many
_FADE = 0.99  # what the fullest poll showed is forgotten by half in 69 polls
_PACE = 8.0  # were the last pause's pace to go on, an eighth of the window may come before the next poll
_OUTAGE_PARTS = 16.0  # a pause after a failure is at most this part of the outage so far
_KNOWN_WINDOWS = 4
_KNOWN_OF_AN_INDEX = 5  # times as many: a poll shows only those of its sitemaps that were asked
_LEAST_KNOWN = 200
_UNCONDITIONAL_AFTER = 6  # were half an entry expected at each poll, so many true 304 would have a chance of 5 %
_UNCONDITIONAL_AFTER_LIE = 2
_LIES_TO_STOP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PollSighting:
    """What a poll that succeeded brought.

    Attributes:
        at: when.
        keys: what is to be remembered of all entries in the feed's window, in its order; empty for 304.
        new: how many of them were not known.
        dates: publication dates in the window, to guess the rate of a feed that is seen for the first time.
        not_modified: whether the server answered 304, or sent the same bytes again.
        conditional: whether validators were sent.
        etag: the ETag it sent.
        last_modified: the Last-Modified it sent.
        digest: digest of the body; None for 304.
        whole: whether the feed was read to its end; of one that breaks off no validator is kept.
        hint_seconds: how long the feed says it stays as it is: max-age, ttl, sy:updatePeriod.
        retry_after: seconds it asks us to stay away.
        walked: whether it is a sitemap index: its entries are those of the sitemaps that were asked.
        left: sitemaps that wait for the next poll.
    """

    at: datetime
    keys: tuple[str, ...] = ()
    new: int = 0
    dates: tuple[datetime, ...] = ()
    not_modified: bool = False
    conditional: bool = False
    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None
    whole: bool = True
    hint_seconds: float | None = None
    retry_after: float | None = None
    walked: bool = False
    left: int = 0


def first_state(url: str, now: datetime) -> FeedState:
    """Give the state of a feed that was never asked: due at once."""
    return FeedState(url=url, next_poll_at=now)


def entry_key(article_id: str) -> str:
    """Give the key by which an entry is known: the start of its article id.

    It comes from the canonical URL alone. An entry whose title or date changes keeps its key and is not announced
    again: what changed is on its page, and revisits look there.
    """
    return article_id[:KEY_DIGITS]


def new_keys(state: FeedState, keys: Iterable[str]) -> set[str]:
    """Give those keys that were not announced before."""
    return set(keys) - {item[:KEY_DIGITS] for item in state.known}


def conditional(state: FeedState) -> bool:
    """Tell whether to send validators: not every time, since servers lie about 304, and not to one caught often."""
    if state.lies >= _LIES_TO_STOP:
        return False
    limit = _UNCONDITIONAL_AFTER_LIE if state.lies else _UNCONDITIONAL_AFTER
    return state.conditional_polls < limit and bool(state.etag or state.last_modified)


def after_success(feed: Feed, state: FeedState, seen: PollSighting, settings: PollSettings) -> FeedState:
    """Give a feed's state after a poll that succeeded."""
    rates = _learned(state, seen)
    kept = state if seen.not_modified and seen.digest is None else None
    fullest = max(_share_new(state, seen), _FADE * state.fullest)
    interval = _interval(feed, state, seen, rates, fullest, settings)
    if seen.left:
        interval = min(interval, settings.min_interval_seconds)
    most_known = settings.max_known_entries * (_KNOWN_OF_AN_INDEX if seen.walked else 1)
    return state.model_copy(
        update={
            "next_poll_at": seen.at + timedelta(seconds=max(interval, seen.retry_after or 0.0)),
            "polled_at": seen.at,
            "succeeded_at": seen.at,
            "etag": (seen.etag or (kept.etag if kept else None)) if seen.whole else None,
            "last_modified": (seen.last_modified or (kept.last_modified if kept else None)) if seen.whole else None,
            "content_digest": (state.content_digest if kept else seen.digest) if seen.whole else None,
            "polls": state.polls + 1,
            "failures": 0,
            "last_failure": "",
            "conditional_polls": state.conditional_polls + 1 if seen.conditional and seen.digest is None else 0,
            "lies": state.lies + _lied(state, seen),
            "rates": rates,
            "fullest": fullest,
            "known": _known(state.known, seen.keys, most_known, windows=not seen.walked),
        }
    )


def after_failure(
    feed: Feed, state: FeedState, at: datetime, reason: str, retry_after: float | None, settings: PollSettings
) -> FeedState:
    """Give a feed's state after a poll that failed: the pause grows, up to a week, and the feed is never given up.

    It doubles, but is no longer than a part of the outage so far: what appears after a long outage is soon seen.
    """
    longest = settings.max_failure_interval_seconds
    if state.succeeded_at is not None:
        part = (at - state.succeeded_at).total_seconds() / _OUTAGE_PARTS
        longest = min(longest, max(part, settings.min_interval_seconds))
    backoff = Backoff(settings.min_interval_seconds, longest, _JITTER)
    interval = backoff.pause(state.failures + 1, jitter(feed.url, state.polls))
    return state.model_copy(
        update={
            "next_poll_at": at + timedelta(seconds=max(interval, retry_after or 0.0)),
            "polled_at": at,
            "polls": state.polls + 1,
            "failures": state.failures + 1,
            "last_failure": reason,
        }
    )


def put_off(state: FeedState, at: datetime, seconds: float) -> FeedState:
    """Give a feed's state when its host may not be asked for so long: that is no failure of the feed."""
    return state.model_copy(update={"next_poll_at": at + timedelta(seconds=seconds)})


def expected(rates: Sequence[float], start: datetime, seconds: float) -> float:
    """Give the number of entries expected from `start` on, for so long."""
    return sum(rates[hour] * hours for hour, hours in _hours(start, seconds))


def jitter(url: str, polls: int) -> float:
    """Give a number from 0 to 1, the same for the same feed and poll: it spreads feeds that share an interval."""
    digest = hashlib.blake2b(f"{url} {polls}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 0xFFFFFFFF


def _interval(
    feed: Feed, state: FeedState, seen: PollSighting, rates: Sequence[float], fullest: float, settings: PollSettings
) -> float:
    """Give the seconds until the next poll."""
    early = 1 - _JITTER * jitter(feed.url, state.polls)
    if feed.interval_seconds is not None:
        return feed.interval_seconds * early
    room = min(1.0, _ROOM / fullest) if fullest else 1.0
    density = [max(_DENSITY * math.sqrt(rate), rate / _MOST_EXPECTED) for rate in rates]
    interval = _seconds_until(density, seen.at, room, settings.max_interval_seconds * room) * early
    # What is known of a new feed is a guess from the dates it shows: its first pauses double, from the shortest on.
    interval = Backoff(settings.min_interval_seconds * early, interval).pause(state.polls + 1)
    share = _share_new(state, seen)
    if share >= 1.0:  # entries may have come and gone between two polls
        interval /= 2
    if fullest < _CROWDED:
        hint = min(seen.hint_seconds or 0.0, settings.max_interval_seconds)
        interval = max(interval, _seconds_until(rates, seen.at, _HINTED_ENTRIES, hint))
    if share and state.succeeded_at is not None:
        interval = min(interval, (seen.at - state.succeeded_at).total_seconds() / (_PACE * share))
    return max(interval, settings.min_interval_seconds)


def _share_new(state: FeedState, seen: PollSighting) -> float:
    """Give the part of the window that was new, from 0 to 1: 0 at the first poll, and where only one entry was.

    It is 0 for a sitemap index, too: what it lists stays.
    """
    return seen.new / len(seen.keys) if state.known and seen.keys and seen.new > 1 and not seen.walked else 0.0


def _seconds_until(rates: Sequence[float], start: datetime, target: float, limit: float) -> float:
    """Give the time until so much is expected at these rates an hour, at most `limit` seconds."""
    passed, left = 0.0, target
    for hour, hours in _hours(start, limit):
        if rates[hour] * hours >= left:
            return passed + 3600 * left / rates[hour]
        left -= rates[hour] * hours
        passed += 3600 * hours
    return limit


def _learned(state: FeedState, seen: PollSighting) -> list[float]:
    """Move the rates towards what the time since the last success brought."""
    if state.succeeded_at is None or len(state.rates) != _HOURS:
        return [_first_rate(seen)] * _HOURS
    elapsed = (seen.at - state.succeeded_at).total_seconds()
    watched = [0.0] * _HOURS
    for hour, hours in _hours(state.succeeded_at, min(elapsed, 7 * 86_400.0)):
        watched[hour] += hours
    total = sum(rate * hours for rate, hours in zip(state.rates, watched, strict=True))
    if total <= 0:
        return list(state.rates)
    # The entries came some time in between; each hour gets the share that it was expected to bring.
    return [
        max(_LEAST_RATE, (rate * _MEMORY + seen.new * rate * hours / total) / (_MEMORY + hours))
        for rate, hours in zip(state.rates, watched, strict=True)
    ]


def _first_rate(seen: PollSighting) -> float:
    """Guess a new feed's rate from the dates in its window."""
    past = sorted(date for date in seen.dates if date <= seen.at)
    if len(past) < 2:
        return _FIRST_RATE
    hours = max((seen.at - past[0]).total_seconds() / 3600, 1.0)
    return max(_LEAST_RATE, (len(past) - 1) / hours)


def _hours(start: datetime, seconds: float) -> Iterable[tuple[int, float]]:
    """Cut a span into pieces of the hours of the UTC day: the hour, and how much of it in hours."""
    moment = start.astimezone(UTC)
    while seconds > 1e-6:
        piece = min(seconds, 3600 - (moment.minute * 60 + moment.second + moment.microsecond / 1e6))
        yield moment.hour, piece / 3600
        moment += timedelta(seconds=piece)
        seconds -= piece


def _lied(state: FeedState, seen: PollSighting) -> bool:
    """Tell whether new entries came with the validators of the poll before: a conditional poll would have got 304."""
    if seen.conditional or not seen.new or state.succeeded_at is None or seen.walked:
        return False
    same_etag = state.etag is not None and state.etag == seen.etag
    same_date = state.etag is None and state.last_modified is not None and state.last_modified == seen.last_modified
    return same_etag or same_date


def _known(known: Sequence[str], window: Sequence[str], limit: int, *, windows: bool) -> list[str]:
    """Give what to remember, oldest first: a few windows' worth, and always the whole of the present one.

    Without `windows` as many as the limit: what a poll of an index shows is no measure of the whole.
    """
    if not window:
        return list(known)
    present = {item[:KEY_DIGITS] for item in window}
    usual = max(_LEAST_KNOWN, _KNOWN_WINDOWS * len(present)) if windows else limit
    bound = max(min(limit, usual), len(present))
    kept = [item for item in known if item[:KEY_DIGITS] not in present] + list(dict.fromkeys(reversed(window)))
    return kept[-bound:]
