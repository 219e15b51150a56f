"""Which feeds of the list people mean by what they type. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence

from pipelines.errors import NewsriverError
from pipelines.feeds.duplicates import address_key
from pipelines.redaction import without_credentials


def select(names: Sequence[str], known: Collection[str]) -> list[str]:
    """Give the addresses that are meant, sorted, each once.

    Args:
        names: addresses as they are in the list, or patterns in which `*` stands for anything. `?` and `[` stand for
            themselves: addresses hold them.
        known: the list's addresses.

    Raises:
        NewsriverError: a name fits no feed; the message suggests the nearest address.
    """
    found: set[str] = set()
    for name in map(without_credentials, names):
        fits = {name} if name in known else _fitting(name, known)
        if not fits:
            raise NewsriverError(f"no feed {name} in the list", resource=name, hint=_hint(name, known))
        found |= fits
    return sorted(found)


def nearest(name: str, known: Collection[str]) -> str | None:
    """Give the address most like a name: another spelling of it, else the one with the most letters in common."""
    key = address_key(name)
    spelled = next((url for url in sorted(known) if address_key(url) == key), None)
    return spelled or next(iter(difflib.get_close_matches(name, sorted(known), n=1)), None)


def _fitting(name: str, known: Collection[str]) -> set[str]:
    if "*" not in name:
        return set()
    pattern = re.compile(".*".join(map(re.escape, re.split(r"\*+", name))), re.DOTALL)
    return {url for url in known if pattern.fullmatch(url)}


def _hint(name: str, known: Collection[str]) -> str:
    near = nearest(name, known)
    return f"did you mean {near}?" if near else "`newsriver feeds list` shows the list"
