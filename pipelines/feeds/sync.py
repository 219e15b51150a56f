"""Feed-list files merged into the river's one list, `news.feeds`: what `poll --feeds` and `river.feeds` do at a start.

Every copy of `poll` reads that list alone, so copies that were started with different files poll all feeds of all of
them. A feed remembers which files it came from: one that is taken out of its last file leaves the list when that file
is read again; one that was added by hand stays.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.feeds.lists import read_feed_list
from pipelines.feeds.store import change_feeds, stored_feeds
from pipelines.settings import Settings
from schemas.records import Feed

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Merge:
    """What reading some files changes in the list.

    Attributes:
        listed: feeds in the files.
        added: feeds that are new in the list.
        changed: new definitions of feeds that were there.
        removed: addresses of feeds that no file holds any more.
        others: feeds of the list that are in none of these files; they are polled too.
    """

    listed: int
    added: tuple[Feed, ...]
    changed: tuple[Feed, ...]
    removed: tuple[str, ...]
    others: int

    @property
    def records(self) -> dict[str, Feed | None]:
        """What to write into the list, by address; None takes a feed out."""
        kept: dict[str, Feed | None] = {feed.url: feed for feed in (*self.added, *self.changed)}
        return kept | dict.fromkeys(self.removed)

    def __str__(self) -> str:
        """Say it in one line."""
        changes = [(len(self.added), "new"), (len(self.changed), "changed"), (len(self.removed), "taken out")]
        said = "".join(f", {count} {what}" for count, what in changes if count)
        more = f"; {self.others} more in the river's list are polled too (`newsriver feeds list`)"
        return f"{self.listed} feeds in the files{said}{more if self.others else ''}"


def sync_lists(settings: Settings, paths: Iterable[Path]) -> Merge:
    """Bring the list on Kafka up to date with files.

    Raises:
        FeedListError: a file cannot be read.
        ServiceError: Kafka does not answer, or the topic does not exist.
    """
    files = {list_name(path): read_feed_list(path).feeds for path in paths}
    done = merge({feed.url: feed for feed in stored_feeds(settings)}, files)
    change_feeds(settings, done.records)
    log.info("%s", done)
    return done


def with_known_credentials(feeds: Iterable[Feed], before: Mapping[str, Feed]) -> list[Feed]:
    """Give feeds the credentials that the list has of them, where they bring none themselves. Pure."""
    return [
        feed.model_copy(update={"credentials": before[feed.url].credentials})
        if feed.credentials is None and feed.url in before
        else feed
        for feed in feeds
    ]


def list_name(path: Path) -> str:
    """Give the name under which a file stands in its feeds: two machines may have different files at one path."""
    return f"{socket.gethostname()}:{path.resolve()}"


def merge(before: Mapping[str, Feed], files: Mapping[str, Iterable[Feed]]) -> Merge:
    """Work out what files change in the list. Pure.

    The file's definition counts, but for a pause by hand, which outlasts it, and credentials that it leaves out. Of
    two entries with the same address the first counts.

    Args:
        before: the list as it is, by address.
        files: for each file by its name the feeds in it.
    """
    found: dict[str, Feed] = {}
    names: dict[str, set[str]] = {}
    for name, feeds in files.items():
        for feed in feeds:
            found.setdefault(feed.url, feed)
            names.setdefault(feed.url, set()).add(name)
    added, changed = [], []
    for url, feed in found.items():
        old = before.get(url)
        if old is None:
            added.append(feed.model_copy(update={"lists": sorted(names[url])}))
            continue
        elsewhere = set(old.lists) - set(files)
        lists = sorted(elsewhere | names[url]) if old.lists else []  # without any it was added by hand: it stays so
        stays = {"paused": feed.paused or old.paused, "credentials": feed.credentials or old.credentials}
        new = feed.model_copy(update={"lists": lists, **stays})
        if new != old:
            changed.append(new)
    dropped = [old for url, old in before.items() if url not in found and not set(files).isdisjoint(old.lists)]
    kept = [old.model_copy(update={"lists": left}) for old in dropped if (left := sorted(set(old.lists) - set(files)))]
    removed = tuple(old.url for old in dropped if set(old.lists) <= set(files))
    others = len(before.keys() - found.keys()) - len(removed)
    return Merge(len(found), tuple(added), tuple(changed + kept), removed, others)
