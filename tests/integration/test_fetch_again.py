"""What is announced or sent twice is fetched once: two feeds, a role that was killed, two roles at one host."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.ledger.outcomes import outcome_id
from pipelines.settings import Settings
from pipelines.status import worker_status
from schemas.records import Entry, OutcomeKind, PageFacts
from schemas.topics import LATER, PAGES
from tests.integration.pulling import HTML, entry, feed_file, feed_reply, html, outcomes, pulling, send
from tests.integration.site import Reply, Site
from tests.rivers import NOON, records, role, until, waiting

pytestmark = pytest.mark.servers

FIRST, SECOND, THIRD = (f"https://{name}.example/feed" for name in ("first", "second", "third"))
TAGGED = HTML | {"ETag": '"1"'}


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


def pages(settings: Settings) -> list[Entry]:
    return [Entry.from_json(message.headers["entry"]) for message in records(settings, PAGES)]


def repeats(settings: Settings) -> dict[str, str]:
    """Give the ids of the lines about repeated announcements, by feed."""
    return {line.feed_url: line.id for line in outcomes(settings) if line.kind is OutcomeKind.DUPLICATE_URL}


def drained(settings: Settings) -> None:
    """Run the role until nothing waits, then drain it."""
    with role(settings, "fetch") as process:
        until(lambda: waiting(settings, "fetch") == 0, what="all offsets committed")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_an_article_of_several_feeds_is_fetched_once_and_its_page_again_when_a_feed_joins(
    river: Settings, site: Site
) -> None:
    settings = pulling(river, fetch_later_scale=0.003, fetch_revisit=["15m", "15m"])  # 2.7 s
    site.routes["/a"] = Reply(html("one"), headers=TAGGED)
    first, second, third = (entry(site.url("/a"), feed_url=feed) for feed in (FIRST, SECOND, THIRD))
    second = second.model_copy(update={"first_seen": NOON + timedelta(minutes=40)})
    again = first.model_copy(update={"first_seen": NOON + timedelta(minutes=41)})
    with role(settings, "fetch") as process:
        send(settings, [first])
        until(lambda: pages(settings), what="the page")
        send(settings, [second, again])
        until(lambda: len(pages(settings)) == 2, what="the page once more, for the feed that joined")
        assert [found.role for found in worker_status(settings)] == ["fetch"]
        until(lambda: waiting(settings, "fetch") == 0, what="the last visit")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert [(found.visit, found.feed_url, found.origins, found.first_seen) for found in pages(settings)] == [
        (0, FIRST, [], NOON),
        (1, FIRST, [SECOND], NOON),
    ]
    assert [asked.headers.get("if-none-match") for asked in site.asked("/a")] == [None, None, '"1"']
    assert repeats(settings) == {SECOND: outcome_id(first.id, 0, OutcomeKind.DUPLICATE_URL, SECOND)}
    assert worker_status(settings) == []

    told = first.model_copy(update={"feed_url": f"{THIRD}/2", "further": True})  # poll has written its line
    send(settings, [told, third])  # to another copy, which reads back what was announced before: long ago
    drained(settings)
    firsts = [found.feed_url for found in pages(settings) if not found.visit]
    assert firsts == [FIRST, f"{THIRD}/2"]  # and is visited again, as often as time allows
    assert set(repeats(settings)) == {SECOND, THIRD}


def test_what_was_forgotten_is_fetched_again(river: Settings, site: Site) -> None:
    """The index decides whether it is a new article; nobody's memory has to."""
    settings = pulling(river, fetch_revisit=[], fetch_known_articles=10)
    for number in range(30):
        site.routes[f"/{number}"] = Reply(html(str(number)), headers=HTML)
    now, month = datetime.now(UTC), timedelta(days=31)
    ages = {number: month if number == 29 else timedelta() for number in range(30)}
    send(settings, [entry(site.url(f"/{n}"), feed_url=FIRST, first_seen=now - ages[n]) for n in range(30)])
    drained(settings)
    # Poll remembers the article, fetch does not.
    further = entry(site.url("/0"), feed_url=SECOND, further=True, first_seen=now)
    more = [entry(site.url(f"/{number}"), feed_url=SECOND, first_seen=now) for number in (29, 28)]
    send(settings, [further, *more])
    drained(settings)
    assert [len(site.asked(f"/{number}")) for number in (0, 27, 28, 29)] == [2, 1, 1, 2]
    assert repeats(settings).keys() == {SECOND}
    found = [line for line in outcomes(settings) if line.article_id == further.id]
    assert [(line.kind, line.feed_url) for line in found] == [
        (OutcomeKind.FETCHED, FIRST),
        (OutcomeKind.DISCOVERED, SECOND),
        (OutcomeKind.FETCHED, SECOND),
    ]
    assert found[1].id == outcome_id(further.id, 0, OutcomeKind.DISCOVERED)


def test_what_its_site_removes_is_sent_on_and_looked_at_again(river: Settings, site: Site) -> None:
    settings = pulling(river, fetch_revisit=["15m", "15m", "15m"], fetch_later_scale=0.001)
    replies = iter([Reply(html("one"), headers=TAGGED), Reply(status=410), Reply(html("one"), headers=TAGGED)])
    site.routes["/a"] = lambda _: next(replies, Reply(html("one"), headers=TAGGED))
    send(settings, [entry(site.url("/a"))])
    with role(settings, "fetch") as process:
        until(lambda: len(outcomes(settings)) == 4, what="four visits")
        until(lambda: waiting(settings, "fetch") == 0, what="all offsets committed")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert [(line.kind, line.reason) for line in outcomes(settings)] == [
        (OutcomeKind.FETCHED, ""),
        (OutcomeKind.FETCHED, "http-410"),
        (OutcomeKind.FETCHED, ""),
        (OutcomeKind.UNCHANGED, "same-bytes"),
    ]
    facts = [PageFacts.from_json(message.headers["page"]) for message in records(settings, PAGES)]
    assert [(one.status, one.removed) for one in facts] == [(200, False), (410, True), (200, False)]


def test_a_visit_that_was_sent_twice_is_made_once(river: Settings, site: Site) -> None:
    """As after `fetch` was killed between sending the next visit and committing the one before."""
    settings = pulling(river, fetch_revisit=["15m", "15m"], fetch_later_scale=1e-6)
    site.routes["/a"] = Reply(html("one"), headers=TAGGED)
    revisit = entry(site.url("/a"), visit=1, due_at=NOON, content_digest="0" * 32)
    send(settings, [revisit, revisit.model_copy(update={"due_at": NOON + timedelta(seconds=1)})], LATER[0])
    drained(settings)
    assert len(site.asked("/a")) == 2
    assert [(line.visit, line.kind) for line in outcomes(settings)] == [
        (1, OutcomeKind.FETCHED),
        (2, OutcomeKind.UNCHANGED),
    ]


def test_poll_and_fetch_ask_a_host_one_at_a_time(river: Settings, site: Site, tmp_path: Path) -> None:
    settings = pulling(river, fetch_revisit=[], fetch_delay_seconds=0.1)
    feeds = [f"/feed-{number}" for number in range(20)]
    for number, feed in enumerate(feeds):
        site.routes[feed] = feed_reply(site.url(f"/{number}"))
        site.routes[feed].wait = 0.05
    for page in (*range(20), *range(100, 106)):
        site.routes[f"/{page}"] = Reply(html(str(page)), headers=HTML, wait=0.05)
    path = feed_file(tmp_path, [site.url(feed) for feed in feeds])
    with role(settings, "fetch") as fetch, role(settings, "poll", "--once", "--feeds", path):
        until(lambda: any(asked.path in feeds for asked in site.log), what="the first feed")
        send(settings, [entry(site.url(f"/{number}")) for number in range(100, 106)])
        until(lambda: len(pages(settings)) == 26, what="all pages")
        fetch.send_signal(signal.SIGTERM)
        assert fetch.wait(10) == 0
    log = sorted(site.log, key=lambda each: each.started)
    kinds = ["feed" if asked.path in feeds else "page" for asked in log]
    assert kinds.count("feed") == 20
    assert "page" in kinds[: 26 - 1 - kinds[::-1].index("feed")]  # both were at it
    assert min(later.started - earlier.ended for earlier, later in pairwise(log)) >= 0.09
