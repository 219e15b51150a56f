"""Metrics as they are declared and recorded, and the rules that are made of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pipelines.metrics.declared import METRICS, OF_THE_PROCESS, POLL_ANSWERS
from pipelines.metrics.metric import OTHER, Label, Metric, MetricKind, asked_at_scrapes, exposition
from pipelines.runtime.roles import ROLES
from schemas.roles import Role

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "newsriver.rules.yml"
UNITS = ("seconds", "bytes", "records")


def counter(name: str, *labels: Label, kind: MetricKind = MetricKind.COUNTER) -> Metric:
    return Metric(name=name, kind=kind, about="Counts.", roles=(Role.POLL,), labels=labels)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_the_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"newsriver(_[a-z]+)+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is MetricKind.COUNTER)
    assert metric.unit in ("", *UNITS)
    assert not metric.unit or metric.name.removesuffix("_total").endswith(metric.unit)
    assert metric.unit or not metric.name.removesuffix("_total").endswith(tuple(f"_{unit}" for unit in UNITS[:2]))
    assert bool(metric.buckets) == (metric.kind is MetricKind.HISTOGRAM)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert metric.roles
    assert metric.about.endswith(".")


def test_names_are_unique() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_every_role_has_metrics_of_its_own() -> None:
    for spec in ROLES:
        assert any(spec.role in metric.roles and len(metric.roles) < len(ROLES) for metric in METRICS)


def test_a_label_has_no_more_values_than_are_told_apart() -> None:
    metric = counter("newsriver_test_bounded_total", Label(name="site", most=3))
    for number in range(10):
        metric.add(site=f"site{number}")
    metric.add(site="site1")
    assert [metric.value(site=f"site{number}") for number in range(4)] == [1, 2, 1, 0]
    assert metric.value(site=OTHER) == 7


def test_a_label_whose_values_are_known_takes_no_other_and_begins_at_0() -> None:
    metric = counter("newsriver_test_known_total", Label(name="result", values=("good", "bad")))
    metric.begin()
    assert 'newsriver_test_known_total{result="bad"} 0.0' in exposition().decode()
    metric.add(result="ugly")
    assert metric.value(result=OTHER) == 1


@given(st.text(max_size=50))
def test_whatever_a_label_holds_the_exposition_can_be_read(value: str) -> None:
    metric = counter("newsriver_test_hostile_total", Label(name="reason", most=1_000_000))
    before = metric.value(reason=value)
    metric.add(reason=value)
    assert metric.value(reason=value) == before + 1
    found = {family.name for family in text_string_to_metric_families(exposition().decode())}
    assert "newsriver_test_hostile" in found


def test_what_is_asked_at_scrapes_is_there_for_the_length_of_a_block() -> None:
    metric = counter("newsriver_test_asked_records", Label(name="topic"), kind=MetricKind.GAUGE)
    with asked_at_scrapes(lambda: [metric.family([({"topic": "pages"}, 7)])]):
        assert b'newsriver_test_asked_records{topic="pages"} 7.0' in exposition()
    assert b"newsriver_test_asked_records" not in exposition()


def test_a_histogram_counts() -> None:
    metric = Metric(
        name="newsriver_test_seconds", kind=MetricKind.HISTOGRAM, about="Lasts.", roles=(Role.POLL,), buckets=(1, 2)
    )
    for seconds in (0.5, 1.5, 9):
        metric.observe(seconds)
    assert metric.value() == 3
    assert b'newsriver_test_seconds_bucket{le="2.0"} 2.0' in exposition()


def test_a_forgotten_label_is_an_error() -> None:
    with pytest.raises(KeyError):
        POLL_ANSWERS.add()


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def known() -> set[str]:
    """Name all series that a rule may ask for."""
    names = {metric.name for metric in METRICS if metric.kind is not MetricKind.HISTOGRAM} | set(OF_THE_PROCESS)
    histograms = [metric.name for metric in METRICS if metric.kind is MetricKind.HISTOGRAM]
    return names | {f"{name}_{part}" for name in histograms for part in ("bucket", "count", "sum")} | {"up"}


def test_every_name_in_a_rule_is_declared() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    used = {
        name
        for rule in rules()
        for name in re.findall(r"\b(?:newsriver_\w+|river:[\w:]+|process_\w+|up)(?=[{\s\[)]|$)", rule["expr"])
    }
    assert len(used) > 12
    assert used - known() - recorded == set()


def test_every_label_in_a_rule_is_one_of_its_metric() -> None:
    labels = {metric.name: {label.name for label in metric.labels} for metric in METRICS}
    always = {"job", "instance", "river", "role", "worker", "le"}
    for rule in rules():
        for name, matchers in re.findall(r"(newsriver_\w+)\{([^}]*)\}", rule["expr"]):
            asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
            assert asked <= labels[re.sub(r"_(bucket|count|sum)$", "", name)] | always, rule


def test_every_alert_says_what_and_what_to_do() -> None:
    alerts = [rule for rule in rules() if "alert" in rule]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) > 8
    for rule in alerts:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "action"}


def test_the_rules_alert_at_their_faults_and_not_on_a_quiet_river(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        warnings.warn("no promtool on PATH (Debian: prometheus): the rules' names are checked, not run", stacklevel=1)
        return
    tests = ROOT / "tests" / "data" / "prometheus" / "newsriver.tests.yml"
    for path in (RULES, tests, RULES.with_name("prometheus.yml")):
        shutil.copy(path, tmp_path)
    for call in (["check", "config", "prometheus.yml"], ["test", "rules", tests.name]):
        done = subprocess.run([promtool, *call], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_test() -> None:
    text = (ROOT / "tests" / "data" / "prometheus" / "newsriver.tests.yml").read_text(encoding="utf-8")
    for rule in rules():
        if "alert" in rule:
            quiet, _, faults = text.partition("a process that was killed")
            assert rule["alert"] in quiet
            assert rule["alert"] in faults
