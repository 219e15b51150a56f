"""Odd requests made of the API's own OpenAPI document (schemathesis), right and wrong ones: none is answered 5xx.

On the real Elasticsearch: what it refuses must not become a fault of ours.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from pipelines.index.documents import articles_alias
from pipelines.index.elastic import connect
from pipelines.index.provision import provision_indices, remove_indices
from pipelines.lab.internet.river import free_port
from pipelines.lab.internet.traits import Host
from pipelines.search.operations import Search
from pipelines.settings import Settings, load_settings
from pipelines.web.app import application
from pipelines.web.listen import listening
from tests.contract.test_search import ARTICLES
from tests.memory_search import StillRiver
from tests.receivers import index_articles
from tests.rivers import until

pytestmark = pytest.mark.servers

UNREACHED = 502
"""Where a test of a saved search goes may be anywhere: that it cannot be reached is no fault of ours."""


@pytest.fixture(scope="module")
def settings(servers: tuple[str, str]) -> Iterator[Settings]:
    found = load_settings(
        assignments=[
            "river.name=t-fuzz",
            f"kafka.bootstrap_servers={servers[0]}",
            f"elasticsearch.url={servers[1]}",
            f"serve.port={free_port([Host(0)])}",
            "serve.requests_per_minute=1000000",
            "alerts.most_searches=50",
        ],
        environment={},
    )
    provision_indices(found)
    index_articles(found, list(ARTICLES))
    client = connect(found)
    client.ask("POST", f"/{articles_alias(found.river.name)}/_refresh")
    client.close()
    yield found
    remove_indices(found)


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    """The server at work in a thread, with its real connections."""
    stop, ready = threading.Event(), threading.Event()

    async def serve() -> None:
        async with (
            Search.connect(settings) as search,
            listening(application(settings, dict, search, StillRiver()), settings),
        ):
            ready.set()
            while not stop.is_set():
                await asyncio.sleep(0.1)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    until(ready.is_set)
    yield f"http://127.0.0.1:{settings.serve.port}"
    stop.set()
    thread.join()


@pytest.mark.parametrize("count", [10, pytest.param(200, marks=pytest.mark.long)])
def test_no_request_of_the_specification_or_beside_it_is_answered_5xx(address: str, count: int) -> None:
    """With 200 of each kind for each operation some 5,000 requests."""
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    answers: Counter[int] = Counter()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @given(case=operation.as_strategy(generation_mode=mode))
            @hypothesis.settings(
                max_examples=count,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            def ask(case: schemathesis.Case[Any]) -> None:
                answer = case.call()
                answers[answer.status_code] += 1
                assert answer.status_code < 500 or answer.status_code == UNREACHED, case.as_curl_command()
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == ["application/problem+json"], case.as_curl_command()

            try:
                ask()
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE  # nothing is wrong for an operation that takes any text
    assert answers[200] > 5 * count
    assert answers[400] > 5 * count
