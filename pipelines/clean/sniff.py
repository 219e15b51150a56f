"""What kind of document a body is, by what is in it; the declared type only breaks ties."""

from __future__ import annotations

import re
from enum import StrEnum

from pipelines.clean.reasons import CleanReason, refuse
from pipelines.markup import root_of

# Signatures after the WHATWG MIME Sniffing Standard, section 6, and those of what feeds like to link to.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\x89PNG", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"RIFF", "RIFF media"),
    (b"OggS", "Ogg media"),
    (b"ID3", "MP3 audio"),
    (b"\x1aE\xdf\xa3", "Matroska video"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"Rar!", "RAR archive"),
    (b"7z\xbc\xaf", "7z archive"),
    (b"\xd0\xcf\x11\xe0", "Office document"),
    (b"\x7fELF", "program"),
    (b"wOF", "font"),
)
_TAG = re.compile(r"<(?:!doctype|/?[a-z][a-z0-9]*(?=[\s/>]))", re.IGNORECASE)
_HTML = re.compile(r"<(?:!doctype html|html|head|body|article|main|div|p|h1|title|meta)\b", re.IGNORECASE)
_XML = frozenset({"rss", "feed", "rdf", "urlset", "sitemapindex", "opml", "svg", "error"})
_OTHER_TYPES = re.compile(
    r"^(?:application/(?:.*json|javascript|.*yaml)|text/(?:css|csv|javascript|calendar))", re.IGNORECASE
)
HEAD = 20_000
"""Characters in which a page shows what it is."""


class ContentKind(StrEnum):
    """The two kinds of document that can hold an article."""

    HTML = "html"
    PLAIN = "plain"


def refuse_binary(body: bytes, url: str) -> None:
    """Refuse what is known not to be text by its first bytes.

    Raises:
        Rejected: `empty-body`, `not-html`.
    """
    start = body[:64].lstrip()
    if not start and not body.strip():
        refuse(CleanReason.EMPTY_BODY, url)
    for magic, name in _MAGIC:
        if start.startswith(magic):
            refuse(CleanReason.NOT_HTML, url, name)
    if body[4:8] == b"ftyp":
        refuse(CleanReason.NOT_HTML, url, "MP4 video")


def kind(text: str, content_type: str, url: str) -> ContentKind:
    """Tell a web page from plain text, by its tags.

    Raises:
        Rejected: `empty-body`, or `not-html` for feeds, JSON, style sheets and the like.
    """
    head = text[:HEAD]
    if not text.strip():
        refuse(CleanReason.EMPTY_BODY, url)
    if (root := root_of(head)) in _XML:
        refuse(CleanReason.NOT_HTML, url, f"XML, <{root}>")
    if _HTML.search(head):
        return ContentKind.HTML
    if _OTHER_TYPES.match(content_type) or ("json" in content_type.lower() and _is_json(text)):
        refuse(CleanReason.NOT_HTML, url, content_type.partition(";")[0])
    if content_type.lower().startswith("text/plain"):
        return ContentKind.PLAIN
    return ContentKind.HTML if _TAG.search(text) else ContentKind.PLAIN


def _is_json(text: str) -> bool:
    bare = text.strip()
    return bare.startswith(("[", "{")) and bare.endswith(("]", "}"))
