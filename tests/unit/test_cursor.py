"""Tests of `pipelines.search.cursor`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import UsageError
from pipelines.search.cursor import Cursor, from_text, to_text

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CURSOR = Cursor(NOW, (1.25, 1795521600000, "0" * 32))


def test_a_cursor_comes_back_as_it_was() -> None:
    assert from_text(to_text(CURSOR, "newest ferry"), "newest ferry") == CURSOR


def test_a_cursor_of_another_query_is_refused() -> None:
    with pytest.raises(UsageError, match="does not belong") as refused:
        from_text(to_text(CURSOR, "newest ferry"), "newest bridge")
    assert refused.value.resource == "cursor"


@given(st.one_of(st.text(max_size=100), st.binary(max_size=60).map(lambda raw: raw.hex())))
def test_no_other_text_is_a_cursor(text: str) -> None:
    with pytest.raises(UsageError):
        from_text(text, "newest ferry")


@given(st.integers(0, 60), st.sampled_from("AZaz09-_"))
def test_a_changed_cursor_is_refused(place: int, letter: str) -> None:
    text = to_text(CURSOR, "newest ferry")
    changed = text[:place] + letter + text[place + 1 :]
    if changed != text:
        with pytest.raises(UsageError):
            from_text(changed, "newest ferry")
