"""The outlines of an OPML file, read as feed readers export it: not always as XML. Pure.

Only the attributes of `<outline>` elements matter (http://opml.org/spec2.opml), so they are found by their form: a bare
`&`, an unknown entity or a broken neighbour spoils no other outline, and no XML parser is there to be attacked.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_START = re.compile(r"<!--.*?(?:-->|\Z)|<outline(?=[\s/>])", re.DOTALL | re.IGNORECASE)
_NO_TAG = r"<(?!/?(?:outline|body|opml)\b)"  # a sign of less in a title, not the next element
_ATTRIBUTES = re.compile(
    rf"""(?:[^<>"']|"(?:[^"<]|{_NO_TAG})*+"|'(?:[^'<]|{_NO_TAG})*+')*+>""", re.DOTALL | re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


@dataclass(frozen=True, slots=True)
class Outline:
    """One `<outline>`.

    Attributes:
        line: where it begins, from 1.
        attributes: by their names in lower case, references resolved; empty where it has no end.
        broken: whether it has no end of its own, so that its attributes cannot be told.
    """

    line: int
    attributes: dict[str, str]
    broken: bool = False


def outlines(text: str) -> list[Outline]:
    """Give all outlines in their order, folders and notes included."""
    found: list[Outline] = []
    line, counted = 1, 0
    for start in _START.finditer(text):
        if start[0].startswith("<!--"):
            continue
        line, counted = line + text.count("\n", counted, start.start()), start.start()
        end = _ATTRIBUTES.match(text, start.end())
        said = _ATTRIBUTE.findall(text, start.end(), end.end()) if end else []
        values = {name.lower(): html.unescape(double or single) for name, double, single in said}
        found.append(Outline(line, values, broken=end is None))
    return found
