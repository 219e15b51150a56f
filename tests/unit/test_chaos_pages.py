"""What the fault lab's site serves, and that the river makes of each odd page what the plan says."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from pipelines.clean import clean
from pipelines.errors import RecordFault, Rejected
from pipelines.feed_formats import parse_feed
from pipelines.fetch.fetch_result import after_answer
from pipelines.http.answer import Response as Fetched
from pipelines.lab.chaos.page_kinds import ChaosPage, end_of
from pipelines.lab.chaos.pages import LONG_AFTER, SHARED_EVERY, Press, answer, article
from pipelines.lab.chaos.plan import plan
from pipelines.settings import CleanSettings, FetchSettings
from schemas.records import OutcomeKind
from tests.rivers import NOON, entry, facts

PRESS = Press(plan(600, 1), 8000, apart=True)

ON_THE_WIRE = {ChaosPage.HALF, ChaosPage.BAD_HEADERS, ChaosPage.BAD_ENCODING, ChaosPage.MISSING, ChaosPage.FORBIDDEN}
"""What fetch refuses before anything is cleaned: the end-to-end run shows those."""


def test_pages_are_small_and_all_different() -> None:
    pages = [article(number, 1) for number in range(200)]
    assert len(set(pages)) == 200
    assert all(2_500 < len(page) < 9_500 for page in pages)
    assert article(5, 1) == article(5, 1) != article(5, 2)


@pytest.mark.parametrize("page", sorted(set(ChaosPage) - ON_THE_WIRE))
def test_an_odd_page_ends_as_the_plan_says(page: ChaosPage) -> None:
    sent = answer(page, 7, 1, earlier=1)
    assert sent.status == 200
    headers = {name.lower(): value for name, value in sent.headers.items()}
    visit = after_answer(
        entry(7), Fetched(url=entry(7).url, status=200, headers=headers, body=sent.body), NOON, FetchSettings(), "t/0/0"
    )
    assert visit.outcome is not None
    kind, reason = visit.outcome.kind, visit.outcome.reason
    if visit.facts is not None:
        kind, reason = cleaned(visit.body, headers["content-type"])
    end = end_of(page)
    assert kind in end.kinds
    assert end.reason in ("", reason)


def cleaned(body: bytes, content_type: str) -> tuple[OutcomeKind, str]:
    try:
        found = clean(body, entry(7), facts(7, content_type=content_type), CleanSettings())
    except RecordFault as fault:
        return (OutcomeKind.REJECTED if isinstance(fault, Rejected) else OutcomeKind.DEAD), fault.reason
    assert found.words > 100
    assert found.title.endswith("part 7")
    return OutcomeKind.INDEXED, ""


def test_pages_that_fail_once_come_whole_the_second_time() -> None:
    for page in (ChaosPage.FAILS_ONCE, ChaosPage.CUT_ONCE):
        first, second = (answer(page, 7, 1, earlier=times) for times in (0, 1))
        assert (first.status, first.promised) != (200, None)
        assert (second.status, second.promised, second.body) == (200, None, article(7, 1))


@pytest.mark.parametrize("revealed", [0, 10, 170, 300, 600])
def test_every_article_that_is_out_stands_in_a_feed(revealed: int) -> None:
    shown = Counter(number for feed in range(PRESS.feeds) for number in PRESS.shown(feed, revealed) if number < 600)
    assert set(shown) == set(range(revealed))
    late = range(25, max(0, revealed - LONG_AFTER), SHARED_EVERY)
    assert {number for number, times in shown.items() if times == 2} == {*range(0, revealed, SHARED_EVERY), *late}
    assert max(shown.values(), default=0) <= 2


def test_what_was_discovered_last_month_is_announced_again_by_its_feed_when_half_is_out() -> None:
    old = set(PRESS.numbers) - set(range(600))
    assert len(old) == 21
    for revealed, expected in ((300, set()), (301, old)):
        shown = [(feed, number) for feed in range(PRESS.feeds) for number in PRESS.shown(feed, revealed)]
        assert {number for _, number in shown if number >= 600} == expected
        assert all(PRESS.feed_of(number) == feed for feed, number in shown if number >= 600)
    number, now = min(old), datetime(2026, 3, 5, 12, 0, 0, 7, tzinfo=UTC)
    entry = PRESS.entry(number, now)
    assert (entry.id, entry.first_seen) == (PRESS.id(number), datetime(2026, 2, 1, 12, tzinfo=UTC))


def test_which_feeds_announce_an_article_in_the_end() -> None:
    found: dict[int, set[str]] = {}
    for feed in range(PRESS.feeds):
        for number in PRESS.shown(feed, 600):
            found.setdefault(number, set()).add(PRESS.feed_url(feed))
    assert found == {number: PRESS.feeds_of(number) for number in PRESS.numbers}
    assert sum(len(feeds) == 2 for feeds in found.values()) > 20


def test_feeds_are_read_with_the_ids_that_the_plan_knows() -> None:
    parsed = parse_feed(PRESS.feed(3, 600), url=PRESS.feed_url(3), content_type="application/rss+xml", max_bytes=10**7)
    assert [found.id for found in parsed.entries] == [PRESS.id(number) for number in PRESS.shown(3, 600)]
    assert parsed.refused == ()


def test_hosts_share_the_load_and_stay_on_loopback() -> None:
    big = Press(plan(20_000, 1), 8000, apart=True)
    assert (big.feeds, big.hosts) == (80, 40)
    assert big.networks == ["127.0.1.0/24"]
    assert len({big.place(host) for host in range(big.hosts)}) == 40
    listed, second = big.feed_lists()
    assert (len(listed), len(second)) == (75, 5)
    hosts = {feed.url.split(":")[1] for feed in (*listed, *second)}
    assert hosts == {f"//127.0.1.{host + 1}" for host in range(40)}
    apart_no = Press(plan(600, 1), 8000, apart=False)
    assert apart_no.place(3) == ("127.0.0.1", 8003)
    assert apart_no.networks == ["127.0.0.1/32"]
    assert (apart_no.hosts, apart_no.feed_lists()[1]) == (16, [])
