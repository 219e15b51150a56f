"""The ledger of a whole small river: balanced at every moment, a planted loss named, every hop of an article shown."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from pipelines.index.documents import articles_alias
from pipelines.index.elastic import connect
from pipelines.kafka import Sender
from pipelines.ledger import lookup
from pipelines.settings import Settings
from pipelines.urls import article_id
from schemas.records import Entry
from schemas.topics import ENTRIES, PAGES
from tests.integration.pulling import feed_file, feed_reply, pulling
from tests.integration.site import Reply, Site
from tests.rivers import as_environment, documents, entry, page, records, role, send_pages, until, waiting

pytestmark = pytest.mark.servers

HTML = {"Content-Type": "text/html; charset=utf-8"}
GOOD = 6


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        for number in range(GOOD):
            running.routes[f"/{number}"] = Reply(page(number), headers=HTML | {"ETag": f'"{number}"'})
        running.routes["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /secret\n")
        running.routes["/short"] = Reply(b"<html><body><p>Three words only</p></body></html>", headers=HTML)
        paths = ["/missing", "/secret", "/short", *(f"/{number}" for number in range(GOOD))]
        running.routes["/feed"] = feed_reply(*map(running.url, paths))
        running.routes["/other-feed"] = feed_reply(running.url("/0?utm_source=rss"))
        yield running


def newsriver(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Run a command to its end; give exit code and stdout."""
    command = [sys.executable, "-m", "pipelines", *arguments]
    done = subprocess.run(command, env=as_environment(settings), stdout=subprocess.PIPE, timeout=120, check=False)
    return done.returncode, done.stdout.decode()


def reconcile(settings: Settings, *arguments: str) -> tuple[int, dict[str, Any]]:
    code, text = newsriver(settings, "reconcile", "--json", *arguments)
    return code, json.loads(text)


def counted(rows: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Give first visits and revisits of each row by its name and reason."""
    names = [f"{row['name']}: {row['reason']}" if row["reason"] else row["name"] for row in rows]
    return {name: (row["first"], row["again"]) for name, row in zip(names, rows, strict=True)}


def poll(settings: Settings, site: Site, folder: Path) -> None:
    """Announce everything; the second feed comes later, so that it is the one that repeats."""
    for feed in ("/feed", "/other-feed"):
        listed = [site.url("/feed"), site.url("/other-feed")] if feed == "/other-feed" else [site.url(feed)]
        with role(settings, "poll", "--once", "--feeds", feed_file(folder, listed)) as process:
            assert process.wait(60) == 0


def drain(settings: Settings, *roles: str) -> None:
    """Run roles until nothing waits for any of them."""
    with ExitStack() as running:
        processes = [running.enter_context(role(settings, name)) for name in roles]
        for name in roles:
            until(lambda name=name: waiting(settings, name) == 0, what=f"all done by {name}")  # type: ignore[misc]  # mypy infers no default of a lambda
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            assert process.wait(15) == 0


def test_the_books_balance_at_every_moment_and_name_what_is_lost(river: Settings, site: Site, tmp_path: Path) -> None:
    settings = pulling(river, fetch_later_scale=1e-6, fetch_revisit=["15m"])
    code, empty = reconcile(settings)
    assert (code, empty["balanced"], empty["totals"]["begun"]) == (0, True, 0)

    poll(settings, site, tmp_path)
    code, report = reconcile(settings)
    assert (code, report["suspects"]) == (0, [])
    assert counted(report["in_flight"]) == {"entries": (GOOD + 3, 0), "outcomes": (1, 0)}

    drain(settings, "record")
    code, report = reconcile(settings)
    assert (code, report["suspects"]) == (0, [])
    assert counted(report["begun"]) == {"discovered": (GOOD + 3, 0), "duplicate-url": (1, 0)}
    assert counted(report["in_flight"]) == {"entries": (GOOD + 3, 0)}

    drain(settings, "fetch")
    code, report = reconcile(settings)
    assert (code, report["suspects"]) == (0, [])
    # Two outcomes of fetch end a first visit, and each revisit found its page unchanged.
    assert counted(report["in_flight"]) == {"pages": (GOOD + 1, 0), "outcomes": (2, GOOD + 1)}

    drain(settings, "process", "record")
    code, report = reconcile(settings)
    assert (code, report["suspects"]) == (0, [])
    assert counted(report["ended"]) == {
        "indexed": (GOOD, 0),
        "rejected: too-short": (1, 0),
        "dead: http-404": (1, 0),
        "skipped: robots": (1, 0),
        "duplicate-url": (1, 0),
        "unchanged: same-bytes": (0, GOOD + 1),
    }
    assert report["in_flight"] == []
    assert report["pages"] == {"records": GOOD + 1, "articles": {"in the index": GOOD, "refused": 1}}
    assert report["totals"] == {"begun": 2 * GOOD + 5, "ended": 2 * GOOD + 5, "in_flight": 0, "unaccounted": 0}
    code, of_feed = reconcile(settings, "--feed", site.url("/other-feed"), "--since", "1h", "--ledger-only")
    assert (code, of_feed["totals"]["begun"], of_feed["pages"]) == (0, 1, None)

    show_every_hop(settings, site)
    lose(settings, site)
    lost = {article_id(site.url("/2")), article_id(site.url("/3"))}
    announce_again(settings, lost)


def show_every_hop(settings: Settings, site: Site) -> None:
    """Trace articles that ended in different ways."""
    river = settings.river.name
    code, text = newsriver(settings, "trace", "--json", site.url("/1?utm_source=rss#top"))
    traced = json.loads(text)
    assert (code, traced["url"], traced["problems"]) == (0, site.url("/1"), [])
    assert [(hop["visit"], hop["stage"], hop["what"]) for hop in traced["hops"]] == [
        (0, "poll", "discovered"),
        (0, "fetch", "fetched"),
        (1, "fetch", "unchanged: same-bytes"),
        (0, "index", "indexed"),
    ]
    origins = [hop["origin"].rpartition("/")[0].rpartition("/")[0] for hop in traced["hops"]]
    assert origins == ["", f"{river}.entries", f"{river}.entries-later-15m", f"{river}.pages"]
    [document] = traced["documents"]
    assert document["title"].endswith("votes to rebuild bridge 1")
    assert "body" not in document

    code, text = newsriver(settings, "trace", site.url("/missing"))
    assert code == 0
    assert "dead: http-404" in text
    assert "dead letter" in text
    code, text = newsriver(settings, "trace", article_id(site.url("/secret")))
    assert code == 0
    assert "robots.txt keeps us out" in text
    code, text = newsriver(settings, "trace", site.url("/0"))
    assert f"first announced by {site.url('/feed')}" in text
    assert newsriver(settings, "trace", site.url("/never-announced")) == (1, "")


def lose(settings: Settings, site: Site) -> None:
    """Take a document from the index and a line from the ledger behind the river's back."""
    lost_document, lost_line = article_id(site.url("/2")), article_id(site.url("/3"))
    [end] = [
        number
        for number, line in documents(settings, "outcomes").items()
        if line["article_id"] == lost_line and line["kind"] == "indexed"
    ]
    with closing(connect(settings)) as client:
        # A deletion is remembered for a minute, and its version would refuse the line that comes again.
        forget = {"index.gc_deletes": "0s"}
        client.ask("PUT", f"/{settings.river.name}-outcomes/_settings", forget)
        for alias, number in (("articles", lost_document), ("outcomes", end)):
            body = {"query": {"ids": {"values": [number]}}}
            answer = client.ask("POST", f"/{settings.river.name}-{alias}/_delete_by_query", body, {"refresh": "true"})
            assert answer["deleted"] == 1
    code, report = reconcile(settings)
    assert (code, report["balanced"], report["totals"]["unaccounted"]) == (1, False, 1)
    assert {(one["problem"], one["article_id"], one["url"]) for one in report["suspects"]} == {
        ("not-in-index", lost_document, site.url("/2")),
        ("no-end", lost_line, site.url("/3")),
    }
    assert {one["last_step"] for one in report["suspects"]} == {"indexed", "fetched"}
    code, text = newsriver(settings, "reconcile")
    assert code == 1
    assert lost_document in text
    assert lost_line in text
    code, text = newsriver(settings, "trace", lost_line)
    assert (code, "unaccounted: no-end" in text) == (0, True)


def announce_again(settings: Settings, lost: set[str]) -> None:
    """Repair what was lost: once, however often it is asked for, and until all is in its place again."""
    announced = len(records(settings, ENTRIES))
    code, report = reconcile(settings, "--repair")
    assert (code, report["repair"]["done"], report["repair"]["counts"]["announce"]) == (1, False, 2)
    assert {step["article_id"] for step in report["repair"]["steps"]} == lost
    assert len(records(settings, ENTRIES)) == announced

    code, report = reconcile(settings, "--repair", "--yes")
    assert (code, report["repair"]["done"], report["repair"]["left"]) == (0, True, 0)
    for _ in range(2):
        code, report = reconcile(settings, "--repair", "--yes")
        assert (code, report["balanced"], "repair" in report) == (0, True, False)
    again = [Entry.from_json(message.value or b"") for message in records(settings, ENTRIES)]
    assert len(again) == announced + 2
    titles = {entry.title for entry in again if entry.id in lost}
    assert len(titles) == 2, "the Entries are those that poll made, with what the feed said"

    drain(settings, "fetch", "process", "record")
    code, report = reconcile(settings)
    assert (code, report["suspects"], report["in_flight"]) == (0, [], [])
    assert lost <= documents(settings).keys()


def test_an_article_with_two_documents_gets_one(river: Settings) -> None:
    """As rivers have it that discovered an article in one month and again, after it was forgotten, in the next."""
    settings = river
    send_pages(settings, range(3))
    drain(settings, "process", "record")
    number = entry(1).id
    [new] = [one for key, one in documents(settings).items() if key == number]
    old = {key: value for key, value in new.items() if key != "_version"} | {
        "first_seen": "2026-08-30T10:00:00Z",
        "fetched_at": "2026-08-30T10:01:00Z",
        "feeds": ["https://other.example.org/feed"],
        "title": "As it was in August",
    }
    with closing(connect(settings)) as client:
        index = f"{settings.river.name}-articles-2026.08"
        client.ask("PUT", f"/{index}", {"aliases": {articles_alias(settings.river.name): {}}})
        client.ask("PUT", f"/{index}/_doc/{number}", old, {"version": 5, "version_type": "external", "refresh": "true"})
    code, report = reconcile(settings, "--repair")
    assert code == 1
    assert report["repair"]["counts"]["merge"] == 1
    code, report = reconcile(settings, "--repair", "--yes")
    assert report["repair"]["left"] == 0
    with closing(connect(settings)) as client:
        [found] = lookup.documents(client, settings.river.name, [number], source=True)
    assert found.index_name == index
    assert found.version == new["_version"]
    assert found.source["title"] == new["title"]
    assert found.source["first_seen"] == old["first_seen"]
    assert found.source["feeds"] == [*old["feeds"], *new["feeds"]]
    code, report = reconcile(settings)
    assert not [one for one in report["suspects"] if one["problem"] == "twice-in-index"]


def test_a_lost_line_of_a_discovery_is_written_again_and_an_expired_entry_made_of_the_ledger(river: Settings) -> None:
    """Pages without any other line: what Kafka no longer holds is taken from what the ledger knows."""
    send_pages(river, range(2))
    drain(river, "process", "record")
    code, report = reconcile(river)
    assert code == 1
    assert {one["problem"] for one in report["suspects"]} == {"not-discovered", "not-fetched"}
    code, report = reconcile(river, "--repair", "--yes")
    assert (code, report["repair"]["counts"]) == (0, {"announce": 2, "restore": 2, "merge": 0, "nothing": 0})
    made = [Entry.from_json(message.value or b"") for message in records(river, ENTRIES)]
    assert {(one.id, one.url, one.link, one.feed_url, one.first_seen) for one in made} == {
        (one.id, one.url, one.url, one.feed_url, one.first_seen) for one in map(entry, range(2))
    }
    drain(river, "record")
    code, report = reconcile(river)
    assert (code, report["suspects"]) == (0, [])


def test_a_record_that_nobody_can_read_is_accounted_for(river: Settings) -> None:
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        sender.send(ENTRIES.full_name(river.river.name), "x", b"{not an entry")
        sender.send(PAGES.full_name(river.river.name), "https://lost.example.org/", b"<p>?", {"entry": b"{"})
    code, report = reconcile(river)
    assert (code, counted(report["in_flight"])) == (0, {"entries": (1, 0), "pages": (1, 0)})
    drain(river, "fetch", "process", "record")
    code, report = reconcile(river)
    assert (code, report["suspects"]) == (0, [])
    assert counted(report["begun"]) == {"unreadable record": (2, 0)}
    assert sum(first for first, _ in counted(report["ended"]).values()) == 2
