"""The simulated internet: its plan, what it publishes, what it answers."""

import gzip
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from urllib.parse import urlsplit

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.feed_formats import parse_feed
from pipelines.http.politeness import retry_after
from pipelines.http.robots import read_robots
from pipelines.lab.internet.answers import Internet, Reply
from pipelines.lab.internet.items import Item, Stream, Streams, path
from pipelines.lab.internet.plan import LARGEST_WINDOW, MOST_PER_DAY, SMALLEST_WINDOW, InternetPlan, demand, plan
from pipelines.lab.internet.start import start
from pipelines.lab.internet.traits import Host, Lie, Life, Phases, Rules, SourceTraits, Trouble, Validators
from pipelines.poll.schedule import entry_key, new_keys
from pipelines.urls import canonical_url

OPENED = datetime(2026, 11, 24, 9, tzinfo=UTC).timestamp()
SOURCE = SourceTraits(0, 0, form="rss", per_day=200.0, zone=0, window=20)
HISTORY = 600.0


@cache
def whole() -> InternetPlan:
    return plan(feeds=1500, hosts=300, seconds=600, speed=20, seed=1, pause=1.0)


def internet(source: SourceTraits = SOURCE, host: Host | None = None) -> Internet:
    made = InternetPlan(seed=1, speed=20, seconds=600, hosts=(host or Host(0),), sources=(source,))
    return Internet(made, Streams(made, HISTORY), 8000, OPENED)


def get(of: Internet, path: str = "/feed/0", at: float = 100.0, **asked: str) -> Reply:
    reply = of.answer(of.plan.hosts[0], path, {name.replace("_", "-"): value for name, value in asked.items()}, at)
    assert reply is not None
    return reply


class TestPlan:
    def test_it_is_the_same_for_the_same_seed_and_another_for_another(self) -> None:
        again = plan(feeds=1500, hosts=300, seconds=600, speed=20, seed=1, pause=1.0)
        assert again == whole()
        assert plan(feeds=1500, hosts=300, seconds=600, speed=20, seed=2, pause=1.0).sources != whole().sources

    def test_hosts_and_feeds_are_as_many_as_asked_for_and_every_host_has_one(self) -> None:
        hosts, sources = whole().hosts, whole().sources
        assert [host.number for host in hosts] == list(range(300))
        assert [source.number for source in sources] == list(range(1500))
        sizes = Counter(source.host for source in sources)
        assert set(sizes) == set(range(300))
        assert max(sizes.values()) > 8
        assert min(sizes.values()) < 4

    def test_every_host_has_an_address_of_its_own(self) -> None:
        addresses = {host.address for host in plan(feeds=2000, hosts=2000, seconds=60, speed=1, seed=1, pause=1).hosts}
        assert len(addresses) == 2000
        assert all(address.startswith("127.64.") and not address.endswith((".0", ".255")) for address in addresses)

    def test_there_is_some_of_everything(self) -> None:
        hosts, sources = whole().hosts, whole().sources
        assert {host.life for host in hosts} == set(Life)
        assert {host.rules for host in hosts} == set(Rules)
        assert {host.trouble for host in hosts} == {*Trouble, None}
        assert {source.validators for source in sources} == set(Validators)
        assert {source.lie for source in sources} == set(Lie)
        assert {source.moved for source in sources} == {0, 301, 302}
        assert {source.form for source in sources} == {"rss", "atom", "json", "rdf", "sitemap"}
        assert {source.coding for source in sources} == {"gzip", "br", ""}
        assert any(source.broken for source in sources)
        assert any(host.moves_articles for host in hosts)

    def test_rates_are_skewed_with_the_median_that_is_promised(self) -> None:
        rates = sorted(source.per_day for source in whole().sources)
        assert 2.5 < rates[750] < 5
        assert 80 < rates[-1] <= MOST_PER_DAY
        assert all(SMALLEST_WINDOW <= source.window <= LARGEST_WINDOW for source in whole().sources)

    def test_what_a_host_is_asked_fits_into_its_pauses(self) -> None:
        fast = plan(feeds=300, hosts=20, seconds=60, speed=200, seed=1, pause=1.0)
        for made in (whole(), fast):
            for host in made.hosts:
                own = [source for source in made.sources if source.host == host.number]
                assert demand(own, made.speed) * max(1.0, host.crawl_delay) <= 0.6

    def test_a_sibling_is_a_feed_of_the_same_host(self) -> None:
        with_sibling = [source for source in whole().sources if source.sibling is not None]
        assert with_sibling
        for source in with_sibling:
            assert source.sibling is not None
            other = whole().sources[source.sibling]
            assert (other.host, other.sibling) == (source.host, None)


@pytest.mark.parametrize(
    ("at", "left"), [(0, 0), (9.9, 0), (10, 5), (14, 1), (15, 0), (29.9, 0), (30, 5), (31, 4), (-10, 0)]
)
def test_phases_come_again_and_again(at: float, left: float) -> None:
    assert Phases(first=10, every=20, lasting=5).left(at) == pytest.approx(left)


class TestItems:
    @given(st.floats(0.01, 500), st.integers(10, 100), st.floats(-HISTORY, 600))
    def test_a_feed_shows_a_whole_window_at_any_time(self, per_day: float, window: int, at: float) -> None:
        source = replace(SOURCE, per_day=per_day, window=window)
        stream = internet(source).streams.of(source)
        shown = stream.shown(at)
        assert len(shown) == window
        assert all(stream.times[place] <= at < stream.leaves(place) for place in shown)
        assert list(stream.times) == sorted(stream.times)

    def test_the_rate_is_about_what_is_planned(self) -> None:
        made = InternetPlan(seed=1, speed=20, seconds=86_400, hosts=(Host(0),), sources=(SOURCE,))
        stream = Streams(made, HISTORY).of(SOURCE)
        assert sum(0 < time < 86_400 for time in stream.times) == pytest.approx(4000, rel=0.15)

    def test_a_sibling_shows_the_others_articles_beside_its_own(self) -> None:
        second = replace(SOURCE, number=1, sibling=0)
        made = InternetPlan(seed=1, speed=20, seconds=600, hosts=(Host(0),), sources=(SOURCE, second))
        streams = Streams(made, HISTORY)
        own, both = streams.of(SOURCE), streams.of(second)
        shown = {both.item(place) for place in range(len(both.times))}
        assert {own.item(place) for place in range(len(own.times))} < shown
        assert {item.source for item in shown} == {0, 1}
        assert list(both.times) == sorted(both.times)

    def test_when_an_article_leaves_its_window(self) -> None:
        from array import array

        stream = Stream(array("d", [1, 2, 3, 4]), array("q", [0, 1, 2, 3]), 2)
        assert [stream.leaves(place) for place in range(4)] == [3, 4, float("inf"), float("inf")]
        assert list(stream.shown(0.5)) == []
        assert [stream.item(place).number for place in stream.shown(3)] == [1, 2]


class TestFeeds:
    @pytest.mark.parametrize("form", ["rss", "atom", "json", "rdf", "sitemap"])
    @pytest.mark.parametrize("coding", ["", "gzip", "br"])
    def test_our_own_reader_finds_the_window_in_every_format_and_coding(self, form: str, coding: str) -> None:
        source = replace(SOURCE, form=form, coding=coding)  # type: ignore[arg-type]  # the table's texts
        of = internet(source)
        reply = get(of, accept_encoding="gzip, br")
        undo = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}[reply.headers.get("Content-Encoding", "")]
        parsed = parse_feed(undo(reply.body), url=of.feed_url(source), content_type=reply.headers["Content-Type"])
        stream = of.streams.of(source)
        wanted = [of.article_id(stream.item(place)) for place in reversed(stream.shown(100.0))]
        assert [entry.id for entry in parsed.entries] == wanted
        assert parsed.notes == ()
        assert coding == reply.headers.get("Content-Encoding", "")

    def test_a_client_that_takes_no_coding_gets_none(self) -> None:
        assert "Content-Encoding" not in get(internet(replace(SOURCE, coding="br"))).headers

    @pytest.mark.parametrize("validators", [Validators.BOTH, Validators.ETAG, Validators.DATE])
    def test_an_honest_feed_says_304_until_something_is_new(self, validators: Validators) -> None:
        of = internet(replace(SOURCE, validators=validators))
        first = get(of, at=100.0)
        asked = {
            name: first.headers[header]
            for name, header in (("if_none_match", "ETag"), ("if_modified_since", "Last-Modified"))
            if header in first.headers
        }
        changes = next(time for time in of.streams.of(of.plan.sources[0]).times if time > 100.0)
        assert get(of, at=changes - 0.001, **asked).status == 304
        assert get(of, at=changes + 60, **asked).status == 200

    @pytest.mark.parametrize("validators", [Validators.IGNORED, Validators.NONE])
    def test_some_never_say_304(self, validators: Validators) -> None:
        of = internet(replace(SOURCE, validators=validators))
        etag = get(of).headers.get("ETag", '"x"')
        assert get(of, if_none_match=etag).status == 200

    def test_liars_say_304_although_something_is_new(self) -> None:
        always = internet(replace(SOURCE, validators=Validators.ETAG, lie=Lie.ALWAYS))
        etag = get(always).headers["ETag"]
        assert get(always, at=500, if_none_match=etag).status == 304
        assert get(always, at=500).status == 200
        at_times = internet(replace(SOURCE, lie=Lie.AT_TIMES, lies=Phases(400, 1000, 50)))
        etag = get(at_times).headers["ETag"]
        assert [get(at_times, at=at, if_none_match=etag).status for at in (399, 401, 449, 451)] == [200, 304, 304, 200]

    def test_a_feed_breaks_off_at_times(self) -> None:
        of = internet(replace(SOURCE, broken=Phases(50, 1000, 20)))
        notes = [parse_feed(get(of, at=at).body, url=of.feed_url(SOURCE)).notes for at in (40, 60, 80)]
        assert notes == [(), ("truncated",), ()]

    def test_one_that_moved_leads_to_where_it_is(self) -> None:
        of = internet(replace(SOURCE, moved=301))
        path = urlsplit(of.feed_url(of.plan.sources[0])).path
        reply = get(of, path)
        assert (reply.status, get(of, reply.headers["Location"]).status) == (301, 200)


class TestHosts:
    @pytest.mark.parametrize(
        ("trouble", "status"),
        [
            (Trouble.LIMIT_SECONDS, 429),
            (Trouble.LIMIT_DATE, 429),
            (Trouble.BUSY_SECONDS, 503),
            (Trouble.BUSY, 503),
        ],
    )
    def test_trouble_names_a_wait_that_reaches_beyond_it(self, trouble: Trouble, status: int) -> None:
        of = internet(host=Host(0, trouble=trouble, phases=Phases(100, 1000, 30)))
        assert [get(of, at=at).status for at in (99, 110, 131)] == [200, status, 200]
        assert get(of, "/robots.txt", at=110).status == 200
        reply = get(of, "/news/0/1", at=110.3)
        seconds = retry_after(reply.headers.get("Retry-After"), datetime.fromtimestamp(OPENED + 110.3, UTC))
        if trouble is Trouble.BUSY:
            assert (seconds, reply.wait_until) == (None, None)
        else:
            assert seconds is not None
            assert reply.wait_until == pytest.approx(110.3 + seconds)
            assert 130 <= reply.wait_until < 131.5

    @pytest.mark.parametrize("rules", list(Rules))
    def test_robots_says_what_the_audit_holds_against_us(self, rules: Rules) -> None:
        of = internet(host=Host(0, rules=rules, crawl_delay=3.0 if rules is Rules.DELAY else 0.0))
        reply, manners = get(of, "/robots.txt"), of.manners()[of.plan.hosts[0].address]
        assert reply.status == {Rules.MISSING: 404, Rules.UNAVAILABLE: 503}.get(rules, 200)
        if reply.status == 200:
            robots = read_robots(reply.body)
            assert (robots.delay_seconds or 0.0) == manners.crawl_delay
            for item in (Item(0, number) for number in range(50)):
                link = path(item, of.plan.hosts[0])
                assert robots.allows(of.url(item)) is not manners.forbids(link)

    def test_a_silent_host_never_answers(self) -> None:
        of = internet(host=Host(0, life=Life.SILENT))
        assert of.answer(of.plan.hosts[0], "/robots.txt", {}, 1.0) is None

    def test_pages_are_there_under_the_links_of_the_feeds(self) -> None:
        of = internet(host=Host(0, moves_articles=True, rules=Rules.FORBIDS))
        kinds = Counter()
        for item in (Item(0, number) for number in range(100)):
            assert canonical_url(of.url(item)) == of.url(item)
            link = path(item, of.plan.hosts[0])
            kinds[link.split("/")[1]] += 1
            reply = get(of, link)
            reply = get(of, reply.headers["Location"]) if reply.status == 301 else reply
            assert (reply.status, len(reply.body) > 1000) == (200, True)
            assert get(of, "/news/0/1", if_none_match=get(of, "/news/0/1").headers["ETag"]).status == 304
        assert set(kinds) == {"news", "private", "go"}

    @pytest.mark.parametrize("path", ["/", "", "x", "/feed", "/feed/9", "/feed/x", "/else/1"])
    def test_other_paths_are_not_there(self, path: str) -> None:
        assert get(internet(), path).status == 404


class TestStart:
    def test_the_states_know_the_window_of_a_moment_before_the_run_and_nothing_after(self) -> None:
        made = InternetPlan(seed=1, speed=20, seconds=600, hosts=(Host(0),), sources=(SOURCE,))
        of = Internet(made, Streams(made, 43_200 / 20), 8000, OPENED)
        begin = start(of)
        [state] = begin.states
        assert state.polled_at is not None
        assert state.polled_at.timestamp() <= OPENED <= state.next_poll_at.timestamp()
        stream = of.streams.of(SOURCE)
        shown = stream.shown(state.polled_at.timestamp() - OPENED)
        assert begin.known == {stream.item(place) for place in shown}
        later = [entry_key(of.article_id(stream.item(place))) for place in stream.shown(300.0)]
        assert 0 < len(new_keys(state, later)) <= len(later)

    def test_the_rates_are_near_the_true_ones_at_any_speed(self) -> None:
        for speed in (1.0, 20.0, 200.0):
            made = InternetPlan(
                seed=3, speed=speed, seconds=600, hosts=(Host(0),), sources=(replace(SOURCE, window=100),)
            )
            [state] = start(Internet(made, Streams(made, 43_200 / speed), 8000, OPENED)).states
            assert state.rates[0] == pytest.approx(200 * speed / 24, rel=0.5)
