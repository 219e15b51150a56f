"""Looks at the river once a second while things break, and lets the site announce as fast as the plan needs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from pipelines.errors import NewsriverError
from pipelines.lab.chaos.plan import FaultPlan, PlannedFault
from pipelines.lab.chaos.recovery import Sample
from pipelines.lab.chaos.river import Sites
from pipelines.settings import Settings
from schemas.topics import ENTRIES, OUTCOMES, PAGES, Topic

log = logging.getLogger(__name__)

READS: dict[str, Topic] = {"fetch": ENTRIES, "process": PAGES, "record": OUTCOMES}
"""The topic by which a role's progress is measured; later-tiers wait on purpose and are left aside."""

_EVERY_SECONDS = 1.0
_SPARE_SECONDS = 40.0
"""Articles for so long are kept back, so that they flow still when the last fault takes longer than expected."""


@dataclass
class Now:
    """What goes on at this moment, for whoever shows it.

    Attributes:
        faults: number of faults in the plan.
        doing: what is being done, for people.
        since: since when, on the clock of `time.monotonic`.
        done: faults that are over.
        sample: the last look at the river; None before the first.
    """

    faults: int
    doing: str = "starting"
    since: float = field(default_factory=time.monotonic)
    done: int = 0
    sample: Sample | None = None

    def begin(self, doing: str) -> None:
        """Note what is done next."""
        self.doing, self.since = doing, time.monotonic()
        log.info("%s", doing)


class RoleWatch:
    """Samples the river for as long as its block lasts, in a thread.

    Attributes:
        samples: where the roles stood, in the order of time; none while the broker is away.

    Args:
        settings: the river's settings.
        sites: told how many articles are out.
        plan: says how long the articles must last.
        now: says how much of the plan is done; gets the last sample.
    """

    def __init__(self, settings: Settings, sites: Sites, plan: FaultPlan, now: Now) -> None:
        self.samples: list[Sample] = []
        self._settings, self._sites, self._plan, self._now = settings, sites, plan, now
        self._out = 0.0
        self._held = False
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._over.set()
        self._wake.set()
        self._thread.join()

    def now(self) -> None:
        """Look at once instead of at the next turn."""
        self._wake.set()

    def bring(self, articles: int, *, slow: float = 0.0) -> None:
        """Let so many articles come out at once; with `slow` their hosts take so many seconds for each page."""
        with self._lock:
            first = self._sites.revealed
            if slow:
                self._sites.slow(range(first, first + articles), slow)
            self._out = min(self._out + articles, self._plan.articles)
            self._sites.reveal(max(first + articles, int(self._out)))

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Let nothing come out for the length of a block."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def calm_since(self, moment: float) -> bool:
        """Tell whether nothing waited for any role at a look after a moment."""
        return any(sample.at > moment and not any(sample.lags.values()) for sample in self.samples[-3:])

    def done(self, role: str) -> int:
        """Give the number of records that a role had done at the last look."""
        return self.samples[-1].positions[role] if self.samples else 0

    def waits(self, role: str) -> int:
        """Give the number of records that waited for a role at the last look."""
        return self.samples[-1].lags[role] if self.samples else 0

    def _run(self) -> None:
        before = time.monotonic()
        while not self._over.is_set():
            self._wake.wait(_EVERY_SECONDS)
            self._wake.clear()
            now = time.monotonic()
            with self._lock:
                if not self._held:
                    left = self._plan.faults[self._now.done :]
                    self._out += more(self._plan.articles - self._out, left, now - before)
                    self._sites.reveal(int(self._out))
            before = now
            try:
                sample = look(self._settings)
            except NewsriverError as error:
                log.debug("no look: %s", error)
                continue
            self.samples.append(sample)
            self._now.sample = sample


def more(missing: float, left: Sequence[PlannedFault], seconds: float) -> float:
    """Give how many articles come out now, so that they last for the faults that are left.

    Args:
        missing: articles that are not out.
        left: faults to come, the one under way first.
        seconds: time since the last articles came out.
    """
    if not left:
        return missing
    lasting = _SPARE_SECONDS + sum(fault.expected_seconds for fault in left)
    return min(missing, missing * seconds / lasting)


def look(settings: Settings) -> Sample:
    """Ask Kafka where the roles stand.

    Raises:
        NewsriverError: it does not answer.
    """
    from pipelines.status import topic_status

    found = {topic.topic: topic for topic in topic_status(settings)}
    river = settings.river.name
    positions, lags = {"poll": found[ENTRIES.full_name(river)].records}, {}
    for role, topic in READS.items():
        status = found[topic.full_name(river)]
        lags[role] = status.waiting.get(role, 0)
        positions[role] = status.records - lags[role]
    waiting = sum(sum(topic.waiting.values()) for topic in found.values())
    return Sample(time.monotonic(), positions, lags, waiting)
