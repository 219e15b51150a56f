"""What is known of an article beside its text: authors and summary, from the page or else the feed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from pipelines.clean import jsonld
from pipelines.clean.author_names import MAX_AUTHORS, is_organisation, names
from pipelines.clean.decode import normal
from pipelines.clean.evidence import line_key
from pipelines.clean.head import Head

_MARKUP = re.compile(r"<[^<>]{1,500}>")
_AUTHOR_METAS = (
    "article:author",
    "author",
    "parsely-author",
    "sailthru.author",
    "cxenseparse:author",
    "byl",
    "og:article:author",
    "article_author",
    "articleauthor",
    "article.author",
    "dcterms.creator",
    "dc.creator",
    "dc:creator",
    "citation_author",
)


def authors_of(head: Head, markup: Callable[[], Sequence[list[str]]], entry: list[str]) -> list[str]:
    """Give the authors' names: JSON-LD's, the meta tags', the bylines', then the feed's.

    An organisation, the site or its publisher first of all, is named only when no person is.

    Args:
        head: the page's claims.
        markup: looks for names in the page, the surer ones first; called only when nobody is named, for it is slow.
        entry: names in the feed.
    """
    sites = _sites(head)

    def foreign(claims: Iterable[list[str]]) -> list[list[str]]:
        return [[name for name in found if not _of_site(name, sites)] for found in claims]

    claimed = claimed_authors(head)
    said = foreign(claimed)
    for found in said:
        if not all(map(is_organisation, found)):
            return found
    guessed = foreign([*markup(), names(entry)])
    for found in guessed:
        if not all(map(is_organisation, found)):
            return found
    return next((found for found in (*said, *guessed, *claimed) if found), [])


def claimed_authors(head: Head) -> list[list[str]]:
    """Give the authors that the JSON-LD and each of the meta tags name, the surest first."""
    claims = [_said(node.get("author") or node.get("creator")) for node in head.nodes]
    claims += [head.metas.get(name, [])[:MAX_AUTHORS] for name in _AUTHOR_METAS]
    label = head.meta("twitter:label1").casefold()
    if re.match(
        r"written by|author|von|par|por|autor|verfasst|geschrieben|écrit|escrito|scritto|skrevet|auteur", label
    ):
        claims.append(head.metas.get("twitter:data1", []))
    return [found for said in claims if said and (found := names(said))]


def _sites(head: Head) -> set[str]:
    """Give keys of the names that are the site's own, whole and without their endings."""
    named = [head.meta("og:site_name"), head.meta("application-name"), head.said("publisher"), head.meta("publisher")]
    host = urlsplit(head.canonical or head.meta("og:url")).hostname or ""
    hosts = [host.removeprefix("www."), host.removeprefix("www.").partition(".")[0]] if host else []
    return {key for name in (*named, *hosts) if (key := line_key(name))}


def _of_site(name: str, sites: set[str]) -> bool:
    key = line_key(name)
    return key in sites or any(
        len(site) >= 6 and (site in key or (key in site and 2 * len(key) > len(site))) for site in sites
    )


def summary_of(head: Head, entry_summary: str) -> str:
    """Give the page's own summary, or else the feed's, as plain text."""
    said = head.meta("og:description", "description", "twitter:description") or head.said("description")
    return _plain(said) or _plain(entry_summary)


def _plain(text: str) -> str:
    # Some sites escape twice: what is left of it once the page is parsed is resolved here.
    return normal(jsonld.unescaped(_MARKUP.sub(" ", text)))


def _said(value: Any) -> list[str]:  # noqa: ANN401 - JSON of any shape
    items = value if isinstance(value, list) else [value]
    return [text for item in items[:MAX_AUTHORS] if (text := jsonld.text_of(item))]
