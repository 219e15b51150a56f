"""A page's bytes to text without what ends a parser's work, and text as it is stored."""

from __future__ import annotations

import re
import unicodedata

from pipelines import charset
from pipelines.clean.reasons import CleanReason, refuse

# C0 but white space: libxml2 ends the document at some. In UTF-8 these bytes stand only for themselves.
_C0 = bytes(code for code in (*range(32), 127) if code not in b"\t\n\x0c\r")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
# Numeric references to what may not stand in a document: C0, surrogates, non-characters, beyond Unicode.
_REFERENCES = re.compile(
    r"&#(?:[xX]0*+(?:[1-8bcefBCEF]|1[0-9a-fA-F]|[dD][89a-fA-F][0-9a-fA-F]{2}|[fF]{3}[efEF]|[1-9a-fA-F][0-9a-fA-F]{5,}+)?"
    r"|0*+(?:[1-8]|1[124-9]|2[0-9]|3[01]|5[5-7][0-9]{3}|6553[45]|[1-9][0-9]{6,}+)?)(?![0-9a-fA-F]);?"
)


def decode(body: bytes, content_type: str, url: str) -> str:
    """Give the body's text, without characters that end a parser's work: controls, surrogates, references to them.

    Args:
        body: the bytes as fetched, content encodings undone.
        content_type: the Content-Type header; may be empty.
        url: the page, for the message.

    Raises:
        Poison: `undecodable`.
    """
    text, controls = _decoded(body, content_type)
    lost = text.count("\ufffd") + controls
    if lost > charset.MAX_LOST * len(text) + 20:
        refuse(CleanReason.UNDECODABLE, url, f"{lost} of {len(text)} characters")
    return _without_references(text.replace("\ufffe", "").replace("\uffff", ""))


def _without_references(text: str) -> str:
    return _REFERENCES.sub(_reference, text) if "&#" in text else text


def normal(text: str) -> str:
    """Give text as it is stored: NFC, one kind of space, none at the ends, no controls, no invisible marks."""
    if not text.isprintable():
        text = _CONTROLS.sub("", text.translate(_INVISIBLE))
    return " ".join(unicodedata.normalize("NFC", text).split())


_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e"))


def _reference(match: re.Match[str]) -> str:
    number = match[0].strip("&#;")
    base, digits = (16, number[1:]) if number[:1] in ("x", "X") else (10, number)
    significant = digits.lstrip("0")
    if not digits:
        return match[0]
    if len(significant) > len("1114111"):
        return ""
    code = int(significant or "0", base)
    forbidden = code > 0x10FFFF or 0xD800 <= code <= 0xDFFF or code < 0x20 or (code & 0xFFFE) == 0xFFFE
    return "" if forbidden else match[0]


def _decoded(body: bytes, content_type: str) -> tuple[str, int]:
    """Decode and strip control characters; also give how many of these there were."""
    if charset.marked(body):
        return _stripped(charset.decode(body, content_type))
    plain = body.translate(None, _C0)
    controls = len(body) - len(plain)
    try:
        return plain.decode(), controls
    except UnicodeDecodeError:  # in an encoding that is no superset of ASCII, bytes above it may be controls
        text, more = _stripped(charset.decode(plain, content_type))
        return text, controls + more


def _stripped(text: str) -> tuple[str, int]:
    plain = _CONTROLS.sub("", text)
    return plain, len(text) - len(plain)
