"""An article's paragraphs in the data that a page's scripts draw it from, for pages that hold no other text. Pure."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from lxml import etree

from pipelines.clean.decode import normal
from pipelines.clean.guard import MAX_JSON_LD
from pipelines.clean.text_line import count_words, is_prose
from pipelines.clean.titles import same_headline

MAX_NODES = 20_000
MAX_SCRIPTS = 5
LEAST_WORDS = 8
"""Words from which a sentence of the data is a paragraph."""

_MARKUP = re.compile(r"<[^<>]{0,500}>")


def script_lines(tree: etree._Element, title: str) -> list[str]:
    """Give the paragraphs that stand at one place of a script's JSON, the place with most words.

    Empty where nothing in the script is the headline, for then it may be any other story's.

    Args:
        tree: the page.
        title: the headline.
    """
    best: list[str] = []
    scripts = (script for script in tree.iter("script") if "json" in (script.get("type") or "").lower())
    for number, script in enumerate(scripts):
        text = script.text or ""
        if number == MAX_SCRIPTS or len(text) > MAX_JSON_LD or "ld+json" in (script.get("type") or ""):
            continue
        places: dict[str, dict[str, None]] = {}
        titled = False
        for place, said in _strings(_loads(text)):
            titled = (
                titled or (bool(title) and said == title) or (len(said) < 2 * len(title) and same_headline(said, title))
            )
            words = count_words(said)
            if words >= LEAST_WORDS and is_prose(said, words):
                places.setdefault(place, {})[said] = None
        found = max(places.values(), key=lambda texts: sum(map(count_words, texts)), default={})
        if titled and sum(map(count_words, found)) > sum(map(count_words, best)):
            best = list(found)
    return best


def _loads(text: str) -> Any:  # noqa: ANN401 - JSON of any shape
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _strings(root: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON of any shape
    """Give each text with the names that lead to it, in the order of the script."""
    stack, looked_at = deque([("", root)]), 0
    while stack and looked_at < MAX_NODES:
        place, value = stack.pop()
        looked_at += 1
        if isinstance(value, str):
            yield place, normal(_MARKUP.sub(" ", value))
        elif isinstance(value, dict):
            stack.extend((f"{place}.{name}"[-200:], inner) for name, inner in reversed(value.items()))
        elif isinstance(value, list):
            stack.extend((place, inner) for inner in reversed(value[:MAX_NODES]))
