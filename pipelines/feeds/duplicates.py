"""The same feed under two addresses: by its spelling, by where it moved, by its entries. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise

from pipelines.errors import FeedFault
from pipelines.urls import canonical_url
from schemas.records import KEY_DIGITS, FeedState

LEAST_ENTRIES = 8
"""Fewer shared entries prove nothing: two sections of a site may share a few."""
NEWEST = 50
"""Entries of each feed that are looked at: ten thousand feeds are half a million, and older ones prove no more."""
SAME_SHARE = 0.9
"""Share of the newest entries that two addresses of one feed have in common; they are asked at different times."""

_MOST_SHARERS = 50  # an entry in more feeds than this tells none of them apart, and pairs grow with the square


class Sameness(StrEnum):
    """Why two addresses are one feed."""

    SPELLING = "spelling"
    MOVED = "moved"
    ENTRIES = "entries"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Addresses of one feed.

    Attributes:
        urls: two or more, sorted.
        why: what gave them away, in the order of `Sameness`.
    """

    urls: tuple[str, ...]
    why: tuple[Sameness, ...]


def address_key(url: str) -> str:
    """Give what addresses of one feed share: without scheme, `www.`, trailing slash, default port and trackers.

    What is no address is its own key.
    """
    try:
        canonical = canonical_url(url)
    except FeedFault:
        return url
    scheme, _, rest = canonical.partition("://")
    host, _, path = rest.partition("/")
    host = host.removesuffix(":80" if scheme == "https" else ":443")  # canonical lost only the scheme's own port
    path, mark, query = path.partition("?")
    return f"{host.removeprefix('www.')}/{path.rstrip('/')}{mark}{query}"


def same_entries(one: Sequence[str], other: Sequence[str]) -> bool:
    """Tell whether two lists of entry keys, oldest first, are one feed's.

    Only the newest of both are compared, as many as the shorter one has: a feed that is known for longer remembers
    more, but a section is no duplicate of the whole because the whole has its articles too.
    """
    size = min(len(one), len(other), NEWEST)
    if size < LEAST_ENTRIES:
        return False
    shared = len(set(one[-size:]) & set(other[-size:]))
    return shared >= LEAST_ENTRIES and shared >= SAME_SHARE * size


def duplicates(urls: Iterable[str], states: Mapping[str, FeedState]) -> list[Duplicate]:
    """Find the addresses that are one feed.

    Args:
        urls: the feeds' addresses.
        states: what is known of them, by address; a feed that was never asked has none.

    Returns:
        One group for each feed that has several addresses, by its first address; no address is in two groups.
    """
    listed = sorted(set(urls))
    known = {url: states[url] for url in listed if url in states}
    pairs: dict[tuple[str, str], set[Sameness]] = defaultdict(set)
    for sameness, found in (
        (Sameness.SPELLING, _alike({url: address_key(url) for url in listed})),
        (Sameness.MOVED, _alike({url: _target(url, known.get(url)) for url in listed})),
        (Sameness.ENTRIES, _sharing({url: _keys(state) for url, state in known.items()})),
    ):
        for pair in found:
            pairs[pair].add(sameness)
    # Every spelling leads to the same target: that alone is no move.
    for why in pairs.values():
        if Sameness.SPELLING in why:
            why.discard(Sameness.MOVED)
    return _groups(pairs)


def _target(url: str, state: FeedState | None) -> str:
    return address_key((state.moved_to if state else None) or url)


def _alike(keys: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Pair what has the same key."""
    groups: dict[str, list[str]] = defaultdict(list)
    for url, key in keys.items():
        groups[key].append(url)
    for group in groups.values():
        yield from pairwise(group)


def _keys(state: FeedState) -> list[str]:
    return [item[:KEY_DIGITS] for item in state.known]


def _sharing(known: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Pair feeds with the same entries, looking only at those that share enough of them."""
    feeds_of: dict[str, list[str]] = defaultdict(list)
    for url, keys in known.items():
        for key in set(keys[-NEWEST:]):
            feeds_of[key].append(url)
    shared: Counter[tuple[str, str]] = Counter()
    for feeds in feeds_of.values():
        shared.update(combinations(feeds[:_MOST_SHARERS], 2))
    for (one, other), count in shared.items():
        if count >= LEAST_ENTRIES and same_entries(known[one], known[other]):
            yield one, other


def _groups(pairs: Mapping[tuple[str, str], Collection[Sameness]]) -> list[Duplicate]:
    """Join pairs that have an address in common."""
    group_of: dict[str, set[str]] = {}
    for one, other in pairs:
        joined = group_of.get(one, {one}) | group_of.get(other, {other})
        for url in joined:
            group_of[url] = joined
    why: dict[str, set[Sameness]] = defaultdict(set)
    for (one, _), reasons in pairs.items():
        why[min(group_of[one])] |= set(reasons)
    return [
        Duplicate(tuple(sorted(group_of[first])), tuple(reason for reason in Sameness if reason in why[first]))
        for first in sorted(why)
    ]
