"""What every record shares: the base class and the types of its fields."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

REVEAL = {"secrets": True}
"""Context of serialization in which secrets are written: for the record's own topic."""

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
