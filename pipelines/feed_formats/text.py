"""Plain text from what feeds put into their text fields. Pure."""

from __future__ import annotations

import html as entities
import re

from schemas.records.base import shortened

_MAX_MARKUP = 100_000  # characters looked at: some feeds put whole articles with inline images into the summary
_UNSEEN = re.compile(
    r"<(script|style|template)\b[^<>]*>.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<!\[CDATA\[|\]\]>",
    re.DOTALL | re.IGNORECASE,
)
_INLINE = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|cite|code|em|font|i|mark|q|s|small|span|strong|sub|sup|u|wbr)\b[^<>]*>", re.IGNORECASE
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<\?[^<>]*>|<![a-zA-Z][^<>]*>")
_UNFINISHED_TAG = re.compile(r"<[a-zA-Z/!][^<>]*\Z")
# Controls, zero-width characters and lone surrogates say nothing; white space of all kinds is one space.
_NOISE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u2060\ufeff\ud800-\udfff\ufffe\uffff]")
_SPACE = re.compile(r"\s+")


def plain(value: str, *, html: bool, limit: int) -> str:
    """Give text as a reader sees it: no markup, entities resolved, one space between words.

    Args:
        value: the field's content, its own format's escapes undone.
        html: whether it is markup; otherwise `<` and `&` stand for themselves.
        limit: most characters; a longer text ends at a word with an ellipsis.
    """
    if html:
        value = _UNSEEN.sub(" ", value[:_MAX_MARKUP])
        value = _TAG.sub(" ", _INLINE.sub("", value))
        value = entities.unescape(_UNFINISHED_TAG.sub("", value))
    text = _SPACE.sub(" ", _NOISE.sub("", value)).strip()
    return shortened(text, limit)
