"""The sink's benchmark: documents of 6 KB, its ratio, its table."""

import io
from urllib.parse import urlsplit

import orjson
import pytest
from rich.console import Console

from pipelines.lab.bench import report
from pipelines.lab.bench.cores import Spent
from pipelines.lab.bench.sink import DOCUMENT_BYTES, SinkLeg, SinkResult, article_document
from pipelines.settings import Settings
from schemas.records import Article


def leg(wall: float) -> SinkLeg:
    return SinkLeg(1000, Spent(wall=wall, cores=2, workers=0, ours=0.1, servers={"Elasticsearch": 0.8}, others=0.0))


def test_documents_are_articles_of_6_kb() -> None:
    made = [article_document(Settings(), 1, number) for number in range(50)]
    assert len({one.id for one in made}) == 50
    for one in made:
        assert len(one.source) == pytest.approx(DOCUMENT_BYTES, abs=500)
        source = orjson.loads(one.source)
        assert "english" in source.pop("stem")
        assert source.pop("dated_at") == source["published_at"]
        assert (source.pop("site"), len(source.pop("site_tree"))) == (urlsplit(source["url"]).hostname, 2)
        assert Article.model_validate(source).words > 200


def test_the_same_seed_makes_the_same_documents() -> None:
    assert article_document(Settings(), 4, 2) == article_document(Settings(), 4, 2)
    assert article_document(Settings(), 4, 2).source != article_document(Settings(), 5, 2).source


def test_the_ratio_is_paired_by_rounds() -> None:
    result = SinkResult([(leg(1.0), leg(1.25)), (leg(2.0), leg(2.5)), (leg(1.0), leg(9.0))], 6000)
    assert result.ratio == pytest.approx(0.8)
    assert result.per_second == pytest.approx(400)
    file = io.StringIO()
    Console(file=file, width=160).print(*report.sink_tables(result))
    text = file.getvalue()
    assert "0.800" in text
    assert "Elasticsearch, ms of CPU a document" in text
    assert result.as_json()["ratio"] == result.ratio
    assert result.cpu_ratio == pytest.approx(1.0)
