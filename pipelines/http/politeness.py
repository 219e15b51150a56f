"""Good manners: Retry-After, and one request at a time per host with a pause between two.

Sources: RFC 9110, 10.2.3 (Retry-After); crawl-delay as the large sites publish it.
"""

from __future__ import annotations

import asyncio
import email.utils
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from pipelines.errors import FetchFault

_FORGET_ABOVE = 20_000
_LONGEST_RETRY_AFTER = 7 * 86_400.0


def retry_after(header: str | None, now: datetime) -> float | None:
    """Read a Retry-After header: seconds or an HTTP date.

    Args:
        header: the header's text; None where there is none.
        now: the present, to count a date from.

    Returns:
        Seconds to wait, from 0 to 7 days, or None where the header is missing or means nothing.
    """
    if header is None:
        return None
    text = header.strip()
    try:
        if text.isascii() and text.replace(".", "", 1).isdigit():
            seconds = float(text)
        else:
            moment = email.utils.parsedate_to_datetime(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - now).total_seconds()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


class HostOnHold(FetchFault):
    """A host may not be asked for longer than it makes sense to wait; `retry_after` says for how long."""

    def __init__(self, host: str, seconds: float) -> None:
        super().__init__(
            f"host may not be asked for another {seconds:.0f} s",
            reason="host-on-hold",
            retryable=True,
            retry_after=seconds,
            resource=host,
        )


@dataclass
class _Host:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended_at: float = -math.inf
    hold_until: float = -math.inf
    delay: float | None = None  # None until somebody has read its robots.txt
    waiting: int = 0


Learn = Callable[[float | None], None]
"""Told within a turn which crawl-delay the answer names: who comes next keeps it already."""


class Beneath(Protocol):
    """A gate below that of the process, e.g. the one that all processes of a machine share."""

    def turn(
        self, host: str, *, delay: float, crawl_delay: float | None, patience: float
    ) -> AbstractAsyncContextManager[Learn]:
        """Wait for a turn at a host and hold it for the length of a block."""

    def hold(self, host: str, seconds: float) -> None:
        """Let nothing through to a host for so long."""


class HostGate:
    """Lets one request at a time through to each host, with a pause from the end of one to the start of the next.

    Args:
        delay_seconds: the pause, unless a host asks for more.
        patience: longest pause that is waited for; after a longer Retry-After a turn is refused at once.
        clock: gives seconds that never go back.
        machine: the gate beneath, passed after the turn in this process.
    """

    def __init__(
        self,
        delay_seconds: float,
        patience: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
        machine: Beneath | None = None,
    ) -> None:
        self._delay = delay_seconds
        self._patience = patience
        self._clock = clock
        self._machine = machine
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[Learn]:
        """Wait for a host's turn and hold it for the length of the block; a Retry-After raised in it is minded.

        The block is given a function for the crawl-delay that the answer names.

        Raises:
            HostOnHold: the host's pause is longer than our patience.
        """
        state = self._host(host)
        state.waiting += 1
        try:
            async with state.lock:
                while (wait := self._free_at(state) - self._clock()) > 0:  # a hold may have come meanwhile
                    if wait > self._patience:
                        raise HostOnHold(host, wait)
                    await asyncio.sleep(wait)
                try:
                    async with self._turn_beneath(host, state) as beneath:

                        def learn(seconds: float | None) -> None:
                            state.delay = seconds or 0.0
                            beneath(seconds)

                        yield learn
                except FetchFault as fault:  # from the block, or from beneath: others know that the host is on hold
                    state.hold_until = max(state.hold_until, self._clock() + (fault.retry_after or 0.0))
                    raise
                finally:
                    state.ended_at = self._clock()
        finally:
            state.waiting -= 1

    def hold(self, host: str, seconds: float) -> None:
        """Let nothing through to a host for so long: it said Retry-After."""
        state = self._host(host)
        state.hold_until = max(state.hold_until, self._clock() + seconds)
        if self._machine is not None:
            self._machine.hold(host, seconds)

    def set_delay(self, host: str, seconds: float | None) -> None:
        """Note the crawl-delay of a host, None for none; the longer of it and the usual pause counts."""
        self._host(host).delay = seconds or 0.0

    def expected_wait(self, host: str) -> float:
        """Tell how many seconds a request that queued now would at least wait."""
        state = self._hosts.get(host)
        if state is None:
            return 0.0
        return max(0.0, self._free_at(state) - self._clock()) + state.waiting * self._delay_of(state)

    def _turn_beneath(self, host: str, state: _Host) -> AbstractAsyncContextManager[Learn]:
        if self._machine is None:
            return nullcontext(lambda _: None)
        return self._machine.turn(host, delay=self._delay, crawl_delay=state.delay, patience=self._patience)

    def _free_at(self, state: _Host) -> float:
        """Give when a host may be asked; a crawl-delay learned since the last request counts from its end, too."""
        return max(state.ended_at + self._delay_of(state), state.hold_until)

    def _delay_of(self, state: _Host) -> float:
        return max(self._delay, state.delay or 0.0)

    def _host(self, host: str) -> _Host:
        if host not in self._hosts:
            if len(self._hosts) >= _FORGET_ABOVE:
                now = self._clock()
                self._hosts = {name: at for name, at in self._hosts.items() if at.waiting or self._free_at(at) > now}
            self._hosts[host] = _Host()
        return self._hosts[host]
