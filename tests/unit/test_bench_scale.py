"""docs/scale.md is computed from figures that docs/benchmarks.md has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli import newsriver
from pipelines.lab.bench import scale
from pipelines.lab.bench.scale import FIGURES, SIZES, MeasuredFigure, RiverPlan, plan_of_size, plan_table
from pipelines.settings import FetchSettings
from schemas.topics import DAY, PAGES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "scale.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.text)
def test_each_figure_is_one_that_was_measured(figure: MeasuredFigure) -> None:
    assert figure.text in (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    assert f"`newsriver bench {figure.bench}`" in PAGE
    assert f"{figure.value:,g}" in PAGE


def test_the_page_has_the_table_as_it_is_computed() -> None:
    assert plan_table([plan_of_size(*size) for size in SIZES]) in PAGE


def test_what_is_assumed_of_ourselves_is_so() -> None:
    assert len(FetchSettings().revisit) + 1 == scale.VISITS
    assert PAGES.retention_seconds == scale.PAGE_DAYS * DAY


@given(st.integers(1, 10**6), st.integers(1, 10**7))
def test_twice_the_river_takes_twice_the_work_and_never_fewer_copies(feeds: int, articles: int) -> None:
    one, two = RiverPlan(feeds, articles), RiverPlan(2 * feeds, 2 * articles)
    assert two.poll_cores == pytest.approx(2 * one.poll_cores)
    assert two.process_cores == pytest.approx(2 * one.process_cores)
    assert two.kafka_tb == pytest.approx(2 * one.kafka_tb)
    assert two.process_copies >= one.process_copies
    assert one.partitions >= one.process_copies


def test_anybody_can_compute_another_size() -> None:
    shown = CliRunner().invoke(newsriver, ["bench", "scale", "--feeds", "500", "--articles", "2500", "--json"])
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert found["partitions"] == 8
    assert found["figures"][0]["bench"] == "schedule"
