"""The role `fetch` as a process, with real sites and a real Kafka: each entry ends as told, once, and politely."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest

from pipelines.kafka import Admin, Sender
from pipelines.settings import Settings
from pipelines.urls import identity_url
from schemas.records import DeadLetter, Entry, OutcomeKind, PageFacts
from schemas.topics import DEAD_LETTERS, ENTRIES, LATER, PAGES
from tests.integration.pulling import HTML, entry, html, outcomes, pulling, send
from tests.integration.site import Asked, Reply, Site
from tests.rivers import NOON, records, role, until, waiting

pytestmark = pytest.mark.servers

QUICK = 1e-6  # of a tier's delay: 15 minutes become a millisecond


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


def ends(settings: Settings) -> dict[str, tuple[OutcomeKind, str]]:
    """Give kind and reason by URL, of lines that are not steps."""
    return {line.url: (line.kind, line.reason) for line in outcomes(settings)}


def later(settings: Settings) -> list[Entry]:
    return [Entry.from_json(message.value or b"") for tier in LATER for message in records(settings, tier)]


def fetched(settings: Settings, count: int) -> None:
    """Run the role until so many outcomes are there and all is committed, then drain it."""
    with role(settings, "fetch") as process:
        until(lambda: len(outcomes(settings)) >= count, what=f"{count} outcomes")
        until(lambda: waiting(settings, "fetch") == 0, what="all offsets committed")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_page_goes_to_kafka_as_it_came(river: Settings, site: Site) -> None:
    settings = pulling(river)
    body = "<html lang=de><body>Schöne Grüße".encode("latin-1")
    site.routes["/old?utm_source=rss"] = Reply(status=301, headers={"Location": "/new"})
    site.routes["/new"] = Reply(body, headers={"Content-Type": "text/html; charset=ISO-8859-1", "X-Robots-Tag": "noai"})
    announced = entry(site.url("/old?utm_source=rss"), title="Grüße")
    send(settings, [announced])
    with role(settings, "fetch") as process:
        until(lambda: outcomes(settings), what="an outcome")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    [message] = records(settings, PAGES)
    facts = PageFacts.from_json(message.headers["page"])
    assert (message.key, message.value) == (identity_url(site.url("/new")), body)
    assert Entry.from_json(message.headers["entry"]) == announced
    assert (facts.url, facts.status, facts.redirects) == (site.url("/new"), 200, [site.url("/old?utm_source=rss")])
    assert facts.content_type == "text/html; charset=ISO-8859-1"
    assert facts.headers == {"x-robots-tag": "noai"}
    assert facts.version == int(facts.fetched_at.timestamp() * 1000)
    [line] = outcomes(settings)
    assert (line.kind, line.terminal, line.article_id) == (OutcomeKind.FETCHED, False, announced.id)
    assert line.page_url == site.url("/new")
    assert line.next_visit_at == facts.fetched_at + timedelta(minutes=15)
    [next_visit] = [Entry.from_json(found.value or b"") for found in records(settings, LATER[0])]
    assert (next_visit.visit, next_visit.attempt, next_visit.first_seen) == (1, 0, NOON)
    assert next_visit.due_at == facts.fetched_at + timedelta(minutes=15)
    assert waiting(settings, "fetch") == 1  # the revisit, which is not due


def sends_on(target: str) -> bytes:
    """Make a page that does nothing else than to send on."""
    return f'<html><head><meta http-equiv="refresh" content="0; url={target}"></head><p>One moment</html>'.encode()


def test_each_bad_page_ends_by_name_and_the_others_go_on(river: Settings, site: Site) -> None:
    settings = pulling(
        river,
        fetch_max_attempts=2,
        fetch_later_scale=QUICK,
        fetch_revisit=[],
        fetch_timeout_seconds=1.0,
        fetch_max_page_bytes=1_000_000,
    )
    never = threading.Event()
    dead, rejected, good = OutcomeKind.DEAD, OutcomeKind.REJECTED, (OutcomeKind.FETCHED, "")
    cases: dict[str, tuple[Reply, tuple[OutcomeKind, str]]] = {
        "/missing": (Reply(status=404), (dead, "http-404")),
        "/gone": (Reply(status=410), (dead, "http-410")),
        "/forbidden": (Reply(status=403), (dead, "http-403")),
        "/always-busy": (Reply(status=503), (dead, "http-503")),
        "/slow": (Reply(hold=never), (dead, "timeout")),
        "/loop": (Reply(status=302, headers={"Location": "/loop"}), (dead, "redirect-loop")),
        "/metadata": (Reply(status=302, headers={"Location": "http://169.254.169.254/"}), (dead, "address-refused")),
        "/inside": (Reply(status=302, headers={"Location": "http://10.0.0.1/"}), (dead, "address-refused")),
        "/nowhere": (Reply(status=302, headers={"Location": "gopher://x"}), (dead, "bad-redirect")),
        "/large": (Reply(b"<html>" + b"x" * 1_000_000, headers=HTML), (dead, "too-large")),
        "/cut": (Reply(b"<html>", headers=HTML | {"Content-Length": "600"}), (dead, "truncated")),
        "/coding": (Reply(b"no", headers=HTML | {"Content-Encoding": "br"}), (dead, "bad-encoding")),
        "/pdf": (Reply(b"%PDF-1.7\n", headers={"Content-Type": "application/pdf"}), (rejected, "not-html")),
        "/pdf-as-html": (Reply(b"%PDF-1.7\n\0", headers=HTML), (rejected, "not-html")),
        "/image": (Reply(b"\xff\xd8\xff\xe0", headers={"Content-Type": "image/jpeg"}), (rejected, "not-html")),
        "/json": (Reply(b'{"a": 1}', headers={"Content-Type": "application/json"}), (rejected, "not-html")),
        "/empty": (Reply(b"", headers=HTML), (rejected, "empty-body")),
        "/blank": (Reply(b" \n\t", headers=HTML), (rejected, "empty-body")),
        "/html-as-data": (Reply(html("x"), headers={"Content-Type": "application/octet-stream"}), good),
        "/undeclared": (Reply(html("x")), good),
        "/text": (Reply(b"Plain words.", headers={"Content-Type": "text/plain"}), good),
        "/control": (Reply(html("a\x01b\x1f"), headers=HTML), good),
        "/secret/page": (Reply(html("x"), headers=HTML), (OutcomeKind.SKIPPED, "robots")),
        "/asked-for-consent": (
            Reply(status=302, headers={"Location": "/consent?back=%2Fasked-for-consent"}),
            (rejected, "consent-page"),
        ),
        "/sends-on": (Reply(sends_on("/text"), headers=HTML), good),
        "/sends-on-and-on": (Reply(sends_on("/sends-on"), headers=HTML), (rejected, "meta-refresh")),
        "/sends-on-to-itself": (Reply(sends_on("/sends-on-to-itself"), headers=HTML), (rejected, "meta-refresh")),
        "/sends-on-inside": (Reply(sends_on("http://10.0.0.1/"), headers=HTML), (dead, "address-refused")),
        "/sends-on-to-a-secret": (Reply(sends_on("/secret/page"), headers=HTML), (OutcomeKind.SKIPPED, "robots")),
        "/refused-by-kafka": (Reply(html(Random(1).randbytes(100_000).hex()), headers=HTML), (dead, "too-large")),
    }
    with Admin(settings.kafka.bootstrap_servers) as admin:
        admin.set_config(PAGES.full_name(settings.river.name), {"max.message.bytes": "50000"})
    site.routes["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /secret/\n")
    site.routes["/consent?back=%2Fasked-for-consent"] = Reply(html("May we?"), headers=HTML)
    for path, (reply, _) in cases.items():
        site.routes[path] = reply
    expected = {site.url(path): end for path, (_, end) in cases.items()}
    expected |= {"http://missing.invalid/a": (dead, "dns"), "http://192.168.7.7/a": (dead, "address-refused")}
    send(settings, [entry(url) for url in expected])
    with Sender(settings.kafka.bootstrap_servers, client_id="test") as sender:
        sender.send(ENTRIES.full_name(settings.river.name), "x", b"{not an entry")
    fetched(settings, len(expected) + 1)
    never.set()

    found = ends(settings)
    [nameless] = [url for url in found if url.startswith(ENTRIES.full_name(settings.river.name))]
    assert found.pop(nameless) == (dead, "bad-entry")
    assert found == expected
    assert len(outcomes(settings)) == len(expected) + 2  # the page that Kafka refused was fetched before
    assert site.asked("/secret/page") == []
    assert len(site.asked("/always-busy")) == len(site.asked("/slow")) == 2
    assert len(site.asked("/missing")) == 1
    letters = {
        message.key: (DeadLetter.from_json(message.headers["dead-letter"]), message.value)
        for message in records(settings, DEAD_LETTERS)
    }
    buried = {url for url, (kind, _) in expected.items() if kind is dead}
    assert {
        Entry.from_json(value or b"").url for letter, value in letters.values() if letter.reason != "bad-entry"
    } == buried
    assert [value for letter, value in letters.values() if letter.reason == "bad-entry"] == [b"{not an entry"]


def test_a_busy_server_is_asked_again_after_what_it_says(river: Settings, site: Site) -> None:
    settings = pulling(river, fetch_later_scale=QUICK, fetch_revisit=[])
    answers = iter([Reply(status=503, headers={"Retry-After": "1"}), Reply(html("at last"), headers=HTML)])
    site.routes["/a"] = lambda _: next(answers)
    send(settings, [entry(site.url("/a"))])
    fetched(settings, 1)
    first, second = site.asked("/a")
    assert second.started - first.ended >= 0.99
    assert ends(settings) == {site.url("/a"): (OutcomeKind.FETCHED, "")}
    assert [each.attempt for each in later(settings)] == [1]
    [page] = records(settings, PAGES)
    assert Entry.from_json(page.headers["entry"]).attempt == 1


def test_an_article_is_looked_at_again_and_again(river: Settings, site: Site) -> None:
    settings = pulling(river, fetch_later_scale=QUICK)
    bodies = iter(["one", "one", "two", "304", "three"])

    def respond(asked: Asked) -> Reply:  # noqa: ARG001 - a route's signature
        body = next(bodies)
        headers = HTML | {"ETag": f'"{body}"', "Last-Modified": "Mon, 05 Jan 2026 10:00:00 GMT"}
        return Reply(status=304) if body == "304" else Reply(html(body), headers=headers)

    site.routes["/a"] = respond
    send(settings, [entry(site.url("/a"))])
    fetched(settings, 5)
    assert [asked.headers.get("if-none-match") for asked in site.asked("/a")] == [None, *['"one"'] * 2, *['"two"'] * 2]
    assert site.asked("/a")[1].headers["if-modified-since"] == "Mon, 05 Jan 2026 10:00:00 GMT"
    lines = sorted(outcomes(settings), key=lambda line: line.visit)
    assert [(line.visit, line.kind, line.reason) for line in lines] == [
        (0, OutcomeKind.FETCHED, ""),
        (1, OutcomeKind.UNCHANGED, "same-bytes"),
        (2, OutcomeKind.FETCHED, ""),
        (3, OutcomeKind.UNCHANGED, "not-modified"),
        (4, OutcomeKind.FETCHED, ""),
    ]
    assert [line.next_visit_at is not None for line in lines] == [True, True, True, True, False]
    pages = [Entry.from_json(message.headers["entry"]) for message in records(settings, PAGES)]
    assert [(page.visit, page.first_seen) for page in pages] == [(0, NOON), (2, NOON), (4, NOON)]


def test_a_slow_host_holds_up_nobody_and_is_not_committed(river: Settings) -> None:
    settings = pulling(river, fetch_revisit=[], fetch_timeout_seconds=30.0)
    held = threading.Event()
    with Site("127.0.0.5") as slow, Site("127.0.0.6") as quick:
        slow.routes["/a"] = Reply(html("late"), headers=HTML, hold=held)
        slow.routes["/b"] = Reply(html("later"), headers=HTML)
        for number in range(30):
            quick.routes[f"/{number}"] = Reply(html(str(number)), headers=HTML)
        send(settings, [entry(slow.url("/a")), entry(slow.url("/b"))])
        send(settings, [entry(quick.url(f"/{number}")) for number in range(30)])
        with role(settings, "fetch") as process:
            until(lambda: len(outcomes(settings)) == 30, what="all pages of the quick host")
            assert {line.url for line in outcomes(settings)} == {quick.url(f"/{number}") for number in range(30)}
            assert waiting(settings, "fetch") >= 2
            assert slow.asked("/b") == []
            held.set()
            until(lambda: waiting(settings, "fetch") == 0, what="the slow host's entries")
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
    assert len(records(settings, PAGES)) == 32


def test_a_host_is_asked_once_at_a_time_with_the_pause_it_wants(river: Settings) -> None:
    settings = pulling(river, fetch_revisit=[], fetch_delay_seconds=0.1)
    with Site("127.0.0.8") as patient, Site("127.0.0.9") as plain:
        patient.routes["/robots.txt"] = Reply(b"User-agent: newsriver\nCrawl-delay: 0.4\n")
        for number in range(4):
            for site in (patient, plain):
                site.routes[f"/{number}"] = Reply(html(str(number)), headers=HTML, wait=0.05)
        send(settings, [entry(site.url(f"/{number}")) for number in range(4) for site in (patient, plain)])
        fetched(settings, 8)
        for site, pause in ((patient, 0.39), (plain, 0.09)):
            log = sorted(site.log, key=lambda each: each.started)
            assert [each.path for each in log].count("/robots.txt") == 1
            assert len(log) == 5
            gaps = [later.started - earlier.ended for earlier, later in pairwise(log)]
            assert min(gaps[1:]) >= pause  # the pause a site wants is known only after its robots.txt


def test_a_site_whose_robots_cannot_be_had_is_left_alone(river: Settings, site: Site) -> None:
    settings = pulling(river, fetch_revisit=[], fetch_later_scale=QUICK, fetch_max_attempts=2)
    site.routes["/robots.txt"] = Reply(status=500)
    site.routes["/a"] = Reply(html("x"), headers=HTML)
    send(settings, [entry(site.url("/a"))])
    fetched(settings, 1)
    assert ends(settings) == {site.url("/a"): (OutcomeKind.DEAD, "robots-http-500")}
    assert site.asked("/a") == []
    assert len(site.asked("/robots.txt")) == 1


def test_a_redirect_to_another_host_minds_its_robots(river: Settings, site: Site) -> None:
    settings = pulling(river, fetch_revisit=[])
    with Site("127.0.0.10") as other:
        other.routes["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /\n")
        other.routes["/b"] = Reply(html("x"), headers=HTML)
        site.routes["/a"] = Reply(status=302, headers={"Location": other.url("/b")})
        send(settings, [entry(site.url("/a"))])
        fetched(settings, 1)
        assert ends(settings) == {site.url("/a"): (OutcomeKind.SKIPPED, "robots")}
        assert [asked.path for asked in other.log] == ["/robots.txt"]


def test_killed_and_started_again_nothing_is_missing(river: Settings) -> None:
    settings = pulling(river, fetch_revisit=[])
    sites = [Site(f"127.0.1.{number}") for number in range(1, 6)]
    for site in sites:
        site.__enter__()
        for number in range(20):
            site.routes[f"/{number}"] = Reply(html(f"{site.host} {number}"), headers=HTML, wait=0.02)
    urls = [site.url(f"/{number}") for number in range(20) for site in sites]
    send(settings, [entry(url) for url in urls])
    for seen in (10, 50):
        with role(settings, "fetch") as process:
            until(lambda seen=seen: len(records(settings, PAGES)) >= seen, what=f"{seen} pages")  # type: ignore[misc]  # mypy infers no default of a lambda
            process.kill()
    fetched(settings, 100)
    pages = {message.key for message in records(settings, PAGES)}
    assert pages == set(map(identity_url, urls))
    assert ends(settings) == dict.fromkeys(urls, (OutcomeKind.FETCHED, ""))
    for site in sites:
        site.__exit__(None, None, None)


def test_it_drains_within_seconds_whatever_hangs(river: Settings, site: Site) -> None:
    settings = pulling(river, fetch_timeout_seconds=60.0)
    never = threading.Event()
    site.routes["/a"] = replace(Reply(html("x")), hold=never)
    send(settings, [entry(site.url("/a"))])
    with role(settings, "fetch") as process:
        until(lambda: site.asked("/a"), what="the request that hangs")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5
    never.set()
    assert waiting(settings, "fetch") == 1


def test_without_a_broker_it_waits_and_still_ends(river: Settings) -> None:
    kafka = river.kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:9"})
    with role(river.model_copy(update={"kafka": kafka}), "fetch") as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
