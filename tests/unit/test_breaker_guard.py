"""What a running role asks of its breaker: when it trips, what it says, whom it obeys."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipelines.breaker import state
from pipelines.breaker.guard import Breaker
from pipelines.breaker.state import BreakerWatch, tripped_error, why
from pipelines.breaker.window import LEAST_FAULTS
from pipelines.kafka import Message, missing
from schemas.records import BreakerState, DeadLetter

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def letter(number: int) -> DeadLetter:
    return DeadLetter(
        article_id=f"{number:032x}",
        stage="clean",
        reason="unexpected-error",
        error="KeyError",
        message="KeyError: 'headline'\non line 2",
        origin=f"news.pages/0/{number}",
        at=NOON,
    )


def fail(breaker: Breaker, times: int, published: list[BreakerState], first: int = 0) -> None:
    for number in range(first, first + times):
        url = f"https://site-{number % 5}.example.org"
        breaker.failed(f"{url}/feed", f"{url}/news/{number}", letter(number), 0.5, published.append)


class Watch(BreakerWatch):
    """One that is told what is on Kafka."""

    def __init__(self) -> None:
        super().__init__("", "")
        self.started = 0

    def start(self) -> None:
        self.started += 1

    def tell(self, state: BreakerState) -> None:
        self.state = state
        self.changes += 1


def reset() -> BreakerState:
    return BreakerState(role="process", tripped=False, at=NOON, by="ada")


def test_it_trips_once_and_says_why() -> None:
    breaker, published = Breaker(), list[BreakerState]()
    fail(breaker, LEAST_FAULTS - 1, published)
    assert breaker.tripped is None
    fail(breaker, 30, published, first=LEAST_FAULTS - 1)
    [state] = published
    assert breaker.tripped == state
    assert (state.role, state.tripped, state.failing_sites, state.sites) == ("process", True, 5, 5)
    assert (state.reason, state.origin) == ("clean: unexpected-error", f"news.pages/0/{LEAST_FAULTS - 1}")
    assert "5 of 5 sites" in why(state)
    error = tripped_error(state)
    assert error.exit_code == 4
    assert "\n" not in str(error)
    assert "KeyError: 'headline' on line 2" in str(error)
    assert "newsriver dead resume" in str(error)


def test_what_our_code_can_work_on_counts_for_it() -> None:
    breaker, published = Breaker(), list[BreakerState]()
    for number in range(30):
        breaker.passed(f"https://good-{number % 6}.example.org/feed", "https://x.example.org", f"news.pages/1/{number}")
    fail(breaker, 200, published)
    assert breaker.tripped is None
    assert published == []


def test_a_copy_obeys_what_another_one_says_and_a_person_too() -> None:
    breaker, watch = Breaker(), Watch()
    assert breaker.follow(watch) is watch
    assert breaker.follow(Watch()) is watch
    assert watch.started == 1
    assert breaker.tripped is None
    other, published = Breaker(), list[BreakerState]()
    fail(other, LEAST_FAULTS, published)
    watch.tell(published[0])
    assert breaker.tripped == published[0]
    watch.tell(reset())
    assert breaker.tripped is None


def test_its_own_word_counts_until_it_has_come_round_and_after_a_reset_it_counts_anew() -> None:
    breaker, watch, published = Breaker(), Watch(), list[BreakerState]()
    breaker.follow(watch)
    watch.tell(reset())  # of another day
    fail(breaker, LEAST_FAULTS, published)
    assert breaker.tripped == published[0]
    watch.tell(published[0])
    assert breaker.tripped == published[0]
    watch.tell(reset())
    assert breaker.tripped is None
    fail(breaker, LEAST_FAULTS - 1, published, first=100)
    assert breaker.tripped is None
    fail(breaker, 1, published, first=200)
    assert len(published) == 2
    assert breaker.tripped == published[1]


def test_addresses_that_are_none_are_sites_all_the_same() -> None:
    breaker, published = Breaker(), list[BreakerState]()
    for number in range(LEAST_FAULTS):
        breaker.failed("", f"http://[::{number}", letter(number), 0.5, published.append)
    assert breaker.tripped is not None


def test_a_topic_that_is_deleted_ends_the_watch_with_a_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Deleted:
        closed = False

        def poll(self, _: float) -> list[Message]:
            raise missing(["news.breaker"])

        def close(self) -> None:
            self.closed = True

    follower = Deleted()
    monkeypatch.setattr(state, "TableFollower", lambda *_, **__: follower)
    watch = BreakerWatch("broker:9092", "news.breaker")
    watch.start()
    assert watch.wait(10)
    assert follower.closed
    assert "topic news.breaker does not exist" in caplog.text
