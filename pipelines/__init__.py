"""Newsriver: feeds into Kafka, cleaned and tagged by Beam, searchable in Elasticsearch."""

__version__ = "0.1.0"
