"""What every record shares: the base class and the types of its fields."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""What our own clocks can show: whatever lies between has a UTC date, a positive version and a name of an index."""


def _of_our_clock(moment: datetime) -> datetime:
    if not EARLIEST <= moment < LATEST:
        raise ValueError(f"a time from {EARLIEST:%Y} on and before {LATEST:%Y} is needed")
    return moment


ClockTime = Annotated[AwareDatetime, AfterValidator(_of_our_clock)]
"""A time that one of our own processes took from its clock; a record with an impossible one cannot be read."""

REVEAL = {"secrets": True}
"""Context of serialization in which secrets are written: for the record's own topic."""

MAX_TITLE = 500
"""Characters of a title; the longest honest headlines have some 300."""
MAX_SUMMARY = 2000
"""Characters of a summary."""
MAX_NAME = 200
"""Characters of the name of a person, an outlet's category or keyword."""
MAX_NAMES = 30
"""Names in a list of them."""
MAX_SOURCE = 260
"""Characters of an outlet's short name: a host, of 253 characters at most, with its port."""
MAX_ADDRESS = 4096
"""Characters of an address; longer ones are no addresses of articles, and are refused or left out, never cut."""
MAX_ADDRESSES = 1000
"""Addresses in a list of them."""
MAX_DETAIL = 500
"""Characters of an explanation for people."""
MAX_MESSAGE = 1000
"""Characters of an error's message."""

_MARK = "…"
_LONE = re.compile("[\ud800-\udfff]")
_LONGEST_CHARACTER = 32
"""Code points that one visible character may have and is not cut through."""


def shortened(text: str, limit: int) -> str:
    """Give text of at most so many characters: a longer one ends with an ellipsis, at a word where there is one."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > max(1, limit - _LONGEST_CHARACTER) and _inside_character(text, end):
        end -= 1
    cut = text[:end]
    word = cut.rpartition(" ")[0].rstrip()
    return (word if len(word) > limit // 2 else cut) + _MARK


def _inside_character(text: str, at: int) -> bool:
    """Tell whether a cut there would part a mark, or what a joiner joins, from what it belongs to."""
    return unicodedata.category(text[at]).startswith("M") or "\u200d" in text[at - 1 : at + 1]


def sound(text: str) -> str:
    """Give text that UTF-8 can hold: lone surrogates, which bytes of no encoding decode to, are replaced."""
    return _LONE.sub("\ufffd", text)


def _cut(limit: int) -> AfterValidator:
    def cut(text: str) -> str:
        return shortened(sound(text), limit)

    return AfterValidator(cut)


def _first(limit: int) -> Callable[[list[str]], list[str]]:
    def first(values: list[str]) -> list[str]:
        return values[:limit]

    return first


# What is too long is cut, and what no encoding takes is replaced, wherever a record is made: so that no article is
# lost for a title, and no title is a book.
Text = Annotated[str, AfterValidator(sound)]
Title = Annotated[str, _cut(MAX_TITLE), Field(json_schema_extra={"maxLength": MAX_TITLE})]
Summary = Annotated[str, _cut(MAX_SUMMARY), Field(json_schema_extra={"maxLength": MAX_SUMMARY})]
Name = Annotated[str, _cut(MAX_NAME), Field(json_schema_extra={"maxLength": MAX_NAME})]
Names = Annotated[list[Name], AfterValidator(_first(MAX_NAMES)), Field(json_schema_extra={"maxItems": MAX_NAMES})]
Source = Annotated[str, _cut(MAX_SOURCE), Field(json_schema_extra={"maxLength": MAX_SOURCE})]
Detail = Annotated[str, _cut(MAX_DETAIL), Field(json_schema_extra={"maxLength": MAX_DETAIL})]
Message = Annotated[str, _cut(MAX_MESSAGE), Field(json_schema_extra={"maxLength": MAX_MESSAGE})]
# Made by `pipelines.urls`, which refuses what is longer: half an address would be another one.
Address = Annotated[str, Field(json_schema_extra={"maxLength": MAX_ADDRESS})]
Addresses = Annotated[
    list[Address], AfterValidator(_first(MAX_ADDRESSES)), Field(json_schema_extra={"maxItems": MAX_ADDRESSES})
]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Unit = Annotated[float, Field(ge=0, le=1)]


class Record(BaseModel):
    """Base of every record."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Read a record as a consumer does: fields of newer versions are ignored.

        Raises:
            pydantic.ValidationError: a field is missing or has a wrong type.
        """
        return cls.model_validate_json(data, extra="ignore")

    def to_json(self) -> bytes:
        """Give the record as compact JSON in UTF-8, without fields that are None."""
        return self.model_dump_json(exclude_none=True).encode()
