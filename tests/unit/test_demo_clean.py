"""The sample site's pages through the cleaner: all paragraphs, none of the furniture, or the expected reason."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import pytest

from pipelines.clean import clean
from pipelines.demo.answers import SampleAnswer, SampleVisit
from pipelines.demo.catalogue import build
from pipelines.demo.expected import ExpectedCase
from pipelines.demo.outlets import Outlet, load_outlets
from pipelines.demo.seed import Seed
from pipelines.demo.timetable import Timetable
from pipelines.errors import Poison, Rejected
from pipelines.settings import CleanSettings
from pipelines.urls import article_id, canonical_url
from schemas.records import Article, Entry, OutcomeKind, PageFacts

START = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
TIMES = Timetable(start=START)
LINES = (
    "Radar     Live Auctions",
    *(f"In the {place} harbour the boats lay still, and nobody spoke. " * 6 for place in ("old", "new", "third")),
    "Share.",
    "Exit mobile version",
)
SITE = build(TIMES, Seed(title="In the old harbour the boats lay still", lines=tuple(line.strip() for line in LINES)))
PAGES = [case for case in SITE.expected if case.subject == "page"]
WHOLE = [case for case in PAGES if case.holds]
REFUSED = [case for case in PAGES if not case.holds and OutcomeKind.REJECTED in case.kinds]
OUTLETS = {outlet.address: outlet for outlet in load_outlets()}


def named(case: ExpectedCase) -> str:
    return f"{case.name}-{urlsplit(case.url).path.rstrip('/').rpartition('/')[2]}{urlsplit(case.url).query}"


def outlet_of(url: str) -> Outlet:
    return OUTLETS[int((urlsplit(url).hostname or "").rpartition(".")[2])]


def fetched(url: str) -> tuple[str, SampleAnswer]:
    """Give the page as a second visit finds it, redirects followed, with its final URL."""
    while True:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        answer = SITE.answers[outlet_of(url).address][path](SampleVisit(earlier=1))
        if "Location" not in answer.headers:
            return url, answer
        url = urljoin(url, answer.headers["Location"])


def cleaned(case: ExpectedCase) -> Article:
    final, answer = fetched(case.url)
    canonical = canonical_url(case.url)
    entry = Entry(
        id=article_id(canonical),
        url=canonical,
        link=case.url,
        feed_url="http://127.0.0.2/feed",
        source=outlet_of(case.url).name,
        language=outlet_of(case.url).language,
        first_seen=START,
    )
    facts = PageFacts(url=final, status=answer.status, content_type=answer.headers["Content-Type"], fetched_at=START)
    return clean(answer.body, entry, facts, CleanSettings())


@pytest.mark.parametrize("case", WHOLE, ids=named)
def test_an_article_comes_out_whole_and_without_furniture(case: ExpectedCase) -> None:
    article = cleaned(case)
    assert case.faults(article.body) == []
    assert article.language == outlet_of(case.url).language


ORDINARY = [case for case in WHOLE if case.name == "article" and outlet_of(case.url).template != "bare"]


@pytest.mark.parametrize("case", ORDINARY, ids=named)
def test_headline_and_date_are_the_pages_own(case: ExpectedCase) -> None:
    outlet = outlet_of(case.url)
    written = next(a for a in outlet.articles if TIMES.url(outlet, outlet.article_path(a)) == case.url)
    article = cleaned(case)
    assert article.title == written.title
    assert article.published_at is not None
    assert article.published_at.date() == TIMES.published(written).date()


@pytest.mark.parametrize("case", REFUSED, ids=named)
def test_what_is_no_article_is_refused_for_the_expected_reason(case: ExpectedCase) -> None:
    with pytest.raises((Rejected, Poison)) as caught:
        cleaned(case)
    assert isinstance(caught.value, Rejected)
    assert caught.value.reason in case.reasons
