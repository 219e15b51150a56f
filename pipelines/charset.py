"""Bytes to text, for pages, feeds, sitemaps and lists: a declared encoding is used only where it fits.

Order, after the WHATWG Encoding Standard (https://encoding.spec.whatwg.org) and what the web really sends: byte order
mark, ISO-2022-JP's escape sequences, UTF-16 by its zero bytes, UTF-8 by its own pattern (damaged or cut, too), the
Content-Type header, the declaration in the document, a guess. Pure.
"""

from __future__ import annotations

import codecs
import re

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

MAX_LOST = 0.02
"""Share of undecodable characters beyond which bytes are not text of an encoding."""

SAMPLE_BYTES = 50_000
"""Bytes of text, markup left out, that plausibility and guess look at."""

_HEAD_BYTES = 20_000
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_JIS = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
# What the standard decodes with, where Python's codec of the same name is stricter.
_WIDER = {
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "shift_jis": "cp932",
    "tis-620": "cp874",
}
# Encodings that old servers still send and the standard's labels leave out. Nothing else of Python's is taken: among
# its codecs are such as punycode and unicode_escape, which no stranger should choose.
_OTHERS = frozenset(
    {"big5hkscs", "cp437", "cp720", "cp737", "cp775", "cp850", "cp852", "cp855", "cp857", "cp858", "cp862", "cp864"}
    | {"cp874", "cp932", "cp949", "gb18030", "iso8859-1", "iso8859-9", "iso8859-11", "mac-cyrillic", "mac-roman"}
    | {"mac-latin2", "mac-greek", "mac-turkish", "johab", "kz1048", "ptcp154", "tis-620", "euc_kr", "gb2312"}
)
_UNICODE = ("utf-8", "utf-16", "utf-32", "utf-7")
_WESTERN = frozenset({"cp1252", "iso8859-15", "cp1254"})
_OF_LANGUAGE = {
    **dict.fromkeys(("ru", "be", "kk", "ky"), ("cp1251", "koi8-u", "iso8859-5", "cp866")),
    "uk": ("cp1251", "koi8-u"),
    **dict.fromkeys(("bg", "mk", "mn"), ("cp1251", "iso8859-5")),
    "sr": ("cp1251", "cp1250", "iso8859-5", "iso8859-2"),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "sl", "hr", "bs", "ro", "sq"), ("cp1250", "iso8859-2")),
    "el": ("cp1253", "iso8859-7"),
    **dict.fromkeys(("tr", "az"), ("cp1254",)),
    **dict.fromkeys(("he", "iw", "yi"), ("cp1255", "iso8859-8")),
    **dict.fromkeys(("ar", "fa", "ur", "ps"), ("cp1256", "iso8859-6")),
    **dict.fromkeys(("lt", "lv", "et"), ("cp1257", "iso8859-13", "iso8859-4")),
    "th": ("cp874",),
    "vi": ("cp1258",),
    "ja": ("cp932", "euc_jp"),
    "zh": ("gb18030", "big5hkscs"),
    "ko": ("cp949",),
    **dict.fromkeys(
        ("de", "fr", "es", "pt", "it", "nl", "sv", "da", "nb", "no", "fi", "is", "ca", "gl", "eu", "ga", "en"),
        ("cp1252",),
    ),
}
# Where two encodings put letters at the same bytes, those of the language decide.
_ALPHABETS = {
    "cs": "áčďéěíňóřšťúůýž",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "pl": "ąćęłńóśźż",
    "hu": "áéíóöőúüű",
    "ro": "ăâîşţ",
    **dict.fromkeys(("sl", "hr", "bs", "sr"), "čćđšž"),
    "lt": "ąčęėįšųūž",
    "lv": "āčēģīķļņšūž",
    "et": "äõöüšž",
    "tr": "âçğıîöşüi̇",
}
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.+-]{2,40})", re.IGNORECASE)
_DECLARATION = re.compile(
    rb"<(?:meta[^<>]{0,300}?charset|\?xml[^<>]{0,100}?encoding)\s*=\s*[\"']?\s*([a-zA-Z0-9_:.+-]{2,40})", re.IGNORECASE
)
_LANGUAGE = re.compile(
    rb"(?:\blang\s*=\s*[\"']?|<(?:dc:)?language>\s*|\"language\"\s*:\s*\")([a-zA-Z]{2})(?![a-zA-Z])", re.IGNORECASE
)
_MARKUP = re.compile(rb"<[^<>]*>|&#?\w{1,10};|[\x00-\x20]+")
_LONG_RUN = re.compile(rb"[\x80-\xff]{4,}")
_WORD = re.compile(r"[^\W\d_]+")
_FOREIGN = re.compile("[\u0370-\u1eff\u0e00-\u0e7f]")  # letters of alphabets that share no word with Latin ones
_ASCII_LETTER = re.compile("[a-zA-Z]")
_PUNCTUATION = "“”„‘’‚–—…«»‹›•€§°№¿¡\u00a0、。「」・（）"


def decode(body: bytes, content_type: str = "") -> str:
    """Give the text of some bytes; what cannot be decoded is U+FFFD, a byte order mark is left out.

    Args:
        body: the bytes, content encodings undone.
        content_type: the Content-Type header; may be empty.
    """
    encoding = marked(body)
    if encoding:
        return body.decode(encoding, "replace").lstrip("\ufeff")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        if error.start >= len(body) - 4 and error.reason == "unexpected end of data":
            return body[: error.start].decode()
    labels = _labels(body, content_type)
    damaged = body.decode("utf-8", "replace")
    if _is_utf8(damaged, [name for label in labels if (name := codec_of(label))]):
        return damaged
    sample, language = _sample(body), _language(body)
    for label in labels:
        name = codec_of(label)
        if name and not name.startswith(_UNICODE) and _fits(sample, name, language):
            text = _read(body, name)
            if text.count("\ufffd") <= MAX_LOST * len(text):
                return text
    return _read(body, _guess(sample, language))


def marked(body: bytes) -> str:
    """Give the codec that bytes show by themselves although ASCII is not a part of it, or that they are marked with.

    A byte order mark, ISO-2022-JP's escape sequences, or the zero bytes of UTF-16; empty where there is none of them.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return encoding
    if b"\x1b" in body and any(escape in body for escape in _JIS):
        return "iso2022_jp_3"
    head = body[:400]
    if head[1::2].count(0) > len(head) * 0.4:
        return "utf-16-le"
    return "utf-16-be" if head[::2].count(0) > len(head) * 0.4 else ""


def codec_of(label: str) -> str:
    """Give Python's codec that reads what browsers read under a label, or nothing for one that nobody knows."""
    name = map_encoding_to_html5(label.strip().lower(), fallback_utf8=False)
    if name is None:
        try:
            name = codecs.lookup(label.strip()).name
        except (LookupError, ValueError):
            return ""
        if name not in _OTHERS and not name.startswith(_UNICODE):
            return ""
    name = codecs.lookup(name).name
    return _WIDER.get(name, name)


def _labels(body: bytes, content_type: str) -> list[str]:
    declared = [found.decode() for found in _DECLARATION.findall(body[:_HEAD_BYTES])]
    return list(dict.fromkeys(_CHARSET.findall(content_type) + declared))[:10]


def _is_utf8(damaged: str, declared: list[str]) -> bool:
    """Tell UTF-8 with damaged bytes from other encodings, by how many of its characters are whole.

    In text of other encodings pairs of bytes that look like UTF-8 are chance: one in twenty characters of alphabets,
    at most three in ten of Thai and Chinese.
    """
    broken = damaged.count("\ufffd")
    whole = len(damaged) - broken - len(damaged.encode("ascii", "ignore"))
    legacy = any(not name.startswith(_UNICODE) for name in declared)
    return whole >= (4 * broken if legacy else broken)


def _sample(body: bytes) -> bytes:
    return _MARKUP.sub(b" ", body[: 4 * SAMPLE_BYTES])[:SAMPLE_BYTES]


def _fits(sample: bytes, name: str, language: str = "") -> bool:
    """Tell whether bytes can be text in an encoding that somebody declared: by what words look like in it."""
    if name in _WESTERN:  # what servers claim who were told nothing
        high = len(sample) - len(sample.decode("ascii", "ignore"))
        if sum(map(len, _LONG_RUN.findall(sample))) * 2 > high:
            return False  # beyond ASCII it has single letters, never whole words of them
        usual = _OF_LANGUAGE.get(language, (name,))
        best = max(_score(sample, other, language) for other in usual)
        return name in usual or _score(sample, name, language) > best
    words = [word for word in _WORD.findall(_read(sample, name)) if _FOREIGN.search(word)]
    return sum(_ASCII_LETTER.search(word) is not None for word in words) * 2 <= len(words)


def _language(body: bytes) -> str:
    found = _LANGUAGE.search(body[:_HEAD_BYTES])
    return found[1].decode().lower() if found else ""


def _guess(sample: bytes, language: str) -> str:
    """Give the likeliest codec of bytes that are no UTF-8, by the detector and by what their language is written in."""
    found = codec_of(detect_encoding(sample, html5_compatible=False) or "")
    found = "koi8-u" if found == "koi8-r" else found  # the same, with letters for lines that no prose has
    if found.startswith(_UNICODE) or found == "ascii" or (found in _WESTERN and not _fits(sample, found)):
        found = ""
    usual = _OF_LANGUAGE.get(language, ())
    if not usual:
        return found or "cp1252"
    scores = {name: _score(sample, name, language) for name in (found, *usual) if name}
    return max(scores, key=lambda name: (scores[name], name in usual))


def _score(sample: bytes, name: str, language: str) -> float:
    """Weigh how much bytes look like prose in an encoding: letters count, what prose seldom has counts against it."""
    alphabet = _ALPHABETS.get(language)
    text = list(_read(sample[:4000], name))
    good = 0.0
    for before, character in zip(["", *text], text, strict=False):
        if character.isascii() or character in _PUNCTUATION:
            continue
        if character == "\ufffd" or not character.isprintable() or "\uff61" <= character <= "\uff9f":
            good -= 5
        elif not character.isalpha() and not "\u0300" <= character <= "\u0e7f":
            good -= 2
        elif (alphabet and character < "\u0250" and character.lower() not in alphabet) or (
            character.isupper() and before.islower()
        ):
            good -= 1
        else:
            good += 1
    return good


def _read(body: bytes, name: str) -> str:
    return body.decode(name, "euc-jp-rows" if name == "euc_jp" else "replace")


def _nec_rows(error: UnicodeError) -> tuple[str, int]:
    """Read the rows of EUC-JP that Python's codec lacks and the standard has (NEC's signs, IBM's kanji), by cp932."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    pair = error.object[error.start : error.start + 2]
    if len(pair) == 2 and pair[0] in (0xAD, 0xF9, 0xFA, 0xFB, 0xFC) and pair[1] >= 0xA1:
        row, cell = pair[0] - 0xA1, pair[1] - 0x80
        lead = row // 2 + 0x81
        trail = cell + (0x7E if row % 2 else 0x1F if cell < 0x60 else 0x20)
        return bytes((lead + 0x40 if lead > 0x9F else lead, trail)).decode("cp932", "replace"), error.start + 2
    return "\ufffd", error.end


codecs.register_error("euc-jp-rows", _nec_rows)
