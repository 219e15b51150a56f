"""Parameters of the API's paths, by the names that the commands have; what is not declared here is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.alerts.saved_searches import MOST_NAME
from pipelines.search.article_operations import MOST_SIMILAR
from pipelines.search.bodies import SortOrder
from pipelines.search.facets import AUTOMATIC
from pipelines.search.formats import Format
from pipelines.search.lexer import MOST_CHARACTERS
from pipelines.search.query import Query, parse_query
from pipelines.search.vocabulary import MOST_TERMS, WORDS
from schemas.records import AlertChannel

MOST_HITS = 100
MOST_VALUES = 200


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
    """Of `/v1/top/{field}`."""

    limit: Annotated[int, Field(ge=1, le=MOST_VALUES, description="Most values of the answer.")] = 10


class TermsParameters(QueryParameters):
    """Of `/v1/terms`."""

    field: Annotated[str, Field(description="`words` of the texts, or a field as `/v1/top/{field}` takes it.")] = WORDS
    limit: Annotated[int, Field(ge=1, le=MOST_TERMS, description="Most terms of the answer.")] = 20


class SimilarParameters(Parameters):
    """Of `/v1/articles/{id}/similar`."""

    limit: Annotated[int, Field(ge=1, le=MOST_SIMILAR, description="Most articles of the answer.")] = 10


class ExportParameters(QueryParameters):
    """Of `/v1/export`."""

    cursor: Annotated[str | None, Field(description="Go on behind the article with this cursor.")] = None
    format: Annotated[Literal["ndjson", "csv"], Field(description="How the articles are written.")] = "ndjson"


class SuggestParameters(Parameters):
    """Of `/v1/suggest`."""

    q: Annotated[str, Field(description="What was typed so far.")] = ""


class NoParameters(Parameters):
    """Of paths that take none."""


class NewAlert(Parameters):
    """What is to be saved, of `/v1/alerts`: the body, as JSON."""

    query: Annotated[str, Field(max_length=MOST_CHARACTERS, description="The query, in the query language.")]
    name: Annotated[str, Field(max_length=MOST_NAME, description="Its name; by default the query.")] = ""
    channel: Annotated[AlertChannel, Field(description="How new articles are delivered.")] = AlertChannel.FEED
    target: Annotated[str, Field(max_length=4096, description="The webhook's URL, or e-mail addresses.")] = ""
    every_seconds: Annotated[int, Field(ge=0, le=604_800, description="Shortest time between two messages.")] = 0
