"""Elasticsearch as the river writes it: documents, the bulk writer and what its answers mean, the templates."""
