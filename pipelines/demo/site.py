"""The sample news site: a dozen invented outlets on loopback, each at an address of its own.

The only importer of aiohttp's server (https://docs.aiohttp.org/en/stable/web.html, tested with 3.14).
On Linux the outlets are 127.0.0.2 and up on one port, so that politeness, which counts by host, works in parallel;
where only 127.0.0.1 exists they are as many ports. `python -m pipelines.demo` serves it alone, for a look.
"""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from aiohttp import web

from pipelines.demo.answers import NOT_MODIFIED, SampleAnswer, SampleVisit
from pipelines.demo.catalogue import build
from pipelines.demo.expected import ExpectedCase
from pipelines.demo.outlets import load_outlets
from pipelines.demo.seed import read_seed
from pipelines.demo.timetable import CLOSED_ADDRESS, DEFAULT_PORT, Timetable, whole_loopback
from pipelines.errors import StackError
from pipelines.feeds.lists import to_toml
from schemas.records import Feed

_WORTH_COMPRESSING = 1000
_ROBOTS = "/robots.txt"


@dataclass(frozen=True, kw_only=True)
class SampleAccess:
    """One request that the site has answered.

    Attributes:
        at: when it came.
        host: the address and port it came to: what politeness counts by.
        path: what it asked for, with its query.
        user_agent: who asked.
        status: what it got; 499 where the client hung up before the end.
        seconds: how long the answer took.
    """

    at: datetime
    host: str
    path: str
    user_agent: str
    status: int
    seconds: float


HUNG_UP = 499
"""Status in the log for an answer that nobody waited for."""


class SampleSite:
    """The site in a thread of its own; also a context manager.

    Args:
        port: first port of the site; URLs hold it, so a second run must have the same.
        seed_article: a text file that becomes one page more, where it exists.
        now: the moment that articles are dated back from; None means the present.
    """

    def __init__(
        self, port: int = DEFAULT_PORT, *, seed_article: Path | None = None, now: datetime | None = None
    ) -> None:
        self.times = Timetable(start=now or datetime.now(UTC), port=port, apart=whole_loopback())
        self._catalogue = build(self.times, read_seed(seed_article))
        self._numbers = {self.times.place(outlet.address): outlet.address for outlet in load_outlets()}
        self._waits = {outlet.address: outlet.wait_seconds for outlet in load_outlets()}
        self._visits: dict[tuple[int, str], int] = {}
        self._accesses: list[SampleAccess] = []
        self._thread: threading.Thread | None = None
        self._ending: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    @property
    def expected(self) -> list[ExpectedCase]:
        """What must become of every page and feed, ordinary ones included."""
        return self._catalogue.expected

    def feed_list(self) -> list[Feed]:
        """Give every feed to poll, the broken ones too."""
        return self._catalogue.feeds

    def feeds_toml(self, path: Path) -> None:
        """Write the feeds as a feed list in TOML."""
        path.write_text(to_toml(self.feed_list()), encoding="utf-8")

    def networks(self) -> list[str]:
        """Give the addresses for `fetch.allow_networks`: the site's own and no other."""
        if not self.times.apart:
            return ["127.0.0.1/32"]
        return [f"127.0.0.{number}/32" for number in (*sorted(self._numbers.values()), CLOSED_ADDRESS)]

    def requests(self) -> list[SampleAccess]:
        """Give all requests answered so far, in the order in which their answers ended."""
        return list(self._accesses)

    def feeds_asked(self) -> set[str]:
        """Give the feeds that were asked so far.

        Those that live elsewhere, on a missing host or a closed port, count as asked: no request for them can arrive.
        """
        asked = {f"http://{access.host}{access.path}" for access in self._accesses}
        here = {f"{address}:{port}" for address, port in self._numbers}
        urls = {feed.url for feed in self.feed_list()}
        return {url for url in urls if url in asked or urlsplit(url).netloc not in here}

    def start(self) -> None:
        """Listen; returns when every outlet answers.

        Raises:
            StackError: a port is taken or an address cannot be used.
        """
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)), name="sample-site", daemon=True)
        self._thread.start()
        ready.result()

    def stop(self) -> None:
        """Stop listening and end what is under way; harmless when it does not run."""
        if self._ending is not None and self._thread is not None:
            loop, ending = self._ending
            loop.call_soon_threadsafe(ending.set)
            self._thread.join()
        self._ending = self._thread = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    async def _run(self, ready: Future[None]) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            for address, port in self._numbers:
                await _listen(runner, address, port)
        except StackError as error:
            await runner.cleanup()
            ready.set_exception(error)
            return
        ending = asyncio.Event()
        self._ending = (asyncio.get_running_loop(), ending)
        ready.set_result(None)
        await ending.wait()
        await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """SampleAnswer one request and write it down."""
        at, started, status = datetime.now(UTC), time.monotonic(), HUNG_UP
        address, port = request.get_extra_info("sockname")
        number = self._numbers[address, port]
        try:
            if request.path != _ROBOTS:
                await asyncio.sleep(self._waits[number])
            response, status = await _send(request, self._answer(number, request))
            return response
        finally:
            self._accesses.append(
                SampleAccess(
                    at=at,
                    host=f"{address}:{port}",
                    path=request.path_qs,
                    user_agent=request.headers.get("User-Agent", ""),
                    status=status,
                    seconds=time.monotonic() - started,
                )
            )

    def _answer(self, number: int, request: web.Request) -> SampleAnswer:
        path = _without_trackers(request.path_qs)
        respond = self._catalogue.answers[number].get(path)
        if respond is None:
            return SampleAnswer(status=404, headers={"Content-Type": "text/plain"}, body=b"Not found\n")
        earlier = self._visits.get((number, path), 0)
        self._visits[number, path] = earlier + 1
        etag, last_modified = request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
        return respond(SampleVisit(earlier=earlier, etag=etag, last_modified=last_modified))


async def _listen(runner: web.AppRunner, address: str, port: int) -> None:
    try:
        await web.TCPSite(runner, address, port).start()
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        raise StackError(
            f"the sample site cannot listen on {address}:{port}: {'the port is taken' if taken else error.strerror}",
            resource=f"{address}:{port}",
            hint="end what uses it, or give the site another port",
        ) from None


async def _send(request: web.Request, answer: SampleAnswer) -> tuple[web.StreamResponse, int]:
    """Give the response and the status to write down for it; what is made in pieces is sent here."""
    if answer.pieces is not None:
        stream = web.StreamResponse(status=answer.status, headers=answer.headers)
        try:
            await stream.prepare(request)
            for piece in answer.pieces():
                await stream.write(piece)
            await stream.write_eof()
        except ConnectionError:  # a client that caps what it takes
            return stream, HUNG_UP
        return stream, answer.status
    response = web.Response(status=answer.status, headers=answer.headers, body=answer.body)
    if len(answer.body) >= _WORTH_COMPRESSING and answer.status != NOT_MODIFIED:
        response.enable_compression()
    return response, answer.status


def _without_trackers(path: str) -> str:
    """Drop what a feed appended to its links, as sites ignore it."""
    parts = urlsplit(path)
    kept = "&".join(pair for pair in parts.query.split("&") if not pair.startswith("utm_"))
    return urlunsplit(("", "", parts.path, kept, ""))
