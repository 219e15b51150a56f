"""The Beam job under faults, on real servers: it waits, says so, loses nothing, and ends when it is asked to."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.index.documents import article_indices, articles_alias
from pipelines.index.elastic import Elastic, connect
from pipelines.kafka import PartitionReader, Sender
from pipelines.lab.chaos import proxy as faults
from pipelines.settings import Settings
from pipelines.status import worker_status
from schemas.topics import PAGES, Role
from tests.rivers import (
    NOON,
    as_environment,
    call,
    documents,
    entry,
    facts,
    page,
    role,
    send_pages,
    until,
    waiting,
)

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]


@pytest.fixture
def client(river: Settings) -> Iterator[Elastic]:
    made = connect(river)
    yield made
    made.close()


def with_process(river: Settings, **fields: Any) -> Settings:
    return river.model_copy(update={"process": river.process.model_copy(update=fields)})


def with_cpu(river: Settings, seconds: float) -> Settings:
    """Let a page take no longer, so that `process.stall_seconds` may be short."""
    return river.model_copy(update={"clean": river.clean.model_copy(update={"cpu_seconds": seconds})})


def at(river: Settings, url: str) -> Settings:
    return river.model_copy(update={"elasticsearch": river.elasticsearch.model_copy(update={"url": url})})


def waits_for(river: Settings) -> list[str]:
    return [worker.waits_for for worker in worker_status(river) if worker.state == "waiting"]


@contextmanager
def logged(settings: Settings, file: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python with the messages in a file."""
    with file.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=as_environment(settings),
            stdin=subprocess.DEVNULL,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def drained(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_an_index_closed_in_mid_stream_is_waited_for_and_seen_to_be(river: Settings, client: Elastic) -> None:
    total, index = 300, article_indices(river.river.name).index(NOON)
    send_pages(river, range(100))
    with role(river, "process") as process:
        until(lambda: len(documents(river)) >= 40, what="40 articles")
        client.ask("POST", f"/{index}/_close")
        send_pages(river, range(100, total))  # the first hundred may have been written all at once
        until(lambda: waits_for(river) == ["index-closed"], what="a worker that says it waits")
        stuck = waiting(river, "process")
        assert stuck > 0
        shown = json.loads(call(river, "status", "--json").stdout)
        [worker] = shown["workers"]
        assert (worker["role"], worker["pid"], worker["state"]) == ("process", process.pid, "waiting")
        assert "closed" in worker["detail"]
        assert waiting(river, "process") == stuck  # nothing is claimed while nothing is written
        client.ask("POST", f"/{index}/_open")
        until(lambda: waiting(river, "process") == 0, what="all pages done")
        until(lambda: not waits_for(river), what="a worker that works again")
        drained(process)
    assert set(documents(river)) == {entry(number).id for number in range(total)}
    until(lambda: worker_status(river) == [], what="a worker that said goodbye")


def test_a_missing_template_waits_for_setup(river: Settings, client: Elastic) -> None:
    client.ask("DELETE", f"/_index_template/{articles_alias(river.river.name)}")
    send_pages(river, range(20))
    with role(river, "process") as process:
        until(lambda: waits_for(river) == ["no-template"], what="a worker that says it waits")
        [worker] = worker_status(river)
        assert "run `newsriver setup`" in worker.detail
        assert call(river, "setup").returncode == 0
        until(lambda: waiting(river, "process") == 0, what="all pages done")
        drained(process)
    assert set(documents(river)) == {entry(number).id for number in range(20)}


def test_status_shows_who_waits_while_elasticsearch_is_away(river: Settings) -> None:
    send_pages(river, range(3))
    away = at(river, "http://127.0.0.1:9")
    with role(away, "process") as process:
        until(lambda: waits_for(river) == ["no-answer"], what="a worker that says it waits")
        done = call(away, "status")
        assert done.returncode == 3
        assert "no-answer" in done.stdout
        assert f"{process.pid}" in done.stdout
        assert "does not answer" in done.stderr
        drained(process)


def silent(exchange: faults.HttpExchange) -> None:
    """Keep the connection and never answer."""
    time.sleep(60)
    exchange.close_connection = True


@pytest.mark.parametrize("name", ["process", "record"])
def test_sigterm_ends_in_five_seconds_while_elasticsearch_hangs(river: Settings, name: str) -> None:
    send_pages(river, range(20))
    if name == "record":
        with role(river, "process") as process:
            until(lambda: waiting(river, "process") == 0, what="all pages done")
            drained(process)
    with faults.FaultServer(river.elasticsearch.url) as proxy:
        proxy.afterwards = silent
        with role(at(river, proxy.url), name) as process:
            until(lambda: proxy.bulks, what="a request that is not answered")
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            assert time.monotonic() - began < 5.5  # 4.5 s, and the time a process takes to end on a busy machine
    assert waiting(river, name) == 20
    with role(river, name) as process:
        until(lambda: waiting(river, name) == 0, what="all done after the next start")
        drained(process)


HANGING = """
import sys, threading
from pipelines.index.articles import ArticleWriter
ArticleWriter.write = lambda *_: threading.Event().wait()
from pipelines.cli import main
sys.argv = ["newsriver", "process"]
main()
"""


def test_a_partition_that_stands_still_ends_the_process(river: Settings, tmp_path: Path) -> None:
    """What hangs is our own code: whatever hangs in the sandbox is ended by its own limits before."""
    impatient = with_process(with_cpu(river, 0.5), stall_seconds=35.0)
    send_pages(river, range(20))
    with logged(impatient, tmp_path / "log", "-c", HANGING) as process:
        assert process.wait(120) == 1
    said = (tmp_path / "log").read_text()
    assert "stands still at offset 0 of" in said
    assert PAGES.full_name(river.river.name) in said
    with role(river, "process") as process:
        until(lambda: waiting(river, "process") == 0, what="all pages done after the next start")
        drained(process)
    assert set(documents(river)) == {entry(number).id for number in range(20)}


def test_a_sink_that_waits_is_no_stall(river: Settings, client: Elastic) -> None:
    client.ask("DELETE", f"/_index_template/{articles_alias(river.river.name)}")
    send_pages(river, range(5))
    with role(with_process(with_cpu(river, 0.5), stall_seconds=32.0), "process") as process:
        until(lambda: waits_for(river) == ["no-template"], what="a worker that says it waits")
        since = worker_status(river)[0].since
        until(lambda: worker_status(river)[0].since == since and _age(river) > 40, what="longer than a stall may last")
        assert process.poll() is None
        drained(process)


def _age(river: Settings) -> float:
    [worker] = worker_status(river)
    return time.time() - worker.since.timestamp()


def test_three_replays_in_any_order_of_partitions_leave_the_index_as_it_was(river: Settings) -> None:
    """Two visits of each article, the second with another text for every third, and one visit that came too late."""
    name = PAGES.full_name(river.river.name)
    with Sender(river.kafka.bootstrap_servers, client_id="test") as sender:
        for number in range(40):
            first = entry(number)
            visits = [(0, number, page(number)), (1, 1000 + number, page(number))]
            if number % 3 == 0:
                visits[1] = (1, 1000 + number, page(number).replace(b"rebuild", b"repaint"))
            if number % 10 == 0:
                visits.append((2, 500 + number, page(number).replace(b"rebuild", b"remove")))
            for visit, second, body in visits:
                again = first.model_copy(update={"visit": visit, "content_digest": "0" * 32 if visit else None})
                when = facts(number, fetched_at=NOON + timedelta(seconds=second))
                sender.send(name, first.url, body, {"entry": again.to_json(), "page": when.to_json()})
    sums, ends = [], []
    for order in ((0, 1), (1, 0), (0, 1), (1, 0)):
        for share in order:
            with role(river, "process", "--worker", str(share), "--workers", "2") as process:
                until(lambda: _lag(river, share) == 0, what=f"partition {share} done")  # noqa: B023 - called at once
                drained(process)
        with role(river, "record") as process:
            until(lambda: waiting(river, "record") == 0, what="all outcomes recorded")
            drained(process)
        sums.append(_checksum(documents(river)))
        ends.append({key: (line["kind"], line["visit"]) for key, line in documents(river, "outcomes").items()})
        _rewind(river)
    assert len(documents(river)) == 40
    assert sums == [sums[0]] * 4
    assert [set(each) for each in ends] == [set(ends[0])] * 4
    assert ends == [ends[0]] * 4


def _lag(river: Settings, partition: int) -> int:
    topic = PAGES.full_name(river.river.name)
    reader = PartitionReader(
        river.kafka.bootstrap_servers, Role.PROCESS.group(river.river.name), topic, partition, client_id="test"
    )
    try:
        return reader.end() - reader.committed()
    finally:
        reader.close()


def _rewind(river: Settings) -> None:
    """Let the group begin again."""
    for partition in range(river.kafka.partitions):
        topic = PAGES.full_name(river.river.name)
        reader = PartitionReader(
            river.kafka.bootstrap_servers, Role.PROCESS.group(river.river.name), topic, partition, client_id="test"
        )
        reader.commit(0)
        reader.close()


def _checksum(found: dict[str, dict[str, Any]]) -> str:
    """Sum up ids, versions and sources."""
    return hashlib.sha256(json.dumps(sorted(found.items()), sort_keys=True).encode()).hexdigest()
