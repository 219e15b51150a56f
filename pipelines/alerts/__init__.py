"""Saved searches: kept in Elasticsearch, run on what is newly indexed, delivered by webhook, e-mail, feed or lines."""
