"""The servers' own log: one line a request, written as it ends. Pure.

Tabs between: start, end, host, path, status, end of the wait that was asked for. Times are seconds of the run; a
status of 0 means that the client hung up before the answer, or the run ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

GAVE_UP = 0
_FEEDS, ROBOTS = ("/feed/", "/old/"), "/robots.txt"


class LoggedRequest(NamedTuple):
    """One request as the server saw it.

    Attributes:
        start: when it was read.
        end: when the answer began to be sent, or the client hung up.
        host: the address that was asked.
        path: what was asked for.
        status: of the answer; `GAVE_UP` for none.
        wait_until: until when the answer asked to stay away (Retry-After), or None.
    """

    start: float
    end: float
    host: str
    path: str
    status: int
    wait_until: float | None = None

    @property
    def for_feed(self) -> bool:
        """Whether it asked for a feed."""
        return self.path.startswith(_FEEDS)

    @property
    def for_robots(self) -> bool:
        """Whether it asked for robots.txt."""
        return self.path == ROBOTS

    @property
    def for_page(self) -> bool:
        """Whether it asked for an article."""
        return not self.for_feed and not self.for_robots

    @property
    def redirected(self) -> bool:
        """Whether it was sent elsewhere."""
        return self.status in (301, 302)

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return self._asdict()

    def line(self) -> str:
        """Give it as a line of the log."""
        wait = "" if self.wait_until is None else f"{self.wait_until:.4f}"
        return f"{self.start:.4f}\t{self.end:.4f}\t{self.host}\t{self.path}\t{self.status}\t{wait}\n"


def read(lines: Iterable[str]) -> Iterator[LoggedRequest]:
    """Read a log; a line that was cut off when its writer ended is left out."""
    for line in lines:
        if line.endswith("\n"):
            start, end, host, path, status, wait = line.rstrip("\n").split("\t")
            yield LoggedRequest(float(start), float(end), host, path, int(status), float(wait) if wait else None)
