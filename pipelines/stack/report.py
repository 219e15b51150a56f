"""How the stack tells its caller what it is doing."""

from __future__ import annotations

from typing import Protocol


class StackReport(Protocol):
    """Hears of the steps of `up`, `down` and `reset`."""

    def say(self, message: str) -> None:
        """Hear one sentence about what happens now."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Hear how many bytes of a download or an unpacking are done; `done == total` ends it."""


class Silent:
    """A report that nobody reads."""

    def say(self, message: str) -> None:
        """Drop the sentence."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Drop the figures."""
