"""Foreign text for eyes: nothing that could steer a terminal or forge a log line, and nothing honest lost."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.printable import escaped, escaped_line, json_escaped

BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}

ANY = st.text(st.characters(exclude_categories=()))  # lone surrogates, too
STEERING = st.text(st.sampled_from("a\\\t\n\r\x00\x07\x1b\x7f\x85\x9b\x9d\u2028\u2029\u202e\u2066\ud800\udfff"))


def unfit(character: str, *, newlines: bool) -> bool:
    if character == "\t" or (newlines and character == "\n"):
        return False
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or ord(character) in BIDI


@given(ANY | STEERING)
def test_nothing_that_steers_is_left(text: str) -> None:
    assert not [each for each in escaped(text) if unfit(each, newlines=True)]
    assert not [each for each in escaped_line(text) if unfit(each, newlines=False)]
    assert escaped(text).count("\n") == text.count("\n")
    escaped(text).encode()


@given(ANY | STEERING)
def test_all_else_stays_and_once_is_enough(text: str) -> None:
    honest = "".join(each for each in text if not unfit(each, newlines=False))
    assert escaped_line(honest) == honest
    assert escaped(escaped(text)) == escaped(text)
    assert escaped_line(escaped_line(text)) == escaped_line(text)


@given(ANY | STEERING)
def test_json_means_what_it_meant(text: str) -> None:
    document = json_escaped(json.dumps({text: [text]}, ensure_ascii=False, indent=2))
    # Not compared with the value itself: two lone halves side by side are one character in JSON.
    assert json.loads(document) == json.loads(json.dumps({text: [text]}))
    assert not [each for each in document if unfit(each, newlines=True)]
    document.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\u009b31m", r"\x9b31m"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("one\r\ntwo", r"one\r\ntwo"),
        ("\udcff", r"\udcff"),
        ("a\u2028b", r"a\u2028b"),
        ("שלום\u200f می\u200cخواهم 🏴\U000e0067\U000e007f ไทย", "שלום\u200f می\u200cخواهم 🏴\U000e0067\U000e007f ไทย"),
        (r"C:\x1b", r"C:\x1b"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert escaped_line(text) == shown
