"""100,000 texts through the query language: none fails, and each is understood the same way again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings

from pipelines.search.bodies import filter_body, highlighting
from pipelines.search.query import parse_query
from pipelines.settings.options import SearchSettings
from tests.unit.test_query import QUERIES

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(max_examples=100_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(QUERIES)
def test_any_text(text: str) -> None:
    query = parse_query(text, NOW)
    assert parse_query(str(query), NOW).root == query.root
    filter_body(query, SearchSettings())
    highlighting(query)
