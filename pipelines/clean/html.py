"""Text of a page to a tree, and the tree to the lines of its article. The only importer of trafilatura.

Barbaresi, "Trafilatura: A Web Scraping Library and Command-Line Tool for Text Discovery and Extraction", ACL 2021.
"""

from __future__ import annotations

import logging

from lxml import etree
from lxml import html as lxml_html
from trafilatura import extract
from trafilatura.metadata import extract_author

# What it has to say about a page we say as a reason; its warnings name no page.
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
logging.getLogger("htmldate").setLevel(logging.CRITICAL)

# What odd markup makes the extractor stumble over; the page then goes the linear way.
_STUMBLES = (ValueError, TypeError, AttributeError, LookupError, AssertionError, RecursionError, etree.LxmlError)


def parse(text: str) -> lxml_html.HtmlElement | None:
    """Parse a page once for everything that reads it; None when there is nothing in it to parse.

    One element class instead of a choice for each tag makes the extractor 1.1 times as fast; `huge_tree` keeps text
    that is nested deeper than 256 elements, up to 2,048.
    """
    parser = lxml_html.HTMLParser(
        collect_ids=False,
        default_doctype=False,  # type: ignore[call-arg]  # the stubs are older than the option
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )
    parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=lxml_html.HtmlElement))
    try:
        return lxml_html.document_fromstring(text.encode(), parser=parser)
    except (etree.LxmlError, ValueError):
        return None


def main_lines(tree: lxml_html.HtmlElement) -> list[str]:
    """Give the lines of the page's main text as trafilatura finds it; empty when it finds none.

    Never with `deduplicate`: it remembers earlier pages, so the answer would depend on what came before.
    """
    try:
        text = extract(tree, include_comments=False)
    except _STUMBLES:
        return []
    return text.split("\n") if text else []


def guess_authors(tree: lxml_html.HtmlElement) -> str:
    """Look for the authors' names in the page's markup; separated by semicolons, empty when there are none."""
    try:
        return extract_author(tree) or ""
    except _STUMBLES:
        return ""
