"""Bytes to text: the declared encoding is used where it fits, and never believed where it does not.

Order, after the WHATWG Encoding Standard and what pages really do: byte order mark, ISO-2022-JP's escape sequences,
valid UTF-8 (text in another encoding almost never is), the Content-Type header, the page's own `meta`, a guess.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

from charset_normalizer import from_bytes

from pipelines.clean.reasons import CleanReason, refuse

GUESS_BYTES = 50_000
"""Bytes that the guess looks at: it is the slow path, and more does not make it better."""

TIED = 0.1
"""Difference in charset_normalizer's measures (0 to 1) that is none."""
_LIKELY = ("cp1252", "latin_1", "cp1251", "cp932", "gb18030")

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The standard maps labels to what browsers really decode with; Python's codecs of the same name are stricter.
# Looked up by the label and by the name of Python's codec, which has many labels of its own.
_LABELS = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "x-cp1250": "cp1250",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
    "euc_kr": "cp949",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "big5": "big5hkscs",
    "x-euc-jp": "euc_jp",
}
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.+-]{2,40})", re.IGNORECASE)
_META = re.compile(
    rb"<(?:meta[^<>]{0,300}?charset|\?xml[^<>]{0,100}?encoding)\s*=\s*[\"']?\s*([a-zA-Z0-9_:.+-]{2,40})", re.IGNORECASE
)
_JIS = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
# C0 but white space: libxml2 ends the document at some. In UTF-8 these bytes stand only for themselves.
_C0 = bytes(code for code in (*range(32), 127) if code not in b"\t\n\x0c\r")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
# Numeric references to what may not stand in a document: C0, surrogates, non-characters, beyond Unicode.
_REFERENCES = re.compile(
    r"&#(?:[xX]0*+(?:[1-8bcefBCEF]|1[0-9a-fA-F]|[dD][89a-fA-F][0-9a-fA-F]{2}|[fF]{3}[efEF]|[1-9a-fA-F][0-9a-fA-F]{5,}+)?"
    r"|0*+(?:[1-8]|1[124-9]|2[0-9]|3[01]|5[5-7][0-9]{3}|6553[45]|[1-9][0-9]{6,}+)?)(?![0-9a-fA-F]);?"
)
MAX_LOST = 0.02
"""Share of undecodable characters beyond which bytes are not text."""


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
    if lost > MAX_LOST * len(text) + 20:
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
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return _stripped(body.decode(encoding, "replace").lstrip("\ufeff"))
    if b"\x1b" in body and any(escape in body for escape in _JIS):
        return _stripped(body.decode("iso2022_jp_3", "replace"))
    wide = _wide(body)
    if wide:
        return _stripped(body.decode(wide, "replace"))
    plain = body.translate(None, _C0)
    controls = len(body) - len(plain)
    try:
        return plain.decode(), controls
    except UnicodeDecodeError as error:
        # A page cut in the middle of a character is still UTF-8.
        if error.start >= len(plain) - 4:
            return plain.decode("utf-8", "ignore"), controls
    # In an encoding that is no superset of ASCII, bytes above it may be controls.
    text, more = _stripped(_declared(plain, content_type) or _guessed(plain))
    return text, controls + more


def _stripped(text: str) -> tuple[str, int]:
    plain = _CONTROLS.sub("", text)
    return plain, len(text) - len(plain)


def _wide(body: bytes) -> str:
    """Recognise UTF-16 without a mark by the zero bytes of its markup."""
    head = body[:400]
    if head[1::2].count(0) > len(head) * 0.4:
        return "utf-16-le"
    return "utf-16-be" if head[::2].count(0) > len(head) * 0.4 else ""


def _declared(body: bytes, content_type: str) -> str:
    labels = _CHARSET.findall(content_type) + [label.decode() for label in _META.findall(body[:20_000])]
    for label in labels:
        name = _LABELS.get(label.lower(), label.lower())
        try:
            name = _LABELS.get(codecs.lookup(name).name, name)
            codec = codecs.lookup(name).name
            if codec in ("utf-8", "utf-16", "utf-32", "utf-7") or not codec.isascii():
                continue  # it is not valid UTF-8, and a page that says UTF-16 in ASCII is none
            text = body.decode(name, "replace")
        except (LookupError, UnicodeError, ValueError):
            continue
        if text.count("\ufffd") <= MAX_LOST * len(text):
            return text
    return ""


def _guessed(body: bytes) -> str:
    damaged = body.decode("utf-8", "replace")
    if damaged.count("\ufffd") * 200 < len(damaged):
        return damaged  # UTF-8 with a few broken bytes: the common case of an advertisement glued in
    found = from_bytes(body[:GUESS_BYTES])
    best = found.best()
    if best is None:
        return body.decode("cp1252", "replace")
    # The guess orders equals by chance; of those, what the web is written in comes first.
    equals = {
        match.encoding
        for match in found
        if match.chaos <= best.chaos + TIED and match.coherence >= best.coherence - TIED
    }
    return body.decode(next((name for name in _LIKELY if name in equals), best.encoding), "replace")
