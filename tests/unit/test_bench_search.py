"""The articles and the arithmetic of the benchmark of searches."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from pipelines.lab.bench.report import search_tables
from pipelines.lab.bench.search import CLIENTS, KINDS, SearchBenchResult, SearchLeg, percentiles
from pipelines.lab.bench.search_corpus import DAYS, VOCABULARY, SearchCorpus

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_a_seed_makes_the_same_articles_and_words_are_as_frequent_as_words_are() -> None:
    corpus = SearchCorpus(1, NOW)
    articles = list(corpus.articles(400))
    assert articles == list(SearchCorpus(1, NOW).articles(400))
    assert articles[0] != next(SearchCorpus(2, NOW).articles(1))
    assert len({one.id for one in articles}) == 400
    assert {one.language for one in articles} == {"en", "de", "fr", "es", "ru", "it", "ar"}
    assert all(NOW - timedelta(days=DAYS) <= one.first_seen <= NOW for one in articles)
    counted = Counter(word for one in articles if one.language == "en" for word in one.body.split())
    first, tenth = counted[corpus.words["en"][0]], counted[corpus.words["en"][9]]
    assert 5 < first / tenth < 20  # Zipf: ten
    assert all(len(set(words)) == VOCABULARY for words in corpus.words.values())


def test_each_kind_makes_the_paths_and_questions_of_its_words() -> None:
    corpus, random = SearchCorpus(1, NOW), Random(1)
    paths = [kind.path(corpus.word(random), corpus.word(random)) for kind in KINDS]
    assert len(KINDS) == len({path.partition("=")[0] + str(at) for at, path in enumerate(paths)}) == 10
    assert all(path.startswith("/v1/") and " " not in path and '"' not in path for path in paths)


def test_percentiles_and_the_tables() -> None:
    assert percentiles([1.0, 2.0, 3.0]) == pytest.approx({"p50": 2.0, "p95": 2.9, "p99": 2.98})
    legs = [SearchLeg(kind.name, clients, [3.0, 5.0], [1.0, 2.0]) for kind in KINDS for clients in CLIENTS]
    result = SearchBenchResult(1000, 7000.0, 3500.0, legs)
    assert result.as_json()["legs"][0]["overhead_p50"] == 2.5
    *tables, sizes = search_tables(result)
    assert [table.row_count for table in tables] == [10, 10]
    assert sizes.row_count == 1
