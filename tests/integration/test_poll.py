"""The role `poll` as a process, with a real site and a real Kafka: what is announced, and that it is so once."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.feeds.partitions import feed_partition
from pipelines.feeds.store import remove_feeds, store_feeds, stored_feeds
from pipelines.ledger.in_flight import Underway
from pipelines.settings import Settings
from pipelines.status import WorkerStatus, worker_status
from pipelines.urls import article_id
from schemas.records import Entry, Feed, FeedState, Outcome, OutcomeKind
from schemas.topics import ENTRIES, FEED_STATE, FEEDS, OUTCOMES
from tests.integration.pulling import RSS, feed_file, feed_reply, pulling, rss
from tests.integration.site import Reply, Site
from tests.rivers import records, role, until

pytestmark = pytest.mark.servers


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


def entries(settings: Settings) -> list[Entry]:
    return [Entry.from_json(message.value or b"") for message in records(settings, ENTRIES)]


def outcomes(settings: Settings) -> list[Outcome]:
    return [Outcome.from_json(message.value or b"") for message in records(settings, OUTCOMES)]


def states(settings: Settings) -> dict[str, FeedState]:
    """Give the last state of each feed."""
    found = [FeedState.from_json(message.value or b"") for message in records(settings, FEED_STATE)]
    return {state.url: state for state in found}


def poll_once(settings: Settings, path: str) -> None:
    with role(settings, "poll", "--once", "--feeds", path) as process:
        assert process.wait(60) == 0


def test_new_entries_are_announced_once(river: Settings, site: Site, tmp_path: Path) -> None:
    settings = pulling(river)
    links = [f"https://news.example/{number}" for number in range(3)]
    site.routes["/feed"] = feed_reply(*links, ETag='"one"')
    path = feed_file(tmp_path, [Feed(url=site.url("/feed"), source="ferry", language="en")])

    poll_once(settings, path)
    found = records(settings, ENTRIES)
    assert {message.key for message in found} == {"news.example"}
    first = entries(settings)
    assert {entry.link for entry in first} == set(links)
    assert all(entry.id == article_id(entry.url) and entry.visit == 0 for entry in first)
    assert {(entry.source, entry.language, entry.feed_url) for entry in first} == {("ferry", "en", site.url("/feed"))}
    assert [outcome.kind for outcome in outcomes(settings)] == [OutcomeKind.DISCOVERED] * 3
    state = states(settings)[site.url("/feed")]
    assert (state.etag, state.failures, len(state.known)) == ('"one"', 0, 3)

    site.routes["/feed"] = Reply(status=304)
    poll_once(settings, path)
    assert site.log[-1].headers["if-none-match"] == '"one"'
    site.routes["/feed"] = feed_reply(*links, "https://news.example/3?utm_source=rss", ETag='"two"')
    poll_once(settings, path)
    added = [entry for entry in entries(settings) if entry.id not in {old.id for old in first}]
    assert [entry.url for entry in added] == ["https://news.example/3"]
    assert len(entries(settings)) == len(outcomes(settings)) == 4


def test_each_bad_feed_fails_by_name_and_the_others_go_on(river: Settings, site: Site, tmp_path: Path) -> None:
    settings = pulling(river, fetch_timeout_seconds=1.0, poll_max_feed_bytes=1_000_000)
    never = threading.Event()
    whole = rss("https://news.example/a", "https://news.example/b")
    bad: dict[str, tuple[Reply, str]] = {
        "html": (Reply(b"<!doctype html><html><body>gone", headers={"Content-Type": RSS}), "html"),
        "empty": (Reply(b" \n"), "empty"),
        "not-a-feed": (Reply(b"<?xml version='1.0'?><svg/>"), "not-a-feed"),
        "large": (Reply(b"<rss>" + b" " * 1_000_001), "too-large"),
        "said-large": (Reply(b"", headers={"Content-Length": "50000000"}), "too-large"),
        "missing": (Reply(status=404), "http-404"),
        "gone": (Reply(status=410), "http-410"),
        "busy": (Reply(status=503), "http-503"),
        "slow": (Reply(hold=never), "timeout"),
        "loop": (Reply(status=302, headers={"Location": "/loop"}), "redirect-loop"),
        "metadata": (Reply(status=302, headers={"Location": "http://169.254.169.254/latest"}), "address-refused"),
        "coding": (Reply(b"no", headers={"Content-Encoding": "gzip"}), "bad-encoding"),
    }
    for name, (reply, _) in bad.items():
        site.routes[f"/{name}"] = reply
    site.routes["/good"] = feed_reply("https://news.example/good")
    site.routes["/cut"] = Reply(whole[: whole.rindex(b"<item>") + 20], headers={"Content-Type": RSS, "ETag": '"x"'})
    elsewhere = {"http://missing.invalid/feed": "dns", "http://10.9.8.7/feed": "address-refused"}
    urls = [*elsewhere, *(site.url(f"/{name}") for name in (*bad, "good", "cut"))]

    poll_once(settings, feed_file(tmp_path, urls))
    never.set()
    found = states(settings)
    expected = {site.url(f"/{name}"): reason for name, (_, reason) in bad.items()} | elsewhere
    expected |= {site.url("/good"): "", site.url("/cut"): ""}
    assert {url: state.last_failure for url, state in found.items()} == expected
    assert sorted(entry.url for entry in entries(settings)) == ["https://news.example/a", "https://news.example/good"]
    assert found[site.url("/cut")].etag is None  # else 304 would hide what was cut off


def test_retry_after_holds_for_all_feeds_of_the_host(river: Settings, site: Site, tmp_path: Path) -> None:
    settings = pulling(river)
    site.routes["/busy"] = Reply(status=429, headers={"Retry-After": "7200"}, wait=0.3)
    site.routes["/other"] = feed_reply("https://news.example/other")
    began = datetime.now(UTC)
    poll_once(settings, feed_file(tmp_path, [site.url("/busy"), site.url("/other")]))
    found = states(settings)
    assert [each.path for each in site.log] == ["/busy"]
    assert all((state.next_poll_at - began).total_seconds() >= 7200 for state in found.values())
    assert {url: (state.last_failure, state.failures) for url, state in found.items()} == {
        site.url("/busy"): ("http-429", 1),
        site.url("/other"): ("", 0),
    }


def test_a_second_feed_with_the_same_article_and_an_entry_without_a_page(
    river: Settings, site: Site, tmp_path: Path
) -> None:
    settings = pulling(river)
    site.routes["/one"] = feed_reply("https://news.example/shared", "https://news.example/own")
    site.routes["/two"] = feed_reply("https://news.example/shared?utm_medium=feed", "mailto:desk@news.example")
    poll_once(settings, feed_file(tmp_path, [site.url("/one")]))
    both = feed_file(tmp_path, [site.url("/one"), site.url("/two")])
    for _ in range(2):
        poll_once(settings, both)
    found = entries(settings)
    assert sorted(entry.link.rpartition("/")[2] for entry in found if not entry.further) == ["own", "shared"]
    [again] = [entry for entry in found if entry.further]
    assert (again.url, again.feed_url) == ("https://news.example/shared", site.url("/two"))
    under_way = Underway(settings, client_id="test")
    assert all(not waiting.entry.further for waiting in under_way.entries())  # it stands for no visit
    assert sum(1 for _ in under_way.entries()) == 2
    under_way.close()
    lines = outcomes(settings)
    assert Counter((line.kind, line.reason) for line in lines) == {
        (OutcomeKind.DISCOVERED, ""): 2,
        (OutcomeKind.DUPLICATE_URL, "other-feed"): 1,
        (OutcomeKind.SKIPPED, "not-http"): 1,
    }
    [duplicate] = [line for line in lines if line.kind is OutcomeKind.DUPLICATE_URL]
    assert (duplicate.feed_url, duplicate.url) == (site.url("/two"), "https://news.example/shared")
    assert site.url("/one") in duplicate.detail
    [skipped] = [line for line in lines if line.kind is OutcomeKind.SKIPPED]
    assert "mailto:desk@news.example" in skipped.detail


def test_the_list_on_kafka_is_followed_while_it_changes(river: Settings, site: Site) -> None:
    settings = pulling(river, poll_min_interval_seconds=1.0)
    for name in ("a", "b", "c"):
        site.routes[f"/{name}"] = feed_reply(f"https://news.example/{name}")
    store_feeds(settings, [Feed(url=site.url("/a")), Feed(url=site.url("/b"), paused=True)])
    with role(settings, "poll") as process:
        until(lambda: len(entries(settings)) == 1, what="the first entry")
        store_feeds(settings, [Feed(url=site.url("/c"), interval_seconds=0.2)])
        until(lambda: len(site.asked("/c")) >= 3, what="three polls of the new feed")
        remove_feeds(settings, [site.url("/c")])
        assert [feed.url for feed in stored_feeds(settings)] == [site.url("/a"), site.url("/b")]
        store_feeds(settings, [Feed(url=site.url("/b"))])
        until(lambda: len(entries(settings)) == 3, what="the entry of the feed that was paused")
        asked = len(site.asked("/c"))
        store_feeds(settings, [Feed(url=site.url("/c"))])  # it comes back and its state with it
        until(lambda: len(site.asked("/c")) >= asked, what="the feed that came back")
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5
    assert sorted(entry.url for entry in entries(settings)) == [f"https://news.example/{name}" for name in "abc"]


def test_one_request_at_a_time_and_a_pause_for_each_host(river: Settings, tmp_path: Path) -> None:
    settings = pulling(river, fetch_delay_seconds=0.2)
    with Site("127.0.0.3") as one, Site("127.0.0.4") as other:
        for site in (one, other):
            for number in range(4):
                reply = feed_reply(f"https://news.example/{site.host}/{number}")
                site.routes[f"/{number}"] = replace(reply, wait=0.1)
        poll_once(settings, feed_file(tmp_path, [site.url(f"/{n}") for n in range(4) for site in (one, other)]))
        for site in (one, other):
            asked = sorted(site.log, key=lambda each: each.started)
            assert len(asked) == 4
            for earlier, later in pairwise(asked):
                assert later.started - earlier.ended >= 0.19
        assert min(each.started for each in other.log) < max(each.ended for each in one.log)  # side by side
    assert len(entries(settings)) == 8


def test_a_copy_killed_in_mid_poll_loses_nothing(river: Settings, site: Site, tmp_path: Path) -> None:
    settings = pulling(river, fetch_timeout_seconds=30.0)
    held = threading.Event()
    links = [f"https://news.example/{number}" for number in range(20)]
    site.routes["/slow"] = replace(feed_reply(*links), hold=held)
    site.routes["/quick"] = feed_reply("https://news.example/quick")
    path = feed_file(tmp_path, [site.url("/quick"), site.url("/slow")])
    with role(settings, "poll", "--feeds", path) as process:
        until(lambda: site.asked("/slow") and states(settings), what="one poll stored and one under way")
        process.kill()
    held.set()
    poll_once(settings, path)
    assert sorted(entry.url for entry in entries(settings)) == sorted([*links, "https://news.example/quick"])


def test_two_copies_share_the_hosts(river: Settings) -> None:
    settings = pulling(river)
    sites = [Site(f"127.0.0.{number}") for number in range(2, 8)]
    with ExitStack() as stack:
        for site in sites:
            stack.enter_context(site)
            site.routes |= {f"/{n}": feed_reply(f"https://news.example/{site.host}/{n}") for n in range(2)}
        urls = [site.url(f"/{number}") for site in sites for number in range(2)]
        with role(settings, "poll") as one, role(settings, "poll") as other:
            until(lambda: _members(settings) == 2, what="both copies in the group")
            store_feeds(settings, [Feed(url=url) for url in urls])
            until(lambda: len(states(settings)) == 12, what="a state for each feed")
            workers = until_workers(settings, 2)
            assert [(worker.role, worker.pid in (one.pid, other.pid)) for worker in workers] == [("poll", True)] * 2
            for process in (one, other):
                process.send_signal(signal.SIGTERM)
                assert process.wait(10) == 0
        assert [Counter(each.path for each in site.log) for site in sites] == [{"/0": 1, "/1": 1}] * 6
    assert len(entries(settings)) == 12
    for topic in (FEEDS, FEED_STATE):
        for message in records(settings, topic):
            assert message.partition == feed_partition(message.key or "", settings.kafka.partitions)


def test_two_copies_with_different_lists_poll_all_feeds_of_both(river: Settings, tmp_path: Path) -> None:
    settings = pulling(river)
    with ExitStack() as stack:
        sites = [stack.enter_context(Site(f"127.0.0.{number}")) for number in range(2, 10)]
        for site in sites:
            site.routes["/"] = feed_reply(f"https://news.example/{site.host}")
        for name in ("mine", "yours"):
            (tmp_path / name).mkdir()
        mine = feed_file(tmp_path / "mine", [site.url("/") for site in sites[:4]])
        yours = feed_file(tmp_path / "yours", [site.url("/") for site in sites[4:]])
        with role(settings, "poll", "--feeds", mine) as one, role(settings, "poll", "--feeds", yours) as other:
            until(lambda: len(states(settings)) == 8, what="a state for each feed of both lists")
            for process in (one, other):
                process.send_signal(signal.SIGTERM)
                assert process.wait(10) == 0
        assert {feed.url for feed in stored_feeds(settings)} == {site.url("/") for site in sites}
        feed_file(tmp_path / "mine", [site.url("/") for site in sites[:3]])
        with role(settings, "poll", "--feeds", mine):  # a file that was edited takes its feed out of the list
            until(lambda: len(stored_feeds(settings)) == 7, what="the feed to be taken out")


def until_workers(settings: Settings, number: int) -> list[WorkerStatus]:
    """Give what the processes tell of themselves, once so many do."""
    until(lambda: len(worker_status(settings)) == number, what=f"{number} workers")
    return worker_status(settings)


def _members(settings: Settings) -> int:
    """Count the members of the group that have partitions."""
    from kafka import KafkaAdminClient

    client = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    try:
        [group] = client.describe_groups([f"{settings.river.name}-poll"]).values()
        return sum(1 for member in group["members"] if member["member_assignment"] and _assigned(member))
    finally:
        client.close()


def _assigned(member: dict[str, object]) -> bool:
    return bool(getattr(member["member_assignment"], "assigned_partitions", None) or member["member_assignment"])
