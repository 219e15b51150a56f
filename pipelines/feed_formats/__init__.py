"""Feeds from bytes: RSS, Atom, RDF, JSON Feed and sitemaps to entries, whatever the server says they are. Pure.

`parse_feed` is the whole interface. An entry that cannot be used is returned with its reason, never dropped.
"""

from pipelines.feed_formats.feed import Child, ParsedEntry, ParsedFeed, RefusedEntry, address
from pipelines.feed_formats.read import parse_feed

__all__ = ["Child", "ParsedEntry", "ParsedFeed", "RefusedEntry", "address", "parse_feed"]
