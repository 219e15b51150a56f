"""The lexicon files say what the tagger can read, and every line of them has an effect."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import pipelines
from pipelines.topics.cues import WITHOUT_SPACES
from pipelines.topics.tagger import WEIGHTS, compile_lexicon, languages
from schemas.media_topics import BY_ID, TOP_TOPICS

FOLDER = Path(pipelines.__file__).with_name("topics") / "lexicon"
FILES = sorted(FOLDER.glob("*.toml"))
NAMES = [file.stem for file in FILES]
CUE = re.compile(r"(\*?[^\W_]+|[^\W_]+\*?)((['’] ?| )[^\W_]+\*?)*")


def read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def cues(table: dict[str, Any]) -> list[str]:
    return [cue for strength in WEIGHTS for cue in table[strength]]


def test_the_top_classes_are_the_17_of_iptc() -> None:
    assert len(BY_ID) == len(TOP_TOPICS) == 17
    assert set(BY_ID) == {f"medtop:{n:02d}000000" for n in range(1, 18)}
    assert all(topic.label == topic.label.lower() and topic.definition.endswith(".") for topic in TOP_TOPICS)


def test_the_notice_names_iptc_and_its_licence() -> None:
    notice = Path(pipelines.__file__).parents[1].joinpath("NOTICE").read_text(encoding="utf-8")
    assert "IPTC Media Topics" in notice
    assert "CC BY 4.0" in notice


def test_english_and_more_are_there() -> None:
    assert (
        languages()
        == frozenset(NAMES)
        >= {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "ar", "tr", "uk", "zh"}
    )


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_table_is_a_class_with_three_lists(file: Path) -> None:
    document = read(file)
    assert document["language"] == file.stem
    topics = {key for key, value in document.items() if isinstance(value, dict)}
    assert topics == set(BY_ID)
    assert set(document) - topics <= {"language", "threshold", "short_threshold", "mask"}
    for topic in topics:
        assert set(document[topic]) - {"threshold"} == set(WEIGHTS), topic


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_cues_are_lower_case_well_formed_and_listed_once_in_a_class(file: Path) -> None:
    document = read(file)
    for topic in BY_ID:
        listed = cues(document[topic])
        assert not {cue for cue in listed if listed.count(cue) > 1}, topic
        assert not [cue for cue in listed if cue != cue.lower() or not CUE.fullmatch(cue)], topic
        assert len(listed) >= 40, topic


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_cue_is_found_in_a_text_that_holds_it(file: Path) -> None:
    document = read(file)
    matcher = compile_lexicon(document).cues
    for cue in {cue for topic in BY_ID for cue in cues(document[topic])}:
        text = cue.replace("*", "")
        assert [shown for _, shown in matcher.find(f"x {text}, y")] == [text], cue
        assert file.stem not in WITHOUT_SPACES or len(text) > 1, f"{cue} is too short"


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_mask_hides_a_cue(file: Path) -> None:
    document = read(file)
    matcher = compile_lexicon(document).cues
    bare = compile_lexicon({key: value for key, value in document.items() if key != "mask"}).cues
    assert document["mask"]
    for phrase in document["mask"]:
        text = phrase.replace("*", "")
        assert list(bare.find(text)), f"{phrase} holds no cue"
        assert not list(matcher.find(text)), f"{phrase} is a cue too"
