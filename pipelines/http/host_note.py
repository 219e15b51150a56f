"""What the processes of a machine tell each other about a host: when it may be asked again. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Self

_LONGEST_HOLD = 7 * 86_400.0  # as the longest Retry-After that is believed
_LONGEST_DELAY = 86_400.0


@dataclass(frozen=True, slots=True)
class HostNote:
    """When a host was last asked and what it wants; times are seconds since 1970.

    Attributes:
        ended_at: when the last request ended; None when that is not known: a process was killed in its turn, or what
            it wrote is no note. The pause then counts from the moment at which somebody looks.
        delay: the crawl-delay in its robots.txt, in seconds; 0 where nobody knows of one.
        hold_until: until when it said Retry-After.
    """

    ended_at: float | None = 0.0
    delay: float = 0.0
    hold_until: float = 0.0

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read a note; nothing at all says that the host was never asked, anything broken that its end is unknown."""
        if not content:
            return cls()
        try:
            ended_at, delay, hold_until = json.loads(content)
            note = cls(None if ended_at is None else float(ended_at), float(delay), float(hold_until))
        except (ValueError, TypeError, OverflowError, RecursionError):
            return cls(None)
        # A comparison with NaN is false, so it fails too.
        return note if 0 <= note.delay <= _LONGEST_DELAY and note.hold_until >= 0 else cls(None)

    def to_bytes(self) -> bytes:
        """Give the note as it is written."""
        return json.dumps([self.ended_at, self.delay, self.hold_until]).encode() + b"\n"

    def wait(self, now: float, delay: float) -> float:
        """Give the seconds until the host may be asked.

        A clock that was set back makes a note from the future: its pause counts from now, and its hold is cut at the
        longest that we believe in.

        Args:
            now: the present.
            delay: the pause this process keeps; the longer of it and the host's own counts.
        """
        ended_at = now if self.ended_at is None or not self.ended_at <= now else self.ended_at
        hold = min(self.hold_until - now, _LONGEST_HOLD)
        return max(0.0, ended_at + max(delay, self.delay) - now, hold)

    def knowing(self, crawl_delay: float | None) -> Self:
        """Give the note with what robots.txt says, 0 for nothing; None comes from somebody who has not read it."""
        return self if crawl_delay is None else replace(self, delay=min(max(0.0, crawl_delay), _LONGEST_DELAY))

    def begun(self) -> Self:
        """Give the note for the length of a request: its end is not known."""
        return replace(self, ended_at=None)

    def over(self, now: float, retry_after: float = 0.0) -> Self:
        """Give the note after a request that ended now; `retry_after` is what the host asked for, in seconds."""
        return replace(self.held(now, retry_after), ended_at=now)

    def held(self, now: float, seconds: float) -> Self:
        """Give the note of a host that is not to be asked for so long."""
        until = now + min(seconds, _LONGEST_HOLD)
        return replace(self, hold_until=max(self.hold_until, until)) if seconds > 0 else self
