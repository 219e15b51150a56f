"""Bytes to text: declared, undeclared and wrongly declared encodings, and what is stripped."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.clean.decode import decode, normal
from pipelines.errors import Poison

FRENCH = "<html><head>{meta}</head><body><p>L'été dernier, la préfète a inauguré le théâtre.</p></body></html>"
JAPANESE = "<html><head>{meta}</head><body><p>市議会は月曜日の夜、予算案を可決した。</p></body></html>"
RUSSIAN = "<html><head>{meta}</head><body><p>Городской совет принял бюджет в понедельник вечером.</p></body></html>"
KOREAN = "<html><head>{meta}</head><body><p>시의회는 월요일 저녁 예산안을 통과시켰다.</p></body></html>"


@pytest.mark.parametrize(
    ("text", "encoding", "content_type", "meta"),
    [
        (FRENCH, "utf-8", "text/html", ""),
        (FRENCH, "utf-8", "text/html; charset=iso-8859-1", ""),
        (FRENCH, "cp1252", "text/html; charset=iso-8859-1", ""),
        (FRENCH, "cp1252", "text/html", '<meta charset="windows-1252">'),
        (FRENCH, "cp1252", "text/html; charset=utf-8", ""),
        (FRENCH, "cp1252", "text/html; charset=no-such-thing", ""),
        (FRENCH, "cp1252", "text/html", '<meta charset="utf-16">'),
        (FRENCH, "utf-8-sig", "text/html", ""),
        (FRENCH, "utf-16", "text/html", ""),
        (FRENCH, "utf-16-le", "text/html", ""),
        (FRENCH, "utf-16-be", "text/html", ""),
        (JAPANESE, "iso2022_jp", "text/html", '<meta charset="iso-2022-jp">'),
        (JAPANESE, "iso2022_jp", "text/html; charset=utf-8", ""),
        (JAPANESE, "cp932", "text/html; charset=Shift_JIS", ""),
        (JAPANESE, "euc_jp", "text/html", '<meta http-equiv="Content-Type" content="text/html; charset=euc-jp">'),
        (RUSSIAN, "cp1251", "text/html; charset=windows-1251", ""),
        (RUSSIAN, "koi8-r", "text/html", '<meta charset="koi8-r">'),
        (KOREAN, "cp949", "text/html; charset=euc-kr", ""),
    ],
)
def test_the_text_is_read_as_it_was_written(text: str, encoding: str, content_type: str, meta: str) -> None:
    written = text.format(meta=meta)
    assert decode(written.encode(encoding), content_type, "u") == written


def test_a_few_broken_bytes_do_not_change_the_encoding() -> None:
    body = (FRENCH.format(meta="") * 20).encode() + b"\xff\xfe\xc3"
    assert "préfète" in decode(body, "text/html", "u")


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\x00b\x0bc\x1fd", "abcd"),
        ("a&#xD800;b&#55296;c", "abc"),
        ("a&#x110000;b&#99999999;c", "abc"),
        ("a&#1;b&#x1f;c", "abc"),
        ("a&#xFFFE;b&#65535;c\ufffe", "abc"),
        ("a&#10;&#x20;&#8217;&#x1F600;&#233;", "a&#10;&#x20;&#8217;&#x1F600;&#233;"),
        ("a&#;b&#x;c", "a&#;b&#x;c"),
        ("tab\tnew\nline", "tab\tnew\nline"),
    ],
)
def test_what_ends_a_parsers_work_is_stripped(raw: str, clean: str) -> None:
    assert decode(raw.encode(), "text/html", "u") == clean


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("  two \u00a0 spaces\t", "two spaces"),
        ("e\u0301te\u0301", "été"),
        ("Geschlechts\u00adeintrag", "Geschlechtseintrag"),
        ("\u200bzero\ufeff width", "zero width"),
        ("c1\u0085\u0092control", "c1control"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_text_is_stored_in_one_form(raw: str, stored: str) -> None:
    assert normal(raw) == stored


@given(st.text())
def test_normal_text_stays_as_it_is(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Cn")), max_size=200))
def test_utf8_is_never_mistaken(text: str) -> None:
    if "&#" not in text and not text.startswith("\ufeff"):
        assert decode(b"<p>" + text.encode(), "text/html; charset=iso-8859-1", "u") == f"<p>{text}"


@pytest.mark.parametrize(
    "label", ["iso-8859-1", "ISO8859-1", "iso_8859-1", "l1", "latin1", "cp819", "us-ascii", "x-cp1252"]
)
def test_every_label_of_latin_1_means_what_browsers_read(label: str) -> None:
    text = "<p>Er sagte “nein” – vielleicht …</p>"
    assert decode(text.encode("cp1252"), f"text/html; charset={label}", "") == text


@pytest.mark.parametrize(
    ("label", "encoding", "text"),
    [
        ("windows-874", "cp874", "<p>เรือข้ามฟากกลับมาแล้ว “วันนี้”</p>"),
        ("tis-620", "cp874", "<p>เรือข้ามฟากกลับมาแล้ว “วันนี้”</p>"),
        ("x-cp1251", "cp1251", "<p>Паром снова ходит — «Остров»</p>"),
        ("euc_kr", "cp949", "<p>똠방각하 여객선이 다시 운항한다</p>"),
        ("gb_2312-80", "gb18030", "<p>渡轮明天恢复航行，公司说。</p>"),
        ("latin5", "cp1254", "<p>Gemi “yarın” İstanbul’a gidiyor</p>"),
    ],
)
def test_labels_beside_the_usual_ones(label: str, encoding: str, text: str) -> None:
    assert decode(text.encode(encoding), f"text/html; charset={label}", "") == text


@example(b"@Pq\x80\x8a@\xe1\xf0", "")  # the guess is EBCDIC
@given(st.binary(max_size=300), st.sampled_from(["", "text/html; charset=latin1", "text/html; charset=iso8859-1"]))
def test_no_text_holds_what_ends_a_parsers_work(body: bytes, content_type: str) -> None:
    try:
        text = decode(body, content_type, "")
    except Poison:
        return
    assert not any(character < " " and character not in "\t\n\x0c\r" for character in text)
    assert not any(0xD800 <= ord(character) <= 0xDFFF for character in text)
