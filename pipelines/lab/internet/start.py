"""How the run begins: as if the river had been at work before, every feed polled once, some time ago. Pure.

A river that starts from nothing announces every whole window at once, some 350,000 articles of 10,000 feeds, and its
first minutes would be all that is measured. So each feed has a state as `poll` itself would have stored it after one
poll of its window, made at a random moment of the interval that the schedule chose: what that poll saw is known, and
what has appeared since is not. The rates in it are the schedule's own first guess, made as at speed 1 and then
multiplied: it takes a window of less than an hour for one of an hour, which at speed 1 hardly occurs.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.lab.internet.answers import Internet
from pipelines.lab.internet.items import Item, Stream
from pipelines.lab.internet.traits import SourceTraits
from pipelines.poll.schedule import PollSighting, after_success, entry_key, first_state
from pipelines.settings import PollSettings
from schemas.records import Feed, FeedState


@dataclass(frozen=True)
class Start:
    """Where the run begins.

    Attributes:
        states: of every feed.
        known: articles that the states know of.
    """

    states: list[FeedState]
    known: set[Item]


def start(internet: Internet) -> Start:
    """Give the feeds' states at second 0 of the run."""
    states: list[FeedState] = []
    known: set[Item] = set()
    for source, stream in internet.streams.all():
        chance = random.Random(f"start {internet.plan.seed}/{source.number}")  # noqa: S311 - repeatable on purpose
        at_the_start = _polled(internet, source, stream, 0.0)
        interval = at_the_start.next_poll_at.timestamp() - internet.opened_at
        at = -chance.random() * interval
        states.append(_polled(internet, source, stream, at))
        known.update(stream.item(place) for place in stream.shown(at))
    return Start(states, known)


def _polled(internet: Internet, source: SourceTraits, stream: Stream, at: float) -> FeedState:
    shown, speed = stream.shown(at), internet.plan.speed
    moment = datetime.fromtimestamp(internet.opened_at + at, UTC)
    feed = Feed(url=internet.feed_url(source))
    keys = tuple(entry_key(internet.article_id(stream.item(place))) for place in reversed(shown))
    dates = tuple(moment - timedelta(seconds=speed * (at - stream.times[place])) for place in shown)
    seen = PollSighting(at=moment, keys=keys, new=len(keys), dates=dates)
    state = after_success(feed, first_state(feed.url, moment), seen, PollSettings())
    return state.model_copy(
        update={
            "rates": [rate * speed for rate in state.rates],
            "next_poll_at": moment + (state.next_poll_at - moment) / speed,
        }
    )
