"""What a document is by its first element, told without a parser. Pure."""

from __future__ import annotations

import re

BLANK = " \t\r\n\0\ufeff"
"""What may stand before a document's first sign."""

_SNIFF = 16_384
_BLANKS = re.compile(f"[{BLANK}]*+")
_HTML_DOCTYPE = re.compile(r"<!doctype\s+html\b", re.IGNORECASE)
_ELEMENT = re.compile(r"<(?:[\w.-]++:)?([\w.-]++)")


def root_of(text: str) -> str:
    """Give the local name of a text's first element, in lower case, or nothing; `html` after its document type, too.

    It looks past declarations and comments step by step: one expression for all of them takes exponential time on
    an unfortunate run of comments.
    """
    place, text = 0, text[:_SNIFF]
    while True:
        blank = _BLANKS.match(text, place)
        place = blank.end() if blank else place
        if text.startswith("<!--", place):
            end = text.find("-->", place + 4) + 3
        elif text.startswith("<?", place):
            end = text.find("?>", place + 2) + 2
        elif text.startswith("<!", place):
            if _HTML_DOCTYPE.match(text, place):
                return "html"
            end = _declaration_end(text, place)
        else:
            found = _ELEMENT.match(text, place)
            return found[1].lower() if found else ""
        if end <= place:
            return ""
        place = end


def _declaration_end(text: str, place: int) -> int:
    """Give where a document type ends, an internal subset in brackets included; 0 where it has no end."""
    end = text.find(">", place)
    subset = text.find("[", place, end)
    return text.find(">", max(text.find("]", subset), end) if subset >= 0 else place) + 1
