"""What counts as found, pending, missed or out of reach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.lab.internet.harvest import unaccounted
from pipelines.lab.internet.items import Item, Streams
from pipelines.lab.internet.missed import Coverage, Showing, judge, outside, showings
from pipelines.lab.internet.plan import InternetPlan
from pipelines.lab.internet.traits import Host, Life, Phases, SourceTraits, Trouble

END = 100.0
ITEM, OTHER = Item(0, 1), Item(0, 2)
IDS = {ITEM: "a", OTHER: "b"}


def showing(appears: float, leaves: float, *, item: Item = ITEM, readable: bool = True) -> Showing:
    return Showing(item, appears, leaves, ((max(appears, 0.0), leaves),) if readable else ())


def judged(*places: Showing, known: set[Item] | None = None, **discovered: float) -> Coverage:
    return judge(places, known or set(), discovered, IDS, END)


def counts(coverage: Coverage) -> tuple[int, int, int, int]:
    return coverage.found, coverage.pending, len(coverage.missed), coverage.out_of_reach


class TestJudge:
    def test_on_kafka_it_is_found_with_its_delay(self) -> None:
        coverage = judged(showing(10, 50), a=12.5)
        assert counts(coverage) == (1, 0, 0, 0)
        assert coverage.delays == [2.5]

    def test_still_shown_it_is_pending(self) -> None:
        assert counts(judged(showing(10, 101))) == (0, 1, 0, 0)

    def test_gone_unseen_it_is_missed(self) -> None:
        coverage = judged(showing(10, 50), showing(20, 200, item=OTHER), b=30)
        assert counts(coverage) == (1, 0, 1, 0)
        assert (coverage.missed, coverage.share) == ([ITEM], 0.5)

    def test_a_second_feed_that_shows_it_still_makes_it_pending(self) -> None:
        assert counts(judged(showing(10, 50), showing(10, 150))) == (0, 1, 0, 0)

    def test_never_readable_it_is_out_of_reach(self) -> None:
        assert counts(judged(showing(10, 50, readable=False))) == (0, 0, 0, 1)
        assert counts(judged(showing(10, 50, readable=False), showing(10, 50))) == (0, 0, 1, 0)

    def test_what_the_river_knew_does_not_count(self) -> None:
        assert counts(judged(showing(-10, 50), known={ITEM})) == (0, 0, 0, 0)

    def test_from_before_the_run_it_counts_without_a_delay(self) -> None:
        coverage = judged(showing(-10, 50), a=3)
        assert (coverage.found, coverage.delays) == (1, [])

    def test_what_appears_after_the_end_counts_only_when_found(self) -> None:
        assert counts(judged(showing(101, 500))) == (0, 0, 0, 0)
        assert counts(judged(showing(101, 500), a=102)) == (1, 0, 0, 0)

    def test_a_stranger_is_named(self) -> None:
        assert judged(showing(1, 50), a=2, z=3).strangers == ["z"]


items = st.builds(Item, st.just(0), st.integers(0, 30))
places = st.lists(
    st.builds(
        lambda item, at, lasting, readable: Showing(item, at, at + lasting, ((at, at + lasting),) if readable else ()),
        items,
        st.floats(0, 90),
        st.floats(1, 100),
        st.booleans(),
    ),
    max_size=40,
)


@given(places, st.sets(items), st.sets(items))
def test_every_article_has_one_fate(shown: list[Showing], known: set[Item], found: set[Item]) -> None:
    ids = {Item(0, number): str(number) for number in range(31)}
    discovered = {ids[item]: 50.0 for item in found}
    coverage = judge(shown, known, discovered, ids, END)
    counted = {one.item for one in shown} - known
    assert sum(counts(coverage)) == len(counted)
    assert coverage.found == len(counted & found)
    assert not set(coverage.missed) & (known | found)
    assert 0 <= coverage.share <= 1
    if counted <= found:
        assert coverage.share == 0


@given(places, st.sets(items), items)
def test_finding_one_more_never_makes_more_missed(shown: list[Showing], found: set[Item], more: Item) -> None:
    ids = {Item(0, number): str(number) for number in range(31)}
    before, after = (
        judge(shown, set(), {ids[item]: 50.0 for item in some}, ids, END) for some in (found, found | {more})
    )
    assert set(after.missed) == set(before.missed) - {more}


spans = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 30)).map(lambda pair: (pair[0], sum(pair))), max_size=5)


@given(spans, st.floats(0, 100), st.floats(0, 100), st.floats(0, 200))
def test_outside_gives_exactly_the_moments_that_are_in_no_bad_stretch(
    bad: list[tuple[float, float]], begin: float, lasting: float, moment: float
) -> None:
    end = begin + lasting
    left = list(outside(sorted(bad), begin, end))
    edges = {edge for span in [*bad, (begin, end)] for edge in span}
    if moment not in edges:
        free = begin < moment < end and not any(start < moment < stop for start, stop in bad)
        assert free == any(start < moment < stop for start, stop in left)
    assert left == sorted(left)
    assert all(start < stop for start, stop in left)


class TestShowings:
    SOURCE = SourceTraits(0, 0, form="rss", per_day=500, zone=9, window=10)

    def shown(self, host: Host) -> list[Showing]:
        made = InternetPlan(seed=1, speed=20, seconds=300, hosts=(host,), sources=(self.SOURCE,))
        return list(showings(made, Streams(made, 60), 300))

    def test_a_healthy_host_can_be_read_all_the_time(self) -> None:
        found = self.shown(Host(0))
        assert len(found) > 20
        assert all(one.readable == ((max(one.appears, 0.0), one.leaves),) for one in found)

    @pytest.mark.parametrize("life", [Life.REFUSES, Life.SILENT])
    def test_a_dead_one_never(self, life: Life) -> None:
        assert not any(one.readable for one in self.shown(Host(0, life=life)))

    def test_one_in_trouble_not_meanwhile(self) -> None:
        found = self.shown(Host(0, trouble=Trouble.BUSY, phases=Phases(100, 1000, 60)))
        during = [one for one in found if 100 < one.appears < 160]
        assert during
        assert all(not any(start < 160 and stop > 100 for start, stop in one.readable) for one in during)


@given(st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
def test_unaccounted_is_what_stands_in_no_account(known: set[str], pages: set[str], ended: set[str]) -> None:
    assert unaccounted(known, pages, ended) == sorted(known - pages - ended)
