"""Feeds from bytes: RSS, Atom, RDF and JSON Feed to entries, whatever the server says they are. Pure.

`parse_feed` is the whole interface. An entry that cannot be used is returned with its reason, never dropped.
"""

from pipelines.parse.feed import ParsedEntry, ParsedFeed, RefusedEntry
from pipelines.parse.read import parse_feed

__all__ = ["ParsedEntry", "ParsedFeed", "RefusedEntry", "parse_feed"]
