"""The pipeline's benchmark: its ratios, the even split of the work, and its table."""

import io

import pytest
from rich.console import Console

from pipelines.errors import UsageError
from pipelines.lab.bench import report
from pipelines.lab.bench.cores import Spent
from pipelines.lab.bench.pages import page
from pipelines.lab.bench.pipeline import PipelineLeg, PipelineResult, run, shares
from pipelines.settings import load_settings


def leg(articles: int, wall: float, ours: float, servers: float = 0.0, others: float = 0.0) -> PipelineLeg:
    seen = {"Elasticsearch": servers} if servers else {}
    return PipelineLeg(articles, Spent(wall=wall, cores=2, workers=2, ours=ours, servers=seen, others=others))


BARE = leg(600, wall=10, ours=20)
RIVER = leg(600, wall=12.5, ours=21, servers=2.5)


def shown(result: PipelineResult) -> str:
    file = io.StringIO()
    for table in report.pipeline_tables(result):
        Console(file=file, width=160).print(table)
    return file.getvalue()


def test_the_servers_share_of_the_cores_is_no_loss_of_the_rivers() -> None:
    result = PipelineResult([(BARE, RIVER)], 600, 270_000)
    assert result.ratio == pytest.approx((600 / 22.5) / (600 / 20))
    assert result.wall_ratio == pytest.approx(10 / 12.5)
    assert result.cpu_ratio == pytest.approx(20 / 21)


def test_idle_cores_are_a_loss_of_the_rivers() -> None:
    waits = leg(600, wall=20, ours=20)
    result = PipelineResult([(BARE, waits)], 600, 270_000)
    assert result.ratio == pytest.approx(0.5)
    assert result.cpu_ratio == pytest.approx(1.0)


def test_one_disturbed_round_does_not_move_the_ratio() -> None:
    good, disturbed = (BARE, RIVER), (BARE, leg(600, wall=40, ours=60))
    assert PipelineResult([good, disturbed, good], 600, 1).ratio == PipelineResult([good], 600, 1).ratio


def test_the_table_and_the_document_say_the_same() -> None:
    result = PipelineResult([(BARE, RIVER)] * 2, 600, 270_000)
    text, document = shown(result), result.as_json()
    assert f"{document['ratio']:.3f}" in text
    assert f"{document['articles_per_second']:.1f}" in text
    assert "Elasticsearch" in text
    assert document["rounds"][0]["river"]["servers"] == {"Elasticsearch": 2.5}


def test_every_page_is_in_one_share_as_kafka_would_have_it() -> None:
    made = [page(1, number) for number in range(60)]
    parts = shares(made, partitions=8, workers=3)
    assert sorted(number for part in parts for number in part) == list(range(60))
    assert all(len(part) > 5 for part in parts)
    assert shares(made, partitions=1, workers=2)[1] == []


def test_more_workers_than_partitions_are_refused_before_anything_is_made() -> None:
    settings = load_settings(assignments=["process.workers=3", "kafka.partitions=2"], environment={})
    with pytest.raises(UsageError, match="2 partitions"):
        run(settings, [], pages=20, rounds=1, seed=1, keep=False, tell=lambda *_: None)
