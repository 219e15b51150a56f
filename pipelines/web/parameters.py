"""Parameters of the API's paths, by the names that the commands have; what is not declared here is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pipelines.search.bodies import SortOrder
from pipelines.search.facets import AUTOMATIC
from pipelines.search.formats import Format
from pipelines.search.query import Query, parse_query

MOST_HITS = 100
MOST_VALUES = 200

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="Id of an article.")]


class Parameters(BaseModel):
    """What every path's parameters have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class QueryParameters(Parameters):
    """A query."""

    q: Annotated[str, Field(description="What to find, in the query language; empty or `*` finds all.")] = ""

    @property
    def query(self) -> Query:
        """The query, read; no text fails."""
        return parse_query(self.q, datetime.now(UTC))


class SearchParameters(QueryParameters):
    """Of `/v1/search`."""

    sort: Annotated[SortOrder, Field(description="The order of the articles.")] = SortOrder.RELEVANCE
    limit: Annotated[int, Field(ge=0, le=MOST_HITS, description="Most articles of the answer.")] = 10
    cursor: Annotated[str | None, Field(description="`next` of the answer before, of the same query and order.")] = None
    explain: Annotated[bool, Field(description="Whether each article says what its score is made of.")] = False
    format: Annotated[Format, Field(description="How the answer is written.")] = Format.JSON


class TimelineParameters(QueryParameters):
    """Of `/v1/timeline`."""

    interval: Annotated[
        str, Field(description="minute, hour, day, week, month, year, or auto for some 60 steps; in UTC.")
    ] = AUTOMATIC


class TopParameters(QueryParameters):
    """Of `/v1/top/{field}` and `/v1/terms`."""

    limit: Annotated[int, Field(ge=1, le=MOST_VALUES, description="Most values of the answer.")] = 10
