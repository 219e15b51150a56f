"""The hostile site: what it sends where, in which runs, and that its answers are as hostile as they say."""

from __future__ import annotations

import gzip
import time
from collections import Counter
from hashlib import sha256
from itertools import islice

import pytest

from pipelines.clean import clean
from pipelines.errors import Poison
from pipelines.feed_formats import parse_feed
from pipelines.lab.chaos.hostile import FLOOD_HOSTS, TRICKS, Hostile, HostilePart, Trick, answer
from pipelines.lab.chaos.hostile_pages import poison
from pipelines.lab.chaos.plan import hostile, plan
from pipelines.settings import CleanSettings
from tests.rivers import entry, facts

PLACES = {trick.name: place for place, trick in enumerate(TRICKS) if trick.part is not HostilePart.FEED}


def site(articles: int) -> Hostile:
    return hostile(plan(articles, 1), 8000, apart=True)


def start(trick: str, path: str = "/page/1") -> bytes:
    pieces = answer(PLACES[trick], path, hostile_feed=True).pieces
    return b"".join(islice(pieces, 2))


def body(trick: str) -> bytes:
    return start(trick).partition(b"\r\n\r\n")[2]


def test_a_tenth_of_the_pages_is_hostile_and_a_large_run_has_every_trick() -> None:
    large = site(20_000)
    names = Counter(TRICKS[place].name for place in large.page_places)
    assert len(large.page_places) == 2000
    assert set(names) | {TRICKS[place].name for place in large.feed_places} == {trick.name for trick in TRICKS}
    for place, trick in enumerate(TRICKS):
        if trick.part is not HostilePart.FEED:
            times = large.page_places.count(place)
            assert times == 3 if trick.costly else times > 20


def test_a_small_run_has_what_was_found_in_life_in_any_case() -> None:
    for seed in range(20):
        small = hostile(plan(300, seed), 8000, apart=True)
        pages = [TRICKS[place].name for place in small.page_places]
        assert len(pages) == 30
        assert {"no-full-stop", "reason-escapes", "robots-agents-times-rules", "consent-150-fields"} <= set(pages)
        feeds = {TRICKS[place].name for place in small.feed_places}
        assert len(feeds) == 6
        assert {"author-pattern", "json-cut", "sitemap-deep", "distinct-attributes"} <= feeds


def test_hosts_are_many_and_stay_on_loopback() -> None:
    large = site(20_000)
    addresses = {large.place(host) for host in large.hosts()}
    assert len(addresses) == len(large.hosts()) == len(TRICKS) + 1 + FLOOD_HOSTS
    assert all(address.startswith("127.0.2.") and int(address.split(".")[3]) < 255 for address, _ in addresses)
    assert large.networks == ["127.0.2.0/24"]
    assert hostile(plan(300, 1), 8000, apart=False).place(3) == ("127.0.0.1", 8003)


def test_one_feed_announces_the_pages_of_all_hosts() -> None:
    large = site(20_000)
    [listing] = [feed for feed in large.feed_list() if feed.source == "hostile"]
    feed = parse_feed(large.feed(500, 30), url=listing.url, content_type="application/rss+xml", max_bytes=10**7)
    assert [found.id for found in feed.entries] == large.ids(500, 30)
    assert len(set(large.ids(500, 30))) == 530
    hosts = {found.url.split("/")[2] for found in feed.entries}
    assert len(hosts) == len(set(large.page_places[:500])) + FLOOD_HOSTS


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: f"{trick.part} {trick.name}")
def test_every_trick_sends_the_same_again_and_again(trick: Trick, monkeypatch: pytest.MonkeyPatch) -> None:
    place = TRICKS.index(trick)
    path = {HostilePart.FEED: "/feed.xml", HostilePart.ROBOTS: "/robots.txt"}.get(trick.part, "/page/7")
    sent = set()
    for now in (0.0, 10**9):  # the time of day is in none of it
        monkeypatch.setattr(time, "time", lambda now=now: now)
        pieces = list(islice(answer(place, path, hostile_feed=True).pieces, 3))
        assert pieces
        sent.add(sha256(b"".join(pieces)).hexdigest())  # megabytes that differ are nothing to show
    assert len(sent) == 1


def test_what_is_not_hostile_of_a_host_is_ordinary() -> None:
    feed, page, robots = (
        next(place for place, trick in enumerate(TRICKS) if trick.part is part)
        for part in (HostilePart.FEED, HostilePart.PAGE, HostilePart.ROBOTS)
    )
    plain = b"".join(answer(feed, "/feed.xml", hostile_feed=False).pieces).partition(b"\r\n\r\n")[2]
    assert parse_feed(plain, url="http://x/", content_type="", max_bytes=10**6).entries == ()
    assert b" 404 " in b"".join(answer(page, "/robots.txt", hostile_feed=True).pieces)
    assert b"the ferry has not sailed" in b"".join(answer(robots, "/page/1", hostile_feed=True).pieces)


def test_a_poisoned_page_is_refused_at_once() -> None:
    with pytest.raises(Poison) as refused:
        clean(poison(), entry(7), facts(7), CleanSettings())
    assert refused.value.reason == "too-many-attributes"
    assert poison() in b"".join(answer(FLOOD_HOSTS + 190, "/flood/3", hostile_feed=True).pieces)


def test_sizes_are_what_makes_them_hostile() -> None:
    assert len(gzip.decompress(body("gzip-bomb"))) == 200_000_000
    assert body("attributes").count(b"=1") >= 300_000
    assert b"." not in body("no-full-stop").partition(b"</p>")[0]
    assert len(body("no-full-stop")) > 40_000
    assert start("reason-escapes").startswith(b"HTTP/1.1 404 \x1b]0;")
    assert start("consent-150-fields").count(b"=1") == 150
    assert start("robots-agents-times-rules", "/robots.txt").count(b"user-agent:") == 1401
