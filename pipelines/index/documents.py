"""Article and outcome -> document: its id, its index, its version, its JSON. Pure.

All of them are functions of the record alone, so a replay writes the same document to the same place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from pipelines.index.merge import moment
from schemas.mapping import STEM_ANALYZERS
from schemas.records import Article, Outcome, OutcomeKind, Revision

DERIVED = ("stem", "dated_at", "indexed_at", "site", "site_tree")
"""Fields of an article's document that follow from the others, and from when it is written."""

_FIRST_WINS = 1 << 62
"""Above any time in milliseconds, below Elasticsearch's largest version (2^63 - 1)."""

_MAY_IMPROVE = frozenset({OutcomeKind.SUPERSEDED, OutcomeKind.SKIPPED, OutcomeKind.REJECTED, OutcomeKind.DEAD})
"""Ends of a visit that a later try, such as a replayed dead letter, may replace."""


@dataclass(frozen=True, slots=True)
class IndexFamily:
    """The indices of one kind of document, one for each stretch of time in UTC.

    Attributes:
        template: the index template that they are made from.
        name: what their names begin with.
        period: the stretch of time in their names, as `strftime` takes it.
        alias: the alias that they are read through, which each one gets when it is made; empty for none.
    """

    template: str
    name: str
    period: str
    alias: str = ""

    @property
    def read_name(self) -> str:
        """Give the name under which all of them are searched."""
        return self.alias or f"{self.name}-*"

    def index(self, when: datetime) -> str:
        """Give the index of a time, e.g. `news-articles-2026.11`."""
        return f"{self.name}-{when.astimezone(UTC).strftime(self.period)}"

    def has(self, index: str) -> bool:
        """Tell whether an index is one of them, by its name."""
        try:
            datetime.strptime(index, f"{self.name}-{self.period}")  # noqa: DTZ007 - no time is made
        except ValueError:
            return False
        return True

    def shadow(self, label: str) -> IndexFamily:
        """Give another family of the same template that is behind no alias, so that nobody finds what is in it."""
        return replace(self, name=f"{self.template}-{label}", alias="")


def article_indices(river: str) -> IndexFamily:
    """Give the indices of a river's articles, one a month of their discovery."""
    name = articles_alias(river)
    return IndexFamily(name, name, "%Y.%m", name)


def outcome_indices(river: str) -> IndexFamily:
    """Give the indices of a river's outcomes, one a day of their articles' discovery.

    The day is that of the discovery, not of the outcome: a replay makes an outcome at another time, and would else
    write it a second time into another index. All lines of one article stay together, too.
    """
    name = outcomes_alias(river)
    return IndexFamily(name, name, "%Y.%m.%d", name)


def revision_indices(river: str) -> IndexFamily:
    """Give the indices of former texts of a river's articles, one a month of their discovery."""
    name = revisions_alias(river)
    return IndexFamily(name, name, "%Y.%m", name)


def saved_search_indices(river: str) -> IndexFamily:
    """Give the index of a river's saved searches: there is one, and its number stands in the place of a time."""
    name = f"{river}-saved-searches"
    return IndexFamily(name, name, "1", name)


def alert_delivery_indices(river: str) -> IndexFamily:
    """Give the indices of what was found for saved searches, one a month of the articles' discovery."""
    name = f"{river}-alert-deliveries"
    return IndexFamily(name, name, "%Y.%m", name)


def alert_progress_indices(river: str) -> IndexFamily:
    """Give the index of how far articles were evaluated for saved searches: there is one."""
    name = f"{river}-alert-progress"
    return IndexFamily(name, name, "1", name)


@dataclass(frozen=True, slots=True)
class Document:
    """One document on its way to Elasticsearch.

    Attributes:
        id: the document's id.
        family: the indices it belongs to.
        index: the one of them.
        version: external version; the highest one ever written stays.
        source: the document as one line of JSON.
        revisit: whether an earlier version was indexed before.
    """

    id: str
    family: IndexFamily
    index: str
    version: int
    source: bytes
    revisit: bool = False

    def lines(self) -> bytes:
        """Give the two lines of a bulk request that write it."""
        action = {"_index": self.index, "_id": self.id, "version": self.version, "version_type": "external"}
        return b"".join((orjson.dumps({"index": action}), b"\n", self.source, b"\n"))


def articles_alias(river: str) -> str:
    """Give the alias through which a river's articles are read."""
    return f"{river}-articles"


def outcomes_alias(river: str) -> str:
    """Give the alias through which a river's outcomes are read."""
    return f"{river}-outcomes"


def revisions_alias(river: str) -> str:
    """Give the alias through which the former texts of a river's articles are read."""
    return f"{river}-revisions"


def document(article: Article, version: int, river: str, *, revisit: bool = False) -> Document:
    """Turn an article into its document.

    Args:
        article: the article.
        version: its external version: the fetch time in milliseconds.
        river: the river's name.
        revisit: whether an earlier version was indexed before.
    """
    family = article_indices(river)
    return Document(
        id=article.id,
        family=family,
        index=family.index(article.first_seen),
        version=version,
        source=article_source(article.model_dump(exclude_none=True)),
        revisit=revisit,
    )


def article_source(fields: Mapping[str, Any], indexed_at: datetime | None = None) -> bytes:
    """Give an article's fields, as stored or as `Article` gives them, as JSON; what is derived is made afresh.

    Args:
        fields: the article's fields.
        indexed_at: when it is written; None for no word of it.
    """
    own = {name: value for name, value in fields.items() if name not in DERIVED}
    stamp = {} if indexed_at is None else {"indexed_at": indexed_at}
    return orjson.dumps(own | _derived(own) | stamp, option=orjson.OPT_UTC_Z)


def _derived(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a document has beside its article, for searching.

    When it counts as from, its publication or else its discovery; its site, and all domains that the site belongs to;
    and title and body once more for the article's own language, where there is an analyzer for it.
    """
    derived: dict[str, Any] = {"dated_at": fields.get("published_at") or fields["first_seen"]}
    if site := _site(fields["url"]):
        labels = site.split(".")
        several = 1 if labels[-1].isdigit() else max(1, len(labels) - 1)
        derived |= {"site": site, "site_tree": [".".join(labels[start:]) for start in range(several)]}
    if analyzer := STEM_ANALYZERS.get(fields["language"]):
        derived["stem"] = {analyzer: f"{fields['title']}\n{fields['body']}"}
    return derived


def _site(url: str) -> str:
    """Give the host of an address without `www.`; empty where it has none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def revision_document(fields: Mapping[str, Any], articles: IndexFamily) -> Document:
    """Turn an article's fields, as stored or as `Article` gives them, into the document of its text.

    Its id names article and text, and its version is always the same: a text is written once, whatever is replayed.

    Args:
        fields: the article's fields.
        articles: the family that the article is in.
    """
    family = revision_indices(articles.template.removesuffix("-articles"))
    name = f"{fields['id']}-{fields['content_digest']}"
    kept = {field: fields[field] for field in Revision.model_fields if field in fields}
    source = kept | {"id": name, "article_id": fields["id"]}
    return Document(
        id=name,
        family=family,
        index=family.index(moment(fields["first_seen"])),
        version=1,
        source=orjson.dumps(source, option=orjson.OPT_UTC_Z),
    )


def outcome_document(outcome: Outcome, river: str) -> Document:
    """Turn an outcome into its document in the ledger."""
    family = outcome_indices(river)
    return Document(
        id=outcome.id,
        family=family,
        index=family.index(outcome.first_seen),
        version=outcome_version(outcome),
        source=outcome.to_json(),
    )


def outcome_version(outcome: Outcome) -> int:
    """Say which of two outcomes of one visit stays in the ledger: the one with the higher version.

    The first success stays whatever a replay says later (`superseded`, mostly), and wins over any failure; of two
    failures the later one stays.
    """
    milliseconds = int(outcome.at.timestamp() * 1000)
    return milliseconds if outcome.kind in _MAY_IMPROVE else _FIRST_WINS - milliseconds


def batches(documents: Sequence[Document], most: int, most_bytes: int) -> Iterator[list[Document]]:
    """Cut documents into bulk requests, in order.

    Args:
        documents: what to write.
        most: most documents in one request.
        most_bytes: most bytes of source in one request; a larger document goes alone.
    """
    batch: list[Document] = []
    size = 0
    for item in documents:
        if batch and (len(batch) == most or size + len(item.source) > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.source)
    if batch:
        yield batch
