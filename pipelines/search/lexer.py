"""Text of a query -> words and values, whatever a user types. Pure."""

from __future__ import annotations

import re
import unicodedata

from pipelines.search.tree import AUTO, Phrase, Word

MOST_CHARACTERS = 2000
MOST_VALUES = 100
MOST_WORD_CHARACTERS = 200
SHORTEST_PREFIX = 2

LEADING = "-–—+=|&,"
"""What before a word is an operator or punctuation, never part of it."""

OPERATORS = frozenset({"AND", "OR", "NOT"})

_QUOTES = dict.fromkeys(map(ord, "“”„‟«»＂"), '"')
_APOSTROPHES = dict.fromkeys(map(ord, "`´ʼ′"), "'")  # the analyzers know ’ and ‘
_JOINERS = "\u200c\u200d"  # part of words in Persian, Hindi and of emoji
_CJK = re.compile("[\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_SUFFIX = re.compile(r"(?P<star>\*+)?(?:~(?P<edits>\d{0,3}))?$")
_SLOP = re.compile(r"~(\d{1,4})?")
_VALUE = re.compile(r'-?(?:"([^"]*)"?|([^\s",()|]+))')
_ADDRESS = re.compile(r'-?(?:"([^"]*)"?|([^\s"()]+?)(?=,-?https?:|[\s"()]|,$|$))')
_MOST_SLOP = 100


def cleaned(text: str) -> str:
    """Give a query's text in one form: accents composed, one kind of quotation mark, no control characters."""
    text = unicodedata.normalize("NFC", text.translate(_QUOTES).translate(_APOSTROPHES))
    kept = (char if char in _JOINERS or unicodedata.category(char) not in ("Cc", "Cf", "Cs") else " " for char in text)
    return " ".join("".join(kept).split())


def is_cjk(text: str) -> bool:
    """Tell whether there is a Chinese, Japanese or Korean sign."""
    return bool(_CJK.search(text))


def has_words(text: str) -> bool:
    """Tell whether there is anything that an index holds: a letter, a digit or a pictogram."""
    return any(unicodedata.category(char)[0] in "LMN" or unicodedata.category(char) == "So" for char in text)


def read_word(text: str) -> tuple[Word | Phrase | None, str]:
    """Read one word with `*` or `~` behind it, and say what was corrected; None where nothing is left.

    Wildcards elsewhere are left out: a leading one would have the server read every word it has.
    """
    found = _SUFFIX.search(text)
    stem = text[: found.start()] if found else text
    bare = re.sub(r"[*?~]+", "", stem).lstrip(LEADING)[:MOST_WORD_CHARACTERS]
    note = "* and ? count at the end of a word only" if re.search(r"[*?]", stem.rstrip("?")) else ""
    if not has_words(bare):
        return None, "nothing to search for"
    if bare in OPERATORS:
        return Phrase(bare), note
    if found and found["edits"] is not None:
        edits = int(found["edits"]) if found["edits"] else AUTO
        return Word(bare, fuzzy=min(edits, 2)), "at most 2 letters may differ" if edits > 2 else note
    if found and found["star"]:
        if len(bare) < SHORTEST_PREFIX and not is_cjk(bare):
            return Word(bare), f"a beginning needs {SHORTEST_PREFIX} letters; searched as a word"
        return Word(bare, prefix=True), note
    return Word(bare), note


def read_phrase(text: str, at: int, *, exact: bool) -> tuple[Phrase | None, int, str]:
    """Read a phrase whose opening quotation mark is at `at`; give it, where it ends, and what was corrected."""
    end = text.find('"', at + 1)
    note = "" if end >= 0 else "the closing quotation mark was missing"
    inner = text[at + 1 : end if end >= 0 else len(text)].strip()
    at = end + 1 if end >= 0 else len(text)
    slop = 0
    if not note and (found := _SLOP.match(text, at)):
        wanted, at = int(found[1] or 0), found.end()
        slop = min(wanted, _MOST_SLOP)
        note = f"at most {_MOST_SLOP} places" if wanted > slop else ""
    if not has_words(inner):
        return None, at, "nothing to search for"
    return Phrase(inner, exact, 0 if exact else slop), at, note


def read_values(text: str, at: int, *, addresses: bool) -> tuple[list[str], list[str], int, str]:
    """Read values by comma at `at`: those wanted, those excluded with `-`, where they end, what was corrected."""
    pattern = _ADDRESS if addresses else _VALUE
    wanted: list[str] = []
    excluded: list[str] = []
    while found := pattern.match(text, at):
        value = (found[1] if found[1] is not None else found[2]).strip()
        if value:
            (excluded if found[0].startswith("-") else wanted).append(value)
        at = found.end()
        if text[at : at + 1] != ",":
            break
        at += 1
    note = f"only the first {MOST_VALUES} values count" if len(wanted) + len(excluded) > MOST_VALUES else ""
    return wanted[:MOST_VALUES], excluded[: MOST_VALUES - len(wanted[:MOST_VALUES])], at, note
