"""Beam's counters, by the names of declared metrics: any runner shows them, and on one machine Prometheus has them too.

A generation of the graph hands in what its steps counted when it has ended well; of one that failed nothing counts,
since its pages are read again.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from apache_beam.metrics.metric import MetricResults, Metrics, MetricsFilter
from apache_beam.runners.runner import PipelineResult

from pipelines.metrics.declared import METRICS
from pipelines.metrics.metric import Metric

_NAMESPACE = "newsriver"
_DECLARED = {metric.name: metric for metric in METRICS}


def count(metric: Metric, **labels: str) -> None:
    """Count one element in the step that is at work."""
    _counter(":".join([metric.name, *(labels[label.name] for label in metric.labels)])).inc()


@cache
def _counter(name: str) -> Any:  # noqa: ANN401 - Beam's counter has no public type
    return Metrics.counter(_NAMESPACE, name)


def hand_in(result: PipelineResult) -> None:
    """Add what the steps of a run have counted to this process's metrics."""
    counted: MetricResults = result.metrics()
    for found in counted.query(MetricsFilter().with_namespace(_NAMESPACE))[MetricResults.COUNTERS]:
        name, *values = found.key.metric.name.split(":")
        metric = _DECLARED[name]
        labels = {label.name: value for label, value in zip(metric.labels, values, strict=True)}
        metric.add(found.result, **labels)
