"""When a feed is due, what of it is new, and whether its 304 can be believed. Pure: decides from data alone.

The rate model: for each hour of the UTC day, how many new entries an hour are expected. A poll is due when half an
entry is expected, so that most polls bring something and few entries wait. Sparse counts are smoothed like a
Poisson rate with a gamma prior: an hour of the day that was watched for f hours and brought n entries moves from
rate r to (r * MEMORY + n) / (MEMORY + f).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.settings import PollSettings
from schemas.records import Feed, FeedState

TARGET = 0.5
"""New entries expected at each poll."""

KEY_DIGITS = 16
"""Hex digits of an article id that `FeedState.known` keeps: 64 bits tell ten million entries apart."""

_HOURS = 24
_MEMORY = 7.0  # each hour of the day remembers about a week
_LEAST_RATE = 1 / (14 * 24)  # a silent feed still counts on one entry in two weeks, or it could never recover
_JITTER = 0.1
_KNOWN_WINDOWS = 4
_LEAST_KNOWN = 200
_UNCONDITIONAL_EVERY = 20
_UNCONDITIONAL_AFTER_LIE = 4
_LIES_TO_STOP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a poll that succeeded brought.

    Attributes:
        at: when.
        keys: keys of all entries in the feed's window, in its order; empty for 304.
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
    return set(keys) - set(state.known)


def conditional(state: FeedState) -> bool:
    """Tell whether to send validators: not every time, since servers lie about 304, and not to one caught often."""
    if state.lies >= _LIES_TO_STOP:
        return False
    limit = _UNCONDITIONAL_AFTER_LIE if state.lies else _UNCONDITIONAL_EVERY
    return state.conditional_polls < limit and bool(state.etag or state.last_modified)


def after_success(feed: Feed, state: FeedState, seen: Seen, settings: PollSettings) -> FeedState:
    """Give a feed's state after a poll that succeeded."""
    rates = _learned(state, seen)
    kept = state if seen.not_modified and seen.digest is None else None
    whole_window_new = bool(state.known) and seen.new > 1 and seen.new == len(seen.keys)
    early = 1 - _JITTER * jitter(feed.url, state.polls)
    interval = _interval(feed, rates, seen, settings, early=early, hurry=whole_window_new)
    return FeedState(
        url=state.url,
        next_poll_at=seen.at + timedelta(seconds=max(interval, seen.retry_after or 0.0)),
        polled_at=seen.at,
        succeeded_at=seen.at,
        etag=(seen.etag or (kept.etag if kept else None)) if seen.whole else None,
        last_modified=(seen.last_modified or (kept.last_modified if kept else None)) if seen.whole else None,
        content_digest=(state.content_digest if kept else seen.digest) if seen.whole else None,
        polls=state.polls + 1,
        conditional_polls=state.conditional_polls + 1 if seen.conditional else 0,
        lies=state.lies + _lied(state, seen),
        rates=rates,
        known=_known(state.known, seen.keys, settings.max_known_entries),
    )


def after_failure(
    feed: Feed, state: FeedState, at: datetime, reason: str, retry_after: float | None, settings: PollSettings
) -> FeedState:
    """Give a feed's state after a poll that failed: the pause doubles, up to a week, and the feed is never given up."""
    doubled = settings.min_interval_seconds * 2.0 ** min(state.failures, 30)
    interval = min(doubled, settings.max_failure_interval_seconds) * (1 - _JITTER * jitter(feed.url, state.polls))
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
    feed: Feed, rates: Sequence[float], seen: Seen, settings: PollSettings, *, early: float, hurry: bool
) -> float:
    """Give the seconds until the next poll; `early` is the jitter's factor, just below 1."""
    if feed.interval_seconds is not None:
        return feed.interval_seconds * early
    interval = _seconds_until(rates, seen.at, TARGET, settings.max_interval_seconds) * early
    if hurry:  # entries may have come and gone between two polls: neither the model nor the feed's word is trusted
        return max(interval / 2, settings.min_interval_seconds)
    hint = min(seen.hint_seconds or 0.0, settings.max_interval_seconds)
    return max(interval, hint, settings.min_interval_seconds)


def _seconds_until(rates: Sequence[float], start: datetime, target: float, limit: float) -> float:
    """Give the time until so many entries are expected, at most `limit` seconds."""
    passed, left = 0.0, target
    for hour, hours in _hours(start, limit):
        if rates[hour] * hours >= left:
            return passed + 3600 * left / rates[hour]
        left -= rates[hour] * hours
        passed += 3600 * hours
    return limit


def _learned(state: FeedState, seen: Seen) -> list[float]:
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


def _first_rate(seen: Seen) -> float:
    """Guess a new feed's rate from the dates in its window."""
    past = sorted(date for date in seen.dates if date <= seen.at)
    if len(past) < 2:
        return TARGET  # nothing known: an hour is a fair first guess
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


def _lied(state: FeedState, seen: Seen) -> bool:
    """Tell whether new entries came with the validators of the poll before: a conditional poll would have got 304."""
    if seen.conditional or not seen.new or state.succeeded_at is None:
        return False
    same_etag = state.etag is not None and state.etag == seen.etag
    same_date = state.etag is None and state.last_modified is not None and state.last_modified == seen.last_modified
    return same_etag or same_date


def _known(known: Sequence[str], window: Sequence[str], limit: int) -> list[str]:
    """Give the keys to remember, oldest first: a few windows' worth, and always the whole of the present one."""
    if not window:
        return list(known)
    present = set(window)
    bound = max(min(limit, max(_LEAST_KNOWN, _KNOWN_WINDOWS * len(present))), len(present))
    kept = [key for key in known if key not in present] + list(dict.fromkeys(reversed(window)))
    return kept[-bound:]
