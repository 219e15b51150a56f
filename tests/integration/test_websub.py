"""`serve` as a process, with a real hub and a real Kafka: subscriptions, pushes, and that nothing is lost with them."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines.feeds.store import remove_feeds, store_feeds
from pipelines.kafka import Admin, Sender
from pipelines.settings import Settings
from pipelines.stack.ports import choose
from pipelines.status import worker_status
from schemas.records import Entry, Feed, FeedState, Subscription, SubscriptionStatus
from schemas.topics import ENTRIES, FEED_STATE, PUSHES, SUBSCRIPTIONS
from tests.integration.hub import Hub, call
from tests.integration.pulling import feed_reply, pulling, rss
from tests.integration.site import Site
from tests.rivers import call as run_to_end
from tests.rivers import records, role, until

pytestmark = pytest.mark.servers


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        yield running


@pytest.fixture
def settings(river: Settings) -> Settings:
    port = choose()
    serve = type(river.serve)(port=port, websub=True, public_url=f"http://127.0.0.1:{port}", websub_plain_hubs=True)
    return pulling(river).model_copy(update={"serve": serve})


def address(settings: Settings, path: str) -> str:
    return f"{settings.serve.public_url}{path}"


def health(settings: Settings) -> dict[str, Any]:
    try:
        status, body = call("GET", address(settings, "/healthz"))
    except OSError:
        return {}
    assert status == 200
    found: dict[str, Any] = json.loads(body)
    return found


def subscribe_by_hand(settings: Settings, hub: Hub, *urls: str) -> None:
    """List feeds of which a poll has found the hub."""
    store_feeds(settings, [Feed(url=url) for url in urls])
    next_poll_at = datetime.now(UTC) + timedelta(days=1)
    with Sender(settings.kafka.bootstrap_servers, client_id="test") as sender:
        for url in urls:
            state = FeedState(url=url, next_poll_at=next_poll_at, polls=1, hub=hub.url, hub_topic=f"{url}.xml")
            sender.send(FEED_STATE.full_name(settings.river.name), url, state.to_json())


def live(settings: Settings, hub: Hub, number: int) -> Callable[[], bool]:
    """Tell whether so many subscriptions are live to serve, and verified to the hub."""

    def counted() -> bool:
        counts = health(settings).get("websub", {}).get("subscriptions", {})
        return counts.get("live") == number and len(hub.subscriptions) >= number

    return counted


def subscriptions(settings: Settings) -> dict[str, Subscription | None]:
    """Give the last record of each feed's subscription."""
    found = records(settings, SUBSCRIPTIONS)
    return {m.key or "": Subscription.from_json(m.value) if m.value else None for m in found}


def announced(settings: Settings) -> list[str]:
    return sorted(Entry.from_json(message.value or b"").url for message in records(settings, ENTRIES))


def test_a_pushed_entry_is_announced_and_a_forged_one_is_not(settings: Settings, site: Site, hub: Hub) -> None:
    feed, topic = site.url("/feed"), site.url("/feed.xml")
    site.routes["/feed"] = feed_reply("https://news.example/old", Link=f'<{hub.url}>; rel="hub", <{topic}>; rel="self"')
    store_feeds(settings, [Feed(url=feed)])
    with role(settings, "serve") as serve, role(settings, "poll") as poll:
        until(live(settings, hub, 1), 60, "a live subscription")
        until(lambda: announced(settings) == ["https://news.example/old"], 60, "the first poll")

        forged = rss("https://news.example/forged")
        assert hub.push(topic, forged, signature="sha256=" + "0" * 64) // 100 == 2
        assert hub.push(topic, forged, signature="") // 100 == 2
        for number, method in enumerate(("sha1", "sha256", "sha384", "sha512")):
            assert hub.push(topic, rss(f"https://news.example/{number}", "https://news.example/old"), method) == 202
        expected = sorted(["https://news.example/old", *(f"https://news.example/{n}" for n in range(4))])
        until(lambda: announced(settings) == expected, 60, "the pushed entries")
        assert health(settings)["websub"]["pushes"] == {"taken": 4, "unsigned": 1, "wrong-signature": 1}
        assert len(site.asked("/feed")) == 1  # nobody asked the site for what was pushed
        for process in (serve, poll):
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
    assert announced(settings) == expected
    with Admin(settings.kafka.bootstrap_servers) as admin:
        committed = admin.committed(f"{settings.river.name}-poll")
    assert {topic for topic, _ in committed} == {PUSHES.full_name(settings.river.name)}
    assert sum(committed.values()) == 4  # the next copy reads none of them again


def test_a_killed_serve_keeps_its_subscriptions_and_a_removed_feed_is_left(settings: Settings, hub: Hub) -> None:
    one, other = "https://one.example/feed", "https://other.example/feed"
    with role(settings, "serve") as process:
        subscribe_by_hand(settings, hub, one, other)
        until(live(settings, hub, 2), 60, "two subscriptions")
        process.kill()
    with role(settings, "serve") as process:
        until(live(settings, hub, 2), 60, "both after the restart")
        assert [asked.fields["hub.mode"] for asked in hub.asked] == ["subscribe"] * 2
        assert hub.push(f"{one}.xml", rss("https://news.example/1")) == 202
        until(lambda: len(records(settings, PUSHES)) == 1, 30, "the push on Kafka")

        callback = hub.subscriptions[f"{other}.xml"]["hub.callback"]
        remove_feeds(settings, [other])
        until(lambda: f"{other}.xml" not in hub.subscriptions, 60, "the subscription that was left")
        until(lambda: subscriptions(settings)[other] is None, 60, "its record gone")
        assert call("POST", callback, b"")[0] == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    kept = subscriptions(settings)[one]
    assert kept is not None
    assert (kept.status, kept.last_push_at is not None) == (SubscriptionStatus.ACTIVE, True)


def test_strangers_are_told_nothing(settings: Settings, hub: Hub) -> None:
    feed = "https://one.example/feed"
    topic = f"{feed}.xml"
    with role(settings, "serve"):
        subscribe_by_hand(settings, hub, feed)
        until(live(settings, hub, 1), 60, "a live subscription")
        callback = hub.subscriptions[topic]["hub.callback"]
        ask = f"{callback}?hub.challenge=c&hub.topic={topic}&hub.lease_seconds=60"
        nowhere = address(settings, "/websub/" + "x" * 43)
        expected: list[tuple[str, str, bytes | None, dict[str, str], int]] = [
            ("GET", f"{ask}&hub.mode=subscribe", None, {}, 404),  # nothing is pending any more
            ("GET", f"{ask}&hub.mode=unsubscribe", None, {}, 404),
            ("GET", f"{callback}?hub.mode=denied&hub.topic=https://else.example/", None, {}, 404),
            ("GET", callback, None, {}, 404),
            ("GET", nowhere, None, {}, 404),
            ("POST", nowhere, b"news", {}, 404),
            ("GET", address(settings, "/websub/"), None, {}, 404),
            ("GET", address(settings, "/"), None, {}, 401),
            ("GET", address(settings, "/%2e%2e/etc/passwd"), None, {}, 401),
            ("PUT", callback, b"news", {}, 405),
            ("POST", callback, b"x", {"Content-Encoding": "gzip"}, 415),
            ("POST", callback, None, {"Content-Length": "999999999"}, 413),
        ]
        for method, url, body, headers, status in expected:
            assert call(method, url, body, headers)[0] == status, (method, url)
        assert records(settings, PUSHES) == []

        status, _ = call("GET", f"{callback}?hub.mode=denied&hub.topic={topic}&hub.reason=members+only")
        assert status == 200
        until(live(settings, hub, 0), 30, "no live subscription")
    held = subscriptions(settings)[feed]
    assert held is not None
    assert (held.status, held.reason) == (SubscriptionStatus.DENIED, "members only")


def test_without_websub_serve_only_tells_that_it_is_up(settings: Settings) -> None:
    settings = settings.model_copy(update={"serve": type(settings.serve)(port=settings.serve.port)})
    where = f"127.0.0.1:{settings.serve.port}"
    with role(settings, "serve") as process:
        until(lambda: reachable(f"http://{where}/healthz"), 60, "an answer")
        connection = http.client.HTTPConnection(where, timeout=30)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert json.loads(answer.read()) == {"status": "up", "waits_for": None}
        assert answer.getheader("Server") is None
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert (answer.getheader("Content-Security-Policy") or "").startswith("default-src 'none'")
        assert reachable(f"http://{where}/websub/{'x' * 43}") == 404
        second = run_to_end(settings, "serve")
        assert second.returncode == 1
        assert f"cannot listen on {where}" in second.stderr
        until(lambda: [each.role for each in worker_status(settings)] == ["serve"], 30, "its heartbeat")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def reachable(url: str) -> int:
    try:
        return call("GET", url)[0]
    except OSError:
        return 0
