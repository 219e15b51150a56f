"""Saved searches while their evaluator and Elasticsearch are killed with -9, on an Elasticsearch of the test's own."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from pipelines import stack
from pipelines.alerts.operations import Alerts
from pipelines.alerts.saved_searches import SavedSearchDraft
from pipelines.index.provision import provision_indices
from pipelines.search.operations import Search
from pipelines.settings import Settings, load_settings
from pipelines.stack import processes
from pipelines.stack.elasticsearch_server import ElasticsearchServer
from pipelines.stack.parts import SERVERS, mark_of
from pipelines.stack.state import folder
from schemas.records import AlertChannel
from tests.receivers import Receiver, index_articles, made, receiving
from tests.rivers import as_environment, until

pytestmark = pytest.mark.servers


@pytest.fixture
def settings() -> Iterator[Settings]:
    """A stack of Elasticsearch alone, in a folder that the server's own user can enter."""
    directory = Path(tempfile.mkdtemp(prefix="newsriver-alerts-")).resolve()
    directory.chmod(0o755)
    found = load_settings(
        assignments=[
            f"stack.directory={directory}",
            "stack.elasticsearch_heap_mb=512",
            "kafka.bootstrap_servers=127.0.0.1:9",
            "elasticsearch.url=",  # that of this stack, whatever the environment says
            "alerts.interval_seconds=0.3",
            "fetch.allow_networks=127.0.0.0/8",
        ],
        environment={},
    )
    stack.up(found)
    provision_indices(found)
    yield found
    for kind in SERVERS:
        processes.end(processes.marked(mark_of(kind, directory)), seconds=10)
    shutil.rmtree(directory)


@contextmanager
def evaluating(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "pipelines", "alerts", "run"]
    with subprocess.Popen(command, env=as_environment(settings)) as started:
        try:
            yield started
        finally:
            started.kill()


def kill_elasticsearch(settings: Settings) -> None:
    running = processes.marked(mark_of(ElasticsearchServer, folder(settings)))
    assert running
    for process in running:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(running, timeout=30)


def waiting(settings: Settings) -> int:
    async def ask() -> int:
        async with Search.connect(settings) as search:
            return sum(one.waiting for one in await Alerts(search).list())

    return asyncio.run(ask())


def save(settings: Settings, receiver: Receiver) -> None:
    async def add() -> None:
        async with Search.connect(settings) as search:
            await Alerts(search).add(SavedSearchDraft("bridge", "B", AlertChannel.WEBHOOK, receiver.url))

    asyncio.run(add())


def test_none_is_lost_and_none_comes_twice_across_kills_of_both(settings: Settings) -> None:
    with receiving() as receiver:
        save(settings, receiver)
        receiver.go_on.clear()
        with evaluating(settings) as first:
            index_articles(settings, [made(number) for number in range(1, 41)])
            until(lambda: receiver.requests)  # it is received, and not answered
            index_articles(settings, [made(number) for number in range(41, 61)])
            kill_elasticsearch(settings)
            first.kill()
            first.wait()
        receiver.go_on.set()
        with evaluating(settings):  # it waits for Elasticsearch
            stack.up(settings)
            until(lambda: len(receiver.articles()) >= 60, 60)
            kill_elasticsearch(settings)
            stack.up(settings)
            index_articles(settings, [made(number) for number in range(61, 71)])
            until(lambda: len(receiver.articles()) >= 70, 60)
            until(lambda: waiting(settings) == 0)
        articles = [int(one["article_id"], 16) for one in receiver.articles()]
        assert sorted(articles) == list(range(1, 71))
        assert receiver.requests[0].body == receiver.requests[1].body
