"""The records, topics and mappings that all parts agree on: the source of truth for everything generated."""
