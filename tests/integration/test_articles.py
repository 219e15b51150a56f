"""The writer of articles with a real Elasticsearch: what the model in memory promises holds there, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.backoff import Backoff
from pipelines.index.articles import ArticleWriter
from pipelines.index.documents import article_indices
from pipelines.index.elastic import Elastic, connect
from pipelines.index.lookup import Lookup, Recent
from pipelines.index.sink import Sink
from pipelines.settings import Settings
from tests.arrivals import DECEMBER, SITE, TEXTS, TITLES, Arrival, arrival, ended
from tests.rivers import documents, until

pytestmark = pytest.mark.servers


@pytest.fixture
def slow(river: Settings) -> Settings:
    """Let nothing be found before somebody asks for it: what a search does not see yet must be found all the same."""
    return river.model_copy(update={"elasticsearch": river.elasticsearch.model_copy(update={"refresh_seconds": 300.0})})


@pytest.fixture
def client(slow: Settings) -> Iterator[Elastic]:
    from pipelines.index.provision import provision

    provision(slow)
    client = connect(slow)
    yield client
    client.close()


def writer(client: Elastic, settings: Settings) -> ArticleWriter:
    """Start a process, as it were: it knows nothing of what was written before."""
    indices = article_indices(settings.river.name)
    return ArticleWriter(Lookup(client, indices, Recent()), Sink(client, settings.elasticsearch), indices)


def write(to: ArticleWriter, *arrivals: Arrival) -> list[str]:
    return [ended(one) for one in to.write(arrivals)]


def stored(client: Elastic, settings: Settings) -> list[dict[str, Any]]:
    client.ask("POST", f"/{settings.river.name}-articles/_refresh")
    return list(documents(settings).values())


@pytest.mark.parametrize("restarted", [True, False])
def test_found_again_in_the_next_month(slow: Settings, client: Elastic, *, restarted: bool) -> None:
    one = writer(client, slow)
    assert write(one, arrival()) == ["indexed"]
    other = writer(client, slow) if restarted else one
    again = arrival(first_seen=DECEMBER, feed="other", revision=1)
    assert write(other, again) == ["duplicate-url: known"]
    revisits = [arrival(first_seen=DECEMBER, visit=visit, after=900.0 * visit, revision=2) for visit in (1, 2)]
    assert write(other, *revisits) == ["updated", "unchanged"]
    assert write(writer(client, slow), arrival(), again, *revisits) == [
        "superseded",
        "duplicate-url: known",
        "superseded",
        "updated: replayed",
    ]
    [document] = stored(client, slow)
    assert (document["first_seen"], len(document["feeds"])) == ("2026-11-30T23:50:00Z", 2)
    assert document["body"].endswith("revision 2.")


def test_addresses_of_one_article(slow: Settings, client: Elastic) -> None:
    arrivals = [
        arrival("/a?view=1", canonical="/a"),
        arrival("/a?view=2", canonical="/a", after=2, feed="other"),
        arrival("/a", after=3, feed="third", first_seen=DECEMBER),
        arrival("https://proxy.example/x", landed="/a", after=4),
        arrival("http://gazette.example.org/a", after=5),
        arrival("/b", text=1, canonical="/a", after=6),
    ]
    one = writer(client, slow)
    ends = [end for some in (arrivals[:2], arrivals[2:3], arrivals[3:]) for end in write(one, *some)]
    assert ends == [
        "indexed",
        "duplicate-url: canonical",
        "duplicate-url: known",
        "duplicate-url: redirect",
        "duplicate-url: known",
        "indexed",
    ]
    found = {document["title"]: document for document in stored(client, slow)}
    assert set(found) == set(TITLES[:2])
    assert found[TITLES[0]]["addresses"] == [f"{SITE}/a", f"{SITE}/a?view=2", "https://proxy.example/x"]
    assert len(found[TITLES[0]]["feeds"]) == 3
    assert write(writer(client, slow), *arrivals)[1:] == [*ends[1:5], "indexed: replayed"]
    assert len(stored(client, slow)) == 2


def test_removed_and_back(slow: Settings, client: Elastic) -> None:
    one = writer(client, slow)
    write(one, arrival())
    assert write(one, arrival(visit=1, after=900, gone=True)) == ["gone: http-410"]
    [document] = stored(client, slow)
    assert (document["gone_at"], document["body"]) == ("2026-12-01T00:05:00Z", TEXTS[0])
    assert document["stem"] == {"english": f"{TITLES[0]}\n{TEXTS[0]}"}
    assert write(one, arrival(visit=2, after=4500)) == ["updated"]
    [document] = stored(client, slow)
    assert "gone_at" not in document


def test_a_closed_month_is_waited_for(slow: Settings, client: Elastic, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it holds the article is not known, so nothing is written meanwhile."""
    from concurrent.futures import ThreadPoolExecutor

    from pipelines.index import patience

    monkeypatch.setattr(patience, "BACKOFF", Backoff(0.2, 0.2, jitter=0.5))
    write(writer(client, slow), arrival())
    index = f"{slow.river.name}-articles-2026.11"
    client.ask("POST", f"/{index}/_close")
    lookup = Lookup(client, article_indices(slow.river.name), Recent())
    waiting = ArticleWriter(lookup, Sink(client, slow.elasticsearch), article_indices(slow.river.name))
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write, waiting, arrival(first_seen=DECEMBER))
        try:
            until(lambda: lookup.waiting is not None, 20, "waiting")
            assert lookup.waiting is not None
            assert lookup.waiting.reason == "index-closed", lookup.waiting
        finally:
            client.ask("POST", f"/{index}/_open")
        assert writing.result(30) == ["duplicate-url: known"]
    assert len(stored(client, slow)) == 1
