"""What a run against the simulated internet came to, and whether it kept its promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.lab.bench.cores import Memory, machine
from pipelines.lab.internet.audit import GAVE_UP_TOLERANCE_SECONDS, TOLERANCE_SECONDS, Violation, ViolationKind, counts
from pipelines.lab.internet.harvest import Harvest
from pipelines.lab.internet.log import GAVE_UP, LoggedRequest
from pipelines.lab.internet.missed import Coverage
from pipelines.lab.internet.river import ROLES
from pipelines.lab.internet.site import Orders

MOST_MISSED = 0.0001
MOST_CORES = 1.0

_EXAMPLES = 3


@dataclass(frozen=True)
class Served:
    """What the servers answered.

    Attributes:
        requests: all of them.
        polls: requests for feeds, without redirects on the way.
        unchanged: feeds' 304.
        robots: requests for robots.txt.
        pages: requests for articles, without redirects on the way.
        statuses: answers by status; 0 for what clients gave up.
    """

    requests: int
    polls: int
    unchanged: int
    robots: int
    pages: int
    statuses: Mapping[str, int]

    @classmethod
    def of(cls, log: Sequence[LoggedRequest]) -> Served:
        """Sum up a log."""
        statuses = Counter("given up" if one.status == GAVE_UP else str(one.status) for one in log)
        return cls(
            requests=len(log),
            polls=sum(one.for_feed and not one.redirected for one in log),
            unchanged=sum(one.for_feed and one.status == 304 for one in log),
            robots=sum(one.for_robots for one in log),
            pages=sum(one.for_page and not one.redirected for one in log),
            statuses=dict(sorted(statuses.items())),
        )


@dataclass(frozen=True)
class Cost:
    """What one copy used.

    Attributes:
        cores: cores, on average over the run.
        memory: resident memory, of all its processes in turn.
        processes: how many processes it was.
    """

    cores: float
    memory: Memory
    processes: int


@dataclass(frozen=True)
class PullResult:
    """What a run came to.

    Attributes:
        river: name of the benchmark's own river.
        orders: what the internet was like.
        traits: hosts and feeds by trait.
        seconds: how long the river pulled.
        copies: copies of poll, and of fetch.
        served: what the servers answered.
        violations: all of them, as they happened.
        coverage: what was found and what was missed.
        harvest: what is on Kafka.
        costs: by copy; `record` is shown and not counted.
        site_cores: what the internet itself used.
        kills: seconds and names of the copies that were killed.
        moves: seconds and names of the copies that came or left in order, and which of both.
        deaths: copies that ended by themselves.
        balanced: whether `reconcile` balances.
        books: its totals.
    """

    river: str
    orders: Orders
    traits: Mapping[str, Mapping[str, int]]
    seconds: float
    copies: int
    served: Served
    violations: Sequence[Violation]
    coverage: Coverage
    harvest: Harvest
    costs: Mapping[str, Cost]
    site_cores: float
    kills: Sequence[tuple[float, str]]
    moves: Sequence[tuple[float, str, str]]
    deaths: int
    balanced: bool
    books: Mapping[str, int]

    @property
    def cores(self) -> float:
        """Cores that poll and fetch used together."""
        return sum(cost.cores for name, cost in self.costs.items() if name.startswith(ROLES))

    @property
    def faults(self) -> list[str]:
        """What the run did not keep of its promises, for people."""
        found = [f"{count} violations: {kind}" for kind, count in counts(self.violations).items() if count]
        if self.coverage.share > MOST_MISSED:
            found.append(f"{self.coverage.share:.4%} of the articles missed")
        if self.cores > MOST_CORES:
            found.append(f"{self.cores:.2f} cores used")
        if not self.balanced:
            found.append("reconcile does not balance")
        if self.harvest.unaccounted:
            found.append(f"{len(self.harvest.unaccounted)} entries unaccounted for")
        if self.coverage.strangers:
            found.append(f"{len(self.coverage.strangers)} entries that nobody published")
        return found

    @property
    def between_roles(self) -> int:
        """Violations between poll and fetch, rather than of one with itself."""
        return sum(one.between_roles for one in self.violations)

    @property
    def examples(self) -> list[Violation]:
        """Some violations of each kind, the worst first."""
        worst = sorted(self.violations, key=lambda one: -one.early)
        return [one for kind in ViolationKind for one in [each for each in worst if each.kind is kind][:_EXAMPLES]]

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        on_kafka = {name: value for name, value in asdict(self.harvest).items() if name != "discovered"}
        return {
            "bench": "pull",
            "river": self.river,
            "good": not self.faults,
            "faults": self.faults,
            "internet": {**asdict(self.orders), "traits": self.traits},
            "seconds": self.seconds,
            "copies": self.copies,
            "served": asdict(self.served),
            "polls_per_second": self.served.polls / self.seconds,
            "pages_per_second": self.served.pages / self.seconds,
            "violations": {**counts(self.violations), "between_poll_and_fetch": self.between_roles},
            "tolerance_ms": {"usual": 1000 * TOLERANCE_SECONDS, "given_up": 1000 * GAVE_UP_TOLERANCE_SECONDS},
            "examples": [one.as_json() for one in self.examples],
            "coverage": self.coverage.as_json(),
            "kafka": on_kafka,
            "cores": {"poll_and_fetch": self.cores, "site": self.site_cores},
            "costs": {name: asdict(cost) for name, cost in self.costs.items()},
            "kills": [{"at": at, "copy": name} for at, name in self.kills],
            "moves": [{"at": at, "copy": name, "did": did} for at, name, did in self.moves],
            "deaths": self.deaths,
            "reconcile": {"balanced": self.balanced, **self.books},
            "machine": machine(),
        }
