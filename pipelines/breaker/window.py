"""How the last records of each site ended, and whether that means that we are broken. Pure.

Counted by site, not by record: a site that sends much bad input is one site, however much it sends. The same thought
as in arroyo's `DlqLimit` (https://github.com/getsentry/arroyo), which counts by partition.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

ENDS_PER_SITE = 5
"""Last records of a site that are looked at: what was long ago says nothing of the code that runs now."""
MOST_SITES = 1000
LEAST_SITES = 2
"""So many sites must fail: one alone may be at fault itself."""
LEAST_FAULTS = 20
"""So many records must have failed: fewer may be chance. Their payloads are kept, so that little is at stake."""


class _Site:
    """What is known of one site: its last ends by record, and how many more of all its records failed than passed."""

    def __init__(self) -> None:
        self.ends: OrderedDict[str, bool] = OrderedDict()
        self.surplus = 0

    def note(self, record: str, *, failed: bool) -> None:
        before = self.ends.get(record)
        if before is failed:
            return
        self.ends[record] = failed
        self.surplus = max(0, self.surplus + (1 if failed else -1))
        if len(self.ends) > ENDS_PER_SITE:
            self.ends.popitem(last=False)

    def fails(self, most_share: float) -> bool:
        return sum(self.ends.values()) > most_share * len(self.ends)


class Count(NamedTuple):
    """What a window holds.

    Attributes:
        failing: sites of which more than the share allowed of the last records failed.
        sites: sites looked at.
        faults: how many more records of the failing sites failed than passed.
    """

    failing: int
    sites: int
    faults: int


class SiteWindow:
    """The last ends of each site's records; a record that is noted again only changes its end."""

    def __init__(self) -> None:
        self._sites: OrderedDict[str, _Site] = OrderedDict()

    def note(self, site: str, record: str, *, failed: bool) -> None:
        """Note how a record ended.

        Args:
            site: whose record it is.
            record: its Kafka coordinates.
            failed: whether it failed by a fault of ours.
        """
        if site not in self._sites:
            self._sites[site] = _Site()
        self._sites[site].note(record, failed=failed)
        self._sites.move_to_end(site)
        if len(self._sites) > MOST_SITES:
            self._sites.popitem(last=False)

    def count(self, most_share: float) -> Count:
        """Count sites, failing sites and their failed records.

        Args:
            most_share: largest share of a site's last records that may fail.
        """
        failing = [site for site in self._sites.values() if site.fails(most_share)]
        return Count(len(failing), len(self._sites), sum(site.surplus for site in failing))


class RecentEnds:
    """The last ends of a river's pages, by the site of the feed that announced them, which the river's owner chose.

    They are counted by the pages' own sites only where all come from one feed, as an aggregator's do: names of hosts
    cost nothing, so a feed that announces pages of many hosts must not outvote the other feeds.
    """

    def __init__(self) -> None:
        self._by_feed, self._by_page = SiteWindow(), SiteWindow()

    def note(self, feed_site: str, page_site: str, record: str, *, failed: bool) -> None:
        """Note how a page ended; arguments as of `SiteWindow.note`."""
        self._by_feed.note(feed_site or page_site, record, failed=failed)
        self._by_page.note(page_site, record, failed=failed)

    def count(self, most_share: float) -> Count:
        """Count sites, failing sites and their failed records; see `SiteWindow.count`."""
        by_feed = self._by_feed.count(most_share)
        return by_feed if by_feed.sites > 1 else self._by_page.count(most_share)


def is_broken(count: Count, most_share: float) -> bool:
    """Tell whether so many sites fail that it must be us.

    Args:
        count: what a window holds.
        most_share: largest share of sites that may fail; 1 bears all.
    """
    enough = count.failing >= LEAST_SITES and count.faults >= LEAST_FAULTS
    return enough and count.failing > most_share * count.sites
