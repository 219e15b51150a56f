"""What follows from one try to fetch an entry, case by case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import AddressRefused, FetchFault
from pipelines.fetch.fetch_result import FetchResult, after_answer, after_fault, postponed, repeated, skipped
from pipelines.http.answer import Response
from pipelines.ledger.outcomes import outcome_id
from pipelines.settings import FetchSettings
from pipelines.urls import article_id
from schemas.records import Entry, Outcome, OutcomeKind, Stage
from schemas.topics import LATER

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
URL = "https://ferry.example/a"
SETTINGS = FetchSettings()
HTML = {"content-type": "text/html; charset=utf-8"}
PAGE = b"<!doctype html><html><body><p>The ferry is back.</p></body></html>"
ENTRY = Entry(id=article_id(URL), url=URL, link=URL, feed_url=f"{URL}/feed", source="ferry", first_seen=NOON)


def entry(**fields: Any) -> Entry:
    return ENTRY.model_copy(update=fields)


def answer(body: bytes = PAGE, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(url=URL, status=status, headers=named or HTML, body=body, elapsed_ms=7)


def answered(found: Response, before: Entry = ENTRY, settings: FetchSettings = SETTINGS) -> FetchResult:
    return after_answer(before, found, NOON, settings, "news.entries/0/1")


def failed(fault: FetchFault, before: Entry = ENTRY, settings: FetchSettings = SETTINGS) -> FetchResult:
    return after_fault(before, fault, NOON, settings, "news.entries/0/1")


def line(visit: FetchResult) -> Outcome:
    assert visit.outcome is not None
    return visit.outcome


def busy(wait: float | None = None) -> FetchFault:
    return FetchFault("answered 503", reason="http-503", retryable=True, status=503, retry_after=wait)


def test_a_page_is_kept_as_it_came_with_what_is_known_of_it() -> None:
    headers = {**HTML, "ETag": '"x"'}
    found = Response(
        url=f"{URL}/final",
        status=200,
        headers={**{k.lower(): v for k, v in headers.items()}, "server": "x", "x-robots-tag": "noai" * 9000},
        body=PAGE,
        redirects=(URL,),
        elapsed_ms=7,
    )
    visit = answered(found)
    assert visit.facts is not None
    assert visit.body is PAGE
    assert (visit.facts.url, visit.facts.redirects, visit.facts.fetched_at) == (f"{URL}/final", [URL], NOON)
    assert set(visit.facts.headers) == {"etag", "x-robots-tag"}
    assert len(visit.facts.headers["x-robots-tag"]) == 2000
    assert (line(visit).kind, line(visit).stage, line(visit).origin) == (
        OutcomeKind.FETCHED,
        Stage.FETCH,
        "news.entries/0/1",
    )
    assert visit.dead is None


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (PAGE, HTML),
        (PAGE, {"content-type": "application/xhtml+xml"}),
        (PAGE, {"content-type": "application/octet-stream"}),
        (PAGE, {}),
        (b"Plain words of an article.", {"content-type": "text/plain; charset=us-ascii"}),
        (b"no tags, but declared", HTML),
        ("<html>ü".encode("utf-16"), HTML),
        (b"\x01\x02\x00 control characters", HTML),
    ],
)
def test_text_is_taken(body: bytes, headers: dict[str, str]) -> None:
    visit = answered(Response(url=URL, status=200, headers=headers, body=body))
    assert line(visit).kind is OutcomeKind.FETCHED
    assert visit.body is body


@pytest.mark.parametrize(
    ("body", "declared", "reason"),
    [
        (b"", "text/html", "empty-body"),
        (b" \r\n\t", "text/html", "empty-body"),
        (b"\xef\xbb\xbf\n", "text/html", "empty-body"),
        (b"\0" * 5000, "text/html", "empty-body"),
        (b"%PDF-1.7", "application/pdf", "not-html"),
        (b"%PDF-1.7", "text/html", "not-html"),
        (b"\x89PNG\r\n", "text/html", "not-html"),
        (b"PK\x03\x04", "text/plain", "not-html"),
        (b'{"a": 1}', "application/json", "not-html"),
        (b"<rss version='2.0'/>", "application/rss+xml", "not-html"),
        (b"words", "", "not-html"),
        (b"words", "video/mp4", "not-html"),
    ],
)
def test_what_is_no_page_is_rejected_by_name(body: bytes, declared: str, reason: str) -> None:
    visit = answered(answer(body, content_type=declared))
    assert (line(visit).kind, line(visit).reason, line(visit).terminal) == (OutcomeKind.REJECTED, reason, True)
    assert (visit.facts, visit.later, visit.dead) == (None, None, None)


@pytest.mark.parametrize(
    ("landed", "body", "reason"),
    [
        ("https://consent.example/?back=https%3A%2F%2Fferry.example%2Fa", PAGE, "consent-page"),
        (URL, b'<meta http-equiv="refresh" content="0; url=/b">', "meta-refresh"),
        (URL, b'<meta http-equiv="refresh" content="0; url=/a">', "meta-refresh"),
    ],
)
def test_what_is_not_the_article_is_rejected_by_name(landed: str, body: bytes, reason: str) -> None:
    found = Response(url=landed, status=200, headers=HTML, body=body, redirects=() if landed == URL else (URL,))
    visit = answered(found)
    assert (line(visit).kind, line(visit).reason) == (OutcomeKind.REJECTED, reason)
    assert (visit.facts, visit.later, visit.dead) == (None, None, None)


def test_the_amp_copy_is_noted_with_the_page() -> None:
    visit = answered(answer(b'<html><head><link rel="amphtml" href="/a.amp"></head>' + PAGE))
    assert visit.facts is not None
    assert visit.facts.amp_url == f"{URL}.amp"


@pytest.mark.parametrize(
    ("link", "landed", "head", "address"),
    [
        (URL, URL, "", URL),
        (URL, URL, '<link rel="canonical" href="/a">', URL),
        (f"{URL}?view=1", f"{URL}?view=1", '<link rel="canonical" href="/a">', URL),
        ("https://proxy.example/x7", URL, "", URL),
        ("https://proxy.example/x7", f"{URL}?view=1", '<link rel="canonical" href="/a">', URL),
        (URL, "https://ferry.example/", "", URL),  # the first page is no article's address
        (URL, "https://ferry.example/", '<link rel="canonical" href="/">', URL),
        ("http://ferry.example/a", URL, "", URL),
    ],
)
def test_all_pages_of_an_article_have_one_key(link: str, landed: str, head: str, address: str) -> None:
    found = Response(url=landed, status=200, headers=HTML, body=f"<html><head>{head}</head>".encode() + PAGE)
    visit = answered(found, entry(id=article_id(link), url=link, link=link))
    assert visit.facts is not None
    assert visit.key == address
    assert line(visit).page_url == ("" if article_id(link) == article_id(address) else address)
    assert visit.later is not None
    removed = failed(gone(410), visit.later[1])
    assert removed.key == address  # what is said of it later goes the same way


def gone(status: int) -> FetchFault:
    return FetchFault(f"answered {status}", reason=f"http-{status}", retryable=False, status=status, resource=URL)


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_removed_later_is_sent_on_and_looked_at_again(status: int) -> None:
    seen = {"etag": '"1"', "last_modified": "Mon", "content_digest": "a" * 32}
    visit = failed(gone(status), entry(visit=1, **seen))
    assert visit.facts is not None
    assert (visit.facts.status, visit.facts.removed, visit.facts.fetched_at, visit.body) == (status, True, NOON, b"")
    assert (line(visit).kind, line(visit).reason, visit.dead) == (OutcomeKind.FETCHED, f"http-{status}", None)
    assert visit.later is not None
    tier, later = visit.later
    assert (tier.name, later.visit, line(visit).next_visit_at) == ("entries-later-1h", 2, later.due_at)
    assert (later.etag, later.last_modified, later.content_digest) == (None, None, None)
    assert answered(answer(), later).facts is not None  # back again, with the same bytes: it is processed
    assert failed(gone(status), entry(visit=4)).later is None


@pytest.mark.parametrize("status", [400, 403, 451, 501])
def test_another_refusal_at_a_revisit_is_no_removal(status: int) -> None:
    assert line(failed(gone(status), entry(visit=1))).kind is OutcomeKind.DEAD


def test_an_announcement_by_another_feed_ends_with_the_line_that_poll_writes() -> None:
    other = entry(feed_url="https://other.example/feed")
    visit = repeated(other, ENTRY.feed_url, NOON, "news.entries/0/2")
    assert (line(visit).kind, line(visit).reason, line(visit).terminal) == (
        OutcomeKind.DUPLICATE_URL,
        "other-feed",
        True,
    )
    assert line(visit).id == outcome_id(ENTRY.id, 0, OutcomeKind.DUPLICATE_URL, other.feed_url)
    assert ENTRY.feed_url in line(visit).detail
    assert (visit.facts, visit.later, visit.dead) == (None, None, None)


def test_visits_follow_the_plan_to_its_end() -> None:
    visit, names = answered(answer()), []
    while visit.later is not None:
        tier, later = visit.later
        names.append(tier.name)
        assert later.due_at == NOON + timedelta(seconds=tier.delay_seconds or 0)
        assert (later.attempt, later.first_seen, later.visit) == (0, NOON, len(names))
        assert line(visit).next_visit_at == later.due_at
        visit = answered(answer(PAGE + b"%d" % later.visit), later)
    assert names == ["entries-later-15m", "entries-later-1h", "entries-later-6h", "entries-later-24h"]
    assert line(visit).next_visit_at is None


def test_without_a_plan_there_is_one_visit() -> None:
    assert answered(answer(), settings=FetchSettings(revisit=[])).later is None


def test_a_later_scale_shortens_the_wait() -> None:
    visit = answered(answer(), settings=FetchSettings(later_scale=0.001))
    assert visit.later is not None
    assert visit.later[1].due_at == NOON + timedelta(seconds=0.9)


def test_validators_travel_to_the_next_visit() -> None:
    first = answered(answer(content_type="text/html", etag='"a"', last_modified="Mon"))
    assert first.later is not None
    second = first.later[1]
    assert (second.etag, second.last_modified) == ('"a"', "Mon")
    unchanged = answered(answer(b"", 304, content_type="x"), second)
    assert (line(unchanged).kind, line(unchanged).reason) == (OutcomeKind.UNCHANGED, "not-modified")
    assert unchanged.later is not None
    third = unchanged.later[1]
    assert (third.etag, third.last_modified, third.content_digest) == ('"a"', "Mon", second.content_digest)
    bare = answered(answer(PAGE + b"new"), third)
    assert bare.later is not None
    assert (bare.later[1].etag, bare.later[1].last_modified) == (None, None)


def test_the_same_bytes_again_are_unchanged_but_only_on_a_revisit() -> None:
    first = answered(answer())
    assert first.later is not None
    assert line(answered(answer(), first.later[1])).reason == "same-bytes"
    repeated = answered(answer(), entry(content_digest=first.later[1].content_digest))
    assert line(repeated).kind is OutcomeKind.FETCHED


def test_a_fault_for_good_ends_with_a_dead_letter() -> None:
    visit = failed(FetchFault("answered 404", reason="http-404", retryable=False, status=404, resource=URL))
    assert (line(visit).kind, line(visit).reason) == (OutcomeKind.DEAD, "http-404")
    assert visit.dead is not None
    assert (visit.dead.reason, visit.dead.article_id, visit.dead.origin) == ("http-404", ENTRY.id, "news.entries/0/1")
    assert visit.later is None
    assert line(failed(AddressRefused("no", resource=URL))).reason == "address-refused"


def test_a_passing_fault_is_tried_again_later_and_later_and_then_ends() -> None:
    before, names = ENTRY, []
    for attempt in range(1, SETTINGS.max_attempts):
        visit = failed(busy(), before)
        assert visit.outcome is None
        assert visit.later is not None
        tier, before = visit.later
        names.append(tier.name.removeprefix("entries-later-"))
        assert (before.attempt, before.visit) == (attempt, 0)
    assert names == ["15m", "1h", "6h", "24h"]
    assert line(failed(busy(), before)).reason == "http-503"


@pytest.mark.parametrize(
    ("wait", "tier"),
    [(None, "15m"), (900.0, "15m"), (901.0, "1h"), (3601.0, "6h"), (21_601.0, "24h"), (500_000.0, "24h")],
)
def test_retry_after_chooses_a_tier_that_waits_long_enough(wait: float | None, tier: str) -> None:
    for visit in (failed(busy(wait)), postponed(ENTRY, wait or 0.0, NOON, SETTINGS)):
        assert visit.later is not None
        assert visit.later[0].name == f"entries-later-{tier}"


def test_being_put_off_is_no_failed_try() -> None:
    visit = postponed(entry(attempt=2, visit=1), 5.0, NOON, SETTINGS)
    assert visit.later is not None
    assert (visit.later[1].attempt, visit.later[1].visit) == (2, 1)
    assert visit.outcome is None


def test_what_robots_forbid_is_skipped() -> None:
    visit = skipped(ENTRY, "robots", "robots.txt keeps us out", NOON, "x/0/0")
    assert (line(visit).kind, line(visit).reason, visit.later) == (OutcomeKind.SKIPPED, "robots", None)


@given(st.binary(), st.text(), st.integers(0, 5), st.sampled_from([200, 203, 204, 304]))
def test_every_answer_has_exactly_one_line_and_a_page_only_when_fetched(
    body: bytes, declared: str, visit_number: int, status: int
) -> None:
    found = Response(url=URL, status=status, headers={"content-type": declared}, body=body)
    visit = answered(found, entry(visit=visit_number))
    fetched = line(visit).kind is OutcomeKind.FETCHED
    assert fetched == (visit.facts is not None)
    assert fetched != line(visit).terminal
    assert line(visit).visit == visit_number
    assert (visit.later is not None) == (
        line(visit).kind in (OutcomeKind.FETCHED, OutcomeKind.UNCHANGED) and visit_number < len(LATER)
    )
