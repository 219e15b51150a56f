"""What processes tell each other of a host: written, read again, and broken in every way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.http.host_note import HostNote

NOW = 1_800_000_000.0
DAY = 86_400.0
seconds = st.floats(0, 100 * DAY)
notes = st.builds(HostNote, st.none() | seconds.map(NOW.__add__), st.floats(0, DAY), seconds.map(NOW.__add__))


@given(notes)
def test_what_is_written_is_read(note: HostNote) -> None:
    assert HostNote.from_bytes(note.to_bytes()) == note


@given(notes, st.integers(0))
def test_half_a_note_only_says_that_somebody_asked(note: HostNote, length: int) -> None:
    half = note.to_bytes()[: 1 + length % (len(note.to_bytes()) - 2)]
    assert HostNote.from_bytes(half) == HostNote(None)
    assert HostNote.from_bytes(half).wait(NOW, 1.0) == 1.0


@pytest.mark.parametrize(
    "content",
    [b"[]", b"[1]", b"{}", b"[1,2,3,4]", b'["x",1,1]', b"[1,-1,1]", b"[1,1e9,1]", b"[1,NaN,1]", b"[1,1,NaN]", b"\0"],
)
def test_what_is_no_note_says_the_same(content: bytes) -> None:
    assert HostNote.from_bytes(content) == HostNote(None)


@given(st.binary())
def test_no_bytes_break_it_and_no_wait_is_endless(content: bytes) -> None:
    assert 0 <= HostNote.from_bytes(content).wait(NOW, 1.0) <= 7 * DAY + 1


def test_a_host_that_nobody_asked_may_be_asked() -> None:
    assert HostNote.from_bytes(b"").wait(NOW, 600.0) == 0


@pytest.mark.parametrize(
    ("note", "wait"),
    [
        (HostNote(NOW - 0.25), 0.75),
        (HostNote(NOW - 5), 0.0),
        (HostNote(NOW - 5, 8.0), 3.0),
        (HostNote(NOW - 5, 0.5), 0.0),
        (HostNote(None), 1.0),  # somebody was killed in its turn
        (HostNote(None, 8.0), 8.0),
        (HostNote(NOW - 5, 0.0, NOW + 60), 60.0),
        (HostNote(NOW, 90.0, NOW + 60), 90.0),
        (HostNote(NOW + 1000), 1.0),  # the clock was set back
        (HostNote(NOW - 5, 0.0, NOW + 100 * DAY), 7 * DAY),
        (HostNote(float("nan")), 1.0),
        (HostNote(float("inf")), 1.0),
    ],
)
def test_the_longest_reason_to_wait_counts(note: HostNote, wait: float) -> None:
    assert note.wait(NOW, 1.0) == pytest.approx(wait)


def test_a_request_leaves_its_end_and_what_it_learned() -> None:
    note = HostNote().knowing(8.0).begun()
    assert note == HostNote(None, 8.0)
    note = note.over(NOW, retry_after=60.0)
    assert note == HostNote(NOW, 8.0, NOW + 60)
    assert note.knowing(None).begun().over(NOW + 90) == HostNote(NOW + 90, 8.0, NOW + 60)  # poll reads no robots.txt
    assert note.knowing(0.0).delay == 0.0
    assert note.knowing(1e9).delay == DAY


@given(notes, st.floats(0, 100 * DAY))
def test_a_hold_is_never_shortened(note: HostNote, wait: float) -> None:
    held = note.held(NOW, wait)
    assert held.hold_until == max(note.hold_until, NOW + min(wait, 7 * DAY)) or wait == 0
    assert held.hold_until >= note.hold_until
