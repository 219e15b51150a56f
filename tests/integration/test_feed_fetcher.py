"""Asking feeds of a real site on loopback, poll after poll, without any other server."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.http.client import Client
from pipelines.http.site_parser import Parser
from pipelines.poll.feed_fetcher import FeedFetcher
from pipelines.poll.permanent_redirects import MOVES_TO_LEARN
from pipelines.poll.poll_result import AnnouncedEntries, PollResult
from pipelines.poll.schedule import first_state
from pipelines.poll.sitemaps import A_POLL
from pipelines.settings import FetchSettings, Settings
from schemas.records import Feed, FeedState
from tests.integration.pulling import feed_reply
from tests.integration.site import Asked, Reply, Site


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


class River:
    """Polls one feed after the other, each with the state that the poll before left."""

    def __init__(self, folder: Path) -> None:
        fetch = FetchSettings(allow_networks=["127.0.0.0/8"], delay_seconds=0.0, gate_directory=folder)
        self.settings = Settings(fetch=fetch)
        self.announced = AnnouncedEntries()
        self.parser = Parser(self.settings.sandbox)
        self.states: dict[str, FeedState] = {}

    def poll(self, url: str) -> PollResult:
        found = asyncio.run(self._poll(url))
        self.states[url] = FeedState.from_json(found.state.to_json())
        return found

    async def _poll(self, url: str) -> PollResult:
        async with Client(self.settings) as client:
            asker = FeedFetcher(self.settings, client, self.announced, self.parser)
            return await asker.ask(Feed(url=url), self.states.get(url) or first_state(url, datetime.now(UTC)))


@pytest.fixture
def river(tmp_path: Path) -> Iterator[River]:
    made = River(tmp_path)
    yield made
    made.parser.close()


def paths(found: PollResult) -> list[str]:
    return [entry.url.rpartition("/")[2] for entry in found.entries]


def sitemap(*names: str, ago: timedelta = timedelta(hours=1)) -> bytes:
    at = (datetime.now(UTC) - ago).isoformat()
    rows = "".join(f"<url><loc>https://news.example/{name}</loc><lastmod>{at}</lastmod></url>" for name in names)
    return f"<urlset>{rows}</urlset>".encode()


def index(site: Site, **changed: datetime | None) -> bytes:
    rows = (
        f"<sitemap><loc>{site.url(f'/{name}.xml')}</loc>"
        + (f"<lastmod>{at.isoformat()}</lastmod>" if at else "")
        + "</sitemap>"
        for name, at in changed.items()
    )
    return f"<sitemapindex>{''.join(rows)}</sitemapindex>".encode()


def test_an_index_is_walked_a_few_sitemaps_at_a_poll(river: River, site: Site) -> None:
    now = datetime.now(UTC)
    children = {f"m{n}": now - timedelta(hours=n) for n in range(A_POLL + 1)}
    archive = {"archive": now - timedelta(days=30)}
    for number, name in enumerate(children):
        body = sitemap(f"{name}-new") if number else gzip.compress(sitemap("m0-new"))
        site.routes[f"/{name}.xml"] = Reply(body, headers={"Content-Type": "application/gzip"})
    site.routes["/m1.xml"] = Reply(status=503)
    site.routes["/m2.xml"] = Reply(sitemap("m2-old", ago=timedelta(days=9)))
    site.routes["/index.xml"] = Reply(index(site, **children, **archive), headers={"ETag": '"i"'})

    first = river.poll(site.url("/index.xml"))
    assert paths(first) == ["m4-new", "m3-new", "m0-new"]
    assert set(first.notes) == {f"http-503 from {site.url('/m1.xml')}", f"old: 1 in {site.url('/m2.xml')}"}
    assert (first.state.sitemaps_left, first.state.failures) == (1, 0)
    wait = (first.state.next_poll_at - (first.state.polled_at or now)).total_seconds()
    assert wait == river.settings.poll.min_interval_seconds

    site.routes["/m1.xml"] = Reply(sitemap("m1-new"))
    second = river.poll(site.url("/index.xml"))  # its etag is not sent: sitemaps wait
    assert sorted(paths(second)) == ["m1-new", "m5-new"]
    assert second.state.sitemaps_left == 0
    third = river.poll(site.url("/index.xml"))
    assert "if-none-match" not in site.asked("/index.xml")[1].headers
    assert site.asked("/index.xml")[2].headers["if-none-match"] == '"i"'
    assert paths(third) == []
    assert not site.asked("/archive.xml")

    site.routes["/m5.xml"] = Reply(sitemap("m5-new", "m5-newer"))
    changed = {**children, "m5": now}
    site.routes["/index.xml"] = Reply(index(site, **changed), headers={"ETag": '"j"'})
    assert paths(river.poll(site.url("/index.xml"))) == ["m5-newer"]
    assert [len(site.asked(f"/m{n}.xml")) for n in range(A_POLL + 1)] == [1, 2, 1, 1, 1, 2]


def test_a_sitemap_without_a_date_is_asked_again_and_may_say_that_it_has_not_changed(river: River, site: Site) -> None:
    def news(asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == '"n"':
            return Reply(status=304)
        return Reply(sitemap("news"), headers={"ETag": '"n"'})

    site.routes["/news.xml"] = news
    site.routes["/index.xml"] = Reply(index(site, news=None))
    assert [paths(river.poll(site.url("/index.xml"))) for _ in range(3)] == [["news"], [], []]
    assert ["if-none-match" in each.headers for each in site.asked("/news.xml")] == [False, True, True]


def test_a_permanent_move_is_learned_and_forgotten_when_the_new_address_fails(river: River, site: Site) -> None:
    url = site.url("/old")
    site.routes["/old"] = Reply(status=301, headers={"Location": "/between"})
    site.routes["/between"] = Reply(status=308, headers={"Location": "/new"})
    site.routes["/new"] = feed_reply("https://news.example/1", ETag='"e"', Link='<https://hub.example/>; rel="hub"')
    for _ in range(MOVES_TO_LEARN + 2):
        state = river.poll(url).state
    assert (state.url, state.moved_to, state.failures) == (url, site.url("/new"), 0)
    assert (state.hub, state.hub_topic) == ("https://hub.example/", site.url("/new"))
    assert [len(site.asked(path)) for path in ("/old", "/between", "/new")] == [3, 3, 5]

    site.routes["/new"] = Reply(status=429, headers={"Retry-After": "1"})
    state = river.poll(url).state
    assert (state.last_failure, state.moved_to, len(site.asked("/old"))) == ("http-429", site.url("/new"), 3)

    site.routes["/new"] = Reply(status=404)
    site.routes["/old"] = feed_reply("https://news.example/1", "https://news.example/2")
    found = river.poll(url)
    assert paths(found) == ["2"]
    assert (found.state.moved_to, found.state.moves, found.state.failures) == (None, 0, 0)
    assert [each.path for each in site.log[-2:]] == ["/new", "/old"]
    assert found.entries[0].feed_url == url


def test_a_redirect_for_the_time_being_teaches_nothing(river: River, site: Site) -> None:
    site.routes["/old"] = Reply(status=301, headers={"Location": "/between"})
    site.routes["/between"] = Reply(status=302, headers={"Location": "/new"})
    site.routes["/new"] = feed_reply("https://news.example/1")
    for _ in range(MOVES_TO_LEARN + 1):
        state = river.poll(site.url("/old")).state
    assert (state.moved_to, len(site.asked("/old"))) == (None, MOVES_TO_LEARN + 1)
