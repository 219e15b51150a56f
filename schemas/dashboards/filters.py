"""Filters of panels: one tree, written as KQL for Kibana and as a clause for Elasticsearch. Pure.

KQL: https://www.elastic.co/guide/en/kibana/current/kuery-query.html.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Is:
    """A field has one of the values; texts are compared whole."""

    field: str
    values: tuple[str | bool | int, ...]

    def kql(self) -> str:
        """Write it as KQL."""
        # A list of values in quotation marks behind one colon is refused by Elasticsearch 8.19's reader of KQL.
        return " or ".join(f"{self.field} : {json.dumps(value, ensure_ascii=False)}" for value in self.values)

    def clause(self) -> Json:
        """Write it as a clause of Elasticsearch."""
        return {"terms": {self.field: list(self.values)}}


@dataclass(frozen=True, slots=True)
class Exists:
    """A field has any value."""

    field: str

    def kql(self) -> str:
        """Write it as KQL."""
        return f"{self.field} : *"

    def clause(self) -> Json:
        """Write it as a clause of Elasticsearch."""
        return {"exists": {"field": self.field}}


@dataclass(frozen=True, slots=True)
class Compared:
    """A field lies on one side of a bound.

    Attributes:
        field: a number or a time.
        sign: `<`, `<=`, `>` or `>=`.
        bound: a number, or a time such as `now-1d`.
    """

    field: str
    sign: str
    bound: str | int

    def kql(self) -> str:
        """Write it as KQL."""
        return f"{self.field} {self.sign} {self.bound}"

    def clause(self) -> Json:
        """Write it as a clause of Elasticsearch."""
        name = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}[self.sign]
        return {"range": {self.field: {name: self.bound}}}


@dataclass(frozen=True, slots=True)
class Not:
    """The filter does not hold."""

    inner: PanelFilter

    def kql(self) -> str:
        """Write it as KQL."""
        return f"not ({self.inner.kql()})"

    def clause(self) -> Json:
        """Write it as a clause of Elasticsearch."""
        return {"bool": {"must_not": [self.inner.clause()]}}


@dataclass(frozen=True, slots=True)
class All:
    """Every one of the filters holds."""

    inner: tuple[PanelFilter, ...]

    def kql(self) -> str:
        """Write it as KQL."""
        return " and ".join(f"({each.kql()})" for each in self.inner)

    def clause(self) -> Json:
        """Write it as a clause of Elasticsearch."""
        return {"bool": {"filter": [each.clause() for each in self.inner]}}


@dataclass(frozen=True, slots=True)
class Either:
    """One of the filters holds at least."""

    inner: tuple[PanelFilter, ...]

    def kql(self) -> str:
        """Write it as KQL."""
        return " or ".join(f"({each.kql()})" for each in self.inner)

    def clause(self) -> Json:
        """Write it as a clause of Elasticsearch."""
        return {"bool": {"should": [each.clause() for each in self.inner], "minimum_should_match": 1}}


PanelFilter = Is | Exists | Compared | Not | All | Either


def has(field: str, *values: str | bool | int) -> Is:
    """Say that a field has one of the values."""
    return Is(field, values)


def both(*inner: PanelFilter) -> All:
    """Say that all of these hold."""
    return All(inner)


def either(*inner: PanelFilter) -> Either:
    """Say that one of these holds."""
    return Either(inner)


def fields_of(tree: PanelFilter | None) -> set[str]:
    """Give the fields that a filter names."""
    match tree:
        case None:
            return set()
        case Not(inner):
            return fields_of(inner)
        case All(inners) | Either(inners):
            return set().union(*map(fields_of, inners))
        case Is(field) | Exists(field) | Compared(field):
            return {field}
