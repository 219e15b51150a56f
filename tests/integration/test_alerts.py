"""Saved searches on a real Elasticsearch with a receiver on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from pipelines.alerts.messages import signature
from pipelines.alerts.operations import Alerts
from pipelines.alerts.saved_searches import SavedSearchDraft
from pipelines.alerts.service import AlertService
from pipelines.errors import FetchFault, SavedSearchNotFound, UsageError
from pipelines.http.client import Client
from pipelines.search.client import connect_async
from pipelines.search.operations import Search
from pipelines.settings import Settings
from pipelines.status import status
from schemas.records import AlertChannel, SavedSearch
from tests.receivers import Receiver, index_articles, made, receiving
from tests.rivers import as_environment, until

pytestmark = pytest.mark.servers

T = TypeVar("T")


@pytest.fixture
def settings(river: Settings) -> Settings:
    fetch = river.fetch.model_copy(update={"allow_networks": ["127.0.0.0/8"]})
    alerts = river.alerts.model_copy(update={"interval_seconds": 0.2})
    return river.model_copy(update={"fetch": fetch, "alerts": alerts})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made_receiver:
        yield made_receiver


def asked(settings: Settings, ask: Callable[[Alerts], Awaitable[T]]) -> T:
    async def call() -> T:
        async with Search.connect(settings) as search:
            return await ask(Alerts(search))

    return asyncio.run(call())


def webhook(settings: Settings, receiver: Receiver, query: str = "bridge", **more: Any) -> SavedSearch:
    draft = SavedSearchDraft(query, "Bridges", AlertChannel.WEBHOOK, receiver.url, **more)
    return asked(settings, lambda them: them.add(draft)).search


@contextmanager
def running(settings: Settings, write: Callable[[str], None] | None = None) -> Iterator[None]:
    """Run the saved searches in a thread."""
    stop = threading.Event()

    async def work() -> None:
        client = connect_async(settings)
        try:
            async with Client(settings) as http:
                await AlertService(client, settings, http, write).run(stop.is_set)
        finally:
            await client.close()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def process(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """Run them in a process of its own."""
    command = [sys.executable, "-m", "pipelines", "alerts", "run"]
    with subprocess.Popen(command, env=as_environment(settings), stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def idle(settings: Settings) -> bool:
    """Tell whether nothing waits to be delivered."""
    return all(one.waiting == 0 for one in asked(settings, lambda them: them.list()))


def ids(receiver: Receiver) -> list[int]:
    return [int(one["article_id"], 16) for one in receiver.articles()]


def test_it_fires_within_ten_seconds_signed_and_once(settings: Settings, receiver: Receiver) -> None:
    index_articles(settings, [made(1)])
    saved = webhook(settings, receiver)
    with running(settings):
        began = time.monotonic()
        index_articles(settings, [made(2), made(3, "A ferry came late."), made(4, "Bridges, everywhere.")])
        until(lambda: len(receiver.articles()) >= 2, 10)
        assert time.monotonic() - began < 10
        until(lambda: idle(settings))
        index_articles(settings, [made(2)])  # as it was
        index_articles(settings, [made(5)])
        until(lambda: len(receiver.articles()) >= 3)
        until(lambda: idle(settings))
    assert sorted(ids(receiver)) == [2, 4, 5]  # the first one was there before, the second is not repeated
    figures = status(settings).alerts
    assert (figures.searches, figures.waiting, figures.delivered) == (1, 0, 3)
    assert figures.p95_ms is not None
    assert 0 < figures.p95_ms < 10_000
    first = receiver.requests[0]
    assert first.message["search"] == {"id": saved.id, "name": "Bridges", "query": "bridge"}
    name, stamp = first.headers["webhook-id"], int(first.headers["webhook-timestamp"])
    assert first.message["id"] == name
    key = saved.secret.get_secret_value()
    assert first.headers["webhook-signature"] == signature(name, stamp, first.body, key)
    assert "secret" not in json.dumps([one.to_json() for one in asked(settings, lambda them: them.list())])


def test_a_changed_text_fires_again_and_a_page_looked_at_again_does_not(settings: Settings, receiver: Receiver) -> None:
    old = datetime.now(UTC) - timedelta(hours=2)
    first = made(1, fetched_at=old)
    index_articles(settings, [first, made(2, fetched_at=old)])
    webhook(settings, receiver)
    with running(settings):
        again = made(1)
        index_articles(settings, [again], updated_at=old)
        index_articles(settings, [made(2, "The bridge has closed again.", content_digest="f" * 32)])
        index_articles(settings, [made(3, gone_at=datetime.now(UTC))])
        until(receiver.articles)
        index_articles(settings, [made(9)])
        until(lambda: 9 in ids(receiver))
    assert sorted(ids(receiver)) == [2, 9]


def test_a_month_that_begins_and_what_was_fetched_before_the_search_was_saved(
    settings: Settings, receiver: Receiver
) -> None:
    with running(settings):
        index_articles(settings, [made(1)])
        waiting = made(2)
        webhook(settings, receiver)
        later = datetime.now(UTC) + timedelta(days=40)
        index_articles(settings, [waiting, made(3, first_seen=later)])
        until(lambda: len(receiver.articles()) == 2)
    assert sorted(ids(receiver)) == [2, 3]


def test_thousands_of_hits_come_as_digests(settings: Settings, receiver: Receiver) -> None:
    webhook(settings, receiver)
    index_articles(settings, [made(number) for number in range(1, 1201)])
    with running(settings):
        until(lambda: len(receiver.articles()) == 1200)
        until(lambda: idle(settings))
    assert len(receiver.requests) <= 4
    assert sorted(ids(receiver)) == list(range(1, 1201))


def test_every_holds_back_and_then_brings_all_at_once(settings: Settings, receiver: Receiver) -> None:
    webhook(settings, receiver, every_seconds=4)
    with running(settings):
        index_articles(settings, [made(1)])
        until(lambda: receiver.requests)
        for number in (2, 3, 4):
            index_articles(settings, [made(number)])
        until(lambda: len(receiver.articles()) == 4)
    assert [one.message["count"] for one in receiver.requests] == [1, 3]


def test_a_receiver_that_fails_gets_the_same_message_again(settings: Settings, receiver: Receiver) -> None:
    receiver.status = 503
    webhook(settings, receiver)
    with running(settings):
        index_articles(settings, [made(1)])
        until(lambda: receiver.requests)
        until(lambda: "503" in asked(settings, lambda them: them.list())[0].search.trouble)
        index_articles(settings, [made(2)])
        receiver.status = 204
        until(lambda: idle(settings))
        until(lambda: asked(settings, lambda them: them.list())[0].search.trouble == "")
    first, second, *rest = receiver.requests
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert sorted(ids(receiver)) == [1, 2]
    assert all(one.headers["webhook-id"] != first.headers["webhook-id"] for one in rest)


def test_a_receiver_that_is_gone_stops_its_search_and_a_redirect_is_not_followed(
    settings: Settings, receiver: Receiver
) -> None:
    receiver.status, receiver.headers = 302, {"Location": receiver.url + "/elsewhere"}
    saved = webhook(settings, receiver)
    with pytest.raises(FetchFault, match="302"):
        asked(settings, lambda them: them.test(saved.id))
    assert len(receiver.requests) == 1
    receiver.status, receiver.headers = 410, {}
    with running(settings):
        index_articles(settings, [made(1)])
        until(lambda: asked(settings, lambda them: them.list())[0].search.paused)


def test_paused_resumed_tested_removed(settings: Settings, receiver: Receiver) -> None:
    saved = webhook(settings, receiver)
    index_articles(settings, [made(1)])
    asked(settings, lambda them: them.pause("Bridges"))
    with running(settings):
        until(lambda: asked(settings, lambda them: them.get(saved.id)).paused)
        index_articles(settings, [made(2)])
        time.sleep(1)  # nothing is to come
        asked(settings, lambda them: them.resume("Bridges"))
        index_articles(settings, [made(3)])
        until(receiver.articles)
    assert ids(receiver) == [3]
    assert asked(settings, lambda them: them.test(saved.id)) == 3
    assert receiver.requests[-1].message["type"] == "test"
    asked(settings, lambda them: them.remove("Bridges"))
    with pytest.raises(SavedSearchNotFound):
        asked(settings, lambda them: them.get(saved.id))


def test_what_is_wrong_is_refused_at_once(river: Settings) -> None:
    for draft, parameter in (
        (SavedSearchDraft("x", "", AlertChannel.WEBHOOK, "http://127.0.0.1:1/"), "target"),
        (SavedSearchDraft("x", "", AlertChannel.WEBHOOK, "ftp://example.org/"), "target"),
        (SavedSearchDraft("x", "", AlertChannel.WEBHOOK, "http://0x7f000001/"), "target"),
        (SavedSearchDraft("x", "", AlertChannel.EMAIL, "ida@example.org"), "channel"),
        (SavedSearchDraft("x" * 3000), "query"),
    ):
        with pytest.raises(UsageError) as refused:
            asked(river, lambda them, draft=draft: them.add(draft))  # type: ignore[misc]
        assert refused.value.resource == parameter


def test_a_search_that_elasticsearch_refuses_stops_no_other(settings: Settings, receiver: Receiver) -> None:
    huge = " OR ".join(f"a{number}* b{number}~" for number in range(32))
    webhook(settings, receiver)
    asked(settings, lambda them: them.add(SavedSearchDraft(huge, "Huge", AlertChannel.STDOUT)))
    with running(settings):
        index_articles(settings, [made(1)])
        until(lambda: ids(receiver) == [1])


def test_kill_in_the_middle_of_a_delivery(settings: Settings, receiver: Receiver) -> None:
    receiver.go_on.clear()
    webhook(settings, receiver)
    with process(settings) as first:
        index_articles(settings, [made(1), made(2)])
        until(lambda: receiver.requests)  # it has the message, the sender has no answer yet
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    index_articles(settings, [made(3)])
    receiver.go_on.set()
    with process(settings):
        until(lambda: len(receiver.articles()) >= 3, 30)
        until(lambda: idle(settings))
    assert sorted(ids(receiver)) == [1, 2, 3]
    names = [one.headers["webhook-id"] for one in receiver.requests]
    assert names[0] == names[1]
    assert len(set(names)) == len(names) - 1


def test_two_processes_take_turns_and_lines_are_printed_once(settings: Settings, receiver: Receiver) -> None:
    webhook(settings, receiver)
    asked(settings, lambda them: them.add(SavedSearchDraft("bridge", "Lines", AlertChannel.STDOUT)))
    lines: list[str] = []
    with running(settings), running(settings, lines.append), running(settings, lines.append):
        for number in range(1, 6):
            index_articles(settings, [made(number)])
        until(lambda: len(receiver.articles()) == 5 and len("".join(lines).splitlines()) == 5)
    assert len({int(json.loads(line)["article_id"], 16) for line in "".join(lines).splitlines()}) == 5
    assert sum(one.message["count"] for one in receiver.requests) == 5
