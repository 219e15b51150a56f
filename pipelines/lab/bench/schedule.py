"""The schedule of `poll` beside fixed intervals and other systems' rules, on the same simulated feeds. Pure.

Each rule asks each feed as its own timetable says, and of every item that appears it is known whether it was seen,
how late, or left the feed's window unseen. Our own rule is `pipelines.poll.schedule`, called as `poll` calls it. The
others ask without validators, so that no server can lie to them, and need not heed what feeds say of themselves.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.lab.bench.publishers import DAY, Publisher, publisher
from pipelines.lab.bench.rules import OURS, RULES, PollingRule

REACH_SECONDS = 300.0
"""An item that is to be seen for a shorter time without a break is out of reach of a poll every five minutes."""


@dataclass(slots=True)
class Tally:
    """What came of one rule.

    Attributes:
        polls: all polls, failed ones included.
        failed: polls that got no answer.
        wasted: polls that brought nothing new, failed ones included.
        items: items that appeared after the first poll.
        missed: items that left the window unseen.
        out_of_reach: those of them that even a poll every five minutes may not see.
        pending: items that are still to be seen at the end.
        delays: for each item that was seen, the seconds from when it could first be seen to the poll that brought it.
    """

    polls: int = 0
    failed: int = 0
    wasted: int = 0
    items: int = 0
    missed: int = 0
    out_of_reach: int = 0
    pending: int = 0
    delays: array[float] = field(default_factory=lambda: array("d"))

    def add(self, other: Tally) -> None:
        """Add another feed's."""
        for name in ("polls", "failed", "wasted", "items", "missed", "out_of_reach", "pending"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.delays.extend(other.delays)

    @property
    def mean_delay(self) -> float:
        """Mean delay in seconds."""
        return sum(self.delays) / max(1, len(self.delays))

    @property
    def p95_delay(self) -> float:
        """Delay in seconds that 95 % of the items do not exceed."""
        ordered = sorted(self.delays)
        return ordered[max(0, -(-95 * len(ordered) // 100) - 1)] if ordered else 0.0

    @property
    def missed_share(self) -> float:
        """Share of the items that left the window unseen, of those that were seen or missed."""
        return self.missed / max(1, self.items - self.pending)

    @property
    def missed_in_reach_share(self) -> float:
        """The same without those that even a poll every five minutes may not see."""
        return (self.missed - self.out_of_reach) / max(1, self.items - self.pending)

    @property
    def wasted_share(self) -> float:
        """Share of the polls that brought nothing new."""
        return self.wasted / max(1, self.polls)

    def as_json(self, feed_days: float) -> dict[str, float]:
        """Give the figures, delays in seconds."""
        return {
            "polls_per_feed_and_day": self.polls / feed_days,
            "mean_delay_seconds": self.mean_delay,
            "p95_delay_seconds": self.p95_delay,
            "missed_share": self.missed_share,
            "missed_in_reach_share": self.missed_in_reach_share,
            "wasted_share": self.wasted_share,
            "items": self.items,
            "seen": len(self.delays),
            "missed": self.missed,
            "missed_out_of_reach": self.out_of_reach,
            "pending": self.pending,
            "failed_polls": self.failed,
        }


def follow(source: Publisher, rule: PollingRule, until: float) -> Tally:
    """Ask one feed by a rule until a time in seconds from `START`."""
    items, window, tally = source.items, source.window, Tally()
    total = len(items)
    first = bisect_right(items, source.first_poll)
    at, count, told = source.first_poll, first, 0  # told: items before this one were seen or missed
    while at < until:
        tally.polls += 1
        if not source.up(at):
            tally.failed += 1
            tally.wasted += 1
            at = rule.failed(at)
            continue
        while count < total and items[count] <= at:
            count += 1
        etag = source.etag(at, count)
        sent = rule.etag()
        same = sent is not None and sent == etag
        begin = max(told, count - window)
        new = 0 if same else count - begin
        if new:
            _note(tally, source, range(max(told, first), begin))
            tally.delays.extend(at - source.shown_from(number) for number in range(max(begin, first), count))
            told = count
        else:
            tally.wasted += 1
        at = rule.answered(at, count, new, etag, same=same)
    end = bisect_right(items, until)
    gone = max(told, end - window)
    _note(tally, source, range(max(told, first), gone))
    tally.items = end - first
    tally.pending = end - max(gone, first)
    return tally


def _note(tally: Tally, source: Publisher, missed: range) -> None:
    tally.missed += len(missed)
    tally.out_of_reach += sum(1 for number in missed if source.visible(number) < REACH_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleResult:
    """What came of every rule on the same feeds.

    Attributes:
        feeds: number of feeds.
        days: length of the run.
        seed: which feeds.
        tallies: by the rule's name.
        kinds: what came of our own rule by the kind of feed: number of feeds and tally; without the rule none.
    """

    feeds: int
    days: float
    seed: int
    tallies: Mapping[str, Tally]
    kinds: Mapping[str, tuple[int, Tally]]

    def as_json(self) -> dict[str, Any]:
        """Give the figures, delays in seconds."""
        rules = [{"rule": name, **tally.as_json(self.feeds * self.days)} for name, tally in self.tallies.items()]
        kinds = [
            {"kind": name, "feeds": feeds, **tally.as_json(feeds * self.days)}
            for name, (feeds, tally) in self.kinds.items()
        ]
        return {"feeds": self.feeds, "days": self.days, "seed": self.seed, "rules": rules, "kinds": kinds}


def run(
    *, feeds: int, days: float, seed: int, tell: Callable[[str, int, int], None], rules: Iterable[str] | None = None
) -> ScheduleResult:
    """Let every rule ask every feed.

    Args:
        feeds: number of feeds.
        days: length of the run.
        seed: which feeds; the same seed makes the same feeds.
        tell: told what is done, how much of it is done, and of how much.
        rules: names of the rules; all by default.
    """
    chosen = {name: RULES[name] for name in (rules or RULES)}
    tallies = {name: Tally() for name in chosen}
    kinds: dict[str, tuple[int, Tally]] = {}
    for number in range(feeds):
        source = publisher(seed, number, days)
        for name, rule in chosen.items():
            tally = follow(source, rule(source), days * DAY)
            tallies[name].add(tally)
            if name == OURS:
                count, whole = kinds.setdefault(source.kind, (0, Tally()))
                whole.add(tally)
                kinds[source.kind] = count + 1, whole
        tell("feeds", number + 1, feeds)
    return ScheduleResult(feeds=feeds, days=days, seed=seed, tallies=tallies, kinds=dict(sorted(kinds.items())))
