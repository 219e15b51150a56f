"""Generated pages: the same for the same seed, of the promised size, and articles for the river."""

import statistics
from datetime import UTC, datetime
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.clean import clean
from pipelines.lab.bench import pages, prose
from pipelines.lab.bench.pages import BenchPage, announced, key, page
from pipelines.settings import CleanSettings
from schemas.records import Article

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@cache
def sample() -> list[BenchPage]:
    return [page(7, number) for number in range(300)]


@cache
def articles() -> list[Article]:
    return [clean(made.body, *announced(made, "test", NOW), CleanSettings()) for made in sample()[:40]]


@given(st.integers(), st.integers(min_value=0, max_value=10**9))
@settings(max_examples=20, deadline=None)
def test_the_same_seed_and_number_make_the_same_page(seed: int, number: int) -> None:
    assert page(seed, number) == page(seed, number)
    assert page(seed, number).body != page(seed, number + 1).body
    assert page(seed, number).body != page(seed + 1, number).body


def test_sizes_are_those_of_news_pages() -> None:
    sizes = sorted(len(made.body) for made in sample())
    assert statistics.median(sizes) == pytest.approx(pages.MEDIAN_BYTES, rel=0.15)
    assert sizes[int(len(sizes) * 0.95)] == pytest.approx(pages.P95_BYTES, rel=0.25)
    assert sizes[0] > pages.LEAST_BYTES * 0.9
    assert sizes[-1] < pages.MOST_BYTES * 1.1


def test_every_page_is_an_article_of_300_words_or_more() -> None:
    for made, article in zip(sample(), articles(), strict=False):
        assert article.title == made.title
        assert 300 <= article.words <= 1100, article.url
        assert article.language == "en"
        assert article.published_at is not None
        assert len(article.authors) == 1


def test_no_furniture_is_taken_for_text() -> None:
    for article in articles():
        for furniture in ("Advertisement", "min read", "minutes ago", "All rights reserved", "__STATE__"):
            assert furniture not in article.body


def test_no_two_articles_are_alike() -> None:
    lines = [line for article in articles() for line in article.body.split("\n")]
    assert len(set(lines)) == len(lines)


def test_a_page_keeps_its_key_and_gets_another_article_in_each_run() -> None:
    made = sample()[0]
    (first, facts), (second, _) = announced(made, "one", NOW), announced(made, "two", NOW)
    assert first.id != second.id
    assert facts.url == first.url != second.url
    assert key(made) == key(page(7, 0))
    assert key(made) != key(sample()[24])


def test_every_slot_of_every_sentence_is_filled() -> None:
    text = "\n".join(prose.paragraphs(Random(3), 5000))
    assert "{" not in text
    assert "}" not in text
    assert "  " not in text
