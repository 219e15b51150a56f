"""What README and help say of the schedule is what the schedule does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.poll.schedule import PollSighting, after_success, first_state
from pipelines.settings import PollSettings
from schemas.records import Feed

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
FEED = Feed(url="https://ferry.example/feed")


def pause(per_day: float, polls: int) -> float:
    """Give the minutes until the next poll of a steady feed."""
    dates = tuple(NOON - timedelta(days=number / per_day) for number in range(21))
    state = first_state(FEED.url, NOON).model_copy(update={"polls": polls})
    state = after_success(FEED, state, PollSighting(at=NOON, dates=dates), PollSettings())
    return (state.next_poll_at - NOON).total_seconds() / 60


@pytest.mark.parametrize(
    ("per_day", "least", "most"), [(50, 25, 35), (10, 55, 70), (1, 180, 240), (0.001, 0.9 * 720, 720)]
)
def test_a_feed_is_asked_as_the_readme_says(per_day: float, least: float, most: float) -> None:
    assert least <= pause(per_day, polls=20) <= most
    said = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "every 30 minutes at 50 articles a day, once an hour at 10, every three to four hours at one a day" in said
    assert "twice a day when it is silent" in said


def test_a_new_feed_is_asked_as_the_readme_says() -> None:
    waits = [pause(1, polls) for polls in range(5)]
    assert all(0.9 * at <= wait <= at for at, wait in zip((5, 10, 20, 40, 80), waits, strict=True))
    assert "after 5, 10, 20, 40, 80 minutes" in (ROOT / "README.md").read_text(encoding="utf-8")
