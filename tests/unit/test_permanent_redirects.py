"""Feeds that move for good: learned after some polls, forgotten when the new address fails."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipelines.http.answer import Response
from pipelines.poll.permanent_redirects import MOVES_TO_LEARN, address_of, after_answer, forgotten, has_moved
from pipelines.poll.schedule import first_state
from schemas.records import FeedState

OLD, NEW, THIRD = "https://old.example/feed", "https://new.example/feed", "https://third.example/feed"
STATE = first_state(OLD, datetime(2026, 1, 5, 12, tzinfo=UTC))


def answer(url: str, *, moved: bool) -> Response:
    return Response(url=url, status=200, headers={}, moved=moved, redirects=(OLD,) if moved else ())


def polled(state: FeedState, url: str, *, moved: bool = True, times: int = 1) -> FeedState:
    for _ in range(times):
        state = after_answer(state, address_of(state), answer(url, moved=moved))
    return state


def test_a_move_is_learned_after_some_polls_in_a_row() -> None:
    state = polled(STATE, NEW, times=MOVES_TO_LEARN - 1)
    assert (address_of(state), has_moved(state)) == (OLD, False)
    state = polled(state, NEW)
    assert (address_of(state), has_moved(state), state.url) == (NEW, True, OLD)
    assert polled(state, NEW, moved=False, times=9) == state


def test_another_way_of_answering_begins_the_count_anew() -> None:
    almost = polled(STATE, NEW, times=MOVES_TO_LEARN - 1)
    assert polled(almost, OLD, moved=False) == STATE
    assert polled(almost, NEW, moved=False) == STATE  # this time a redirect for the time being was among them
    assert polled(almost, THIRD).moves == 1
    assert address_of(polled(almost, THIRD, times=MOVES_TO_LEARN)) == THIRD


def test_a_learned_address_that_moves_on_is_left() -> None:
    learned = polled(STATE, NEW, times=MOVES_TO_LEARN)
    on = polled(learned, THIRD)
    assert (address_of(on), on.moved_to, on.moves) == (OLD, THIRD, 1)
    assert address_of(polled(on, THIRD, times=MOVES_TO_LEARN - 1)) == THIRD


def test_what_is_forgotten_is_asked_where_it_is_listed() -> None:
    assert forgotten(polled(STATE, NEW, times=MOVES_TO_LEARN)) == STATE


@given(st.lists(st.tuples(st.sampled_from([OLD, NEW, THIRD]), st.booleans()), max_size=30))
def test_only_addresses_that_permanent_redirects_led_to_are_asked(answers: list[tuple[str, bool]]) -> None:
    state, led = STATE, {OLD}
    for url, moved in answers:
        state = polled(state, url, moved=moved)
        led |= {url} if moved else set()
        assert address_of(state) in led
        assert 0 <= state.moves <= MOVES_TO_LEARN
        assert state.url == OLD
