"""Topics and their evidence, on short articles of our own."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.topics.cues import TopicWords, WordMatcher, lower_case
from pipelines.topics.tagger import MAX_EVIDENCE, MAX_TOPICS, compile_lexicon, languages, tag
from schemas.media_topics import BY_ID

ARTICLES = tomllib.loads(Path(__file__).parents[1].joinpath("data/topics.toml").read_text(encoding="utf-8"))["article"]
NAMES = [f"{article['language']}-{BY_ID[article['topic']].label.split()[0].strip(',')}" for article in ARTICLES]

NEWS = (
    "war peace election parliament police court storm school goal team doctor virus bank profit church film strike "
    "the of a and in , . - cease fire cease-fire d'état İstanbul ﬁre ẞ minister prime house white"
)
any_text = st.text(max_size=400)
pieces = st.sampled_from([*NEWS.split(), "\n", "\u00a0", "e\u0301lection"])
words_of_news = st.lists(pieces, max_size=120).map(" ".join)
texts = st.one_of(any_text, words_of_news)


def word_cues(document: dict[str, Any]) -> TopicWords:
    matcher = compile_lexicon(document).cues
    assert isinstance(matcher, WordMatcher)
    return matcher.words


def found(language: str, cues: list[str], text: str) -> list[str]:
    matcher = compile_lexicon({"language": language, "medtop:15000000": {"strong": cues}}).cues
    return [shown for _, shown in matcher.find(lower_case(text, language))]


@pytest.mark.parametrize(
    ("language", "cues", "text", "shown"),
    [
        ("zh", ["足球", "足球俱乐部", "世界杯"], "中国足球俱乐部参加世界杯。", ["足球俱乐部", "世界杯"]),
        ("zh", ["nba", "ai"], "在NBA和AI公司，air不算", ["nba", "ai"]),
        ("ja", ["テロ", "ドル", "選挙"], "ステロイドとアイドル、テロと選挙、3ドル", ["テロ", "選挙", "ドル"]),
        ("ja", ["*リーグ"], "プレミアリーグ", ["リーグ"]),
        ("ar", ["حكومة", "انتخاب*"], "والحكومة للحكومة وبالحكومة حكومة الانتخابات", 5),
        ("ar", ["مجلس الأمن"], "أعلن لمجلس الامن ومجلس الأمنِ", ["لمجلس الامن", "ومجلس الأمنِ"]),
        ("ar", ["وزير"], "الوزير ووزير زير", 2),
        ("ar", ["مال"], "كمال والمال", ["والمال"]),
        ("tr", ["ısı", "istanbul", "seçim*"], "ISI İSTANBUL Seçimlerde", ["ısı", "istanbul", "seçimlerde"]),
        ("ru", ["самолет*"], "Самолёты и самолеты", ["самолёты", "самолеты"]),
    ],
)
def test_each_way_of_writing_is_read(language: str, cues: list[str], text: str, shown: list[str] | int) -> None:
    hits = found(language, cues, text)
    assert hits == shown or len(hits) == shown


@pytest.mark.parametrize("article", ARTICLES, ids=NAMES)
def test_an_article_gets_its_topic_first(article: dict[str, str]) -> None:
    topics = tag(article["title"], article["body"], article["language"])
    assert topics[0].id == article["topic"], topics
    assert topics[0].label == BY_ID[article["topic"]].label
    assert len(topics[0].evidence) >= 3


def test_the_articles_cover_every_class_and_every_language() -> None:
    assert {article["topic"] for article in ARTICLES if article["language"] == "en"} == set(BY_ID)
    assert {article["language"] for article in ARTICLES} == languages()


@given(title=texts, body=texts, language=st.sampled_from([*sorted(languages()), "und", "xx", ""]))
def test_any_text_gives_sorted_topics_with_evidence_from_the_text(title: str, body: str, language: str) -> None:
    topics = tag(title, body, language)
    text = lower_case(f"{title}\n{body}", language)
    assert len(topics) <= MAX_TOPICS
    assert [t.score for t in topics] == sorted((t.score for t in topics), reverse=True)
    assert len({t.id for t in topics}) == len(topics)
    for topic in topics:
        assert 0.5 <= topic.score <= 1
        assert 1 <= len(topic.evidence) <= MAX_EVIDENCE
        assert len(set(topic.evidence)) == len(topic.evidence)
        assert all(words in text for words in topic.evidence)
    assert tag(title, body, language) == topics


@pytest.mark.parametrize("language", sorted(languages()))
def test_no_text_no_topics(language: str) -> None:
    assert tag("", "", language) == []
    assert tag(" \n\n ", "\n", language) == []


@pytest.mark.parametrize("language", ["xx", "und", "", "../en", "EN"])
def test_a_language_without_a_lexicon_gives_no_topics(language: str) -> None:
    assert tag(ARTICLES[0]["title"], ARTICLES[0]["body"], language) == []


def test_a_protest_paragraph_in_an_article_on_diplomacy_is_not_lost() -> None:
    diplomacy = (
        "The foreign minister met the ambassador for talks on the treaty between the two governments. Diplomats of the "
        "embassy said that bilateral relations would improve before the presidential election, and that parliament "
        "would vote on the sanctions in spring.\n"
    )
    protest = (
        "Outside, riot police used tear gas against protesters. Demonstrators had marched past the armed forces "
        "barracks, where soldiers stood beside armoured vehicles and a water cannon; the unrest went on for hours.\n"
    )
    ids = [topic.id for topic in tag("Foreign minister visits", diplomacy * 4 + protest + diplomacy * 4, "en")]
    assert ids == ["medtop:11000000", "medtop:16000000"]
    assert [topic.id for topic in tag("Foreign minister visits", diplomacy * 8, "en")] == ["medtop:11000000"]


def test_more_evidence_gives_a_higher_score() -> None:
    body = "The minister spoke to parliament about the election. "
    more = body + "Voters and senators heard the prime minister. The referendum is for the legislature."
    assert tag("", more, "en")[0].score > tag("", body, "en")[0].score


def test_a_title_counts_more_than_the_body() -> None:
    said_in_title = tag("Earthquake and tsunami", "People talked about it for days.", "en")
    assert [topic.id for topic in said_in_title] == ["medtop:03000000"]
    body = "People talked about an earthquake and a tsunami for days. The quake shook the coast."
    [said_in_body] = tag("", body, "en")
    assert said_in_body.id == "medtop:03000000"
    assert said_in_body.score < tag(body, "People talked.", "en")[0].score


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("A cruise ship sails", "It left on Monday and will be back in two weeks, said the owner."),
        ("", "She found a hostel near the lake. The souvenir was a wooden spoon, as large as her arm."),
    ],
)
def test_a_short_text_needs_one_strong_cue_in_the_title_or_two_firm_ones(title: str, body: str) -> None:
    assert [topic.id for topic in tag(title, body, "en")] == ["medtop:10000000"]
    long = body + " The rest of it goes on and on about this and that and has no cue at all." * 12
    assert len(long.split()) > 150
    assert tag("", long, "en") == []


def test_one_firm_cue_and_no_more_is_not_enough_in_a_short_text() -> None:
    assert tag("", "The souvenir was a wooden spoon, as long as her arm, and red.", "en") == []


def test_weak_cues_alone_give_nothing() -> None:
    assert tag("Family, father, mother", "The baby and the old dog love their happy neighbour. " * 5, "en") == []


def test_masks_hide_the_cue_inside() -> None:
    lexicon = {"mask": ["war of words"], "medtop:16000000": {"strong": ["war"]}}
    words = word_cues(lexicon)
    assert [len(cue.votes) for cue in words["war"]] == [0, 1]
    assert tag("A war of words", "A war of words it was, nothing but a war of words. " * 3, "en") == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Cease-fire", "cease-fire"),
        ("CEASE FIRE", "cease fire"),
        ("coup d’état", "coup d’état"),
        ("coup d'e\u0301tat", "coup d'état"),
        ("protesters", None),
    ],
)
def test_evidence_is_the_text_as_written(written: str, shown: str | None) -> None:
    body = f"Soldiers, tanks and troops were in the streets. {written}: the army said no more."
    evidence = tag(written, body, "en")[0].evidence
    assert evidence[0] == (shown or written)


def test_a_phrase_does_not_cross_a_sentence() -> None:
    body = "He came to the White. House prices rose in the prime. Minister Lake is a lake, and so is Supreme. Court it."
    assert all(
        words not in {"white. house", "prime. minister", "supreme. court"}
        for topic in tag("", body, "en")
        for words in topic.evidence
    )


def test_the_most_particular_single_word_counts() -> None:
    lexicon = {"medtop:16000000": {"strong": ["protest*"]}, "medtop:12000000": {"strong": ["protestant*"]}}
    words = word_cues(lexicon)
    assert [topic for cue in words["protestants"] for topic, _ in cue.votes] == ["medtop:12000000"]
    assert [topic for cue in words["protests"] for topic, _ in cue.votes] == ["medtop:16000000"]
    assert words["pro"] == ()


def test_a_star_in_front_finds_compounds() -> None:
    words = word_cues({"medtop:11000000": {"strong": ["*minister"]}})
    assert words["außenminister"]
    assert words["minister"]
    assert not words["ministerium"]


@pytest.mark.timeout(20)
def test_endless_words_and_lines_take_no_time() -> None:
    assert tag("x" * 1_000_000, "y" * 1_000_000, "en") == []
    assert tag("", "\n" * 1_000_000, "en") == []
    assert len(tag("", "war " * 200_000, "en")) <= MAX_TOPICS
