"""Tests of `pipelines.index.documents`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.index.documents import (
    DERIVED,
    Document,
    article_indices,
    article_source,
    batches,
    document,
    outcome_document,
    outcome_indices,
    outcome_version,
    revision_document,
)
from schemas.records import Article, Outcome, OutcomeKind, Revision, Stage

ID = "0123456789abcdef0123456789abcdef"
WHEN = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
NEWS = article_indices("news")


def article(**fields: Any) -> Article:
    known: dict[str, Any] = {
        "id": ID,
        "url": "https://gazette.example.org/ferry",
        "source": "gazette",
        "title": "Ferry runs again",
        "body": "The ferry is back.\nFares stay.",
        "language": "en",
        "first_seen": WHEN,
        "fetched_at": WHEN + timedelta(seconds=5),
        "words": 6,
        "content_digest": ID[::-1],
    }
    return Article(**{**known, **fields})


def outcome(kind: OutcomeKind, at: datetime = WHEN) -> Outcome:
    return Outcome(
        id=ID,
        article_id=ID,
        url="https://gazette.example.org/ferry",
        feed_url="https://gazette.example.org/feed",
        source="gazette",
        visit=0,
        stage=Stage.INDEX,
        kind=kind,
        terminal=kind.terminal,
        at=at,
        first_seen=WHEN,
    )


@pytest.mark.parametrize(
    ("when", "articles", "outcomes"),
    [
        (WHEN, "news-articles-2026.11", "news-outcomes-2026.11.24"),
        # Names are in UTC: half past midnight in Berlin is still the month before.
        (
            datetime(2026, 12, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))),
            "news-articles-2026.11",
            "news-outcomes-2026.11.30",
        ),
    ],
)
def test_index_names(when: datetime, articles: str, outcomes: str) -> None:
    assert NEWS.index(when) == articles
    assert outcome_indices("news").index(when) == outcomes
    assert NEWS.has(articles)
    assert not NEWS.has(outcomes)


def test_a_shadow_is_of_the_same_template_and_behind_no_alias() -> None:
    shadow = NEWS.shadow("next")
    assert (shadow.template, shadow.alias) == ("news-articles", "")
    assert shadow.index(WHEN) == "news-articles-next-2026.11"
    assert (NEWS.read_name, shadow.read_name) == ("news-articles", "news-articles-next-*")
    assert [family.has("news-articles-next-2026.11") for family in (NEWS, shadow)] == [False, True]
    assert [family.has("news-articles-2026.11") for family in (NEWS, shadow)] == [True, False]


@pytest.mark.parametrize(
    ("language", "stem"),
    [("en", "english"), ("zh", "cjk"), ("ja", "cjk"), ("ko", "cjk"), ("nb", "norwegian"), ("und", None), ("pl", None)],
)
def test_only_the_stem_of_its_own_language_is_filled(language: str, stem: str | None) -> None:
    source = json.loads(document(article(language=language), 7, "news").source)
    expected = {"stem": {stem: "Ferry runs again\nThe ferry is back.\nFares stay."}} if stem else {}
    assert {key: value for key, value in source.items() if key == "stem"} == expected
    plain = {key: value for key, value in source.items() if key not in DERIVED}
    assert Article.model_validate(plain) == article(language=language)


@pytest.mark.parametrize("published", [WHEN - timedelta(days=2), None])
def test_a_document_counts_as_from_its_publication_or_its_discovery(published: datetime | None) -> None:
    source = json.loads(document(article(published_at=published), 7, "news").source)
    assert datetime.fromisoformat(source["dated_at"]) == (published or WHEN)


def test_a_document_is_two_lines() -> None:
    action, source, rest = document(article(body="one\ntwo\u2028three"), 7, "news").lines().split(b"\n")
    index = {"_index": "news-articles-2026.11", "_id": ID, "version": 7, "version_type": "external"}
    assert json.loads(action) == {"index": index}
    assert json.loads(source)["body"] == "one\ntwo\u2028three"
    assert rest == b""


def test_a_stored_document_is_written_again_as_it_was() -> None:
    """Whoever merges two documents has what the index gave of them: times as text, and what is derived may be old."""
    written = document(article(language="de"), 7, "news").source
    stored = json.loads(written)
    assert article_source(stored | {"stem": {"english": "of another text"}}) == written


def test_a_document_knows_the_family_of_its_index() -> None:
    assert document(article(), 7, "daily-news").family == article_indices("daily-news")
    assert outcome_document(outcome(OutcomeKind.INDEXED), "daily-news").family == outcome_indices("daily-news")


LATER = WHEN + timedelta(hours=1)


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [
        ((OutcomeKind.INDEXED, WHEN), (OutcomeKind.SUPERSEDED, LATER), 0),
        ((OutcomeKind.INDEXED, WHEN), (OutcomeKind.INDEXED, LATER), 0),
        ((OutcomeKind.DISCOVERED, WHEN), (OutcomeKind.DISCOVERED, LATER), 0),
        ((OutcomeKind.DEAD, WHEN), (OutcomeKind.INDEXED, LATER), 1),
        ((OutcomeKind.INDEXED, WHEN), (OutcomeKind.DEAD, LATER), 0),
        ((OutcomeKind.DEAD, WHEN), (OutcomeKind.REJECTED, LATER), 1),
    ],
)
def test_which_outcome_of_a_visit_stays(
    first: tuple[OutcomeKind, datetime], second: tuple[OutcomeKind, datetime], stays: int
) -> None:
    versions = [outcome_version(outcome(kind, at)) for kind, at in (first, second)]
    assert versions.index(max(versions)) == stays
    assert max(versions) < 2**63


@given(
    st.lists(st.integers(0, 40), max_size=60),
    st.integers(1, 10),
    st.integers(1, 100),
)
def test_batches_keep_order_and_limits(sizes: list[int], most: int, most_bytes: int) -> None:
    documents = [Document(str(number), NEWS, "i", 1, b"x" * size) for number, size in enumerate(sizes)]
    cut = list(batches(documents, most, most_bytes))
    assert [one for batch in cut for one in batch] == documents
    for batch in cut:
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or sum(len(one.source) for one in batch) <= most_bytes


@pytest.mark.parametrize(
    ("url", "site", "tree"),
    [
        ("https://www.bbc.co.uk/news/1", "bbc.co.uk", ["bbc.co.uk", "co.uk"]),
        ("https://sport.gazette.example:8443/1", "sport.gazette.example", ["sport.gazette.example", "gazette.example"]),
        ("http://127.0.0.1:9000/1", "127.0.0.1", ["127.0.0.1"]),
        ("http://localhost/1", "localhost", ["localhost"]),
    ],
)
def test_an_article_is_found_by_its_site_and_the_domains_above(url: str, site: str, tree: list[str]) -> None:
    source = json.loads(document(article(url=url), 7, "news").source)
    assert (source["site"], source["site_tree"]) == (site, tree)


def test_a_revision_is_named_by_article_and_text() -> None:
    one, articles = article(), article_indices("daily-news")
    made = revision_document(one.model_dump(exclude_none=True), articles)
    assert (made.id, made.index, made.version) == (f"{one.id}-{one.content_digest}", "daily-news-revisions-2026.11", 1)
    assert revision_document(json.loads(article_source(one.model_dump(exclude_none=True))), articles) == made
    assert Revision.from_json(made.source).body == one.body
