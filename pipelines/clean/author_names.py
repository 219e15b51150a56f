"""Claimed authors to names: split, turned upright, freed of what stands around them; organisations told apart. Pure."""

from __future__ import annotations

import re

from pipelines.clean import jsonld
from pipelines.clean.decode import normal
from pipelines.clean.phrases import MONTHS, STAMP_WORDS

MAX_AUTHORS = 20
MAX_NAME = 80
MAX_NAME_WORDS = 7

_MARKUP = re.compile(r"<[^<>]{1,500}>")
_BY = re.compile(
    r"^(?:(?:written|posted|published|reported|edited|authored|story|text|words)\s+by|by|by:|texto|texte|text|autor|autora|"
    r"author|authors|作者|文|記者|记者|기자)\b[:：\s]+(?=\S)",
    re.IGNORECASE,
)
# Words for "by" that are also parts of names (von Trapp, da Silva): only before a name of two words or more.
_BY_OR_NAME = re.compile(
    r"^(?:von(?!\s+de[rnm]\b)|par|por|di|da|door|av|af|fra|od|przez)\b[:\s]+(?=\S+\s+\S)", re.IGNORECASE
)
_BETWEEN = re.compile(
    r"(?<!\s)\s*(?:[;,|、，；•·]|(?<=[^\W\d_])/(?=[A-ZÀ-ÞА-Я])|\s(?:and|und|et|en|og|och|i|и|та|with|mit|&)\s|\s[-–—]\s)\s*"
)
# Between two names `y` and `e` part them only where each side is a name of its own: Ortega y Gasset is one person.
_AND_OR_NAME = re.compile(r"(?<=\S)\s+(?:y|e)\s+(?=\S+\s+\S)")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_INVERTED = re.compile(r"\s*([^\s,;][^,;]{0,38}),\s*([^,;]{1,39}?)\s*")
_FAMILY_FIRST = re.compile(r"\s*((?:(?:von|van|de|di|da|del|la|le|al|el)\s)*[A-ZÀ-Þ][^\W\d_]*[a-zß-ÿ][\w’'-]*),\s*"
                           r"([A-ZÀ-Þ][\w’'.-]*(?:\s[A-ZÀ-Þ][\w’'.-]*)?)\s*")  # fmt: skip
_ROLE = re.compile(
    r"^(?:photos?|fotos?|pictures?|images?|videos?|graphics?|grafik|illustrations?|bild(?:er)?|crédits?)\b.*:",
    re.IGNORECASE,
)
_OTHER_WORK = re.compile(
    r"\s(?:updated|edited|reviewed|fact[- ]?checked|checked|photos?|photographs?|illustrat\w+|translated)\s+by\s.*",
    re.IGNORECASE | re.DOTALL,
)
_ASIDE = re.compile(r"\([^()]{0,100}\)")
_NO_NAME = re.compile(
    r"https?:|www\.|@|(?<![^\W_])\d|\d{3}|[<>{}\[\]=]|\.(?:com|org|net|de|png|jpe?g|svg)\b", re.IGNORECASE
)
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "ph.d", "md", "m.d", "mba", "esq", "ma", "rn", "rd"})
_JOB = re.compile(
    r"\b(?:editors?|reporters?|correspondents?|writers?|journalists?|columnists?|contributors?|photographers?|analysts?|"
    r"producers?|redakteur(?:in)?|korrespondent(?:in)?|reporter(?:in)|journaliste|correspondant[e]?|redactor[a]?|"
    r"corresponsal|periodista|giornalista|cheffe|head|chief)$",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\s+(?:(?:link\s+)?copied|share|follow|subscribe|bio|view all posts|posts|more|read more|updated|published|posted|"
    r"staff writer|senior writer|contributing writer|(?:\S+\s+)?(?:editor|reporter|correspondent|columnist|writer))$",
    re.IGNORECASE,
)
_PHRASE = re.compile(
    r"^(?:about|more|view|see|all posts|launched|written|this|über|zur|mehr|à propos)\b|\babout\b|»",
    re.IGNORECASE,
)
_NOBODY = frozenset({
    "admin", "administrator", "editor", "editors", "redaktion", "redaction", "redazione", "redacción", "staff", "by",
    "author", "authors", "the author", "unknown", "none", "null", "guest", "guest author", "username", "user", "name",
    "more",
    "share", "comments", "posts", "logo", "menu", "home", "login", "webmaster", "root", "contributor", "contributors",
    "writer", "anonymous", "about", "news", "nachrichten", "tools", "follow", "subscribe", "print", "image", "profile",
})  # fmt: skip
_ORGANISATION = re.compile(
    r"\b(?:group|media|news|redaktion|redaction|redacción|redazione|rédaction|editorial|team|staff|press|agency|agentur|"
    r"agence|agencia|agenzia|verlag|gmbh|inc|llc|ltd|corp|network|studios?|times|nachrichten|magazine?|online|tv|radio|"
    r"newsroom|desk|bureau|company|foundation|institute|university|ministry|community|channel)\b",
    re.IGNORECASE,
)


def names(claims: list[str]) -> list[str]:
    """Split and clean claimed names; what is no name (addresses, numbers, job titles) is left out."""
    found: dict[str, str] = {}
    for claim in claims:
        text = _bare(normal(_ADDRESS.sub(" ", _ASIDE.sub(" ", _MARKUP.sub(" ", jsonld.unescaped(claim))))))
        text = _OTHER_WORK.sub("", text)
        before = len(found)
        for part in _parts(_upright(text)):
            name = _bare(part).strip(" .,:;-–—·|")
            if len(found) > before and _JOB.search(name):
                continue  # behind a name it is what that person does; alone it may be all that is said
            name = _without_tail(name)
            if _is_name(name):
                found.setdefault(name.casefold(), name)
            if len(found) == MAX_AUTHORS:
                return list(found.values())
    return list(found.values())


def is_organisation(name: str) -> bool:
    """Say whether a name is an organisation's by a word in it: `Lantern Media Group`, `Redaktion Sport`."""
    return bool(_ORGANISATION.search(name)) or ("." in name and " " not in name)


def _bare(text: str) -> str:
    text = re.sub(r"^(?:and|und|et|&)\s+", "", text, flags=re.IGNORECASE)
    return _BY_OR_NAME.sub("", _BY.sub("", text))


def _parts(text: str) -> list[str]:
    parts: list[str] = []
    for part in _BETWEEN.split(text):
        both = _AND_OR_NAME.split(part)
        parts += both if len(both) > 1 and " " in both[0] else [part]
    return parts


def _without_tail(name: str) -> str:
    """Cut what a byline's markup glues to a name: months, roles, buttons, the name again."""
    for _ in range(3):
        cut = _TAIL.sub("", name)
        head, _, last = cut.rpartition(" ")
        if " " in head and last.casefold().strip(".") in MONTHS:
            cut = head
        if cut == name:
            break
        name = cut.strip(" .,:;-–—·|")
    half = len(name) // 2
    return name[:half] if name[:half] == name[half + 1 :] and name[half : half + 1] == " " else name


def _upright(text: str) -> str:
    """Turn `Family, Given; Family, Given` round: between semicolons a comma parts no two people."""
    one = _FAMILY_FIRST.fullmatch(text) if len(text) <= MAX_NAME else None
    if one and one[2].casefold().strip(".") not in _SUFFIXES:
        given = one[2].split()
        if not is_organisation(text) and not all(word.isupper() and len(word) > 2 for word in given):
            return f"{one[2]} {one[1]}"
    parts = [_INVERTED.fullmatch(part) for part in text.split(";")]
    found = [part for part in parts if part]
    if len(found) < 2 or len(found) < len(parts) or any(part[2].casefold().strip(".") in _SUFFIXES for part in found):
        return text
    return "; ".join(f"{part[2]} {part[1]}" for part in found)


def _is_name(name: str) -> bool:
    if not name or len(name) > MAX_NAME or len(name.split()) > MAX_NAME_WORDS:
        return False
    if _ROLE.search(name) or _PHRASE.search(name) or name.casefold() in _SUFFIXES or name.casefold() in STAMP_WORDS:
        return False
    return not _NO_NAME.search(name) and name.casefold() not in _NOBODY
