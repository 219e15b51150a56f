"""The sink's contract: what it does under each answer, by a real Elasticsearch and by one behind a faulty proxy."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from pipelines.backoff import Backoff
from pipelines.errors import ServiceError
from pipelines.index import patience
from pipelines.index.documents import Document, article_indices, articles_alias
from pipelines.index.elastic import Elastic, connect
from pipelines.index.provision import provision_indices
from pipelines.index.sink import MOST_SERVER_ERRORS, Sink
from pipelines.index.verdict import Verdict
from pipelines.lab.chaos import proxy as faults
from pipelines.runtime.heartbeat import Waits
from pipelines.settings import Settings
from tests.rivers import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(90)]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "BACKOFF", Backoff(0.05, 0.3, jitter=0.5))


@pytest.fixture
def client(river: Settings) -> Iterator[Elastic]:
    client = connect(river)
    yield client
    client.close()


def made(river: Settings, number: int = 0, *, version: int = 10, **fields: Any) -> Document:
    """Make a document whose source is as small as the mapping lets it be."""
    revisit = bool(fields.pop("revisit", False))
    indices = article_indices(river.river.name)
    index = f"{indices.name}-{fields.pop('month', '2026.11')}"
    source = json.dumps({"title": f"Ferry {number}", "content_digest": f"{number:032x}", **fields}).encode()
    return Document(f"d{number}", indices, index, version, source, revisit)


def stored(client: Elastic, document: Document) -> dict[str, Any]:
    answer: dict[str, Any] = client.ask("GET", f"/{document.index}/_doc/{document.id}")
    return answer


def kinds(verdicts: list[Verdict]) -> list[str]:
    return [verdict.kind.value for verdict in verdicts]


@contextmanager
def waiting(sink: Sink, documents: list[Document], reason: str) -> Iterator[Callable[[], list[Verdict]]]:
    """Write in the background until documents wait for a reason; the block mends it and asks for the verdicts."""
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(sink.write, documents)
        try:
            until(lambda: sink.waiting or writing.done(), 20, "waiting")
            assert sink.waiting is not None, writing.result()
            until(lambda: sink.waiting is None or sink.waiting.reason == reason, 5, reason)
            assert sink.waiting is not None
            assert sink.waiting.detail
            assert not writing.done()
            yield lambda: writing.result(timeout=30)
        finally:
            sink._patience._stop.set()  # a test that fails must not wait for ever


# Against the real server


def test_created_updated_superseded_and_replayed(river: Settings, client: Elastic) -> None:
    sink = Sink(client, river.elasticsearch)
    first = [made(river, 0), made(river, 1)]
    assert kinds(sink.write(first)) == ["indexed", "indexed"]
    again = sink.write([made(river, 0, version=20, title="Ferry late"), made(river, 1, version=5)])
    assert kinds(again) == ["updated", "superseded"]
    replay = sink.write([made(river, 0, version=20, revisit=True), made(river, 1)])
    assert [(one.kind, one.reason) for one in replay] == [("updated", "replayed"), ("indexed", "replayed")]
    assert stored(client, first[0])["_source"]["title"] == "Ferry late"
    assert [stored(client, one)["_version"] for one in first] == [20, 10]


def test_verdicts_come_in_the_order_of_the_documents(river: Settings, client: Elastic) -> None:
    settings = river.model_copy(update={"elasticsearch": river.elasticsearch.model_copy(update={"bulk_documents": 3})})
    months = ("2026.09", "2026.10", "2026.11")
    documents = [made(river, number, month=months[number % 3]) for number in range(10)]
    verdicts = Sink(client, settings.elasticsearch).write(documents)
    assert [verdict.document for verdict in verdicts] == documents
    assert set(kinds(verdicts)) == {"indexed"}


def test_nothing_to_write(river: Settings, client: Elastic) -> None:
    assert Sink(client, river.elasticsearch).write([]) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"published_at": "soon"}, "published_at"), ({"topics": "politics"}, "topics"), ({"words": "many"}, "words")],
)
def test_a_document_the_mapping_cannot_take_is_dead_and_its_neighbours_live(
    river: Settings, client: Elastic, fields: dict[str, Any], field: str
) -> None:
    verdicts = Sink(client, river.elasticsearch).write([made(river, 0), made(river, 1, **fields), made(river, 2)])
    assert kinds(verdicts) == ["indexed", "dead", "indexed"]
    assert verdicts[1].reason == "mapping"
    assert verdicts[1].detail.startswith(f"field {field}: ")


def test_broken_json_is_dead(river: Settings, client: Elastic) -> None:
    broken = replace(made(river, 0), id="b", version=1, source=b'{"title": "unfinished')
    verdicts = Sink(client, river.elasticsearch).write([made(river, 0), broken])
    assert kinds(verdicts) == ["indexed", "dead"]
    assert verdicts[1].reason == "mapping"


def test_a_missing_template_waits_for_setup(river: Settings, client: Elastic) -> None:
    name = articles_alias(river.river.name)
    client.ask("DELETE", f"/_index_template/{name}")
    sink = Sink(client, river.elasticsearch)
    with waiting(sink, [made(river)], "no-template") as verdicts:
        assert sink.waiting is not None
        assert "newsriver setup" in sink.waiting.detail
        assert not client.exists(f"/{name}-2026.11")
        provision_indices(river)
        assert kinds(verdicts()) == ["indexed"]
    assert name in client.ask("GET", f"/{name}-2026.11")[f"{name}-2026.11"]["aliases"]


def test_an_index_is_made_with_its_alias_and_a_shadow_without_one(river: Settings, client: Elastic) -> None:
    live = made(river)
    family = live.family.shadow("next")
    shadow = replace(live, family=family, index=f"{family.name}-2026.11")
    assert kinds(Sink(client, river.elasticsearch).write([live, shadow])) == ["indexed", "indexed"]
    assert client.ask("GET", f"/{live.index}")[live.index]["aliases"] == {live.family.alias: {}}
    assert client.ask("GET", f"/{shadow.index}")[shadow.index]["aliases"] == {}
    client.ask("POST", f"/{live.family.template}-*/_refresh")
    assert client.ask("GET", f"/{live.family.alias}/_count")["count"] == 1
    assert client.ask("GET", f"/{family.read_name}/_count")["count"] == 1
    assert client.ask("GET", f"/{shadow.index}/_mapping")[shadow.index]["mappings"]["dynamic"] == "strict"


def test_an_index_outside_its_alias_waits_for_setup(river: Settings, client: Elastic) -> None:
    document = made(river)
    client.ask("PUT", f"/{document.index}")
    with waiting(Sink(client, river.elasticsearch), [document], "no-alias") as verdicts:
        provision_indices(river)
        assert kinds(verdicts()) == ["indexed"]


def test_a_field_the_index_does_not_know_waits_for_setup(river: Settings, client: Elastic) -> None:
    """New code before `newsriver setup`: no document's own fault, so nothing is set aside."""
    sink = Sink(client, river.elasticsearch)
    documents = [made(river, 0), made(river, 1, mood="calm")]
    with waiting(sink, documents, "stale-mapping") as verdicts:
        client.ask("PUT", f"/{documents[0].index}/_mapping", {"properties": {"mood": {"type": "keyword"}}})
        assert kinds(verdicts()) == ["indexed", "indexed"]


def test_a_closed_index_waits_until_it_is_open(river: Settings, client: Elastic) -> None:
    sink = Sink(client, river.elasticsearch)
    sink.write([made(river, 0)])
    index = made(river).index
    client.ask("POST", f"/{index}/_close")
    elsewhere = made(river, 2, month="2026.12")
    with waiting(sink, [made(river, 1), elsewhere], "index-closed") as verdicts:
        assert stored(client, elsewhere)["found"]  # only what must wait waits
        client.ask("POST", f"/{index}/_open")
        assert kinds(verdicts()) == ["indexed", "indexed"]


@pytest.mark.parametrize("block", ["write", "read_only", "read_only_allow_delete"])
def test_a_blocked_index_waits_until_it_is_free(river: Settings, client: Elastic, block: str) -> None:
    """`read_only_allow_delete` is what a disk beyond the flood stage sets."""
    sink = Sink(client, river.elasticsearch)
    sink.write([made(river, 0)])
    path = f"/{made(river).index}/_settings"
    client.ask("PUT", path, {f"index.blocks.{block}": True})
    with waiting(sink, [made(river, 1)], "index-block") as verdicts:
        client.ask("PUT", path, {f"index.blocks.{block}": None})
        assert kinds(verdicts()) == ["indexed"]


def test_an_index_deleted_meanwhile_is_made_again_from_its_template(river: Settings, client: Elastic) -> None:
    sink = Sink(client, river.elasticsearch)
    document = made(river)
    sink.write([document])
    client.ask("DELETE", f"/{document.index}")
    assert kinds(sink.write([document])) == ["indexed"]
    assert client.ask("GET", f"/{document.index}")[document.index]["mappings"]["dynamic"] == "strict"


def test_a_stop_ends_waiting_and_nothing_is_claimed(river: Settings, client: Elastic) -> None:
    client.ask("DELETE", f"/_index_template/{articles_alias(river.river.name)}")
    stop = threading.Event()
    sink = Sink(client, river.elasticsearch, stop=stop)
    with waiting(sink, [made(river)], "no-template") as verdicts:
        stop.set()
        with pytest.raises(ServiceError, match=r"stopped while 1 documents waited .*no-template"):
            verdicts()


# Behind the faulty proxy

NAMES = [f"d{number}" for number in range(6)]

TRANSIENT = {
    "429 for the whole request": ([faults.answered(429)], NAMES),
    "503 for the whole request, in HTML": ([faults.answered(503, b"<html>busy</html>", "text/html")], NAMES),
    "502, then 504": ([faults.answered(502), faults.answered(504)], NAMES),
    "403 on the way": ([faults.answered(403)], NAMES),
    "400 on the way, in HTML": ([faults.answered(400, b"<html>Bad Request</html>", "text/html")], NAMES),
    "400 on the way, in JSON of its own": ([faults.answered(400, b'{"error": "bad request"}')], NAMES),
    "400 on the way, without a body": ([faults.answered(400, b"")], NAMES),
    "401, 404, 411, 414, 431 and 505 on the way": (
        [faults.answered(status, b"<html>no</html>", "text/html") for status in (401, 404, 411, 414, 431, 505)],
        NAMES,
    ),
    "429 for two items": ([faults.items_busy("d1", "d4")], ["d1", "d4"]),
    "429 for all items, then for one": ([faults.items_busy(*NAMES), faults.items_busy("d3")], ["d3"]),
    "half an answer after it was applied": ([faults.half_answered], NAMES),
    "silence after it was applied": ([faults.applied_without_answer(3)], NAMES),
    "an answer for another request": ([faults.answered(200, b'{"items": []}')], NAMES),
    "an answer that is no bulk answer": ([faults.answered(200, b'"ok"')], NAMES),
}


@pytest.mark.parametrize(("plan", "resent"), TRANSIENT.values(), ids=TRANSIENT)
def test_what_passes_by_waiting_is_sent_again_and_nothing_else(
    river: Settings, client: Elastic, plan: list[faults.Fault], resent: list[str]
) -> None:
    documents = [made(river, number) for number in range(6)]
    with faults.FaultServer(river.elasticsearch.url, plan) as proxy:
        verdicts = Sink(connect(behind(river, proxy.url)), river.elasticsearch).write(documents)
    assert kinds(verdicts) == ["indexed"] * 6
    assert proxy.bulks[-1] == resent
    assert len(proxy.bulks) == len(plan) + 1
    assert [stored(client, document)["_version"] for document in documents] == [10] * 6


def behind(river: Settings, url: str) -> Settings:
    options = river.elasticsearch.model_copy(update={"url": url, "timeout_seconds": 1.0})
    return river.model_copy(update={"elasticsearch": options})


def test_requests_too_large_are_split_and_later_ones_are_smaller(river: Settings) -> None:
    documents = [made(river, number, body="x" * 10_000) for number in range(8)]
    with faults.FaultServer(river.elasticsearch.url) as proxy:
        proxy.afterwards = faults.larger_refused(25_000)
        sink = Sink(connect(behind(river, proxy.url)), river.elasticsearch)
        assert kinds(sink.write(documents)) == ["indexed"] * 8
        before = len(proxy.bulks)
        assert kinds(sink.write(documents)) == ["indexed"] * 8  # replayed
    assert [len(names) for names in proxy.bulks[before:]] == [2, 2, 2, 2]


def test_a_document_too_large_alone_is_dead_and_its_neighbours_live(river: Settings) -> None:
    documents = [made(river, 0), made(river, 1, body="x" * 30_000), made(river, 2)]
    with faults.FaultServer(river.elasticsearch.url) as proxy:
        proxy.afterwards = faults.larger_refused(25_000)
        verdicts = Sink(connect(behind(river, proxy.url)), river.elasticsearch).write(documents)
    assert kinds(verdicts) == ["indexed", "dead", "indexed"]
    assert verdicts[1].reason == "too-large"
    assert "bytes" in verdicts[1].detail


def test_a_request_that_is_not_understood_is_narrowed_to_one_document(
    river: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    def dislikes_d2(exchange: faults.HttpExchange) -> None:
        reply = (400, b'{"error": {"type": "x"}}') if "d2" in faults.ids(exchange.body) else exchange.forward()
        exchange.reply(*reply)

    with faults.FaultServer(river.elasticsearch.url) as proxy:
        proxy.afterwards = dislikes_d2
        verdicts = Sink(connect(behind(river, proxy.url)), river.elasticsearch).write(
            [made(river, number) for number in range(4)]
        )
    assert kinds(verdicts) == ["indexed", "indexed", "dead", "indexed"]
    assert "document d2: unforeseen answer" in caplog.text


REFUSALS = {
    "400 in HTML": (400, b"<html>Bad Request</html>", "text/html", "refused"),
    "400 as Elasticsearch words it": (400, b'{"error": {"type": "parse_exception", "reason": "no"}}', "", "refused"),
    "413 for anything": (413, b"<html>Too Large</html>", "text/html", "refused"),
    "401": (401, b"<html>Who are you?</html>", "text/html", "no-access"),
    "403": (403, b'{"error": {"type": "security_exception", "reason": "not allowed"}}', "", "no-access"),
}


@pytest.mark.parametrize(("status", "body", "kind", "reason"), REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("count", [1, 6], ids=["one document", "several"])
def test_who_refuses_whatever_is_sent_is_waited_for_and_no_document_is_blamed(
    river: Settings, count: int, status: int, body: bytes, kind: str, reason: str
) -> None:
    """A proxy or a setting on the way is at fault, for as long as it takes; then all documents are written."""
    documents = [made(river, number) for number in range(count)]
    with faults.FaultServer(river.elasticsearch.url) as proxy:
        proxy.afterwards = faults.answered(status, body, kind or "application/json")
        sink = Sink(connect(behind(river, proxy.url)), river.elasticsearch)
        with waiting(sink, documents, reason) as verdicts:
            until(lambda: len(proxy.bulks) > 8, 20, "some more tries")
            proxy.afterwards = faults.forwarded
            assert kinds(verdicts()) == ["indexed"] * count


def test_a_document_that_elasticsearch_does_not_understand_is_found_among_good_ones(
    river: Settings, client: Elastic
) -> None:
    """A version below zero makes it refuse the whole request; asked with a request that has none, it is well."""
    documents = [made(river, number, version=-5 if number == 4 else 10) for number in range(6)]
    verdicts = Sink(client, river.elasticsearch).write(documents)
    assert kinds(verdicts) == ["indexed"] * 4 + ["dead", "indexed"]
    assert kinds(Sink(client, river.elasticsearch).write([made(river, 9, version=-5)])) == ["dead"]
    assert kinds(Sink(client, river.elasticsearch).write([made(river, 9)])) == ["indexed"]
    client.ask("POST", f"/{documents[0].index}/_refresh")
    assert client.ask("GET", f"/{documents[0].index}/_count")["count"] == 6


def test_a_server_that_is_away_is_waited_for(river: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
    sink = Sink(connect(behind(river, f"http://127.0.0.1:{port}")), river.elasticsearch)
    with (
        waiting(sink, [made(river)], "no-answer") as verdicts,
        faults.FaultServer(river.elasticsearch.url, port=port),
    ):
        assert kinds(verdicts()) == ["indexed"]
    assert sink.waiting is None
    assert caplog.text.count("wait for Elasticsearch") == 1  # at most one line in ten seconds


def requests_of(river: Settings, documents: int) -> Settings:
    options = river.elasticsearch.model_copy(update={"bulk_documents": documents})
    return river.model_copy(update={"elasticsearch": options})


def test_what_goes_in_one_request_follows_what_the_server_takes(river: Settings) -> None:
    documents = [made(river, number) for number in range(200)]
    with faults.FaultServer(river.elasticsearch.url) as proxy:
        proxy.afterwards = faults.busy_above(30)
        sink = Sink(connect(behind(river, proxy.url)), requests_of(river, 100).elasticsearch)
        assert kinds(sink.write(documents)) == ["indexed"] * 200
    sizes = [len(names) for names in proxy.bulks]
    assert sizes[:3] == [100, 50, 25]  # halved until it is taken
    refused = [size for size in sizes if size > 30]
    assert len(refused) <= 8
    taken = [name for names in proxy.bulks if len(names) <= 30 for name in names]
    assert sorted(taken) == sorted(document.id for document in documents)  # each sent and taken once


def test_a_server_that_refuses_one_request_is_not_asked_for_the_rest(river: Settings) -> None:
    documents = [made(river, number) for number in range(40)]
    with faults.FaultServer(river.elasticsearch.url, [faults.answered(429)]) as proxy:
        sink = Sink(connect(behind(river, proxy.url)), requests_of(river, 10).elasticsearch)
        assert kinds(sink.write(documents)) == ["indexed"] * 40
    assert [len(names) for names in proxy.bulks[:2]] == [10, 5]


def test_the_window_opens_again_after_a_storm(river: Settings) -> None:
    with faults.FaultServer(river.elasticsearch.url, [faults.answered(503)] * 5) as proxy:
        sink = Sink(connect(behind(river, proxy.url)), requests_of(river, 50).elasticsearch)
        assert kinds(sink.write([made(river, number) for number in range(20)])) == ["indexed"] * 20
        for start in range(100, 2000, 100):
            sink.write([made(river, start + number) for number in range(50)])
    assert len(proxy.bulks[-1]) == 50


def test_a_document_on_which_the_server_fails_for_ever_is_dead_and_its_neighbours_live(
    river: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    documents = [made(river, number) for number in range(4)]
    with faults.FaultServer(river.elasticsearch.url) as proxy:
        proxy.afterwards = faults.items_refused(500, "null_pointer_exception", "d2")
        verdicts = Sink(connect(behind(river, proxy.url)), river.elasticsearch).write(documents)
    assert kinds(verdicts) == ["indexed", "indexed", "dead", "indexed"]
    assert (verdicts[2].reason, verdicts[2].alarm) == ("server-error", True)
    assert len(proxy.bulks) == MOST_SERVER_ERRORS + 1
    assert "document d2: unforeseen answer" in caplog.text


@pytest.mark.parametrize(
    ("status", "names"),
    [(500, ["d0", "d1", "d2"]), (503, ["d1"])],
    ids=["500 for every document of the index", "503 for one document: its shard is away"],
)
def test_a_fault_of_index_or_shard_is_waited_out(river: Settings, status: int, names: list[str]) -> None:
    documents = [made(river, number) for number in range(3)]
    fault = faults.items_refused(status, "illegal_state_exception", *names)
    with faults.FaultServer(river.elasticsearch.url, [fault] * (MOST_SERVER_ERRORS + 4)) as proxy:
        verdicts = Sink(connect(behind(river, proxy.url)), river.elasticsearch).write(documents)
    assert kinds(verdicts) == ["indexed"] * 3
    assert proxy.plan == []


def test_who_waits_says_so(river: Settings, client: Elastic) -> None:
    told = Waits()
    client.ask("DELETE", f"/_index_template/{articles_alias(river.river.name)}")
    with waiting(Sink(client, river.elasticsearch, waits=told), [made(river)], "no-template") as verdicts:
        assert told.now is not None
        assert told.now[0] == "no-template"
        provision_indices(river)
        assert kinds(verdicts()) == ["indexed"]
    assert told.now is None
