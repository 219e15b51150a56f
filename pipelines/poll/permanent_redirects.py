"""Feeds that have moved: where permanent redirects led often enough is asked at once (RFC 9110, 15.4.2, 15.4.9). Pure.

A feed stays what it is listed as, wherever it is asked.
"""

from __future__ import annotations

from pipelines.http.answer import Response
from schemas.records import FeedState

MOVES_TO_LEARN = 3
"""Polls in a row at which only permanent redirects led to the same address, before it is asked without them."""


def address_of(state: FeedState) -> str:
    """Give the address at which a feed is asked."""
    return state.moved_to if state.moved_to and state.moves >= MOVES_TO_LEARN else state.url


def has_moved(state: FeedState) -> bool:
    """Tell whether a feed is asked elsewhere than where it is listed."""
    return address_of(state) != state.url


def after_answer(state: FeedState, asked: str, answer: Response) -> FeedState:
    """Note where an answer came from.

    Args:
        state: the feed's state.
        asked: the address that was asked.
        answer: what came back.
    """
    if answer.moved:
        again = answer.url == state.moved_to and asked == state.url
        moves = min(state.moves + 1, MOVES_TO_LEARN) if again else 1
        return state.model_copy(update={"moved_to": answer.url, "moves": moves})
    if asked != state.url:  # the new address answers for itself, or sends on for the time being
        return state
    return forgotten(state)


def forgotten(state: FeedState) -> FeedState:
    """Give the state of a feed that is asked where it is listed again."""
    return state.model_copy(update={"moved_to": None, "moves": 0})
