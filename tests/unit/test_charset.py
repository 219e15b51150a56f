"""Bytes to text: every declared, undeclared, wrongly declared and damaged encoding, in feeds as in pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.charset import codec_of, decode
from pipelines.errors import FeedFault
from pipelines.feed_formats import parse_feed

TEXTS = [
    ("ru", "Губернатор открыл новый мост после трёх лет строительства", ["cp1251", "koi8-r", "iso8859-5", "cp866"]),
    ("uk", "Міська рада Полтави ухвалила бюджет на наступний рік", ["cp1251", "koi8-u"]),
    ("bg", "Кметът на Варна обяви мерки срещу замърсяването", ["cp1251"]),
    ("pl", "Gdańsk: władze miasta zapowiadają budowę nowej linii, będzie śnieg", ["cp1250", "iso8859-2"]),
    ("cs", "Brno schválilo rozpočet na příští rok, opozice řekla, že je špatný", ["cp1250", "iso8859-2"]),
    ("hu", "A főváros bejelentette, hogy öt új villamosvonalat épít jövőre", ["cp1250", "iso8859-2"]),
    ("el", "Ο δήμαρχος της Πάτρας ανακοίνωσε νέα μέτρα για την κυκλοφορία", ["cp1253", "iso8859-7"]),
    ("tr", "İzmir'de şiddetli yağış ulaşımı olumsuz etkiledi, görüş düştü", ["cp1254"]),
    ("he", "ראש העיר הודיע על תוכנית חדשה לתחבורה ציבורית בחיפה", ["cp1255"]),
    ("ar", "أعلن رئيس البلدية خطة جديدة للنقل العام في المدينة", ["cp1256"]),
    ("lt", "Kauno meras pranešė apie naują viešojo transporto planą, žmonės džiaugiasi", ["cp1257"]),
    ("th", "นายกเทศมนตรีประกาศแผนขนส่งสาธารณะใหม่ของเมือง", ["cp874"]),
    ("ja", "市長は新しい公共交通計画を発表しました。港の再開発も進む", ["cp932", "euc_jp"]),
    ("zh", "市长宣布了新的公共交通计划,港口改造工程明年开始", ["gb18030"]),
    ("ko", "부산시장은 새로운 대중교통 계획을 발표했다", ["cp949"]),
    ("fr", "Le maire a annoncé hier l’élargissement de la forêt près du théâtre", ["cp1252"]),
    ("de", "Der Bürgermeister eröffnet die Straße über den Fluß für Fußgänger", ["cp1252"]),
]
ROWS = [(language, text, encoding) for language, text, encodings in TEXTS for encoding in encodings]


def rss(language: str, *titles: str, declared: str = "utf-8") -> str:
    items = "".join(f"<item><title>{title}</title><link>/a/{at}</link></item>" for at, title in enumerate(titles))
    tag = f"<language>{language}</language>" if language else ""
    return f'<?xml version="1.0" encoding="{declared}"?><rss version="2.0"><channel>{tag}{items}</channel></rss>'


def titles(data: bytes, content_type: str = "") -> list[str]:
    return [
        entry.title for entry in parse_feed(data, url="https://quay.example/feed", content_type=content_type).entries
    ]


@pytest.mark.parametrize(("language", "text", "encoding"), ROWS)
@pytest.mark.parametrize("content_type", ["", "text/xml; charset=utf-8", "text/xml; charset=iso-8859-1"])
def test_a_wrong_declaration_is_found_out(language: str, text: str, encoding: str, content_type: str) -> None:
    assert titles(rss(language, text).encode(encoding), content_type) == [text]


@pytest.mark.parametrize(("language", "text", "encoding"), ROWS)
def test_a_right_declaration_is_followed_without_a_known_language(language: str, text: str, encoding: str) -> None:
    del language
    assert titles(rss("", text, declared=encoding).encode(encoding)) == [text]


@pytest.mark.parametrize(
    ("label", "encoding", "text"),
    [
        ("Shift_JIS", "cp932", "①髙﨑市の㈱みなと、Ⅲ期工事"),
        ("x-sjis", "cp932", "㍻のうちに～終わる"),
        ("windows-31j", "cp932", "㎡あたり①円"),
        ("EUC-KR", "cp949", "똠방각하 펲시콜라 뷁"),
        ("ks_c_5601-1987", "cp949", "햏자와 뷁어"),
        ("gb2312", "gb18030", "朱镕基与喆、囍字"),
        ("gbk", "gb18030", "龘靐齉爩"),
        ("ISO-8859-1", "cp1252", "“Nein” – sagt er … für 5 €"),
        ("latin1", "cp1252", "l’œuvre – ‘non’"),
        ("us-ascii", "cp1252", "“quoted” – dashed"),
        ("ISO-8859-9", "cp1254", "“Iğdır’da” – şöyle"),
        ("TIS-620", "cp874", "“เรือ” ข้ามฟาก…"),
        ("big5", "big5hkscs", "啲嘢喺度"),
        ("koi8-ru", "koi8-u", "їжак і ґанок"),
    ],
)
def test_labels_mean_what_browsers_read(label: str, encoding: str, text: str) -> None:
    assert titles(rss("", text, declared=label).encode(encoding)) == [text]
    assert titles(rss("", text).encode(encoding), f"application/rss+xml; charset={label}") == [text]


def test_euc_jp_has_the_rows_that_pythons_codec_lacks() -> None:
    text = rss("ja", "\uff0a\uff0a", declared="euc-jp").encode("euc_jp")
    assert titles(text.replace("\uff0a\uff0a".encode("euc_jp"), b"\xad\xa1\xad\xea\xc4\xae")) == ["①㈱町"]


@pytest.mark.parametrize("label", ["punycode", "unicode_escape", "idna", "rot13", "zlib", "hex", "no-such", ""])
def test_no_stranger_chooses_a_codec_that_is_no_charset(label: str) -> None:
    assert codec_of(label) == ""
    assert titles(rss("de", "Größe", declared=label or "x").encode(), f"text/xml; charset={label}") == ["Größe"]


MIXED = ["Größe der Straße", "Київ і Львів", "東京の港", "L’été – c’est fini", "Ένα λιμάνι", "ميناء جديد"]


@given(st.integers(0, len(MIXED) - 1), st.integers(0, 80), st.integers(0x80, 0xFF), st.booleans())
def test_one_damaged_byte_harms_one_title(at: int, place: int, byte: int, cut: bool) -> None:
    hurt = MIXED[at].encode()
    place %= len(hurt)
    hurt = hurt[:place] + (b"" if cut else bytes([byte])) + hurt[place + 1 :]
    marked = [f"@{number}@" for number in range(len(MIXED))]
    data = rss("", *marked).encode()
    for number, title in enumerate(MIXED):
        data = data.replace(marked[number].encode(), hurt if number == at else title.encode())
    for content_type in ("", "text/xml; charset=utf-8", "text/xml; charset=iso-8859-1"):
        found = titles(data, content_type)
        assert [title for number, title in enumerate(found) if number != at] == MIXED[:at] + MIXED[at + 1 :]


@pytest.mark.parametrize("text", MIXED)
def test_a_feed_cut_within_a_character_keeps_its_whole_items(text: str) -> None:
    data = rss("", text, "x").encode()
    end = data.index(b"<title>x</title>") + len("<title>")
    for cut in range(1, len(text[0].encode()) + 1):
        assert titles(data[:end] + text.encode()[:cut]) == [text]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize(
    "document",
    [
        rss("de", "Größe", declared="utf-16"),
        '{"version": "https://jsonfeed.org/version/1.1", "items": [{"url": "https://a.example/1", "title": "Größe"}]}',
        "<urlset><url><loc>https://a.example/1</loc><n:news><n:title>Größe</n:title></n:news></url></urlset>",
    ],
    ids=["rss", "json", "sitemap"],
)
def test_unicode_in_every_width_is_read(encoding: str, document: str) -> None:
    if encoding != "utf-8-sig":
        document = document.replace("<n:news>", '<n:news xmlns:n="x">')
    assert titles(document.encode(encoding)) == ["Größe"]


def test_a_damaged_sitemap_is_read_as_a_damaged_feed_is() -> None:
    rows = "".join(
        f"<url><loc>https://a.example/{at}</loc><n:news><n:title>{title}</n:title></n:news></url>"
        for at, title in enumerate(["Größe der Straße", "M@ller", "Київ"])
    )
    found = titles(f'<urlset xmlns:n="x">{rows}</urlset>'.encode().replace(b"@", b"\xfc"))
    assert (found[0], found[2]) == ("Größe der Straße", "Київ")


@given(st.binary(max_size=200), st.sampled_from(["", "x; charset=big5", "x; charset=euc-jp", "x; charset=utf-7"]))
def test_any_bytes_are_text(data: bytes, content_type: str) -> None:
    assert isinstance(decode(data, content_type), str)
    try:
        parse_feed(b"<rss>" + data, url="https://quay.example/feed", content_type=content_type)
    except FeedFault as fault:
        assert fault.reason in {"not-a-feed", "html", "empty"}  # noqa: PT017 - a feed is as good an end
