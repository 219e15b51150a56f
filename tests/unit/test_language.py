"""Which language a text is in, and how many words it has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.language import UNKNOWN, declared, language, word_count

TEXTS = {
    "en": "The council passed its budget on Monday evening after a long debate about the harbour.",
    "de": "Der Stadtrat hat am Montagabend nach langer Debatte den Haushalt beschlossen.",
    "fr": "Le conseil municipal a adopté son budget lundi soir après un long débat sur le port.",
    "es": "El ayuntamiento aprobó el lunes por la noche su presupuesto tras un largo debate.",
    "it": "Il consiglio comunale ha approvato il bilancio lunedì sera dopo un lungo dibattito.",
    "nl": "De gemeenteraad heeft maandagavond na een lang debat de begroting goedgekeurd.",
    "pl": "Rada miasta przyjęła w poniedziałek wieczorem budżet po długiej debacie o porcie.",
    "tr": "Belediye meclisi pazartesi akşamı uzun bir tartışmanın ardından bütçeyi kabul etti.",
    "ru": "Городской совет принял бюджет в понедельник вечером после долгих споров.",
    "ja": "市議会は月曜日の夜、港をめぐる長い議論の末に予算案を可決した。",
    "zh": "市议会周一晚间经过长时间辩论后通过了预算案。",
    "ko": "시의회는 월요일 저녁 긴 토론 끝에 예산안을 통과시켰다.",
    "ar": "أقر مجلس المدينة ميزانيته مساء الاثنين بعد نقاش طويل حول الميناء.",
}


@pytest.mark.parametrize("code", TEXTS)
def test_words_alone_tell_the_language(code: str) -> None:
    assert language(TEXTS[code]) == code


@pytest.mark.parametrize("code", TEXTS)
def test_words_speak_louder_than_one_wrong_declaration(code: str) -> None:
    wrong = "sw"
    assert language(TEXTS[code] * 3, page=wrong) == code


def test_declarations_decide_between_close_languages() -> None:
    text = "Norge vil have en aftale om havnen."
    assert language(text, page="nb-NO", feed="no") == "no"
    assert language(text, page="da", feed="da") == "da"


@pytest.mark.parametrize("text", ["", "123 456", "ok", "—"])
def test_what_says_nothing_is_unknown(text: str) -> None:
    assert language(text) == UNKNOWN


def test_a_declared_language_the_model_does_not_know_is_believed() -> None:
    text = "Inatsisartut ullumi naalakkersuisut siunnersuutaat akuersissutigaat."
    assert language(text, feed="kl") == "kl"
    assert language("Byrådet vedtog budgettet mandag aften.", page="da", feed="kl") == "da"


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en-GB", "en"), ("de_AT", "de"), ("NB-no", "no"), ("eng", "en"), ("iw", "he"), ("zh-Hans-CN", "zh"), ("und", ""),
     ("", ""), (None, ""), ("english", ""), ("x", ""), ("jp-JP", "ja"), ("cz", "cs"), ("en_US", "en"), ("us", "en"),
     ("KR", "ko"), ("se-NO", "se"), ("uk-UA", "uk"), (" fr-FR, en", "fr"), ("e", ""), ("en1", "")],
)  # fmt: skip
def test_declared_tags_become_codes(tag: str | None, code: str) -> None:
    assert declared(tag) == code


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("one two-three isn't four", 4),
        ("予算案を可決した", 4),
        ("東京 Tokyo", 2),
        ("예산안을 통과시켰다", 2),
        ("... — !", 0),
        ("हिन्दी में यह समाचार है", 5),
        ("தமிழ் செய்தி", 2),
        ("বাংলা খবর।", 2),
        ("مُحَمَّدٌ ذَهَبَ", 2),
        ("می‌خواهد برود", 2),
        ("שָׁלוֹם עוֹלָם", 2),
        ("cafe\u0301 noir", 2),
        ("เรือข้ามฟาก", 6),
        ("snake_case", 2),
        ("rock 'n' roll", 3),
    ],
)
def test_words_are_counted_by_script(text: str, words: int) -> None:
    assert word_count(text) == words


@given(st.text(max_size=300), st.text(max_size=10), st.text(max_size=10))
def test_any_text_has_a_code(text: str, page: str, feed: str) -> None:
    assert 2 <= len(language(text, page, feed)) <= 3


def test_a_countrys_code_is_taken_for_its_language() -> None:
    assert language("渡し船は明日から島へ再び運航すると会社が発表した。", page="jp") == "ja"
    assert language("Trajekt na ostrov zítra znovu vypluje, oznámila společnost.", page="cz") == "cs"


@given(st.lists(st.from_regex(r"[a-zäöüé]{1,12}", fullmatch=True), max_size=30))
def test_words_apart_are_counted_one_by_one(words: list[str]) -> None:
    assert word_count(" ".join(words)) == word_count(", ".join(words)) == len(words)


@given(st.text(max_size=200), st.text(max_size=200))
def test_words_of_two_lines_add_up(one: str, two: str) -> None:
    parts = word_count(one) + word_count(two)
    assert parts - 1 <= word_count(f"{one}\n{two}") <= parts
