"""What a metric is, and how it is recorded: in memory, with prometheus-client, which nobody else imports.

Names and kinds follow https://prometheus.io/docs/practices/naming/ and https://prometheus.io/docs/practices/
instrumentation/: base units in the name, `_total` for counters.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from schemas.roles import Role

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client import Metric as PrometheusMetric

    Family: TypeAlias = PrometheusMetric

OTHER = "other"
"""The value of a label that has too many."""

Sample = tuple[Mapping[str, str], float]
"""One value with its labels."""


class MetricKind(StrEnum):
    """How a metric behaves."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class MetricSource(StrEnum):
    """Where the values of a metric come from."""

    COUNTED = "counted as it happens"
    LOOKED_AT = "looked at when scraped"
    KAFKA = "asked of Kafka"
    ELASTICSEARCH = "asked of Elasticsearch"


@dataclass(frozen=True, kw_only=True)
class Label:
    """One dimension of a metric.

    Attributes:
        name: as in the exposition.
        values: all that there are, where they are known; each is there from the start, at 0.
        most: how many different ones are told apart, where they are not known; what comes later counts as `other`.
    """

    name: str
    values: tuple[str, ...] = ()
    most: int = 100


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric as it is declared.

    Attributes:
        name: as in the exposition, `newsriver_` first.
        kind: how it behaves.
        about: one sentence.
        roles: who has it.
        unit: of its values; empty for plain counts.
        labels: its dimensions.
        buckets: upper bounds of a histogram.
        source: where its values come from. What the process counts begins at 0 at each start; what a server is asked
            for at each scrape no restart of ours changes.
    """

    name: str
    kind: MetricKind
    about: str
    roles: tuple[Role, ...]
    unit: str = ""
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    source: MetricSource = MetricSource.COUNTED
    _seen: dict[str, set[str]] = field(default_factory=dict, compare=False, repr=False)

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count on."""
        self._of(labels).inc(amount)

    def set(self, value: float, **labels: str) -> None:
        """Note the present value of a gauge."""
        self._of(labels).set(value)

    def observe(self, value: float, **labels: str) -> None:
        """Note one value of a histogram."""
        self._of(labels).observe(value)

    def value(self, **labels: str) -> float:
        """Give the present value; of a histogram how many were noted. 0 where there is none yet."""
        suffix = "_count" if self.kind is MetricKind.HISTOGRAM else ""
        return registry().get_sample_value(self.name + suffix, labels) or 0.0

    def begin(self) -> None:
        """Have it in the exposition from now on, at 0 where its labels' values are known."""
        if self.source is not MetricSource.COUNTED:
            return
        recorder = _recorder(self.name, self)
        if len(self.labels) == 1:
            for value in self.labels[0].values:
                recorder.labels(value)

    def family(self, samples: Iterable[Sample]) -> Family:
        """Give samples that were asked of a server as what a collector yields."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        make = CounterMetricFamily if self.kind is MetricKind.COUNTER else GaugeMetricFamily
        names = [label.name for label in self.labels]
        family = make(self.name, self.about, labels=names)
        for labels, value in samples:
            family.add_metric([labels[name] for name in names], value)
        return family

    def _of(self, labels: Mapping[str, str]) -> Any:  # noqa: ANN401 - one of three classes that share no base
        recorder = _recorder(self.name, self)
        if not self.labels:
            return recorder
        return recorder.labels(*(self._bounded(label, labels[label.name]) for label in self.labels))

    def _bounded(self, label: Label, value: str) -> str:
        if label.values:
            return value if value in label.values else OTHER
        seen = self._seen.setdefault(label.name, set())
        if value in seen:
            return value
        with _lock:
            if len(seen) >= label.most:
                return OTHER
            seen.add(value)
        return value


_lock = threading.Lock()


@cache
def registry() -> CollectorRegistry:
    """Give this process's registry, which has the process's own figures too (CPU, memory, open files)."""
    from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics

    disable_created_metrics()  # type: ignore[no-untyped-call]  # of each counter when it was made: nobody asks for it
    made = CollectorRegistry()
    ProcessCollector(registry=made)
    return made


_recorders: dict[str, Any] = {}


def _recorder(name: str, metric: Metric) -> Any:  # noqa: ANN401 - one of three classes that share no base
    found = _recorders.get(name)
    if found is not None:
        return found
    from prometheus_client import Counter, Gauge, Histogram

    with _lock:
        if name not in _recorders:
            labels = [label.name for label in metric.labels]
            if metric.kind is MetricKind.HISTOGRAM:
                made: Any = Histogram(name, metric.about, labels, registry=registry(), buckets=metric.buckets)
            else:
                kind = Counter if metric.kind is MetricKind.COUNTER else Gauge
                made = kind(name, metric.about, labels, registry=registry())
            _recorders[name] = made
        return _recorders[name]


class _Asked:
    def __init__(self, ask: Callable[[], Iterable[Family]]) -> None:
        self._ask = ask

    def describe(self) -> list[Family]:
        return []  # nobody is asked before the first scrape

    def collect(self) -> Iterable[Family]:
        return self._ask()


@contextmanager
def asked_at_scrapes(ask: Callable[[], Iterable[Family]]) -> Iterator[None]:
    """Have families in the exposition for the length of a block.

    Args:
        ask: gives them; called in the thread of the scrape.
    """
    collector: Any = _Asked(ask)
    registry().register(collector)
    try:
        yield
    finally:
        registry().unregister(collector)


def exposition() -> bytes:
    """Give all that this process has recorded as text (https://prometheus.io/docs/instrumenting/exposition_formats/)."""
    from prometheus_client import generate_latest

    return generate_latest(registry())
