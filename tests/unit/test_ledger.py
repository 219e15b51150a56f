from datetime import UTC, datetime

from pipelines.ledger.outcomes import outcome, outcome_id, stand_in
from schemas.records import Entry, OutcomeKind, Stage

ENTRY = Entry(
    id="0" * 32,
    url="https://example.org/a",
    link="https://example.org/a?utm_source=x",
    feed_url="https://example.org/feed",
    source="example.org",
    first_seen=datetime(2026, 11, 1, tzinfo=UTC),
)


def test_a_visit_ends_once_whatever_ends_it() -> None:
    ends = {outcome_id("a", 0, kind) for kind in OutcomeKind if kind.terminal and kind is not OutcomeKind.DUPLICATE_URL}
    steps = {outcome_id("a", 0, kind) for kind in OutcomeKind if not kind.terminal}
    assert len(ends) == 1
    assert len(steps) == 2
    assert not ends & steps


def test_each_feed_that_repeats_an_article_has_a_line() -> None:
    repeats = [
        outcome(ENTRY.model_copy(update={"feed_url": f"https://example.org/{feed}"}), Stage.POLL, kind).id
        for feed in "abb"
        for kind in (OutcomeKind.DUPLICATE_URL, OutcomeKind.DISCOVERED)
    ]
    assert len(set(repeats[0::2])) == 2
    assert len(set(repeats[1::2])) == 1


def test_visits_have_ends_of_their_own() -> None:
    assert outcome_id("a", 0, OutcomeKind.INDEXED) != outcome_id("a", 1, OutcomeKind.UPDATED)


def test_outcome_carries_the_entry_and_whether_it_ends() -> None:
    line = outcome(ENTRY, Stage.FETCH, OutcomeKind.DEAD, reason="http-404", detail="x" * 900)
    assert (line.article_id, line.url, line.terminal, len(line.detail)) == (ENTRY.id, ENTRY.url, True, 500)
    assert not outcome(ENTRY, Stage.POLL, OutcomeKind.DISCOVERED).terminal


def test_a_stand_in_is_the_same_on_replay() -> None:
    assert stand_in("k", 1000) == stand_in("k", 1000)
    assert stand_in("k", 1000).id != stand_in("l", 1000).id
