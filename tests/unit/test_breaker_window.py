"""When dead letters mean that we are broken: counted by site, so that no site alone can say so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.breaker.window import ENDS_PER_SITE, LEAST_FAULTS, MOST_SITES, RecentEnds, SiteWindow, is_broken

END = st.tuples(st.integers(0, 12), st.booleans())
"""A site's number, and whether its record failed."""


def window(*ends: tuple[int, bool]) -> SiteWindow:
    found = SiteWindow()
    for number, (site, failed) in enumerate(ends):
        found.note(f"site-{site}", f"pages/0/{number}", failed=failed)
    return found


def broken(found: SiteWindow | RecentEnds, most_share: float = 0.5) -> bool:
    return is_broken(found.count(most_share), most_share)


def first_trip(ends: list[tuple[int, bool]]) -> int | None:
    """Give after how many ends the breaker trips."""
    found = SiteWindow()
    for number, (site, failed) in enumerate(ends):
        found.note(f"site-{site}", f"pages/0/{number}", failed=failed)
        if broken(found):
            return number + 1
    return None


@given(st.lists(st.booleans(), max_size=400), st.integers(0, 40))
def test_one_site_never_trips_it_however_much_it_sends(fails: list[bool], good_sites: int) -> None:
    ends = [(0, failed) for failed in fails]
    assert first_trip(ends) is None
    assert first_trip([(1 + site, False) for site in range(good_sites)] + ends) is None


@given(st.lists(END, max_size=300))
def test_it_trips_only_when_most_sites_fail_and_more_than_one(ends: list[tuple[int, bool]]) -> None:
    found = window(*ends)
    last: dict[int, list[bool]] = {}
    for site, failed in ends:
        last[site] = [*last.get(site, []), failed][-ENDS_PER_SITE:]
    failing = [kept for kept in last.values() if sum(kept) / len(kept) > 0.5]
    count = found.count(0.5)
    assert (count.failing, count.sites) == (len(failing), len(last))
    assert count.faults >= len(failing)
    assert count.faults <= sum(failed for _, failed in ends)
    expected = len(failing) > 1 and len(failing) / len(last) > 0.5 and count.faults >= LEAST_FAULTS
    assert broken(found) is expected


@given(st.lists(END, max_size=300))
def test_a_share_of_one_is_no_limit(ends: list[tuple[int, bool]]) -> None:
    assert not broken(window(*ends), 1.0)


@given(st.lists(END, max_size=200))
def test_what_is_read_again_after_a_failed_bundle_is_counted_once(ends: list[tuple[int, bool]]) -> None:
    found, again = window(*ends), window(*ends)
    for number, (site, failed) in list(enumerate(ends))[-ENDS_PER_SITE:]:
        again.note(f"site-{site}", f"pages/0/{number}", failed=failed)
    assert again.count(0.5) == found.count(0.5)


def test_ten_hostile_sites_beside_good_ones_do_not_trip_it() -> None:
    """Even where their pages make our code fail, and they send sixty pages for each one of the others."""
    ends = [(site, True) for _ in range(60) for site in range(10)]
    good = [(10 + site, False) for site in range(11)]
    assert first_trip([*good, *ends]) is None
    assert first_trip([*ends[:10], *good, *ends]) is None
    assert first_trip([*ends[:19], *good, *ends]) is None


def test_a_broken_deploy_trips_it_after_little() -> None:
    """Every page fails from the start: sites in turn, and one busy site among quiet ones."""
    assert first_trip([(number % 40, True) for number in range(400)]) == LEAST_FAULTS
    assert first_trip([(number % 2, True) for number in range(400)]) == LEAST_FAULTS
    busy = [(0 if number % 10 else 1 + number // 10, True) for number in range(400)]
    trip = first_trip(busy)
    assert trip is not None
    assert trip <= 2 * LEAST_FAULTS


def test_a_fault_that_begins_while_all_is_well_trips_it_too() -> None:
    sites = 100
    well = [(number % sites, False) for number in range(1000)]
    trip = first_trip(well + [(number % sites, True) for number in range(1000)])
    assert trip is not None
    assert trip - len(well) <= 3 * sites


def test_two_sites_with_a_page_an_hour_are_enough() -> None:
    assert first_trip([(number % 2, True) for number in range(24)]) == LEAST_FAULTS


def test_a_mixed_river_with_some_failures_everywhere_goes_on() -> None:
    assert first_trip([(number % 20, (number // 20) % 3 == 0) for number in range(2000)][20:]) is None


def test_pages_that_fail_only_when_written_change_their_end() -> None:
    found = RecentEnds()
    for number in range(20):
        found.note(f"feed-{number % 4}", f"host-{number % 4}", f"pages/0/{number}", failed=False)
    assert not broken(found)
    for number in range(20):
        found.note(f"feed-{number % 4}", f"host-{number % 4}", f"pages/0/{number}", failed=True)
    assert broken(found)


def test_a_feed_that_announces_pages_of_a_thousand_hosts_is_one_site() -> None:
    found = RecentEnds()
    for number in range(4):
        found.note(f"good-{number}", f"good-{number}", f"pages/1/{number}", failed=False)
    for number in range(1000):
        found.note("evil", f"host-{number}", f"pages/0/{number}", failed=True)
    assert not broken(found)


def test_where_all_pages_come_from_one_feed_their_own_hosts_count() -> None:
    found = RecentEnds()
    for number in range(LEAST_FAULTS):
        found.note("aggregator", f"host-{number}", f"pages/0/{number}", failed=True)
    assert broken(found)


def test_memory_is_bounded() -> None:
    found = window(*((number, True) for number in range(2 * MOST_SITES)))
    assert found.count(0.5).sites == MOST_SITES
