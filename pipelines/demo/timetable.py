"""Where the outlets are served and when their articles appeared: the two things that differ from run to run."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from pipelines.demo.outlets import Article, Outlet

DEFAULT_PORT = 8754
"""Port of the sample site; URLs hold it, so it must stay the same from run to run."""
CLOSED_ADDRESS = 29
"""Last number of the loopback address that belongs to the site and on which nothing listens."""


@cache
def whole_loopback() -> bool:
    """Tell whether every 127.x.y.z is this machine, as on Linux; on macOS only 127.0.0.1 is."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.2", 0))
        except OSError:
            return False
    return True


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """Addresses and dates of one run.

    Attributes:
        start: when the site started; articles are dated back from it.
        port: the port in the URLs, the first of several where all outlets share one address.
        apart: whether each outlet has an address of its own; otherwise each has its own port on 127.0.0.1.
    """

    start: datetime
    port: int = DEFAULT_PORT
    apart: bool = True

    def place(self, number: int) -> tuple[str, int]:
        """Give the address and port of the outlet with that last number."""
        return (f"127.0.0.{number}", self.port) if self.apart else ("127.0.0.1", self.port + number)

    def base(self, number: int) -> str:
        """Give the beginning of all URLs at that place."""
        address, port = self.place(number)
        return f"http://{address}:{port}"

    def url(self, outlet: Outlet, path: str) -> str:
        """Give the URL of a path of an outlet."""
        return f"{self.base(outlet.address)}{path}"

    def published(self, article: Article) -> datetime:
        """Give the article's date, whole seconds."""
        return (self.start - timedelta(hours=article.hours)).replace(microsecond=0)
