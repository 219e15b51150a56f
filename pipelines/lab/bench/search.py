"""Ten kinds of query through the HTTP API, beside the same requests sent straight to Elasticsearch in the same run."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import urlencode

from pipelines.errors import NewsriverError
from pipelines.index.documents import article_indices, document
from pipelines.index.elastic import Elastic, ElasticAnswer, connect
from pipelines.index.provision import provision, remove
from pipelines.index.sink import Sink
from pipelines.lab.bench.cores import machine
from pipelines.lab.bench.river import Tell
from pipelines.lab.bench.search_corpus import SearchCorpus
from pipelines.search.client import AsyncElastic, connect_async
from pipelines.search.operations import Search
from pipelines.search.query import parse_query
from pipelines.settings import Settings, as_environment

CLIENTS = (1, 8)
_BATCH = 500
_START_SECONDS = 60.0

Call = tuple[str, str, Any, Mapping[str, Any] | None]
"""One request to Elasticsearch: method, path, body, parameters."""
Ask = Callable[[Search], Any]


@dataclass(frozen=True)
class QueryKind:
    """One kind of query.

    Attributes:
        name: its name.
        path: makes the path of the API, of a word and another one.
        ask: makes the same question to `Search`.
    """

    name: str
    path: Callable[[str, str], str]
    ask: Callable[[str, str], Ask]


@dataclass(frozen=True)
class SearchLeg:
    """One kind at one number of clients; times in milliseconds.

    Attributes:
        kind: the kind's name.
        clients: how many asked at once.
        api: times through the API.
        straight: times of the same requests sent to Elasticsearch.
    """

    kind: str
    clients: int
    api: list[float]
    straight: list[float]

    def as_json(self) -> dict[str, Any]:
        """Give p50, p95 and p99 of both sides, and the difference of the medians."""
        sides = {"api": percentiles(self.api), "elasticsearch": percentiles(self.straight)}
        overhead = sides["api"]["p50"] - sides["elasticsearch"]["p50"]
        return {"kind": self.kind, "clients": self.clients, **sides, "overhead_p50": overhead}


@dataclass(frozen=True)
class SearchBenchResult:
    """All kinds.

    Attributes:
        articles: articles in the index.
        bytes_per_article: of the index on disk.
        source_bytes: mean size of a document's JSON.
        legs: each kind at each number of clients.
    """

    articles: int
    bytes_per_article: float
    source_bytes: float
    legs: list[SearchLeg]

    def as_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        sizes = {"index_bytes_per_article": self.bytes_per_article, "source_bytes_per_article": self.source_bytes}
        facts = {"bench": "search", "articles": self.articles, **sizes, "machine": machine()}
        return facts | {"legs": [leg.as_json() for leg in self.legs]}


def percentiles(times: Sequence[float]) -> dict[str, float]:
    """Give p50, p95 and p99 of at least two times."""
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


def _found(**how: Any) -> Callable[[str, Search], Any]:  # noqa: ANN401
    return lambda text, search: search.search(parse_query(text, datetime.now(UTC)), **how)


def _searched(name: str, text: Callable[[str, str], str], **how: Any) -> QueryKind:  # noqa: ANN401
    ask, more = _found(**how), urlencode(how)
    return QueryKind(
        name,
        lambda a, b: f"/v1/search?{urlencode({'q': text(a, b)})}" + (f"&{more}" if more else ""),
        lambda a, b: lambda search: ask(text(a, b), search),
    )


def _asked(name: str, path: str, ask: Callable[[Any, Search], Any]) -> QueryKind:
    return QueryKind(
        name,
        lambda a, _: f"{path}?{urlencode({'q': a})}",
        lambda a, _: lambda search: ask(parse_query(a, datetime.now(UTC)), search),
    )


KINDS = (
    _searched("word", lambda a, _: a),
    _searched("two words", lambda a, b: f"{a} {b}"),
    _searched("phrase", lambda a, b: f'"{a} {b}"'),
    _searched("prefix", lambda a, _: f"{a[:4]}*"),
    _searched("filtered", lambda a, _: f"{a} lang:en source:outlet0,outlet1 last:14d"),
    _searched("newest hundred", lambda a, _: a, sort="newest", limit=100),
    _asked("count", "/v1/count", lambda query, search: search.count(query)),
    _asked("facet", "/v1/top/topic", lambda query, search: search.top(query, "topic")),
    _asked("timeline", "/v1/timeline", lambda query, search: search.timeline(query)),
    _asked("significant terms", "/v1/terms", lambda query, search: search.terms(query, "words", 20)),
)
"""The kinds, by the names of the report."""


class RecordingElastic(AsyncElastic):
    """Sends what it is given and keeps it.

    Attributes:
        calls: the requests, in their order.
    """

    def __init__(self, inner: AsyncElastic) -> None:
        self._inner = inner
        self.url = inner.url
        self.calls: list[Call] = []

    async def send(
        self, method: str, path: str, body: object | bytes | None = None, params: Mapping[str, Any] | None = None
    ) -> ElasticAnswer:
        """Keep a request and send it."""
        self.calls.append((method, path, body, params))
        return await self._inner.send(method, path, body, params)

    async def close(self) -> None:
        """Hang up."""
        await self._inner.close()


def run(settings: Settings, *, articles: int, queries: int, seed: int, keep: bool, tell: Tell) -> SearchBenchResult:
    """Fill an index of the benchmark's own and measure.

    Args:
        settings: of a river of the benchmark's own.
        articles: how many to index.
        queries: how many of each kind, at each number of clients.
        seed: other seeds make other texts and queries.
        keep: whether the index stays.
        tell: told how far it is.

    Raises:
        ServiceError: Kafka or Elasticsearch does not answer.
        NewsriverError: the server does not start, or an answer is an error.
    """
    provision(settings)
    try:
        corpus = SearchCorpus(seed, datetime.now(UTC))
        source_bytes = _fill(settings, corpus, articles, tell)
        size = _merged_bytes(settings)
        legs = []
        with serving(settings) as port, ExitStack() as ending:
            askers = [_asker(settings, port, ending) for _ in range(max(CLIENTS))]
            for clients in CLIENTS:
                for done, kind in enumerate(KINDS):
                    tell(f"{kind.name}, {clients} clients", done, len(KINDS))
                    random = Random(f"{seed} {kind.name} {clients}")  # noqa: S311
                    words = [(corpus.word(random), corpus.word(random)) for _ in range(queries)]
                    legs.append(_measured(settings, kind, words, askers[:clients]))
        return SearchBenchResult(articles, size / articles, source_bytes, legs)
    finally:
        if not keep:
            remove(settings)


def _fill(settings: Settings, corpus: SearchCorpus, articles: int, tell: Tell) -> float:
    """Index the articles and give the mean size of a document."""
    client, size, batch, done = connect(settings), 0, [], 0
    with closing(client):
        sink = Sink(client, settings.elasticsearch)
        for one in corpus.articles(articles):
            batch.append(document(one, 1, settings.river.name))
            if len(batch) == _BATCH or done + len(batch) == articles:
                sink.write(batch)
                size += sum(len(each.source) for each in batch)
                done += len(batch)
                batch = []
                tell("indexing", done, articles)
    return size / articles


def _merged_bytes(settings: Settings) -> int:
    """Give the size of the index on disk once it can be found and is flushed."""
    alias = article_indices(settings.river.name).alias
    with closing(connect(settings)) as client:
        client.ask("POST", f"/{alias}/_refresh")
        client.ask("POST", f"/{alias}/_flush")
        stats = client.ask("GET", f"/{alias}/_stats/store")
    return int(stats["_all"]["primaries"]["store"]["size_in_bytes"])


@contextmanager
def serving(settings: Settings) -> Iterator[int]:
    """Run `newsriver serve` on a free port, without keys and without limits.

    Raises:
        NewsriverError: it does not answer in time.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    options = [f"serve.port={port}", "serve.requests_per_minute=1000000", "alerts.with_serve=false"]
    known = {f"river.name={settings.river.name}", f"elasticsearch.url={settings.elasticsearch.url}"}
    known |= {f"kafka.bootstrap_servers={settings.kafka.bootstrap_servers}"}
    environment = {**os.environ, **as_environment([*known, *options])}
    with subprocess.Popen([sys.executable, "-m", "pipelines", "serve"], env=environment) as process:
        try:
            ends_at = time.monotonic() + _START_SECONDS
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > ends_at:
                    raise NewsriverError("the HTTP server does not answer", hint="`newsriver doctor` says more")
                time.sleep(0.1)
            yield port
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False


@dataclass(frozen=True)
class _Asker:
    """One client: its connections to both sides, made once."""

    api: http.client.HTTPConnection
    straight: Elastic

    def ask(self, jobs: Sequence[tuple[int, str, list[Call]]]) -> list[tuple[float, float]]:
        """Give both sides' times for each query; they begin in turn, since the second finds some of it in memory."""
        self.api.close()  # the server ends connections that were idle for long; a new one is made with the request
        return [self._both(number, path, calls) for number, path, calls in jobs]

    def _both(self, number: int, path: str, calls: list[Call]) -> tuple[float, float]:
        if number % 2:
            api = _timed(lambda: _through(self.api, path))
            return api, _timed(lambda: self._straight(calls))
        straight = _timed(lambda: self._straight(calls))
        return _timed(lambda: _through(self.api, path)), straight

    def _straight(self, calls: list[Call]) -> None:
        for method, path, body, params in calls:
            self.straight.ask(method, path, body, params)


def _asker(settings: Settings, port: int, ending: ExitStack) -> _Asker:
    api = ending.enter_context(closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)))
    return _Asker(api, ending.enter_context(closing(connect(settings))))


def _measured(
    settings: Settings, kind: QueryKind, words: Sequence[tuple[str, str]], askers: Sequence[_Asker]
) -> SearchLeg:
    """Ask the queries of one kind, shared among the clients."""
    calls = asyncio.run(_recorded(settings, [kind.ask(*pair) for pair in words]))
    jobs = [(number, kind.path(*pair), sent) for number, (pair, sent) in enumerate(zip(words, calls, strict=True))]
    shares = [jobs[at :: len(askers)] for at in range(len(askers))]
    with ThreadPoolExecutor(len(askers)) as pool:
        times = [one for some in pool.map(lambda asker, share: asker.ask(share), askers, shares) for one in some]
    return SearchLeg(kind.name, len(askers), [one for one, _ in times], [other for _, other in times])


async def _recorded(settings: Settings, questions: Sequence[Ask]) -> list[list[Call]]:
    """Give the requests that each question makes; what is asked once for all is not among them."""
    recorder = RecordingElastic(connect_async(settings))
    calls = []
    async with Search(recorder, settings) as search:
        await search.known_fields()
        for ask in questions:
            recorder.calls = []
            await ask(search)
            calls.append(recorder.calls)
    return calls


def _through(connection: http.client.HTTPConnection, path: str) -> None:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise NewsriverError(f"{path} is answered {answer.status}: {body[:200].decode('utf-8', 'replace')}")


def _timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000
