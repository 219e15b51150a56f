"""What the tag, class and id of a block say of it: the body, or a kind of furniture. Pure."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from lxml import etree

from pipelines.clean.evidence import NAME_WORDS
from pipelines.clean.phrases import BLOCKS

_KINDS = {word: kind for kind, words in BLOCKS.items() for word in words}
_COMMENTS = ("kommentar", "comment", "comentari", "komentar", "commentaire", "commento", "commenti", "reactie", "yorum")
_NO_COMMENTS = ("commentary", "commentator")
_APART = frozenset({"figcaption", "figure", "aside", "form", "nav", "footer", "menu", "dialog"})
_HIDDEN = frozenset({
    "hidden", "d-none", "sr-only", "visually-hidden", "screen-reader-text", "hide", "is-hidden", "visuallyhidden",
})  # fmt: skip
LONGEST_NAMES = 200


def kind_of_block(element: etree._Element, tag: str, names: str, ident: str) -> str:
    """Give a block's kind: `body`, a kind of furniture (`comments`, ...; a tag such as `aside`), or nothing."""
    style = element.get("style")
    if element.get("hidden") is not None or (style and "display:none" in style.replace(" ", "")):
        return "hidden"
    kind = (kind_of(names) if names else "") or (kind_of(ident) if ident else "") or (tag if tag in _APART else "")
    if kind == "figure" and (
        "table" in names or "quote" in names or next(element.iter("blockquote"), None) is not None
    ):
        return ""
    return kind


@lru_cache(maxsize=8192)
def kind_of(names: str) -> str:
    """Give what class or id names say of an element's text: `body`, a kind of furniture, or nothing."""
    words = [word.lower() for word in NAME_WORDS.findall(names[:LONGEST_NAMES])]
    found = ""
    for word in [*words, *map("".join, pairwise(words))]:
        kind = _KINDS.get(word, "")
        if kind == "body":
            return kind
        found = found or kind
    if not found and any(_is_comments(word) for word in words):
        return "comments"
    if not found and ":" not in names and not _HIDDEN.isdisjoint(names.split()):
        return "hidden"  # a colon: hidden on small screens only
    return found


def _is_comments(word: str) -> bool:
    """Recognise compounds: `leserkommentare`, `usercomments`, `commentlist`."""
    return any(stem in word for stem in _COMMENTS) and not any(word.startswith(no) for no in _NO_COMMENTS)
