"""One article, one document, through all roles: overflowing memories, restarts, a month that turns, other addresses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.kafka import Sender
from pipelines.ledger.outcomes import outcome
from pipelines.settings import Settings
from pipelines.urls import article_id, host_of
from schemas.records import Entry, OutcomeKind, Stage
from schemas.topics import ENTRIES, OUTCOMES
from tests.e2e.test_reconcile import HTML, counted, drain, newsriver, reconcile
from tests.integration.pulling import entry, feed_file, outcomes, pulling
from tests.integration.site import Reply, Site
from tests.rivers import documents, page, role

pytestmark = pytest.mark.servers

NOW = datetime.now(UTC).replace(microsecond=0)
LAST_MONTH = NOW.replace(day=1) - timedelta(days=3)
FIRST, SECOND = (f"https://{name}.example/feed" for name in ("first", "second"))


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


def announce(settings: Settings, entries: Iterable[Entry]) -> None:
    """Announce articles as `poll` does: with a line each, those that it knows of another feed marked as further."""
    with Sender(settings.kafka.bootstrap_servers, client_id="test") as sender:
        for each in entries:
            kind = OutcomeKind.DUPLICATE_URL if each.further else OutcomeKind.DISCOVERED
            line = outcome(each, Stage.POLL, kind, reason="other-feed" if each.further else "", at=each.first_seen)
            sender.send(ENTRIES.full_name(settings.river.name), host_of(each.link), each.to_json())
            sender.send(OUTCOMES.full_name(settings.river.name), each.id, line.to_json())


def traced(settings: Settings, text: str) -> dict[str, Any]:
    code, out = newsriver(settings, "trace", "--json", text)
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_memories_overflow_roles_are_restarted_and_the_month_turns(river: Settings, site: Site) -> None:
    settings = pulling(river, fetch_revisit=[], fetch_known_articles=10)
    count = 40
    for number in range(count):
        site.routes[f"/{number}"] = Reply(page(number), headers=HTML)
    first = [entry(site.url(f"/{n}"), feed_url=FIRST, first_seen=LAST_MONTH) for n in range(count)]
    announce(settings, first)
    drain(settings, "fetch", "process", "record")
    # By the other feed, this month; of half of them poll still knows that another feed had announced them.
    second = [
        one.model_copy(update={"feed_url": SECOND, "first_seen": NOW, "further": number % 2 == 1})
        for number, one in enumerate(first)
    ]
    announce(
        settings, [*second[:20], *(one.model_copy(update={"first_seen": NOW}) for one in first[30:]), *second[20:]]
    )
    drain(settings, "fetch", "process", "record")

    found = documents(settings)
    assert found.keys() == {one.id for one in first}
    for document in found.values():
        assert datetime.fromisoformat(document["first_seen"]) == LAST_MONTH
        assert document["feeds"] == [FIRST, SECOND]
    code, report = reconcile(settings)
    assert (code, report["suspects"]) == (0, [])
    assert report["pages"]["articles"] == {"in the index": count}
    assert counted(report["ended"])["indexed"] == (count, 0)

    trace = traced(settings, first[0].url)
    assert trace["problems"] == []
    assert [(hop["stage"], hop["what"]) for hop in trace["hops"] if hop["stage"] == "index"] == [
        ("index", "indexed"),
        ("index", "duplicate-url: known"),
    ]
    assert len(trace["documents"]) == 1


def rss(*items: tuple[str, str, str]) -> Reply:
    """Serve a feed of link, guid and title."""
    inner = "".join(
        f"<item><link>{link.replace('&', '&amp;')}</link><guid isPermaLink='false'>{guid}</guid><title>{title}</title>"
        "<pubDate>Mon, 05 Jan 2026 10:00:00 GMT</pubDate></item>"
        for link, guid, title in items
    )
    body = f"<?xml version='1.0'?><rss version='2.0'><channel><title>Ferry</title>{inner}</channel></rss>"
    return Reply(body.encode(), headers={"Content-Type": "application/rss+xml"})


def titled(number: int) -> str:
    return page(number).decode().partition("<title>")[2].partition("</title>")[0]


def showing(number: int, canonical: str) -> Reply:
    """Serve a page that gives itself an address."""
    head = f"<head><link rel=canonical href='{canonical}'>".encode()
    return Reply(page(number).replace(b"<head>", head), headers=HTML)


def poll(settings: Settings, folder: Path, *feeds: str) -> None:
    with role(settings, "poll", "--once", "--feeds", feed_file(folder, feeds)) as process:
        assert process.wait(60) == 0


def test_an_article_has_one_document_whatever_its_addresses(river: Settings, site: Site, tmp_path: Path) -> None:
    settings = pulling(river, fetch_revisit=["15m"], fetch_later_scale=1e-6)
    feed, proxy, wrong = site.url("/feed"), site.url("/proxied-feed"), site.url("/wrong-feed")
    # 1: three addresses with one canonical. 2: a redirect to an address that is known. 3: links that change.
    for view in ("", "?view=1", "?view=2"):
        site.routes[f"/1{view}"] = showing(1, "/1")
    site.routes["/2"] = Reply(page(2), headers=HTML)
    site.routes["/r"] = Reply(status=302, headers={"Location": "/2"})
    site.routes["/3?session=1"] = site.routes["/3?session=2"] = Reply(page(3), headers=HTML)
    # 4 and 5 give themselves the address of 1, 6 and 7 that of the home page; 8 and 9 share a guid.
    for number, canonical in ((4, "/1"), (5, "/1"), (6, "/"), (7, "/"), (8, "/8"), (9, "/9")):
        site.routes[f"/{number}"] = showing(number, canonical)
    site.routes["/feed"] = rss(
        *((site.url(path), path, titled(1)) for path in ("/1?view=1", "/1", "/1?view=2")),
        (site.url("/2"), "two", titled(2)),
        (site.url("/3?session=1"), "three", titled(3)),
    )
    site.routes["/proxied-feed"] = rss((site.url("/r"), "r", titled(2)))
    site.routes["/wrong-feed"] = rss(
        *((site.url(f"/{number}"), "all" if number > 7 else f"g{number}", titled(number)) for number in range(4, 10))
    )
    poll(settings, tmp_path, feed, proxy, wrong)
    site.routes["/feed"] = rss((site.url("/3?session=2"), "three", titled(3)))
    poll(settings, tmp_path, feed)
    drain(settings, "fetch", "process", "record")

    found = {document["title"]: document for document in documents(settings).values()}
    assert found.keys() == {titled(number) for number in range(1, 10)}
    assert len(documents(settings)) == 9
    assert {found[titled(1)]["url"], *found[titled(1)]["addresses"]} == {
        site.url(path) for path in ("/1", "/1?view=1", "/1?view=2")
    }
    assert set(found[titled(2)]["feeds"]) == {feed, proxy}
    ends = {(line.url, line.kind, line.reason) for line in outcomes(settings) if line.terminal and not line.visit}
    duplicates = {(url, reason) for url, kind, reason in ends if kind is OutcomeKind.DUPLICATE_URL}
    assert (site.url("/3?session=2"), "same-guid") in duplicates
    assert sum(url.startswith(site.url("/1")) for url, _ in duplicates) == 2
    assert {url for url, _ in duplicates} & {site.url("/r"), site.url("/2")}
    assert sum(kind is OutcomeKind.INDEXED for _, kind, _ in ends) == 9
    code, report = reconcile(settings)
    assert (code, report["suspects"]) == (0, [])

    other = next(url for url, _ in duplicates if url.startswith(site.url("/1")))
    trace = traced(settings, other)
    assert [document["url"] for document in trace["documents"]] == [found[titled(1)]["url"]]
    assert any(hop["what"].startswith("duplicate-url: ") for hop in trace["hops"])
    assert trace["problems"] == []


def test_what_its_site_removes_is_marked_and_what_comes_back_is_not(river: Settings, site: Site) -> None:
    settings = pulling(river, fetch_revisit=["15m", "15m"], fetch_later_scale=1e-6)
    shown = Reply(page(1), headers=HTML)
    back, gone = (iter([shown, Reply(status=status)]) for status in (404, 410))
    site.routes["/back"] = lambda _: next(back, shown)
    site.routes["/gone"] = lambda _: next(gone, Reply(status=410))
    announce(
        settings, [entry(site.url(path), first_seen=NOW, title=titled(1)) for path in ("/back", "/gone", "/never")]
    )
    drain(settings, "fetch", "process", "record")
    found = documents(settings)
    assert "gone_at" not in found[article_id(site.url("/back"))]
    assert found[article_id(site.url("/gone"))]["gone_at"]
    code, report = reconcile(settings)
    assert (code, report["suspects"]) == (0, [])
    assert counted(report["ended"]) == {
        "indexed": (2, 0),
        "dead: http-404": (1, 0),
        "gone: http-404": (0, 1),
        "gone: http-410": (0, 2),
        "updated": (0, 1),
    }
    code, text = newsriver(settings, "trace", site.url("/gone"))
    assert (code, "gone: http-410" in text, "gone at" in text) == (0, True, True)
    code, text = newsriver(settings, "status", "--json")
    assert (code, json.loads(text)["outcomes"]["gone"]) == (0, 3)
